"""Which report counts, and which rank it has."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.board_rules import OlderEdition, Selection, TaskRules, Variant
from evalcommons.core.evidence import EvidenceLevel
from evalcommons.core.ranking import Candidate, State, judge, ranks, select, sort_key


def report(value: float, **given) -> Candidate:
    facts = {
        "uid": f"u{value}",
        "pull": 0,
        "level": 0,
        "from_at": 1,
        "dataset_revision": None,
        "notes": None,
        "evidence": None,
    }
    return Candidate(value=value, **{**facts, **given})


def test_equal_values_share_the_better_rank():
    """1, 2, 2, 4: as in sports, so that nobody is ranked behind an equal."""
    assert ranks([-0.9, -0.5, -0.5, -0.1]) == [1, 2, 2, 4]


def test_a_page_goes_on_where_the_one_before_ended():
    """The first row of a page may tie with the last row of the page before."""
    assert ranks([-0.5, -0.5, -0.1], before=2, first_rank=2) == [2, 2, 5]


@given(st.lists(st.integers(-3, 3)), st.integers(0, 10))
def test_pages_join_to_the_same_ranks_as_the_whole_board(values, cut):
    """Cutting a board into pages changes no rank."""
    keys = sorted(map(float, values))
    cut = min(cut, len(keys))
    rest = keys[cut:]
    first = 1 + sum(key < rest[0] for key in keys) if rest else None
    assert ranks(keys[:cut]) + ranks(rest, cut, first) == ranks(keys)


def test_lower_is_better_turns_the_order_around():
    """A word error rate of 5 stands above one of 7."""
    rules = TaskRules(higher_is_better=False)
    assert sort_key(rules, 5.0) < sort_key(rules, 7.0)
    assert select(rules, [report(7.0), report(5.0)])[""].value == 5.0


@pytest.mark.parametrize(
    ("selection", "chosen"), [(Selection.BEST, 0.9), (Selection.LATEST, 0.7), (Selection.MOST_TRUSTED, 0.5)]
)
def test_the_owner_of_a_board_chooses_which_report_counts(selection, chosen):
    """Best, latest or most trusted."""
    reports = [report(0.9, from_at=1), report(0.5, from_at=2, level=3), report(0.7, from_at=3)]
    assert select(TaskRules(selection=selection), reports)[""].value == chosen


@given(st.permutations([report(0.5, uid="a", pull=3), report(0.5, uid="b"), report(0.5, uid="c", level=1, pull=2)]))
def test_the_choice_does_not_depend_on_the_order_of_reading(reports):
    """Among equal values the stronger evidence counts, whatever comes first."""
    assert select(TaskRules(), reports)[""].uid == "c"


def test_the_authors_own_report_counts_before_an_equal_one_by_the_community():
    """At the same value and evidence the author's word stands."""
    assert select(TaskRules(), [report(0.5, uid="a", pull=3), report(0.5, uid="b")])[""].uid == "b"


def test_each_variant_has_a_row_of_its_own():
    """With tools and without are two rows, however the notes spell it."""
    rules = TaskRules(variants=(Variant("tools", "With tools", ("w/ tools",)),))
    chosen = select(rules, [report(0.5, notes="w/ tools"), report(0.6, notes="With Tools"), report(0.4)])
    assert {variant: found.value for variant, found in chosen.items()} == {"tools": 0.6, "": 0.4}


@pytest.mark.parametrize(
    ("rules", "given", "reason"),
    [
        (TaskRules(bounds=(0, 1)), {"value": 55.0}, "the value 55.0 is outside 0..1"),
        (
            TaskRules(minimum_evidence=EvidenceLevel.LOGGED),
            {"value": 0.5, "level": 1},
            "the board ranks logged results and better; this one is sourced",
        ),
        (TaskRules(samples=1319), {"value": 1.0, "evidence": json.dumps({"n": 5})}, "partial run: 5 of 1,319 samples"),
        (TaskRules(), {"value": 1.0, "evidence": json.dumps({"n": 5, "n_total": 9})}, "partial run: 5 of 9 samples"),
        (
            TaskRules(edition="v2", older_editions=(OlderEdition("v1", ("a" * 40,)),)),
            {"value": 0.5, "dataset_revision": "a" * 40},
            "measured on the older edition v1",
        ),
    ],
)
def test_what_does_not_rank_says_why(rules, given, reason):
    """Out of bounds, too little evidence, a partial run, an older edition: listed, not ranked, with the reason."""
    judgement = judge(rules, report(**given))
    assert (judgement.state, judgement.reason) == (State.UNRANKED, reason)
    assert select(rules, [report(**given)]) == {}
