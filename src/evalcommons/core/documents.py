"""One YAML or JSON document read with limits, and the line and column of everything in it.

The YAML accepted is a safe part of YAML 1.2: one document, core-schema scalars, no anchors, aliases, tags, merge keys
or duplicate keys. `yaml.safe_load` is not used: 3 KB of merge keys hang it, and it takes `no` for false.

source  https://yaml.org/spec/1.2.2/ chapter 10.3 (core schema), https://yaml.org/type/ (what YAML 1.1 readers see); RFC
        8259 (JSON); both read 2026-11-20
"""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

from yaml._yaml import CParser
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from evalcommons.core.problems import Code, Findings, show

Position = tuple[int, int]
"""Line and column, both counted from 1; the column counts characters."""

START: Final[Position] = (1, 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost to read.

    size_bytes  larger ones are refused before they are parsed
    depth       mappings and lists inside each other
    values      keys, values, mappings and lists, ends of mappings and lists included
    """

    size_bytes: int = 1 << 20
    depth: int = 32
    values: int = 200_000


EVALUATION_FILE = Limits()
"""Limits of eval.yaml, leaderboard.yaml and the files in .eval_results."""

FREE_TEXT = frozenset(("name", "description", "notes", "note", "label", "command", "prompt", "args"))
"""Keys whose values are text for people: an invisible character in or below them is odd, in an id it is a disguise."""


class Written(NamedTuple):
    """How a scalar stands in the file.

    text      its characters, quotes taken off and escapes resolved
    is_plain  not quoted
    """

    text: str
    is_plain: bool


class Document:
    """What a file says, and where each part of it stands.

    value     plain Python values: dict, list, str, int, float, bool, None
    is_read   False when the file could not be read at all; `value` is then None
    findings  what was wrong so far; validators add theirs
    """

    __slots__ = ("_marks", "findings", "is_read", "value")

    def __init__(
        self, findings: Findings, value: Any, marks: "_Marks | Callable[[], _Marks]", *, is_read: bool
    ) -> None:
        self.findings = findings
        self.value = value
        self.is_read = is_read
        self._marks = marks

    def position(self, path: tuple[str | int, ...] = ()) -> Position:
        """Where the value at `path` starts; `path` holds the keys and list indexes that lead to it."""
        return _place(self._mark(path)[1])

    def key_position(self, path: tuple[str | int, ...]) -> Position:
        """Where the key that leads to the value at `path` starts."""
        return _place(self._mark(path)[0])

    def written(self, path: tuple[str | int, ...]) -> Written:
        """How the scalar at `path` was written; empty for a mapping or list."""
        mark = self._mark(path)[1]
        if type(mark) is ScalarEvent:
            return Written(mark.value, not mark.style)
        return Written(mark.text, mark.is_plain) if type(mark) is _Token else Written("", is_plain=False)

    def _mark(self, path: tuple[str | int, ...]) -> "_Marks":
        if callable(self._marks):
            self._marks = self._marks()
        mark = self._marks
        for step in path:
            mark = mark[2][step]
        return mark


_Marks = tuple[Any, Any, Any]
"""Where a value stands: its key's event or token, its own, and the marks of what is in it by key or index.

A plain tuple, because one is made for each value of each file and a named one costs twice as much.
"""


class _Token(NamedTuple):
    """A piece of JSON and its place; what libyaml's events are for YAML."""

    line: int
    column: int
    text: str
    is_plain: bool


def _place(mark: Any) -> Position:
    if type(mark) is _Token:
        return mark.line, mark.column
    if mark is None:
        return START
    start = mark.start_mark
    return start.line + 1, start.column + 1


# --- YAML ------------------------------------------------------------------------------------------------------------


class _Unreadable(Exception):
    """The rest of the document cannot be read; the reason is in the findings."""


def read_yaml(
    path: str,
    data: bytes,
    *,
    limits: Limits = EVALUATION_FILE,
    free_text: Collection[str] | None = FREE_TEXT,
    compare_yaml_1_1: bool = True,
) -> Document:
    """The document in `data`; what is wrong with it is in the document's findings, nothing is raised.

    path              the file's name in problems
    free_text         keys whose values may be any text: invisible characters there are a warning; None looks for none
    compare_yaml_1_1  warn where PyYAML and other YAML 1.1 readers would see another value
    """
    findings = Findings(path)
    try:
        text = _decode(data, limits, findings)
        return _read_events(text, findings, limits, free_text, compare_yaml_1_1)
    except _Unreadable:
        pass
    except YAMLError as error:
        _note_syntax(error, text, findings)
    return Document(findings, None, (None, None, None), is_read=False)


def _decode(data: bytes, limits: Limits, findings: Findings) -> str:
    if len(data) > limits.size_bytes:
        findings.error(
            START,
            Code.TOO_LARGE,
            f"the file has more than {limits.size_bytes:,} bytes, and no more are read",
            "Split it, or keep long material (logs, samples) in other files and link to them.",
        )
        raise _Unreadable
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        findings.error(
            _position_at(before, len(before)),
            Code.NOT_UTF8,
            f"byte 0x{data[error.start]:02x} is not UTF-8 text",
            "Save the file as UTF-8.",
        )
        raise _Unreadable from None
    return text.removeprefix("\ufeff")


def _position_at(text: str, offset: int) -> Position:
    start_of_line = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - start_of_line + 1


_NEVER = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
"""Controls, lone surrogates and non-characters: databases and terminals choke on them."""
_UNSEEN = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
"""Zero-width characters, fillers, tags and those that turn the reading direction."""
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
"""Invisible, but Persian, the scripts of India and emoji are written with them."""

_HIDDEN = re.compile(f"[{_NEVER}{_UNSEEN}{_JOINERS}]")
_ODD_IN_TEXT = re.compile(f"[{_NEVER}{_UNSEEN}]")
_BAD_IN_TEXT = re.compile(f"[{_NEVER}]")


def _note_hidden(value: str, position: Position, findings: Findings, *, what: str, is_text: bool) -> None:
    found = (_BAD_IN_TEXT.search(value) or _ODD_IN_TEXT.search(value)) if is_text else _HIDDEN.search(value)
    if found is None:
        return
    message = f"{what} {show(value)} holds the invisible character U+{ord(found[0]):04X}"
    if not is_text:
        findings.error(
            position, Code.HIDDEN_CHARACTER, message, "Remove it: two names that look the same must be the same."
        )
    elif _BAD_IN_TEXT.match(found[0]):
        findings.error(position, Code.HIDDEN_CHARACTER, message, "Remove it: it cannot be stored or shown.")
    else:
        findings.warning(position, Code.HIDDEN_CHARACTER, message, "Remove it, unless it is meant.")


def _read_events(
    text: str, findings: Findings, limits: Limits, free_text: Collection[str] | None, compare_yaml_1_1: bool
) -> Document:
    """Build values and marks in one pass over libyaml's events.

    Marks are (key event, value event, children) by key or index; lines and columns are taken from them only when asked.
    """
    if not text or text.isspace():
        _note_empty(findings)
    get: Callable[[], Any] = CParser(text).get_event
    may_hide = free_text is not None and (not text.isascii() or "\\" in text)
    free_text = free_text or ()
    get()  # the stream's start
    event = get()
    if type(event) is not DocumentStartEvent:
        _note_empty(findings)

    root: list[Any] = []
    root_marks: list[_Marks] = []
    values: Any = root
    marks: Any = root_marks
    in_mapping = False
    key: Any = None
    key_event: Any = None
    stack: list[tuple[Any, Any, bool, Any, Any]] = []
    depth = limits.depth

    for _ in range(limits.values):
        event = get()
        kind = type(event)
        if kind is ScalarEvent:
            value = event.value
            if event.anchor is not None or event.tag is not None:
                _note_anchor_or_tag(event, findings)
            if in_mapping and key_event is None:
                key_event = event
                key = value
                if key in values:
                    _note_duplicate(key, event, marks, findings)
                elif value == "<<" and not event.style:
                    _note_merge_key(event, findings)
                if may_hide and _HIDDEN.search(value):
                    _note_hidden(value, _place(event), findings, what="the key", is_text=False)
                continue
            if may_hide and _HIDDEN.search(value):
                is_text = (in_mapping and key in free_text) or any(f[2] and f[3] in free_text for f in stack)
                _note_hidden(value, _place(event), findings, what="the value", is_text=is_text)
            if not event.style and (not value or value[0] in _FIRST_OF_SPECIAL):
                plain = value
                value = _resolve(plain)
                if compare_yaml_1_1 and (value is plain or type(value) is not str):
                    _compare_with_yaml_1_1(plain, value, event, findings)
            if in_mapping:
                values[key] = value
                marks[key] = (key_event, event, None)
                key_event = None
            else:
                values.append(value)
                marks.append((None, event, None))
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if event.anchor is not None or event.tag is not None:
                _note_anchor_or_tag(event, findings)
            if in_mapping and key_event is None:
                _stop_at_key(event, findings)
            if len(stack) >= depth:
                _stop_at_depth(event, depth, findings)
            stack.append((values, marks, in_mapping, key, key_event))
            child: Any
            child_marks: Any
            if kind is MappingStartEvent:
                child, child_marks = {}, {}
            else:
                child, child_marks = [], []
            if in_mapping:
                values[key] = child
                marks[key] = (key_event, event, child_marks)
            else:
                values.append(child)
                marks.append((None, event, child_marks))
            values, marks = child, child_marks
            in_mapping = kind is MappingStartEvent
            key_event = None
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            values, marks, in_mapping, key, _ = stack.pop()
            key_event = None
        elif kind is AliasEvent:
            findings.error(
                _place(event),
                Code.ALIAS,
                f"*{event.anchor} repeats another part of the file; aliases are not read",
                "Write the value out.",
            )
            if in_mapping and key_event is None:
                raise _Unreadable
            if in_mapping:
                values[key] = None
                marks[key] = (key_event, event, None)
                key_event = None
            else:
                values.append(None)
                marks.append((None, event, None))
        else:
            break  # the document's end
    else:
        findings.error(
            _place(event),
            Code.TOO_MANY_VALUES,
            f"the file has more than {limits.values:,} keys and values",
            "Split it into several files.",
        )
        raise _Unreadable

    event = get()
    if type(event) is DocumentStartEvent:
        findings.error(
            _place(event),
            Code.SECOND_DOCUMENT,
            'a second document starts here, after "---"',
            "Keep one document in a file: remove the line, or move what follows into a file of its own.",
        )
    return Document(findings, root[0], root_marks[0], is_read=True)


def _note_empty(findings: Findings) -> NoReturn:
    findings.error(START, Code.EMPTY, "the file is empty", "Write its content, or remove the file.")
    raise _Unreadable


def _note_anchor_or_tag(event: Any, findings: Findings) -> None:
    if event.anchor is not None:
        findings.error(
            _place(event),
            Code.ANCHOR,
            f"&{event.anchor} names a part of the file to repeat it; anchors are not read",
            "Remove the anchor and write the value out where it is used.",
        )
    if event.tag is not None:
        findings.error(
            _place(event),
            Code.TAG,
            f"the tag {show(event.tag)} is not read",
            "Remove the tag and write the plain value.",
        )


def _note_duplicate(key: str, event: Any, marks: Mapping[str, _Marks], findings: Findings) -> None:
    line, _ = _place(marks[key][0])
    findings.error(
        _place(event),
        Code.DUPLICATE_KEY,
        f"the key {show(key)} is already on line {line}",
        "Keep one of the two: readers disagree on which one counts.",
    )


def _note_merge_key(event: Any, findings: Findings) -> None:
    findings.error(
        _place(event),
        Code.MERGE_KEY,
        '"<<" merges another mapping into this one; merge keys are not read',
        "Write the keys out.",
    )


def _stop_at_key(event: Any, findings: Findings) -> NoReturn:
    findings.error(
        _place(event),
        Code.KEY_NOT_TEXT,
        "a mapping or list stands where a key is expected",
        'Keys are plain words; put braces and brackets that are text into quotes, as in "{x}".',
    )
    raise _Unreadable


def _stop_at_depth(event: Any, depth: int, findings: Findings) -> NoReturn:
    findings.error(
        _place(event),
        Code.TOO_DEEP,
        f"more than {depth} mappings and lists stand inside each other",
        "No evaluation file needs that depth: write it flatter.",
    )
    raise _Unreadable


_CONSTANTS: Final[Mapping[str, Any]] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
    | dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf)
    | dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf)
    | dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan)
)
_FIRST_OF_SPECIAL = frozenset("-+.0123456789~nNtTfFyYoO=")
"""What a plain scalar starts with that may be read as something else than text, by us or by YAML 1.1 readers."""
_NUMBER = re.compile(
    r"(?P<int>[-+]?[0-9]+)|0o(?P<oct>[0-7]+)|0x(?P<hex>[0-9a-fA-F]+)|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)
_MAX_DIGITS = 250
"""Digits of a whole number. Longer ones overflow a float (16 to the 250th just fits), and Python refuses 4,300."""


def _resolve(plain: str) -> Any:
    """The value of an unquoted scalar under the YAML 1.2 core schema; the same object when it is text."""
    try:
        return _CONSTANTS[plain]
    except KeyError:
        pass
    found = _NUMBER.fullmatch(plain)
    if found is None:
        return plain
    if len(plain) > _MAX_DIGITS and found.lastgroup is not None:
        return -math.inf if plain[0] == "-" else math.inf
    match found.lastgroup:
        case "int":
            return int(plain)
        case "oct":
            return int(found["oct"], 8)
        case "hex":
            return int(found["hex"], 16)
        case _:
            return float(plain)


_WORDS_1_1 = frozenset(f(word) for word in ("yes", "no", "on", "off") for f in (str.lower, str.upper, str.capitalize))
_DATE_1_1 = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9:.]+(?:[ \t]*(?:Z|[-+][0-9:]+))?)?")
_NUMBER_1_1 = re.compile(
    r"[-+]?0b[01_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(?:\.[0-9_]*(?:[eE][-+][0-9]+)?)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
)
_DECIMAL_1_1 = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*)|[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?|\.[0-9]+(?:[eE][-+][0-9]+)?|0x[0-9a-fA-F]+"
)


