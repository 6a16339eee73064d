"""Opening the hub that a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalcommons.config import Settings, default_of, help_of
from evalcommons.core.errors import NotFound

if TYPE_CHECKING:
    from evalcommons.hub import Hub

Data = Annotated[Path | None, typer.Option("--data", help=help_of("data"), show_default=default_of("data"))]
"""`--data`: the folder of the hub."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
"""`--json`: for programs."""


@contextmanager
def opened(data: Path | None, *, make: bool = False) -> Iterator["Hub"]:
    """The hub in this folder, whether its server is running or not.

    make    start a new hub if there is none; otherwise a mistyped folder is an error
    raises  NotFound
    """
    settings = Settings.load(data=data)
    if not make and not settings.data.is_dir():
        raise NotFound(f"There is no hub in {settings.data}: name its folder with --data")
    from evalcommons.hub import open_hub

    hub = open_hub(settings)
    try:
        yield hub
    finally:
        hub.close()
