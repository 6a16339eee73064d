"""What stands behind a score: `.eval_results/<name>.evidence.json`, beside the results file of the same name."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from enum import IntEnum
from typing import Any, Final, Protocol

from evalcommons.core.documents import read_json
from evalcommons.core.fields import LINE, PARAGRAPH, Fields
from evalcommons.core.problems import Code, Findings, Parsed, Problem, listing, show

VERSION = 1
"""The version of the format that this code reads and writes."""
MAX_SETTINGS = 100

Setting = str | int | float | bool


class EvidenceLevel(IntEnum):
    """How much stands behind a number; a higher level includes what the lower ones mean."""

    REPORTED = 0
    """A number."""
    SOURCED = 1
    """A link says so."""
    LOGGED = 2
    """The number follows from an attached log."""
    RESCORED = 3
    """The answers in the log really score that."""
    REPRODUCED = 4
    """Someone trusted ran it again and got it."""

    @property
    def label(self) -> str:
        """The word on pages, in files and in the API."""
        return self.name.lower()

    def __str__(self) -> str:
        return self.label


LEVELS: Final[Mapping[str, EvidenceLevel]] = {level.label: level for level in EvidenceLevel}
"""Every level by its label, weakest first."""

SETTINGS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "tools": ((bool, str), "which tools the model could use: true, false or their names"),
    "shots": ((int,), "worked examples in the prompt"),
    "temperature": ((int, float), "sampling temperature"),
    "top_p": ((int, float), "nucleus sampling"),
    "top_k": ((int,), "candidates considered for each token"),
    "max_tokens": ((int,), "longest answer, in tokens"),
    "seed": ((int,), "seed of the sampling"),
    "effort": ((str, int), "reasoning effort or budget"),
    "epochs": ((int,), "answers sampled for each question"),
    "judge": ((str,), "model that graded the answers"),
    "quantization": ((str,), "number format of the weights: bf16, fp8, int4 …"),
    "provider": ((str,), "who served the model"),
    "prompt": ((str,), "name or text of the prompt"),
    "system_prompt": ((str,), "name or text of the system prompt"),
    "context": ((int,), "context window, in tokens"),
    "harness": ((str,), "program that drove the model"),
}
"""Settings whose names and types are fixed, so that two reports can be compared; other names are kept as they are."""

_SETTING_SLIPS: Final = {
    "quantisation": "quantization",
    "quant": "quantization",
    "num_fewshot": "shots",
    "n_shots": "shots",
    "fewshot": "shots",
    "few_shot": "shots",
    "reasoning_effort": "effort",
    "judge_model": "judge",
    "grader": "judge",
    "temp": "temperature",
}


@dataclass(frozen=True, slots=True)
class LogReference:
    """The log a number came from.

    url     where to get it; http or https
    sha256  64 lower-case hex digits of its bytes
    format  name of its format: inspect_ai, lm_eval …
    """

    url: str
    sha256: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a report says about how its number came to be. Every field but the first two may be absent.

    dataset_id, task_id      the result it belongs to; with several of one task, in the order of the results file
    metric                   name of the metric: accuracy, wer …
    n, n_total               samples scored, and samples in the split at the pinned revision
    stderr                   standard error of the value, in the value's own unit
    model_revision           commit of the model that was run
    settings                 how it was run, see `SETTINGS`
    variant                  id of the board's variant this is
    command                  what to type to run it again
    framework, framework_version  program that ran it
    log                      where its log is
    attempt, attempts        this is run `attempt` of `attempts`
    line, column             where the entry starts in its file
    """

    dataset_id: str
    task_id: str
    metric: str | None = None
    n: int | None = None
    n_total: int | None = None
    stderr: float | None = None
    model_revision: str | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    variant: str | None = None
    command: str | None = None
    framework: str | None = None
    framework_version: str | None = None
    log: LogReference | None = None
    attempt: int | None = None
    attempts: int | None = None
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


class Reported(Protocol):
    """What evidence needs to know of a result to find its own; `results.ResultEntry` is one."""

    @property
    def dataset_id(self) -> str:
        """The benchmark."""

    @property
    def task_id(self) -> str:
        """The task."""

    @property
    def source(self) -> object | None:
        """The link, if there is one."""