def is_ambiguous(plain: str) -> bool:
    """Would a YAML 1.1 reader see something else than text in this, unquoted (yes, 2026-01-15, 1_000, 12:30)?"""
    return (
        plain in _WORDS_1_1
        or plain in {"=", "<<"}
        or _DATE_1_1.fullmatch(plain) is not None
        or _NUMBER_1_1.fullmatch(plain) is not None
    )


def _compare_with_yaml_1_1(plain: str, value: Any, event: Any, findings: Findings) -> None:
    if value is plain:
        if not is_ambiguous(plain):
            return
        if _DATE_1_1.fullmatch(plain):
            findings.warning(
                _place(event),
                Code.UNQUOTED_DATE,
                f"many YAML readers turn the unquoted {show(plain)} into a date object",
                f'Put it in quotes: "{plain}".',
            )
            return
        kind = "true or false" if plain in _WORDS_1_1 else "a number"
        findings.warning(
            _place(event),
            Code.AMBIGUOUS_TEXT,
            f"YAML 1.1 readers, PyYAML among them, see {kind} in the unquoted {show(plain)}",
            f'Put it in quotes if it is text: "{plain}".',
        )
    elif type(value) in {int, float} and math.isfinite(value) and not _DECIMAL_1_1.fullmatch(plain):
        findings.warning(
            _place(event),
            Code.AMBIGUOUS_NUMBER,
            f"YAML 1.1 readers, PyYAML among them, do not see the number {show(value)} in {show(plain)}",
            f"Write {show(value)}."
            if len(str(value)) < 30
            else "Write it with a point and a signed exponent: 1.0e+30.",
        )


