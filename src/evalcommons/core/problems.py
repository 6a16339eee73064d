"""What is wrong with a submitted file: where it is, what it is, and the remedy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

MAX_PROBLEMS = 100
"""Problems listed for one file; a hostile file could otherwise have a million."""


class Severity(StrEnum):
    """What a problem does to a push."""

    ERROR = "error"
    """The push is refused."""
    WARNING = "warning"
    """The push lands and the warning is shown."""


class Code(StrEnum):
    """The name of each problem, the same in the push, the API, the web editor and the command.

    What each means and how to mend it: docs/evaluation-files.md.
    """

    # any file
    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf8"
    EMPTY = "empty"
    SYNTAX = "syntax"
    SECOND_DOCUMENT = "second-document"
    ANCHOR = "anchor"
    ALIAS = "alias"
    TAG = "tag"
    MERGE_KEY = "merge-key"
    DUPLICATE_KEY = "duplicate-key"
    KEY_NOT_TEXT = "key-not-text"
    TOO_DEEP = "too-deep"
    TOO_MANY_VALUES = "too-many-values"
    HIDDEN_CHARACTER = "hidden-character"
    AMBIGUOUS_TEXT = "ambiguous-text"
    AMBIGUOUS_NUMBER = "ambiguous-number"
    TOO_MANY_PROBLEMS = "too-many-problems"
    # any field
    MISSING_FIELD = "missing-field"
    UNKNOWN_FIELD = "unknown-field"
    WRONG_TYPE = "wrong-type"
    WRONG_CHOICE = "wrong-choice"
    OUT_OF_RANGE = "out-of-range"
    NOT_FINITE = "not-finite"
    TOO_LONG = "too-long"
    BAD_ID = "bad-id"
    BAD_URL = "bad-url"
    BAD_DATE = "bad-date"
    UNQUOTED_DATE = "unquoted-date"
    BAD_REVISION = "bad-revision"
    SHORT_REVISION = "short-revision"
    # results
    SOURCE_WITHOUT_URL = "source-without-url"
    DUPLICATE_ENTRY = "duplicate-entry"
    UNKNOWN_BENCHMARK = "unknown-benchmark"
    NOT_A_BENCHMARK = "not-a-benchmark"
    UNKNOWN_TASK = "unknown-task"
    OUT_OF_BOUNDS = "out-of-bounds"
    UNKNOWN_VARIANT = "unknown-variant"
    AMBIGUOUS_VARIANT = "ambiguous-variant"
    # benchmarks and board rules
    UNKNOWN_FRAMEWORK = "unknown-framework"
    DUPLICATE_TASK = "duplicate-task"
    DUPLICATE_VARIANT = "duplicate-variant"
    DUPLICATE_EDITION = "duplicate-edition"
    UNIT_AND_BOUNDS = "unit-and-bounds"
    RULES_WITHOUT_BENCHMARK = "rules-without-benchmark"
    # evidence
    UNKNOWN_VERSION = "unknown-version"
    BAD_SHA256 = "bad-sha256"
    COUNTS_DISAGREE = "counts-disagree"
    UNMATCHED_EVIDENCE = "unmatched-evidence"
    EVIDENCE_WITHOUT_RESULTS = "evidence-without-results"
    # names of files
    NOT_READ = "not-read"
    # cards
    NO_METADATA = "no-metadata"
    UNKNOWN_LICENSE = "unknown-license"
    UNKNOWN_TASK_TYPE = "unknown-task-type"
    BAD_LANGUAGE = "bad-language"
    MISSING_LICENSE_NAME = "missing-license-name"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file.

    path          the file, as the person who sent it knows it
    line, column  where it starts, both counted from 1; column counts characters
    code          kebab-case name of the kind of problem, one of `Code`
    message       what is wrong, with the words that are wrong
    hint          what to do about it; empty where the message says it all
    severity      errors refuse a push, warnings land and show
    """

    path: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def text(self) -> str:
        """`path:line:column: error: message (code)`, and the hint on a line of its own.

        Control characters are written as escapes, so that a file cannot drive the terminal of who reads about it.
        """
        line = f"{self.path}:{self.line}:{self.column}: {self.severity}: {self.message} ({self.code})"
        return printable(f"{line}\n    {self.hint}" if self.hint else line)

    def as_dict(self) -> dict[str, str | int]:
        """The problem as JSON has it; `hint` may be empty."""
        return {
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "code": str(self.code),
            "severity": str(self.severity),
            "message": self.message,
            "hint": self.hint,
        }