def parse(path: str, data: bytes) -> Parsed[tuple[Evidence, ...]]:
    """The entries of an evidence file; an error in one of them refuses the whole file.

    path  the file's name in problems
    """
    document = read_json(path, data)
    findings = document.findings
    entries: list[Evidence] = []
    if document.is_read:
        top = Fields.at(document, (), document.value, "an evidence file")
        if top is not None:
            top.check_known(_TOP, "an evidence file", slips={"results": "entries", "evidence": "entries"})
            _check_version(top)
            for given in top.each("entries", "an entry", required=True):
                entry = _entry(given)
                if entry is not None:
                    entries.append(entry)
    problems = findings.sorted()
    return Parsed(None if findings.has_errors else tuple(entries), problems)


_TOP: Final = frozenset(("version", "entries"))
_DATASET: Final = frozenset(("id", "task_id", "revision"))
_LOG: Final = frozenset(("url", "sha256", "format"))
_ENTRY: Final = frozenset(
    {f.name for f in dataclass_fields(Evidence)} - {"dataset_id", "task_id", "line", "column"} | {"dataset"}
)
_ENTRY_SLIPS: Final = {
    "samples": "n",
    "stderror": "stderr",
    "standard_error": "stderr",
    "std_err": "stderr",
    "total": "n_total",
    "revision": "model_revision",
    "version": "framework_version",
    "dataset_id": "Write it below dataset, as id.",
    "task_id": "Write it below dataset.",
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _check_version(top: Fields) -> None:
    version = top.integer("version", least=1)
    if version is None and not top.values.get("version"):
        top.error(None, Code.MISSING_FIELD, "version is missing", f'Add "version": {VERSION}.')
    elif version is not None and version != VERSION:
        top.error(
            "version", Code.UNKNOWN_VERSION, f"version {version} is not known", f"This hub reads version {VERSION}."
        )


def _entry(fields: Fields) -> Evidence | None:
    fields.check_known(_ENTRY, "an evidence entry", slips=_ENTRY_SLIPS)
    dataset = fields.mapping("dataset", required=True)
    dataset_id = task_id = None
    if dataset is not None:
        dataset.check_known(_DATASET, "dataset")
        dataset_id = dataset.dataset_id("id")
        task_id = dataset.text("task_id", required=True)
    n, n_total = fields.integer("n", least=1), fields.integer("n_total", least=1)
    _check_order(fields, "n", n, "n_total", n_total)
    attempt, attempts = fields.integer("attempt", least=1), fields.integer("attempts", least=1)
    _check_order(fields, "attempt", attempt, "attempts", attempts)
    stderr = fields.number("stderr")
    if stderr is not None and stderr < 0:
        fields.error(
            "stderr", Code.OUT_OF_RANGE, f"stderr is {stderr}; it is at least 0", "Write its size, without sign."
        )
    rest: dict[str, Any] = {
        "metric": fields.text("metric"),
        "model_revision": fields.revision("model_revision"),
        "settings": _settings(fields),
        "variant": fields.text("variant"),
        "command": fields.text("command", limit=PARAGRAPH),
        "framework": fields.text("framework"),
        "framework_version": fields.text("framework_version"),
        "log": _log(fields),
    }
    if dataset_id is None or task_id is None:
        return None
    line, column = fields.place()
    return Evidence(
        dataset_id,
        task_id,
        n=n,
        n_total=n_total,
        stderr=stderr,
        attempt=attempt,
        attempts=attempts,
        line=line,
        column=column,
        **rest,
    )


def _check_order(fields: Fields, low: str, lesser: int | None, high: str, greater: int | None) -> None:
    if lesser is not None and greater is not None and lesser > greater:
        message = f"{low} is {lesser}, more than {high}, which is {greater}"
        fields.error(low, Code.COUNTS_DISAGREE, message, "Correct one of the two.")


def _log(fields: Fields) -> LogReference | None:
    given = fields.mapping("log")
    if given is None:
        return None
    given.check_known(_LOG, "log", slips={"sha": "sha256", "hash": "sha256", "link": "url", "type": "format"})
    sha256 = given.text("sha256")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        hint = "Write the 64 lower-case hex digits that sha256sum prints."
        given.error("sha256", Code.BAD_SHA256, f"{show(sha256)} is not a SHA-256", hint)
    url = given.url("url")
    if url is None:
        if not given.values.get("url"):
            given.error(None, Code.MISSING_FIELD, "url is missing", "Add the address of the log, or remove log.")
        return None
    return LogReference(url, sha256, given.text("format"))


def _settings(fields: Fields) -> dict[str, Setting]:
    given = fields.mapping("settings")
    if given is None:
        return {}
    if len(given.values) > MAX_SETTINGS:
        message = f"there are {len(given.values):,} settings; at most {MAX_SETTINGS} are kept"
        fields.error("settings", Code.TOO_MANY_VALUES, message, "Keep those that change the score.")
        return {}
    kept: dict[str, Setting] = {}
    for name in given.values:
        meant = _SETTING_SLIPS.get(name)
        if meant is not None:
            place = given.document.key_position((*given.path, name))
            hint = f"Write {meant}, so that reports can be compared."
            given.document.findings.warning(
                place, Code.UNKNOWN_FIELD, f"the setting {show(name)} has another name", hint
            )
        value = _setting(given, name)
        if value is not None:
            kept[name] = value
    return kept


def _setting(given: Fields, name: str) -> Setting | None:
    value = given.values[name]
    known = SETTINGS.get(name)
    if value is None:
        return None
    if type(value) is float and given.number(name) is None:
        return None
    if type(value) is int and abs(value) >= 1 << 53:
        hint = "Write it as text, in quotes, if it is a name."
        given.error(name, Code.OUT_OF_RANGE, f"{name} is {show(value)}, more than JSON readers keep exactly", hint)
        return None
    if known is not None and type(value) not in known[0]:
        kinds = " or ".join(_KINDS[kind] for kind in known[0])
        given.error(name, Code.WRONG_TYPE, f"{name} is {kinds}; here is {show(value)}", f"It says {known[1]}.")
        return None
    if type(value) is str:
        return given.text(name, limit=PARAGRAPH if known is not None else LINE)
    if isinstance(value, bool | int | float):
        return value
    hint = "Write text, a number, true or false; what needs more belongs into the log."
    given.error(name, Code.WRONG_TYPE, f"the setting {show(name)} is {show(value)}", hint)
    return None


_KINDS: Final[Mapping[type, str]] = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}


