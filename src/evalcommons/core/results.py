"""Scores as model repos state them: `.eval_results/*.yaml`, read tolerantly and written strictly.

source  https://github.com/huggingface/hub-docs, eval_results.yaml and docs/hub/eval-results.md, read 2026-11-20
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from evalcommons.core.board_rules import BoardRules, TaskRules, check_value, variants_named
from evalcommons.core.documents import START, Position, is_ambiguous, read_yaml
from evalcommons.core.evidence import Evidence
from evalcommons.core.fields import PARAGRAPH, Fields
from evalcommons.core.problems import Code, Findings, Parsed, Problem, listing, show

MAX_ENTRIES = 10_000
"""Results in one file."""
TOKEN = 16_384
"""Characters of a verify token."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number comes from.

    url   a page, paper or log; http or https
    name  how to show the link
    user  account of who published it
    org   organisation that published it
    """

    url: str
    name: str | None = None
    user: str | None = None
    org: str | None = None


@dataclass(frozen=True, slots=True)
class ResultEntry:
    """One score of one model on one task, as the file states it.

    dataset_id        the benchmark, `namespace/name`, letters as written
    task_id           the task of its eval.yaml
    value             the number in the board's unit; never converted
    dataset_revision  commit of the benchmark that was used, when it says so
    verify_token      a signed statement about this entry; nothing here checks it
    date              ISO 8601 date or date and time of the evaluation, as written
    notes             free text about the set-up ("no tools")
    line, column      where the entry starts in its file, counted from 1
    task_at, value_at line and column of its task id and value
    """

    dataset_id: str
    task_id: str
    value: float
    dataset_revision: str | None = None
    verify_token: str | None = None
    date: str | None = None
    source: Source | None = None
    notes: str | None = None
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)
    task_at: Position = field(default=START, compare=False)
    value_at: Position = field(default=START, compare=False)


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What the hub knows of a dataset that a result names.

    id     the dataset's id with the letters its owner gave it
    tasks  ids of its benchmark's tasks; None when it has no valid eval.yaml
    rules  its leaderboard.yaml, when it has a valid one
    """

    id: str
    tasks: tuple[str, ...] | None = None
    rules: BoardRules | None = None


Lookup = Callable[[str], DatasetFacts | None]
"""What the hub knows of the dataset with this id, letter case ignored; None when it has no such dataset."""


def parse(path: str, data: bytes) -> Parsed[tuple[ResultEntry, ...]]:
    """The results in a `.eval_results/*.yaml` file; an error in one of them refuses the whole file.

    path  the file's name in problems
    """
    document = read_yaml(path, data)
    findings = document.findings
    entries: list[ResultEntry] = []
    if document.is_read:
        items = document.value
        if type(items) is not list:
            hint = "Start each result with a dash: `- dataset:`."
            findings.error(document.position(), Code.WRONG_TYPE, "the file must be a list of results", hint)
        elif not items:
            hint = "Add a result, or remove the file."
            findings.error(document.position(), Code.EMPTY, "the list of results is empty", hint)
        elif len(items) > MAX_ENTRIES:
            message = f"the file has {len(items):,} results; at most {MAX_ENTRIES:,} are read"
            findings.error(document.position(), Code.TOO_MANY_VALUES, message, "Split it into several files.")
        else:
            for index, item in enumerate(items):
                fields = Fields.at(document, (index,), item, "a result")
                entry = None if fields is None else _entry(fields)
                if entry is not None:
                    entries.append(entry)
            if len(entries) > 1:
                _note_duplicates(entries, findings)
    problems = findings.sorted()
    return Parsed(None if findings.has_errors else tuple(entries), problems)


