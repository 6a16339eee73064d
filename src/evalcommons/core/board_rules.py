"""How a benchmark's boards rank: `leaderboard.yaml` beside eval.yaml, ours and optional."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from evalcommons.core.documents import read_yaml
from evalcommons.core.evidence import LEVELS, EvidenceLevel
from evalcommons.core.fields import PARAGRAPH, Fields
from evalcommons.core.ids import is_commit
from evalcommons.core.problems import Code, Parsed, listing, show


class Selection(StrEnum):
    """Which of several reports for one model and variant stands on the board."""

    BEST = "best"
    LATEST = "latest"
    MOST_TRUSTED = "most-trusted"


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to take the test that gets a row of its own.

    id       short name, as evidence files write it
    label    what the board shows
    aliases  other spellings that mean the same in notes
    """

    id: str
    label: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OlderEdition:
    """An edition that came before the one that ranks now.

    id         its name
    revisions  commits of the dataset that belong to it
    ranked     its results still rank beside the current edition's
    """

    id: str
    revisions: tuple[str, ...]
    ranked: bool = False


@dataclass(frozen=True, slots=True)
class TaskRules:
    """How one task's board reads and ranks its numbers.

    metric            name of what is measured: accuracy, wer …
    unit              fraction, percent, points, seconds …; numbers are kept in it and never converted
    higher_is_better  which end of the scale is the top
    bounds            lowest and highest value a result can have; an open side is infinite
    samples           size of the split
    variants          ways to take the test that get rows of their own
    minimum_evidence  results below it are listed, not ranked
    selection         which of a model's reports counts
    edition           name of the current edition of the data
    older_editions    editions before it
    """

    metric: str | None = None
    unit: str | None = None
    higher_is_better: bool = True
    bounds: tuple[float, float] | None = None
    samples: int | None = None
    variants: tuple[Variant, ...] = ()
    minimum_evidence: EvidenceLevel = EvidenceLevel.REPORTED
    selection: Selection = Selection.BEST
    edition: str | None = None
    older_editions: tuple[OlderEdition, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardRules:
    """The rules of every board of one benchmark.

    tasks     rules by task id, defaults already applied
    defaults  rules of a task that is not named
    """

    tasks: Mapping[str, TaskRules] = field(default_factory=dict)
    defaults: TaskRules = field(default_factory=TaskRules)

    def task(self, task_id: str) -> TaskRules:
        """The rules of one task."""
        return self.tasks.get(task_id, self.defaults)


NO_RULES: Final = BoardRules()
"""The rules of a benchmark without leaderboard.yaml."""


# --- reading ---------------------------------------------------------------------------------------------------------


def parse(path: str, data: bytes, *, task_ids: Sequence[str] | None = None) -> Parsed[BoardRules]:
    """The rules in a leaderboard.yaml.

    path      the file's name in problems
    task_ids  the tasks of the eval.yaml beside it: naming any other is an error; None when it is not known
    """
    document = read_yaml(path, data)
    findings = document.findings
    rules = NO_RULES
    if document.is_read:
        top = Fields.at(document, (), document.value, "leaderboard.yaml")
        if top is not None:
            top.check_known(_TOP, "leaderboard.yaml", slips={"default": "defaults", "task": "tasks"})
            defaults = _task_rules(given, TaskRules()) if (given := top.mapping("defaults")) else TaskRules()
            rules = BoardRules(_tasks(top, defaults, task_ids), defaults)
    problems = findings.sorted()
    return Parsed(None if findings.has_errors else rules, problems)


_TOP: Final = frozenset(("tasks", "defaults"))
_TASK: Final = frozenset(
    "metric unit higher_is_better bounds samples variants minimum_evidence selection edition older_editions".split()
)
_TASK_SLIPS: Final = {
    "lower_is_better": "Write `higher_is_better: false` for it.",
    "direction": "Write higher_is_better, which is true or false.",
    "ascending": "Write higher_is_better, which is true or false.",
    "range": "bounds",
    "min_evidence": "minimum_evidence",
    "evidence": "minimum_evidence",
    "n": "samples",
    "size": "samples",
    "editions": "older_editions",
}
_SELECTIONS: Final = {selection.value: selection for selection in Selection}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


def _tasks(top: Fields, defaults: TaskRules, task_ids: Sequence[str] | None) -> dict[str, TaskRules]:
    if type(top.values.get("tasks")) is list:
        hint = "Write each task's id as a key: `tasks:`, below it `main:`, below that its rules."
        top.error("tasks", Code.WRONG_TYPE, "tasks is a mapping from task id to rules; here is a list", hint)
        return {}
    given = top.mapping("tasks")
    if given is not None and len(given.values) > MAX_TASKS:
        message = f"there are rules for {len(given.values):,} tasks; at most {MAX_TASKS:,} are read"
        top.error("tasks", Code.TOO_MANY_VALUES, message, "Put what they share into defaults.")
        return {}
    tasks: dict[str, TaskRules] = {}
    for task_id, value in given.values.items() if given else ():
        path = ("tasks", task_id)
        if task_ids is not None and task_id not in task_ids:
            guess = top.document.findings.did_you_mean(task_id, task_ids)
            hint = f"{guess} Its tasks: {listing(task_ids) or 'none'}.".strip()
            message = f"eval.yaml has no task {show(task_id)}"
            top.document.findings.error(top.document.key_position(path), Code.UNKNOWN_TASK, message, hint)
        fields = Fields.at(top.document, path, {} if value is None else value, "a task's rules")
        tasks[task_id] = defaults if fields is None else _task_rules(fields, defaults)
    return tasks


def _task_rules(fields: Fields, defaults: TaskRules) -> TaskRules:
    fields.check_known(_TASK, "a task's rules", slips=_TASK_SLIPS)
    read: dict[str, Any] = {
        "metric": fields.text("metric"),
        "unit": fields.text("unit"),
        "higher_is_better": fields.flag("higher_is_better"),
        "bounds": _bounds(fields),
        "samples": fields.integer("samples", least=1),
        "variants": _variants(fields),
        "minimum_evidence": fields.choice("minimum_evidence", LEVELS),
        "selection": fields.choice("selection", _SELECTIONS),
        "edition": fields.text("edition"),
        "older_editions": _older_editions(fields),
    }
    rules = replace(defaults, **{name: value for name, value in read.items() if value is not None})
    _check_unit(fields, rules)
    _check_editions(fields, rules)
    return rules


MAX_TASKS: Final = 1_000
MAX_VARIANTS: Final = 100
MAX_EDITIONS: Final = 100
MAX_REVISIONS: Final = 1_000


def _is_short(fields: Fields, key: str, most: int) -> bool:
    """Is there a list, of no more items than are read?"""
    items = fields.items(key)
    if items is not None and len(items) > most:
        fields.error(
            key, Code.TOO_MANY_VALUES, f"{key} has {len(items):,} items; at most {most:,} are read", "Shorten it."
        )
        return False
    return items is not None


def _bounds(fields: Fields) -> tuple[float, float] | None:
    ends = fields.items("bounds")
    if ends is None:
        return None
    hint = "Write the lowest and the highest value: bounds: [0, 1]; null leaves a side open."
    numbers = [
        end if end is None else float(end)
        for end in ends
        if end is None or (type(end) in {int, float} and math.isfinite(end))
    ]
    if len(numbers) != len(ends) or len(ends) != 2:
        fields.error("bounds", Code.WRONG_TYPE, "bounds is a list of two numbers", hint)
        return None
    low = -math.inf if numbers[0] is None else numbers[0]
    high = math.inf if numbers[1] is None else numbers[1]
    if low >= high:
        fields.error(
            "bounds", Code.OUT_OF_RANGE, f"the lower bound {low:g} is not below the upper bound {high:g}", hint
        )
        return None
    return None if math.isinf(low) and math.isinf(high) else (low, high)


def _variants(fields: Fields) -> tuple[Variant, ...] | None:
    if not _is_short(fields, "variants", MAX_VARIANTS):
        return None
    variants: list[Variant] = []
    owner: dict[str, str] = {}
    for given in fields.each("variants", "a variant"):
        given.check_known(_VARIANT, "a variant", slips={"name": "label", "alias": "aliases"})
        variant_id = given.text("id", required=True)
        if variant_id is None:
            continue
        if not _ID.fullmatch(variant_id):
            message, hint = (
                f"{show(variant_id)} cannot be a variant's id",
                "Use letters, digits, '-', '_', '.' and '+'.",
            )
            given.error("id", Code.BAD_ID, message, hint)
            continue
        variant = Variant(variant_id, given.text("label") or variant_id, _words(given, "aliases"))
        taken = [
            word for name in _names(variant) if owner.setdefault(word := normalise(name), variant_id) != variant_id
        ]
        if taken or any(other.id == variant_id for other in variants):
            word = taken[0] if taken else variant_id
            message = f"{show(word)} already names the variant {show(owner[normalise(word)])}"
            hint = "Give each variant words of its own: case, blanks and punctuation do not tell them apart."
            given.error(None, Code.DUPLICATE_VARIANT, message, hint)
        variants.append(variant)
    return tuple(variants)


def _names(variant: Variant) -> tuple[str, ...]:
    return variant.id, variant.label, *variant.aliases


_VARIANT: Final = frozenset(("id", "label", "aliases"))


def _words(fields: Fields, key: str) -> tuple[str, ...]:
    words = fields.items(key) or []
    for index, word in enumerate(words):
        if type(word) is not str or not word or len(word) > PARAGRAPH:
            place = fields.document.position((*fields.path, key, index))
            message, hint = f"{show(word)} in {key} is not text", "Write words, in quotes if they look like numbers."
            fields.document.findings.error(place, Code.WRONG_TYPE, message, hint)
    return tuple(word for word in words if type(word) is str)


def _older_editions(fields: Fields) -> tuple[OlderEdition, ...] | None:
    if not _is_short(fields, "older_editions", MAX_EDITIONS):
        return None
    editions: list[OlderEdition] = []
    for given in fields.each("older_editions", "an older edition"):
        given.check_known(_EDITION, "an older edition", slips={"revision": "revisions", "name": "id"})
        edition_id = given.text("id", required=True)
        given.items("revisions", required=True)
        revisions = _words(given, "revisions") if _is_short(given, "revisions", MAX_REVISIONS) else ()
        for index, revision in enumerate(revisions):
            if not is_commit(revision):
                place = given.document.position((*given.path, "revisions", index))
                message = f"{show(revision)} is not a commit id of the dataset"
                given.document.findings.error(place, Code.BAD_REVISION, message, "Write all 40 hex digits.")
        if edition_id is not None:
            editions.append(OlderEdition(edition_id, revisions, ranked=given.flag("ranked") or False))
    return tuple(editions)


_EDITION: Final = frozenset(("id", "revisions", "ranked"))


def _check_unit(fields: Fields, rules: TaskRules) -> None:
    scale = UNITS.get(rules.unit.casefold()) if rules.unit and rules.bounds else None
    if (
        scale is not None
        and rules.bounds is not None
        and rules.bounds[1] != scale
        and rules.bounds[1] in UNITS.values()
    ):
        fields.warning(
            "bounds" if "bounds" in fields.values else "unit",
            Code.UNIT_AND_BOUNDS,
            f"the unit is {rules.unit}, and the upper bound is {rules.bounds[1]:g}",
            f"A {rules.unit} usually ends at {scale:g}: check which of the two is meant.",
        )


UNITS: Final[Mapping[str, float]] = {"fraction": 1.0, "percent": 100.0}
"""Units whose scale ends at a known number. Any other word may be a unit too: points, seconds, dollars, elo …"""


def _check_editions(fields: Fields, rules: TaskRules) -> None:
    names = [edition.id for edition in rules.older_editions] + ([rules.edition] if rules.edition else [])
    revisions = [revision for edition in rules.older_editions for revision in edition.revisions]
    for words, what in ((names, "edition"), (revisions, "revision")):
        twice = next((word for word, count in Counter(words).items() if count > 1), None)
        if twice is not None:
            key = "older_editions" if "older_editions" in fields.values else "edition"
            message = f"the {what} {show(twice)} is named twice"
            fields.error(key, Code.DUPLICATE_EDITION, message, f"Name each {what} once.")


# --- asking ----------------------------------------------------------------------------------------------------------


class Complaint(NamedTuple):
    """Why a value cannot stand on a board, and what to do."""

    message: str
    hint: str


def check_value(rules: TaskRules, value: float) -> Complaint | None:
    """What is wrong with a number on this board; None when it lies within the bounds. Nothing is ever converted."""
    if rules.bounds is None or rules.bounds[0] <= value <= rules.bounds[1]:
        return None
    low, high = rules.bounds
    within = (
        f"at least {low:g}" if math.isinf(high) else f"at most {high:g}" if math.isinf(low) else f"{low:g}..{high:g}"
    )
    is_open = math.isinf(low) or math.isinf(high)
    message = f"{value!r} is not {within}" if is_open else f"{value!r} is outside {within}"
    scale = f"This board's unit is {rules.unit}" if rules.unit else f"This board's values are {within}"
    fraction = round(value / 100, 12)
    if high == 1 and 1 < value <= 100 and low <= fraction:
        hint = f"{scale}: did you mean {fraction!r}? Write the number in the board's unit, nothing is converted."
    else:
        hint = f"{scale}: write the number in it, nothing is converted."
    return Complaint(message, hint)


def edition_of(rules: TaskRules, dataset_revision: str | None) -> OlderEdition | None:
    """The older edition that a result's pinned revision belongs to; None for the current one or an unpinned result."""
    return next((edition for edition in rules.older_editions if dataset_revision in edition.revisions), None)


def variant_of(rules: TaskRules, notes: str | None, declared: str | None) -> str:
    """The id of the board's variant that a result is; empty for the plain one.

    What the evidence declares wins. Otherwise a part of the notes (parts are separated by comma, semicolon, bar or line
    end) that is a variant's id, label or alias decides; case, blanks and punctuation do not matter. Notes that name
    several variants name none: nothing is guessed.
    """
    named = variants_named(rules, notes, declared)
    return named[0] if len(named) == 1 else ""


def variants_named(rules: TaskRules, notes: str | None, declared: str | None) -> tuple[str, ...]:
    """The ids of the board's variants that a result names, in the board's order; see `variant_of`."""
    if not rules.variants or not (declared or notes):
        return ()
    parts = [declared] if declared else _SEPARATORS.split(notes or "")
    words = _words_of(rules.variants)
    named = {words[key] for part in parts if (key := normalise(part)) in words}
    return tuple(variant.id for variant in rules.variants if variant.id in named)


_SEPARATORS = re.compile(r"[,;|\n\r]+")
_NOT_WORD = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """The text with case folded and everything but letters and digits turned into single blanks."""
    return _NOT_WORD.sub(" ", text.casefold()).strip()


@lru_cache(maxsize=1024)
def _words_of(variants: tuple[Variant, ...]) -> Mapping[str, str]:
    return {word: variant.id for variant in variants for name in _names(variant) if (word := normalise(name))}