def match(
    path: str, entries: Sequence[Reported], evidence: Sequence[Evidence]
) -> tuple[list[Evidence | None], tuple[Problem, ...]]:
    """Each result's evidence, in the order of the results, and a problem for evidence that belongs to none.

    The first evidence for a dataset and task belongs to the first result for them, the second to the second. Letter
    case in a dataset's id does not matter.

    path  the evidence file's name in problems
    """
    findings = Findings(path)
    waiting: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, entry in enumerate(entries):
        waiting[entry.dataset_id.lower(), entry.task_id].append(index)
    matched: list[Evidence | None] = [None] * len(entries)
    used: defaultdict[tuple[str, str], int] = defaultdict(int)
    for item in evidence:
        key = (item.dataset_id.lower(), item.task_id)
        turn = used[key]
        used[key] += 1
        if turn < len(waiting[key]):
            matched[waiting[key][turn]] = item
        else:
            _note_unmatched(item, entries, len(waiting[key]), findings)
    return matched, findings.sorted()


def _note_unmatched(item: Evidence, entries: Sequence[Reported], count: int, findings: Findings) -> None:
    what = f"{item.dataset_id}, task {show(item.task_id)}"
    if count:
        message = f"the results file has {count} for {what}, and this is evidence {count + 1} or later"
    else:
        message = f"no result in the results file is for {what}"
    reported = [] if findings.is_full else sorted({f"{entry.dataset_id} {entry.task_id}" for entry in entries})
    guess = findings.did_you_mean(f"{item.dataset_id} {item.task_id}", reported)
    findings.error(
        (item.line, item.column), Code.UNMATCHED_EVIDENCE, message, f"{guess} Its results: {listing(reported)}.".strip()
    )


def to_json(evidence: Sequence[Evidence]) -> str:
    """The evidence as its file, absent fields left out."""
    entries = [as_dict(item) for item in evidence]
    return json.dumps({"version": VERSION, "entries": entries}, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def as_dict(item: Evidence) -> dict[str, Any]:
    """One entry as JSON has it in the evidence file, absent fields left out."""
    written: dict[str, Any] = {"dataset": {"id": item.dataset_id, "task_id": item.task_id}}
    for f in dataclass_fields(Evidence):
        value = getattr(item, f.name)
        if f.name not in _ENTRY or value is None or value == {}:
            continue
        if isinstance(value, LogReference):
            value = {k: v for k, v in (("url", value.url), ("sha256", value.sha256), ("format", value.format)) if v}
        written[f.name] = dict(value) if f.name == "settings" else value
    return written


def level_of(entry: Reported, evidence: Evidence | None) -> EvidenceLevel:
    """What the files alone can earn: sourced when the result has a link, else reported.

    Higher levels come from the hub's own checks, never from what a file claims: a log that `evidence` names proves
    nothing until the hub has read it.
    """
    del evidence
    return EvidenceLevel.SOURCED if entry.source is not None else EvidenceLevel.REPORTED