_ENTRY: Final = frozenset(("dataset", "value", "verifyToken", "date", "source", "notes"))
_DATASET: Final = frozenset(("id", "task_id", "revision"))
_SOURCE: Final = frozenset(("url", "name", "user", "org"))
_ENTRY_SLIPS: Final = {
    "verify_token": "verifyToken",
    "verifytoken": "verifyToken",
    "score": "value",
    "metric_value": "value",
    "note": "notes",
    "dataset_id": "Write it below dataset, as id.",
    "task_id": "Write it below dataset.",
    "revision": "Write it below dataset.",
}
_DATASET_SLIPS: Final = {"task": "task_id", "taskId": "task_id", "name": "id", "dataset_id": "id", "sha": "revision"}
_SOURCE_SLIPS: Final = {"link": "url", "organization": "org", "organisation": "org", "username": "user"}


def _entry(fields: Fields) -> ResultEntry | None:
    fields.check_known(_ENTRY, "a result", slips=_ENTRY_SLIPS)
    dataset = fields.mapping("dataset", required=True)
    dataset_id = task_id = revision = None
    task_at = START
    if dataset is not None:
        dataset.check_known(_DATASET, "dataset", slips=_DATASET_SLIPS)
        dataset_id = dataset.dataset_id("id")
        task_id = dataset.text("task_id", required=True)
        task_at = dataset.place("task_id")
        revision = dataset.revision("revision")
    value = fields.number("value", required=True)
    source = _source(fields)
    token = fields.text("verifyToken", limit=TOKEN)
    date = fields.date("date")
    notes = fields.text("notes", limit=PARAGRAPH)
    if dataset_id is None or task_id is None or value is None:
        return None
    place, value_at = fields.place(), fields.place("value")
    return ResultEntry(dataset_id, task_id, value, revision, token, date, source, notes, *place, task_at, value_at)


def _source(fields: Fields) -> Source | None:
    given = fields.mapping("source")
    if given is None:
        return None
    given.check_known(_SOURCE, "source", slips=_SOURCE_SLIPS)
    url = given.url("url")
    name, user, org = given.text("name"), given.text("user"), given.text("org")
    if url is not None:
        return Source(url, name, user, org)
    if not given.values.get("url"):
        hint = "Add url: with a link to the paper, log or page, or remove source."
        given.error(None, Code.SOURCE_WITHOUT_URL, "source has no url", hint)
    return None


def _note_duplicates(entries: Iterable[ResultEntry], findings: Findings) -> None:
    seen: dict[tuple[str, str, str], ResultEntry] = {}
    for entry in entries:
        key = (entry.dataset_id.lower(), entry.task_id, entry.notes or "")
        first = seen.setdefault(key, entry)
        if first is not entry:
            findings.warning(
                (entry.line, entry.column),
                Code.DUPLICATE_ENTRY,
                f"a result for {entry.dataset_id}, task {show(entry.task_id)}, with the same notes is already on line "
                f"{first.line}",
                "Remove one, or say in notes what differs.",
            )


def check_references(
    path: str, entries: Sequence[ResultEntry], lookup: Lookup, evidence: Sequence[Evidence | None] = ()
) -> tuple[Problem, ...]:
    """What is wrong with the benchmarks and tasks the results name, and with their values on those boards.

    A dataset this hub does not have is a warning: the result shows when the benchmark arrives.

    evidence  the entries' evidence in the same order, for the variants it declares; may be left empty
    """
    findings = Findings(path)
    for index, entry in enumerate(entries):
        declared = evidence[index] if index < len(evidence) else None
        _check_reference(entry, declared, lookup(entry.dataset_id), findings)
    return findings.sorted()


def _check_reference(
    entry: ResultEntry, evidence: Evidence | None, facts: DatasetFacts | None, findings: Findings
) -> None:
    place = (entry.line, entry.column)
    if facts is None:
        findings.warning(
            place,
            Code.UNKNOWN_BENCHMARK,
            f"this hub has no dataset {entry.dataset_id}",
            "Check the spelling; if it is right, the result will show when the benchmark is on this hub.",
        )
        return
    if facts.tasks is None:
        findings.error(
            place,
            Code.NOT_A_BENCHMARK,
            f"the dataset {facts.id} is on this hub, but it is no benchmark: it has no valid eval.yaml",
            "Name the benchmark's own dataset, or ask the dataset's owner to add an eval.yaml.",
        )
        return
    if entry.task_id not in facts.tasks:
        guess = findings.did_you_mean(entry.task_id, facts.tasks)
        findings.error(
            entry.task_at,
            Code.UNKNOWN_TASK,
            f"{facts.id} has no task {show(entry.task_id)}",
            f"{guess} Its tasks: {listing(facts.tasks)}.".strip(),
        )
        return
    if facts.rules is None:
        return
    rules = facts.rules.task(entry.task_id)
    complaint = check_value(rules, entry.value)
    if complaint is not None:
        findings.error(entry.value_at, Code.OUT_OF_BOUNDS, complaint.message, complaint.hint)
    _check_variant(rules, entry, evidence, findings)


