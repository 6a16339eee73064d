"""Which results rank, which report of a model counts, and in what order."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalcommons.core.board_rules import Selection, TaskRules, check_value, edition_of, variant_of
from evalcommons.core.evidence import EvidenceLevel


class State(StrEnum):
    """What a result is to its board."""

    INVALID = "invalid"
    RANKED = "ranked"
    UNRANKED = "unranked"
    WITHDRAWN = "withdrawn"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A standing report that may take its model's place on a board.

    uid       the result's id
    pull      0 for the author's own, else the pull request it stands in
    from_at   when it appeared, in ms
    evidence  JSON text of its evidence, None without
    """

    uid: str
    pull: int
    value: float
    level: int
    from_at: int
    dataset_revision: str | None
    notes: str | None
    evidence: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the board's rules say of a report.

    reason   why it does not rank; "" when it does
    variant  the board's variant it belongs to; "" for the plain one
    """

    state: State
    reason: str
    variant: str


def judge(rules: TaskRules, report: Candidate) -> Judgement:
    """Does the report rank, and as which variant?"""
    evidence = json.loads(report.evidence) if report.evidence else {}
    variant = variant_of(rules, report.notes, evidence.get("variant"))
    reason = _why_not(rules, report, evidence)
    return Judgement(State.UNRANKED if reason else State.RANKED, reason, variant)


def _why_not(rules: TaskRules, report: Candidate, evidence: dict[str, object]) -> str:
    if (complaint := check_value(rules, report.value)) is not None:
        return f"the value {complaint.message}"
    if report.level < rules.minimum_evidence:
        have, need = EvidenceLevel(report.level).label, rules.minimum_evidence.label
        return f"the board ranks {need} results and better; this one is {have}"
    edition = edition_of(rules, report.dataset_revision)
    if edition is not None and not edition.ranked:
        return f"measured on the older edition {edition.id}"
    n = evidence.get("n")
    total = rules.samples or evidence.get("n_total")
    if isinstance(n, int) and isinstance(total, int) and n < total:
        return f"partial run: {n:,} of {total:,} samples"
    return ""


def sort_key(rules: TaskRules, value: float) -> float:
    """A number that is smaller the better the value is."""
    return -value if rules.higher_is_better else value


def select(rules: TaskRules, reports: Iterable[Candidate]) -> dict[str, Candidate]:
    """For each variant the report that stands on the board: variant -> report.

    By the board's rule; after it the better value, the stronger evidence, the author's own, the older, the smaller uid
    decide, so that the choice never depends on the order in which reports are looked at.
    """
    best: dict[str, tuple[tuple[object, ...], Candidate]] = {}
    for report in reports:
        judgement = judge(rules, report)
        if judgement.state is not State.RANKED:
            continue
        order = _order(rules, report)
        held = best.get(judgement.variant)
        if held is None or order < held[0]:
            best[judgement.variant] = (order, report)
    return {variant: report for variant, (_, report) in best.items()}


def _order(rules: TaskRules, report: Candidate) -> tuple[object, ...]:
    value = sort_key(rules, report.value)
    rest = (report.pull != 0, report.from_at, report.uid)
    if rules.selection is Selection.LATEST:
        return (-report.from_at, value, -report.level, *rest)
    if rules.selection is Selection.MOST_TRUSTED:
        return (-report.level, value, *rest)
    return (value, -report.level, *rest)


def ranks(keys: Sequence[float], before: int = 0, first_rank: int | None = None) -> list[int]:
    """Ranks of neighbouring rows in board order; equal rows share the better rank (1, 2, 2, 4).

    keys        sort keys, best first
    before      rows of the board that stand before the first one
    first_rank  rank of the first row, when it ties with rows before it
    """
    found: list[int] = []
    for position, key in enumerate(keys):
        if position and key == keys[position - 1]:
            found.append(found[-1])
        elif position == 0 and first_rank is not None:
            found.append(first_rank)
        else:
            found.append(before + position + 1)
    return found
