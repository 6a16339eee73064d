"""Typed reading of one mapping of a document: each slip becomes a problem at its line and column."""

import math
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Self, TypeVar

from evalcommons.core.documents import Document, Position
from evalcommons.core.errors import InvalidName
from evalcommons.core.ids import RepoId, RepoKind, is_commit, may_be_commit
from evalcommons.core.problems import Code, listing, nearest, show

E = TypeVar("E", bound=Enum)

LINE = 256
"""Characters of a name or id."""
PARAGRAPH = 10_000
"""Characters of free text."""
ADDRESS = 2_048
"""Characters of a URL."""

_TYPES: Final = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "a mapping",
    list: "a list",
}


class Fields:
    """The fields of one mapping, asked for by name.

    A field that is absent or null answers None. So does one that is wrong, and a problem at its place says why.

    document  where the mapping stands; problems go into its findings
    path      keys and indexes that lead to the mapping
    values    the mapping itself
    """

    __slots__ = ("_misspelt", "document", "path", "values")

    def __init__(self, document: Document, path: tuple[str | int, ...], values: dict[str, Any]) -> None:
        self.document = document
        self.path = path
        self.values = values
        self._misspelt: dict[str, str] | None = None

    @classmethod
    def at(cls, document: Document, path: tuple[str | int, ...], value: Any, what: str) -> Self | None:
        """The fields of the mapping `value` that stands at `path`; a problem when it is no mapping.

        what  what the mapping is, for the message: `a task`
        """
        if type(value) is dict:
            return cls(document, path, value)
        document.findings.error(
            document.position(path),
            Code.WRONG_TYPE,
            f"{what} is a mapping of keys to values; here is {_kind(value)}",
            "Write `key: value` lines.",
        )
        return None

    # --- where things stand, and what is wrong with them -------------------------------------------------------------

    def place(self, key: str | None = None) -> Position:
        """Where the value of `key` starts; where the mapping starts when the key is None or absent."""
        path = self.path if key is None or key not in self.values else (*self.path, key)
        return self.document.position(path)

    def error(self, key: str | None, code: Code, message: str, hint: str = "") -> None:
        """Note an error at the value of `key`."""
        self.document.findings.error(self.place(key), code, message, hint)

    def warning(self, key: str | None, code: Code, message: str, hint: str = "") -> None:
        """Note a warning at the value of `key`."""
        self.document.findings.warning(self.place(key), code, message, hint)

    # --- values ------------------------------------------------------------------------------------------------------

    def text(self, key: str, *, required: bool = False, limit: int = LINE) -> str | None:
        """The field as text of 1 to `limit` characters; an empty one counts as absent."""
        value = self.values.get(key)
        if type(value) is str and limit < PARAGRAPH and "\n" in value:
            value = value.strip()  # a block scalar ends with a line end that nobody meant
        if type(value) is str and 0 < len(value) <= limit and (limit >= PARAGRAPH or "\n" not in value):
            return value
        if value is None or value == "":
            if required:
                self._missing(key)
            return None
        if type(value) is str and len(value) <= limit:
            self.error(key, Code.WRONG_TYPE, f"{key} must be one line of text; here are several", "Write one line.")
            return None
        if type(value) is str:
            self.error(
                key, Code.TOO_LONG, f"{key} has {len(value):,} characters; at most {limit:,} are kept", "Shorten it."
            )
            return None
        written = self.document.written((*self.path, key))
        hint = f'Put it in quotes: {key}: "{written.text[:LINE]}".' if written.text else "Write one line of text."
        self._wrong_type(key, "text", value, hint)
        return None

    def flag(self, key: str) -> bool | None:
        """The field as true or false."""
        value = self.values.get(key)
        if value is None or type(value) is bool:
            return value
        self._wrong_type(key, "true or false", value, "Write true or false, without quotes.")
        return None

    def integer(self, key: str, *, least: int = 0) -> int | None:
        """The field as a whole number of at least `least`."""
        value = self.values.get(key)
        if value is None:
            return None
        if type(value) is float and value.is_integer() and abs(value) < 1 << 53:
            value = int(value)
        if type(value) is not int or value >= 1 << 63:
            self._wrong_type(key, "a whole number", value, "Write digits only, without quotes.")
            return None
        if value < least:
            self.error(key, Code.OUT_OF_RANGE, f"{key} is {value}; it is at least {least}", "Correct the number.")
            return None
        return value

    def number(self, key: str, *, required: bool = False) -> float | None:
        """The field as a finite number; true, false and text are not numbers, whatever they look like."""
        value = self.values.get(key)
        if type(value) is float and math.isfinite(value):
            return value
        if value is None:
            if required:
                self._missing(key)
            return None
        if type(value) is int:
            return float(value)
        if type(value) is float:
            self.error(
                key,
                Code.NOT_FINITE,
                f"{key} is {show(self.document.written((*self.path, key)).text)}, which is not a finite number",
                "Write the number that was measured, or leave the entry out if there is none.",
            )
            return None
        self._wrong_type(key, "a number", value, _number_hint(key, value))
        return None

    def choice(self, key: str, choices: Mapping[str, E]) -> E | None:
        """The field as one of the words of `choices`."""
        word = self.text(key)
        if word is None or word in choices:
            return None if word is None else choices[word]
        hint = self.document.findings.did_you_mean(word, choices)
        self.error(
            key,
            Code.WRONG_CHOICE,
            f"{key} cannot be {show(word)}",
            f"{hint} Write one of: {listing(tuple(choices))}.".strip(),
        )
        return None

    def mapping(self, key: str, *, required: bool = False) -> "Fields | None":
        """The fields of the mapping under `key`."""
        value = self.values.get(key)
        if type(value) is dict:
            return Fields(self.document, (*self.path, key), value)
        if value is not None:
            self._wrong_type(key, "a mapping", value, f"Write {key}: and below it, indented, `key: value` lines.")
        elif required:
            self._missing(key)
        return None

    def items(self, key: str, *, required: bool = False) -> list[Any] | None:
        """The list under `key`; one that must be there must not be empty."""
        value = self.values.get(key)
        if type(value) is list and (value or not required):
            return value
        if value is not None and value != []:
            self._wrong_type(key, "a list", value, f"Write {key}: and below it lines that start with a dash.")
        elif required:
            self._missing(key)
        return None

    def each(self, key: str, what: str, *, required: bool = False) -> Iterator["Fields"]:
        """The mappings in the list under `key`; anything else in it becomes a problem."""
        for index, value in enumerate(self.items(key, required=required) or ()):
            fields = Fields.at(self.document, (*self.path, key, index), value, what)
            if fields is not None:
                yield fields

    # --- words with a form -------------------------------------------------------------------------------------------

    def dataset_id(self, key: str) -> str | None:
        """The required id of a dataset, `namespace/name`."""
        text = self.text(key, required=True)
        if text is None:
            return None
        complaint = _dataset_id_complaint(text)
        if complaint:
            self.error(key, Code.BAD_ID, complaint, "Write the dataset's id as its page shows it: namespace/name.")
            return None
        return text

    def url(self, key: str) -> str | None:
        """The field as a link that is safe to show: http or https, no user name in it, no blanks."""
        text = self.text(key, limit=ADDRESS)
        if text is None or _URL.fullmatch(text):
            return text
        scheme = text.partition(":")[0].casefold()
        if scheme not in {"http", "https"}:
            message, hint = (
                f"{key} {show(text)} is not a web address",
                "Write the whole address, starting with https://.",
            )
        elif "@" in text.partition("//")[2].partition("/")[0]:
            message, hint = f"{key} {show(text)} has a user name before its host", "Write the address without it."
        else:
            message, hint = f"{key} {show(text)} is not a valid web address", "Percent-encode blanks, quotes and < >."
        self.error(key, Code.BAD_URL, message, hint)
        return None

    def date(self, key: str) -> str | None:
        """The field as an ISO 8601 date or date and time, as it was written."""
        value = self.values.get(key)
        if type(value) is str and _is_date(value):
            return value
        if value is None or value == "":
            return None
        text = value if type(value) is str else self.document.written((*self.path, key)).text
        self.error(
            key,
            Code.BAD_DATE,
            f"{key} {show(text)} is not a date" if text else f"{key} is {_kind(value)}, not a date",
            'Write it as "2026-01-15" or "2026-01-15T10:30:00Z", in quotes.',
        )
        return None

    def revision(self, key: str) -> str | None:
        """The field as a commit id; a branch or tag is an error because it moves, a shortened id a warning."""
        text = self.text(key)
        if text is None:
            return None
        if is_commit(text):
            return text
        if may_be_commit(text):
            self.warning(
                key,
                Code.SHORT_REVISION,
                f"{key} {show(text)} is a shortened commit id",
                "Write all 40 digits: short ids stop being unique as a repo grows.",
            )
            return text
        self.error(
            key,
            Code.BAD_REVISION,
            f"{key} {show(text)} is not a commit id",
            "Write the 40 lower-case hex digits of the commit: branches and tags move.",
        )
        return None

    # --- unknown fields ----------------------------------------------------------------------------------------------

    def check_known(
        self, known: AbstractSet[str], what: str, *, slips: Mapping[str, str] | None = None, refuse: bool = False
    ) -> None:
        """A problem for each key that is not `known`, with the word that was probably meant.

        what    what the mapping is, for the message: `a result`
        slips   words often written for a known one, or a hint that says where the word belongs
        refuse  an unknown key refuses the file; otherwise it is a warning
        """
        if self.values.keys() <= known:
            return
        self._misspelt = {}
        findings = self.document.findings
        for key in self.values:
            if key in known:
                continue
            meant = (slips or {}).get(key) or (None if findings.is_full else nearest(key, known))
            if meant is None:
                hint = f"Remove it; the fields of {what} are {listing(sorted(known))}."
            elif meant in known:
                hint = f"Write {show(meant)} instead."
                self._misspelt.setdefault(meant, key)
            else:
                hint = meant
            note = findings.error if refuse else findings.warning
            message = f"{what} has no field {show(key)}" + ("" if refuse else "; it is not read")
            note(self.document.key_position((*self.path, key)), Code.UNKNOWN_FIELD, message, hint)

    def _missing(self, key: str) -> None:
        misspelt = (self._misspelt or {}).get(key)
        if misspelt is None:
            message = f"{key} is missing" if key not in self.values else f"{key} is empty"
            self.error(key, Code.MISSING_FIELD, message, f"Add {key}." if key not in self.values else f"Fill in {key}.")
        else:
            # One error, at the word that is wrong; it hides the warning about that word.
            place = self.document.key_position((*self.path, misspelt))
            message = f"{key} is missing; here stands {show(misspelt)}, which is no field"
            self.document.findings.error(place, Code.MISSING_FIELD, message, f"Write {show(key)} instead.")

    def _wrong_type(self, key: str, wanted: str, value: Any, hint: str) -> None:
        self.error(key, Code.WRONG_TYPE, f"{key} must be {wanted}; here is {_kind(value)}", hint)


