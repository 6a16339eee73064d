"""The command's door: which commands there are, and errors as exit codes with what to do next."""

import os
import sys
import tempfile
import traceback
from importlib import import_module
from typing import Annotated, NamedTuple

import typer

DEBUG = "EVALCOMMONS_DEBUG"
"""Set to anything, it shows where an error comes from."""

BUG = 70
"""Exit code of an error that nobody foresaw; sysexits.h calls it EX_SOFTWARE."""


class Row(NamedTuple):
    """A command of the first level.

    target  `module:name` of its function, or of the Typer application of a group
    help    its line in `evalcommons --help`
    """

    target: str
    help: str


COMMANDS = {
    "serve": Row("evalcommons.cli.serve:serve", "Start the hub and keep it running."),
    "admin": Row("evalcommons.cli.admin:app", "Look after a hub: accounts, tokens, benchmarks, the index."),
    "demo": Row("evalcommons.cli.demo:demo", "Start a hub with a real benchmark in it, to look around."),
    "check": Row("evalcommons.cli.check:check", "Check evaluation files on disk, as a push to a hub would."),
    "leaderboard": Row("evalcommons.cli.leaderboard:leaderboard", "Show the board of a benchmark."),
}


def build(wanted: str | None) -> typer.Typer:
    """The command line, with the code of one command; `None` loads every command, for the docs.

    The others stand there by name and help only: importing them would make `--help` slow.
    """
    app = typer.Typer(
        name="evalcommons",
        help="A hub you run yourself, where model scores are reported in the open.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # Rich's help pages take 0.2 s to import
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, row in COMMANDS.items():
        if wanted not in (None, name):
            app.command(name, help=row.help)(_not_loaded)
            continue
        module, _, attribute = row.target.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, help=row.help)
        else:
            app.command(name)(found)
    return app


def main() -> int:
    """Run the command that was typed; returns its exit code."""
    words = sys.argv[1:]
    app = build(next((word for word in words if not word.startswith("-")), ""))
    try:
        app(args=words, prog_name="evalcommons")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception as error:  # noqa: BLE001  (the last door: whatever comes is told in one line)
        return _tell(error)
    return 0


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"evalcommons {version('evalcommons')}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help=f"Show where an error comes from; so does {DEBUG}=1.")] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"


def _not_loaded() -> None:
    raise AssertionError("a command is called only after `build` has loaded it")


def _tell(error: Exception) -> int:
    """Say what went wrong and what to do next; returns the exit code."""
    from evalcommons.cli.errors import exit_code, next_step

    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    code = exit_code(error)
    if code is None:
        code = BUG
        with tempfile.NamedTemporaryFile("w", prefix="evalcommons-", suffix=".log", delete=False) as log:
            traceback.print_exception(error, file=log)
        said = f"something went wrong that should not: {type(error).__name__}: {error}"
        todo = f"Report it with the file {log.name}; {DEBUG}=1 shows the same here."
    else:
        said, todo = str(error), next_step(error)
    from evalcommons.core.problems import printable

    print(f"evalcommons: {printable(said).rstrip('.')}.", file=sys.stderr)
    print(printable(todo), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