def _check_variant(rules: TaskRules, entry: ResultEntry, evidence: Evidence | None, findings: Findings) -> None:
    declared = evidence.variant if evidence is not None else None
    named = variants_named(rules, entry.notes, declared)
    place = (entry.line, entry.column)
    ids = tuple(variant.id for variant in rules.variants)
    if declared and not named:
        guess = findings.did_you_mean(declared, ids)
        findings.warning(
            place,
            Code.UNKNOWN_VARIANT,
            f"the evidence names the variant {show(declared)}, which this board does not have",
            f"{guess} Its variants: {listing(ids) or 'none'}.".strip(),
        )
    elif len(named) > 1:
        findings.warning(
            place,
            Code.AMBIGUOUS_VARIANT,
            f"the notes name several variants of this board: {listing(named)}",
            "Name one in notes, or set variant in the evidence file; until then it counts as the plain variant.",
        )


# --- writing ---------------------------------------------------------------------------------------------------------


def to_yaml(entries: Sequence[ResultEntry]) -> str:
    """The results as a `.eval_results` file, strictly to the specification; absent fields are left out.

    Text that some YAML reader could take for anything else is quoted, so that `no` stays a word and a date a string.
    """
    lines: list[str] = []
    for entry in entries:
        lines += ("- dataset:", f"    id: {_scalar(entry.dataset_id)}", f"    task_id: {_scalar(entry.task_id)}")
        if entry.dataset_revision is not None:
            lines.append(f"    revision: {_scalar(entry.dataset_revision)}")
        lines.append(f"  value: {_number(entry.value)}")
        if entry.verify_token is not None:
            lines.append(f"  verifyToken: {_scalar(entry.verify_token)}")
        if entry.date is not None:
            lines.append(f"  date: {_quoted(entry.date)}")
        if entry.source is not None:
            lines += ("  source:", f"    url: {_scalar(entry.source.url)}")
            for key, text in (("name", entry.source.name), ("user", entry.source.user), ("org", entry.source.org)):
                if text is not None:
                    lines.append(f"    {key}: {_scalar(text)}")
        if entry.notes is not None:
            lines.append(f"  notes: {_quoted(entry.notes)}")
    return "\n".join(lines) + "\n" if lines else "[]\n"


def _number(value: float) -> str:
    """A number that YAML 1.1 and 1.2 readers see alike: whole ones without a point, exponents with point and sign."""
    value = float(value)  # a caller may hold an int, which has no is_integer before Python 3.12
    if value.is_integer() and abs(value) < 1 << 53:
        return str(int(value))
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    sign = "" if exponent[0] in "+-" else "+"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent}"


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*(?:://[A-Za-z0-9_./?=&%#~+-]+)?")
_WORDS = frozenset(("null", "true", "false", "y", "n"))


def _scalar(text: str) -> str:
    """Text without quotes where every reader sees the same text, else with them."""
    is_plain = _PLAIN.fullmatch(text) and text.casefold() not in _WORDS and not is_ambiguous(text)
    return text if is_plain else _quoted(text)


def _quoted(text: str) -> str:
    """Text in double quotes, on one line, with everything invisible as an escape."""
    if text.isprintable() and "\\" not in text and '"' not in text:
        return f'"{text}"'
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escape(ord(c))) for c in text) + '"'


_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escape(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
