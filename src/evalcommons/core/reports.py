"""Results over time: what a revision reports, and which versions begin and end when it changes."""

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from evalcommons.core import evidence as evidence_rules
from evalcommons.core.evidence import Evidence, EvidenceLevel
from evalcommons.core.results import ResultEntry

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class ReportKey(NamedTuple):
    """What makes a result the same one while its number changes.

    path         file in the model repo
    dataset_key  benchmark id in lower case
    task         task id
    ordinal      0 for the first entry of this dataset and task in the file, 1 for the second …
    """

    path: str
    dataset_key: str
    task: str
    ordinal: int


class Report(NamedTuple):
    """One result as a revision states it, in the form the index keeps.

    source, evidence  JSON texts, None when absent
    level             what the files alone earn (`core.evidence.EvidenceLevel`)
    """

    path: str
    ordinal: int
    dataset: str
    task: str
    dataset_revision: str | None
    value: float
    verify_token: str | None
    date: str | None
    source: str | None
    notes: str | None
    evidence: str | None
    level: int

    @property
    def key(self) -> ReportKey:
        """What identifies the result."""
        return ReportKey(self.path, self.dataset.lower(), self.task, self.ordinal)


class InvalidFile(NamedTuple):
    """An evaluation file that stands in a revision but does not validate.

    problems  JSON list of what is wrong
    """

    path: str
    problems: str


def reports_of(path: str, entries: Sequence[ResultEntry], matched: Sequence[Evidence | None]) -> list[Report]:
    """The reports in one results file, in its order; `matched` is each entry's evidence."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for entry, evidence in zip(entries, matched, strict=True):
        name = (entry.dataset_id.lower(), entry.task_id)
        ordinal = seen[name] = seen.get(name, -1) + 1
        source = entry.source
        found.append(
            Report(
                path,
                ordinal,
                entry.dataset_id,
                entry.task_id,
                entry.dataset_revision,
                float(entry.value),
                entry.verify_token,
                entry.date,
                None if source is None else _json(_without_none(vars_of(source))),
                entry.notes,
                None if evidence is None else _json(evidence_rules.as_dict(evidence)),
                int(evidence_rules.level_of(entry, evidence)),
            )
        )
    return found


def vars_of(source: object) -> dict[str, object]:
    """The fields of a slotted value, by name."""
    return {name: getattr(source, name) for name in type(source).__slots__}  # type: ignore[attr-defined]


def result_uid(repo_uid: str, pull: int, key: ReportKey) -> str:
    """The id of a result, the same after every rebuild: 24 hex digits."""
    text = "\0".join((repo_uid, str(pull), key.path, key.dataset_key, key.task, str(key.ordinal)))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def level_label(level: int) -> str:
    """The word for a stored evidence level."""
    return EvidenceLevel(level).label


@dataclass(slots=True)
class Version(Generic[T]):
    """What one source said, and for how long. Times in ms.

    content    what was said
    commit     where it was first said so
    submitter  account name of who moved the ref there
    row_id     the version's row in the index; None before it has one
    """

    content: T
    commit: str
    submitter: str
    from_at: int
    until_at: int | None = None
    until_why: str | None = None
    row_id: int | None = None


@dataclass(slots=True)
class Moment:
    """One change of a source: which commit, by whom, when (ms)."""

    commit: str
    submitter: str
    at: int


@dataclass(slots=True)
class Standing(Generic[K, T]):
    """The versions of one source (main, or one pull request) that stand, and what a change began and ended.

    Both the live index and a rebuild fold the same changes through this, so that both tell the same history.
    """

    versions: dict[K, Version[T]] = field(default_factory=dict)
    begun: list[Version[T]] = field(default_factory=list)
    ended: list[Version[T]] = field(default_factory=list)

    def show(self, contents: Mapping[K, T], moment: Moment, why_gone: str, among: Iterable[K] | None = None) -> None:
        """From `moment` on exactly `contents` stand; what they do not contain ends with `why_gone`.

        among  the keys that this change can have touched; the others stay as they are. None: all
        """
        touched = list(self.versions) if among is None else [key for key in among if key in self.versions]
        for key in touched:
            version = self.versions[key]
            if key not in contents:
                self._end(key, moment.at, why_gone)
            elif contents[key] != version.content:
                self._end(key, moment.at, "replaced by a new version")
        for key, content in contents.items():
            if key not in self.versions:
                version = Version(content, moment.commit, moment.submitter, moment.at)
                self.versions[key] = version
                self.begun.append(version)

    def end_all(self, at: int, why: str) -> None:
        """Nothing of this source stands any more."""
        for key in list(self.versions):
            self._end(key, at, why)

    def _end(self, key: K, at: int, why: str) -> None:
        version = self.versions.pop(key)
        version.until_at = max(at, version.from_at)
        version.until_why = why
        self.ended.append(version)


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # `dumps` would make one each time


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