_SYNTAX_HINTS = (
    (
        "cannot start any token",
        "Indent with blanks, not tabs, and put text that starts with % @ ` or a tab into quotes.",
    ),
    (
        "mapping values are not allowed",
        "Put text that holds a colon and a blank into quotes, and check the indentation.",
    ),
    ("could not find expected ':'", "A key needs a colon and a blank after it: check this line and the one before."),
    ("did not find expected key", "Check the indentation: keys of one mapping start in the same column."),
    ("expected '-' indicator", "Check the indentation: the dashes of one list stand in the same column."),
    ("end of stream", "A quote or bracket is opened and not closed."),
    ("undefined alias", "Write the value out: aliases are not read."),
    ("unknown escape character", "Write backslashes inside double quotes twice, or use single quotes."),
    ("expected ',' or", "A bracket or brace is not closed, or a comma is missing."),
)


def _note_syntax(error: YAMLError, text: str, findings: Findings) -> None:
    if isinstance(error, MarkedYAMLError):
        reason = " ".join(part for part in (error.context, error.problem) if part)
        position = _syntax_position(error, text)
        hint = next((hint for words, hint in _SYNTAX_HINTS if words in reason), "")
        findings.error(position, Code.SYNTAX, f"this is not YAML: {reason}", hint)
        return
    # libyaml's reader met a character that YAML excludes; it counts bytes, people count lines.
    found = _NOT_YAML.search(text)
    place = _position_at(text, found.start()) if found else START
    what = f"the character U+{ord(found[0]):04X}" if found else "a character"
    findings.error(place, Code.SYNTAX, f"{what} may not stand in YAML", "Remove it.")


