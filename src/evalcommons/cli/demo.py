"""`evalcommons demo`: a hub with a real benchmark in it, made before your eyes and checked."""

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalcommons.cli.hubs import Json
from evalcommons.cli.printing import print_json
from evalcommons.core.errors import AlreadyExists
from evalcommons.core.problems import printable

if TYPE_CHECKING:
    from rich.console import Console

    from evalcommons.cli.demo_story import Done, Stage

_WIDTH_WITHOUT_TERMINAL = 120
_CLIENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_OFFLINE": "0",
}


def demo(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder for the hub, empty or new; without it, one that is removed at the end."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 0,
    end: Annotated[bool, typer.Option("--exit", help="End when the story is told, instead of staying up.")] = False,
    as_json: Json = False,
) -> None:
    """Start a hub with a real benchmark in it, to look around.

    GSM8K and the four GPT-3 systems of Cobbe et al. 2021: registered, reported, corrected, disputed and read back, each
    step with git, huggingface_hub or HTTP as anybody would do it. Every step is checked; the exit code is 0 only if all
    was as expected. Without --exit the hub then stays up until Ctrl+C, at the address that is printed.
    """
    started = time.perf_counter()
    _prepare_clients()
    from rich.console import Console

    from evalcommons.cli.demo_story import Stage, play
    from evalcommons.config import Settings
    from evalcommons.hub import open_hub
    from evalcommons.web.server import running

    console = Console(stderr=as_json, highlight=False, width=None if _is_terminal(as_json) else _WIDTH_WITHOUT_TERMINAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _folder(data) as folder, tempfile.TemporaryDirectory(prefix="evalcommons-demo-clones-") as clones:
        # Not from the environment: EVALCOMMONS_DATABASE_URL may name a hub that people work with.
        hub = open_hub(Settings(data=folder, host="127.0.0.1", port=port))
        with contextlib.closing(hub), running(hub) as url:
            stage = Stage(hub, url, Path(clones))
            console.print("GSM8K and the four GPT-3 systems of Cobbe et al. 2021, on a hub of your own", style="bold")
            console.print(
                f"The hub answers at {url}; its folder is {folder}{'' if data else ' (removed at the end)'}\n"
            )
            steps = []
            with console.status("…") as status:
                for done in play(stage, lambda step: status.update(f"{step.who} {step.what} …")):
                    steps.append(done)
                    _tell(console, len(steps), done)
            seconds = time.perf_counter() - started
            if as_json:
                print_json(_as_json(stage, steps, seconds))
                sys.stdout.flush()
            else:
                _show_ending(console, stage)
            _conclude(console, stage, seconds)
            if not end:
                with _told_to_stop() as wait:
                    _invite(console, stage)
                    wait()
    if stage.failures:
        raise typer.Exit(1)


def _prepare_clients() -> None:
    """Keep the user's settings of huggingface_hub out of the story; it reads them when it is imported."""
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        os.environ.pop(name, None)
    os.environ.update(_CLIENT)
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = "127.0.0.1"


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder for the hub: the one that was asked for, or one that is removed at the end.

    raises  AlreadyExists when there is something in it
    """
    if given is None:
        with tempfile.TemporaryDirectory(prefix="evalcommons-demo-", ignore_cleanup_errors=True) as made:
            yield Path(made)
        return
    if given.exists() and any(given.iterdir()):
        raise AlreadyExists(
            f"There is something in {given}: the demo wants a folder of its own; to start a hub that is there already, "
            f"type evalcommons serve --data {given}"
        )
    yield given


def _is_terminal(as_json: bool) -> bool:
    return (sys.stderr if as_json else sys.stdout).isatty()


@contextlib.contextmanager
def _told_to_stop() -> Iterator[Callable[[], object]]:
    """A way to wait for Ctrl+C or SIGTERM, also one that comes before the wait; the server's thread answers meanwhile.

    A pipe keeps the news: an exception could strike while the last words are printed, an Event could hang in a handler.
    """
    heard, tell = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.write(tell, b"."))
    try:
        yield lambda: os.read(heard, 1)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        os.close(heard)
        os.close(tell)


# --- what is printed --------------------------------------------------------------------------------------------------


def _tell(console: "Console", number: int, done: "Done") -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(width=2, justify="right")
    line.add_column(width=11, style="bold")
    line.add_column(ratio=1)
    line.add_column(width=7, justify="right", style="dim")
    said = Text.assemble(f"{done.step.what}\n", (done.outcome.text, "dim"))
    line.add_row(str(number), done.step.who, said, f"{done.seconds:.2f} s")
    console.print(line)
    if done.outcome.quote:
        console.print(Padding(Text(printable(done.outcome.quote), "yellow"), (0, 0, 0, 17)))


def _show_ending(console: "Console", stage: "Stage") -> None:
    """The board, what each model shows, and what no longer stands."""
    from evalcommons.cli.demo_story import BENCHMARK

    ending = stage.ending
    _print_rows(
        console,
        f"The board of {BENCHMARK}",
        ("RANK", "MODEL", "ACCURACY", "REPORTED BY", "SOURCE"),
        [(row["rank"], row["modelId"], row["value"], _reporter(row), row["source"]["url"]) for row in ending.board],
    )
    _print_rows(
        console,
        "What each model shows: every report that stands",
        ("MODEL", "ACCURACY", "REPORTED BY", "SOURCE", "NOTES"),
        [
            (model, row["data"]["value"], _reporter(row), row["data"]["source"]["name"], row["data"].get("notes", ""))
            for model, rows in ending.results.items()
            for row in rows
        ],
    )
    _print_rows(
        console,
        "What no longer stands, and why: nothing disappears silently",
        ("MODEL", "ACCURACY", "REPORTED BY", "UNTIL (UTC)", "WHY"),
        [(gone.model, gone.value, gone.by, gone.until[11:19], gone.why) for gone in ending.withdrawn],
    )


def _reporter(row: dict[str, Any]) -> str:
    pull = row.get("pullRequest")
    return f"community, pull request {pull}" if pull else "author"


def _print_rows(console: "Console", title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(columns):
        numbers = bool(rows) and all(isinstance(row[place], (int, float)) for row in rows)
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold", no_wrap=heading == "MODEL")
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    console.print()
    console.print(table)


def _conclude(console: "Console", stage: "Stage", seconds: float) -> None:
    from rich.text import Text

    wrong = stage.failures
    console.print()
    if wrong:
        console.print(Text(f"{len(wrong)} of {stage.checked} checks failed, in {seconds:.1f} s:", "bold red"))
        for failure in wrong:
            console.print(Text(f"- {printable(failure)}"))
    else:
        console.print(Text(f"All {stage.checked} checks passed, in {seconds:.1f} s.", "bold green"))


def _invite(console: "Console", stage: "Stage") -> None:
    """Where to look, and what to type."""
    from rich.text import Text

    from evalcommons.cli.demo_story import BENCHMARK, LARGE_VERIFIED

    url, model = stage.url, LARGE_VERIFIED.repo
    lines = (
        "",
        "The hub stays up until Ctrl+C. Open in a browser:",
        f"  {url}/",
        f"  {url}/datasets/{BENCHMARK}",
        f"  {url}/{model}",
        f"  {url}/{model}/discussions/1",
        "Or type in another terminal:",
        f"  HF_ENDPOINT={url} hf datasets leaderboard {BENCHMARK}",
        f"  evalcommons leaderboard {BENCHMARK} --endpoint {url}",
        f"  git clone {url}/{model}",
        f"  HF_ENDPOINT={url} HF_TOKEN={stage.tokens['evaluator']} hf auth whoami",
    )
    console.print(Text("\n".join(lines)), soft_wrap=True)


def _as_json(stage: "Stage", steps: Sequence["Done"], seconds: float) -> dict[str, Any]:
    ending = stage.ending
    return {
        "url": stage.url,
        "seconds": round(seconds, 3),
        "checks": stage.checked,
        "failures": stage.failures,
        "steps": [
            {
                "who": done.step.who,
                "what": done.step.what,
                "outcome": done.outcome.text,
                **({"quote": done.outcome.quote} if done.outcome.quote else {}),
                "seconds": round(done.seconds, 3),
            }
            for done in steps
        ],
        "board": ending.board,
        "results": ending.results,
        "withdrawn": [asdict(gone) for gone in ending.withdrawn],
    }
