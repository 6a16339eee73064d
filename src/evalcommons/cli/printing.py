"""What commands print: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from evalcommons.core.problems import printable

_WIDTH_WITHOUT_TERMINAL = 200


def print_json(data: Any) -> None:
    """`data` as JSON on the standard output."""
    json.dump(data, sys.stdout, indent=2, ensure_ascii=False)
    print()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str, caption: str = "") -> None:
    """Rows under headings; numbers stand to the right. `empty` is said when there are none."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH_WITHOUT_TERMINAL)
    if not rows:
        console.print(Text(printable(empty)))
        if caption:
            console.print(Text(printable(caption), "dim"))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, heading in enumerate(columns):
        numbers = all(isinstance(row[place], (int, float)) for row in rows)
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        # Text takes no markup, and names from elsewhere may hold escape codes.
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    console.print(table)
    if caption:
        console.print(Text(printable(caption), "dim"))