def _syntax_position(error: MarkedYAMLError, text: str) -> Position:
    """Where the reader stumbled; when that is the end of the file, where the open quote or bracket stands."""
    last_line = text.count("\n") + (not text.endswith("\n"))
    for mark in (error.problem_mark, error.context_mark):
        if mark is not None and mark.line < last_line:
            return mark.line + 1, mark.column + 1
    return last_line, len(text) - text.rfind("\n", 0, len(text) - 1) - 1


_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# --- JSON ------------------------------------------------------------------------------------------------------------


def read_json(
    path: str, data: bytes, *, limits: Limits = EVALUATION_FILE, free_text: Collection[str] = FREE_TEXT
) -> Document:
    """The JSON document in `data`, with the limits and findings of `read_yaml`; strict: NaN and comments are errors.

    Values come from the standard library's reader; a second pass works out positions, only when one is asked for.
    """
    findings = Findings(path)
    unread = Document(findings, None, (None, None, None), is_read=False)
    try:
        text = _decode(data, limits, findings)
    except _Unreadable:
        return unread
    repeats: list[bool] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            repeats.append(True)
        return made

    constants: list[str] = []
    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_int=_json_int, parse_constant=constants.append)
    except json.JSONDecodeError as error:
        if not text.strip():
            findings.error(START, Code.EMPTY, "the file is empty", "Write its content, or remove the file.")
        else:
            findings.error(
                (error.lineno, error.colno),
                Code.SYNTAX,
                f"this is not JSON: {error.msg}",
                "JSON wants double quotes, no comments and no comma before a closing bracket.",
            )
        return unread
    except RecursionError:
        _note_json_depth(limits, START, findings)
        return unread

    if constants:
        place = next((_position_at(text, m.start()) for m in _JSON_TOKEN.finditer(text) if m[0] in _NOT_JSON), START)
        findings.error(place, Code.SYNTAX, f"{constants[0]} is not JSON", "Leave the field out, or write a number.")
        return unread
    marks = _json_marks(text, findings) if repeats else None
    document = Document(findings, value, marks or (lambda: _json_marks(text, None)), is_read=True)
    return document if _check_json(document, text, limits, free_text) else unread