_URL = re.compile(r"[hH][tT][tT][pP][sS]?://[^\s/?#@\\<>\"`{}|^]+(?:[/?#][^\s\\<>\"`{}|^]*)?")
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[Zz]|[-+][0-9]{2}(?::?[0-9]{2})?)?"
_DATE = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[Tt ]{_TIME})?")
_PERCENT = re.compile(r"\s*([-+]?[0-9]*[.,]?[0-9]+)\s*%\s*")
_TEXT_NUMBER = re.compile(r"\s*([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*")


def _kind(value: Any) -> str:
    if type(value) is str:
        return f"the text {show(value)}"
    return show(value) if type(value) in {int, float, bool} else "nothing" if value is None else _TYPES[type(value)]


def _number_hint(key: str, value: Any) -> str:
    if type(value) is str and len(value) < LINE:
        if found := _PERCENT.fullmatch(value):
            return (
                f"Write the number alone, in the board's unit, without the sign: {key}: {found[1].replace(',', '.')}."
            )
        if found := _TEXT_NUMBER.fullmatch(value):
            return f"Write it without quotes: {key}: {found[1]}."
        if "," in value or "_" in value:
            return "Write digits and a decimal point, without commas or underscores."
    return "Write the number alone: no quotes, unit or error margin."


@lru_cache(maxsize=4096)
def _dataset_id_complaint(text: str) -> str:
    # The ids of a few benchmarks come back in every file, so that each is checked once.
    try:
        RepoId.parse(RepoKind.DATASET, text)
    except InvalidName as error:
        return error.message
    return ""


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper().replace(" ", "T"))
    except ValueError:
        return False
    return True
