"""Errors as exit codes, and the next step for each family."""

from evalcommons.core import errors

EXIT: dict[type[Exception], tuple[int, str]] = {
    errors.NotSignedIn: (3, "Set HF_TOKEN to an access token of this hub."),
    errors.Forbidden: (3, "Ask an administrator of the namespace, or use a token that allows it."),
    errors.NotFound: (4, "Check the spelling; the list commands of `evalcommons admin` show what there is."),
    errors.Conflict: (5, "Choose another name, or look at what is there first."),
    errors.Invalid: (1, "Mend it and run the command again; --help says what it takes."),
    errors.Unavailable: (6, "Is the hub running, and is this its address? Try again once it answers."),
    errors.EvalCommonsError: (1, "Run the command with --help to see what it takes."),
    OSError: (6, "Check that the folder exists, has room, and that you may write to it."),
}
"""The exit code of an error and what to do next; the first base class of an error that stands here decides."""


def exit_code(error: Exception) -> int | None:
    """The exit code of an error, or None for one that nobody foresaw."""
    row = _row(error)
    return row[0] if row else None


def next_step(error: Exception) -> str:
    """What to do next, as a sentence."""
    row = _row(error)
    return row[1] if row else ""


def _row(error: Exception) -> tuple[int, str] | None:
    return next((EXIT[base] for base in type(error).__mro__ if base in EXIT), None)