_NOT_JSON = frozenset(("NaN", "Infinity", "-Infinity"))


def _json_int(digits: str) -> int | float:
    if len(digits) > _MAX_DIGITS:
        return -math.inf if digits[0] == "-" else math.inf
    return int(digits)


def _note_json_depth(limits: Limits, position: Position, findings: Findings) -> None:
    findings.error(
        position,
        Code.TOO_DEEP,
        f"more than {limits.depth} objects and lists stand inside each other",
        "No evaluation file needs that depth: write it flatter.",
    )


def _check_json(document: Document, text: str, limits: Limits, free_text: Collection[str]) -> bool:
    """Note hidden characters; False when the document is deeper or larger than the limits."""
    may_hide = not text.isascii() or "\\" in text
    findings = document.findings
    left = limits.values
    waiting: list[tuple[tuple[str | int, ...], Any, bool]] = [((), document.value, False)]
    while waiting:
        path, value, is_text = waiting.pop()
        left -= 1
        match value:
            case str() if may_hide and _HIDDEN.search(value):
                _note_hidden(value, document.position(path), findings, what="the value", is_text=is_text)
            case dict() | list() if len(path) >= limits.depth:
                _note_json_depth(limits, document.position(path), findings)
                return False
            case dict():
                left -= len(value)
                for key, item in value.items():
                    if may_hide and _HIDDEN.search(key):
                        place = document.key_position((*path, key))
                        _note_hidden(key, place, findings, what="the key", is_text=False)
                    waiting.append(((*path, key), item, is_text or key in free_text))
            case list():
                waiting.extend(((*path, index), item, is_text) for index, item in enumerate(value))
            case _:
                pass
        if left < 0:
            findings.error(
                START,
                Code.TOO_MANY_VALUES,
                f"the file has more than {limits.values:,} keys and values",
                "Split it into several files.",
            )
            return False
    return True


_JSON_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def _json_marks(text: str, findings: Findings | None) -> _Marks:
    """Where each part of a valid JSON text stands; with findings, repeated keys are noted there."""
    root: list[_Marks] = []
    marks: Any = root
    in_object = False
    key: str = ""
    key_token: _Token | None = None
    stack: list[tuple[Any, bool]] = []
    line, start_of_line, seen = 1, 0, 0

    for found in _JSON_TOKEN.finditer(text):
        piece = found[0]
        if piece in ":,":
            continue
        if piece in "]}":
            marks, in_object = stack.pop()
            key_token = None
            continue
        start = found.start()
        breaks = text.count("\n", seen, start)
        if breaks:
            line += breaks
            start_of_line = text.rfind("\n", seen, start) + 1
        seen = start
        token = _Token(line, start - start_of_line + 1, piece, is_plain=piece[0] != '"')
        if in_object and key_token is None:
            key, key_token = json.loads(piece), token
            if findings is not None and key in marks:
                _note_duplicate(key, token, marks, findings)
            continue
        child: Any = {} if piece == "{" else [] if piece == "[" else None
        if in_object:
            marks[key] = (key_token, token, child)
            key_token = None
        else:
            marks.append((None, token, child))
        if child is not None:
            stack.append((marks, in_object))
            marks, in_object = child, piece == "{"
    return root[0]