class Parsed(NamedTuple, Generic[T]):
    """What a file says and what is wrong with it.

    value     None when an error makes the file unusable
    problems  errors and warnings in file order
    """

    value: T | None
    problems: tuple[Problem, ...]


class Findings:
    """The problems of one file while it is being read.

    Keeps the first `MAX_PROBLEMS`, then says once that there are more.
    """

    __slots__ = ("_problems", "has_errors", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.has_errors = False
        self._problems: list[Problem] = []

    @property
    def is_full(self) -> bool:
        """Are there as many problems as are listed? What costs time to word is then not worth wording."""
        return len(self._problems) > MAX_PROBLEMS

    def did_you_mean(self, word: str, known: Iterable[str]) -> str:
        """`Did you mean "x"?` as long as the list takes problems: a hostile file must not buy a million comparisons."""
        return "" if self.is_full else did_you_mean(word, known)

    def error(self, position: tuple[int, int], code: Code, message: str, hint: str = "") -> None:
        """Note something that refuses the file; `position` is (line, column), counted from 1."""
        self.has_errors = True
        self._add(position, code, message, hint, Severity.ERROR)

    def warning(self, position: tuple[int, int], code: Code, message: str, hint: str = "") -> None:
        """Note something that lands and shows."""
        self._add(position, code, message, hint, Severity.WARNING)

    def _add(self, position: tuple[int, int], code: Code, message: str, hint: str, severity: Severity) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(Problem(self.path, *position, code, message, hint, severity))
        elif len(self._problems) == MAX_PROBLEMS:
            message = f"this file has more than {MAX_PROBLEMS} problems; the rest is not listed"
            self._problems.append(
                Problem(self.path, *position, Code.TOO_MANY_PROBLEMS, message, "Mend these first.", severity)
            )
        elif severity is Severity.ERROR and self._problems[-1].severity is not severity:
            # A list cut after warnings only must still refuse the file.
            last = self._problems[-1]
            self._problems[-1] = Problem(last.path, *position, last.code, last.message, last.hint, severity)

    def sorted(self) -> tuple[Problem, ...]:
        """The problems in file order; an error hides what is said of the spelling at its own place."""
        problems = self._problems
        if not problems:
            return ()
        if self.has_errors:
            at_fault = {
                (p.line, p.column) for p in problems if p.severity is Severity.ERROR and p.code not in _SPELLING
            }
            problems = [p for p in problems if p.code not in _SPELLING or (p.line, p.column) not in at_fault]
        return tuple(sorted(problems, key=_place))


_SPELLING = frozenset((Code.AMBIGUOUS_TEXT, Code.AMBIGUOUS_NUMBER, Code.UNQUOTED_DATE, Code.UNKNOWN_FIELD))


def _place(problem: Problem) -> tuple[bool, int, int]:
    return problem.code == Code.TOO_MANY_PROBLEMS, problem.line, problem.column


def has_errors(problems: Iterable[Problem]) -> bool:
    """Does any of the problems refuse the file?"""
    return any(problem.severity is Severity.ERROR for problem in problems)


def printable(text: str) -> str:
    """The text with control, bidi and other invisible characters as escapes; line ends and blanks stay."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape", "backslashreplace").decode() for c in text
    )


def show(value: object, limit: int = 60) -> str:
    """A value from a file as messages quote it: one line, escaped, shortened to about `limit` characters."""
    match value:
        case str():
            cut = value if len(value) <= limit else f"{value[:limit]}…"
            return '"' + printable(cut).replace("\n", "\\n") + '"'
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case int() if abs(value) >= 10**limit:
            return f"a number of more than {limit} digits"
        case _:
            return str(value)


MAX_COMPARED = 300
"""Known words looked at for a suggestion; each costs some microseconds."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like this one, letter case ignored; None when none does."""
    # Imported here: a clean file never asks, and the import costs more than reading fifty files.
    from difflib import get_close_matches  # noqa: PLC0415

    folded = {option.casefold(): option for option in islice(known, MAX_COMPARED)}
    near = get_close_matches(word[:80].casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean "x"?` when a known word looks like it, else an empty text."""
    near = nearest(word, known)
    return "" if near is None else f"Did you mean {show(near)}?"


def listing(words: Sequence[str], limit: int = 12) -> str:
    """The words as a sentence has them: `a, b, c`, and how many more there are."""
    shown = ", ".join(printable(word) for word in words[:limit])
    return f"{shown} and {len(words) - limit} more" if len(words) > limit else shown
