"""Board rules: how leaderboard.yaml reads, which values fit, and what counts as one variant."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.board_rules import (
    NO_RULES,
    BoardRules,
    OlderEdition,
    Selection,
    TaskRules,
    Variant,
    check_value,
    edition_of,
    parse,
    variant_of,
    variants_named,
)
from evalcommons.core.evidence import EvidenceLevel
from evalcommons.core.problems import Code, Severity

SHA = "5503434ddd753f426f4b38109466949a1217c2bb"
WHOLE = f"""\
defaults:
  unit: fraction
  bounds: [0, 1]
tasks:
  main:
    metric: accuracy
    samples: 1319
    higher_is_better: true
    variants:
      - id: tools
        label: With tools
        aliases: [w/ tools]
      - id: cot
    minimum_evidence: sourced
    selection: most-trusted
    edition: v2
    older_editions:
      - id: v1
        revisions: [{SHA}]
  latency:
    unit: seconds
    higher_is_better: false
    bounds: [0, null]
  plain:
"""
TOOLS = TaskRules(
    variants=(
        Variant("tools", "With tools", ("w/ tools", "tool use")),
        Variant("no-tools", "Without tools"),
        Variant("5-shot", "5-shot"),
    )
)


def codes(text, **more):
    return [p.code for p in parse("leaderboard.yaml", text.encode(), **more).problems]


def test_rules_are_read_and_defaults_fill_what_a_task_leaves_out():
    """A board's rules are the defaults with the task's own words on top."""
    rules, problems = parse("leaderboard.yaml", WHOLE.encode(), task_ids=["main", "latency", "plain", "other"])
    assert problems == ()
    defaults = TaskRules(unit="fraction", bounds=(0.0, 1.0))
    assert rules == BoardRules(
        {
            "main": TaskRules(
                "accuracy",
                "fraction",
                True,
                (0.0, 1.0),
                1319,
                (Variant("tools", "With tools", ("w/ tools",)), Variant("cot", "cot")),
                EvidenceLevel.SOURCED,
                Selection.MOST_TRUSTED,
                "v2",
                (OlderEdition("v1", (SHA,)),),
            ),
            "latency": TaskRules(unit="seconds", higher_is_better=False, bounds=(0.0, math.inf)),
            "plain": defaults,
        },
        defaults,
    )
    assert rules.task("other") == defaults
    assert NO_RULES.task("any") == TaskRules()


@pytest.mark.parametrize(
    ("text", "code", "line", "hint"),
    [
        ("- main\n", Code.WRONG_TYPE, 1, ""),
        ("tasks:\n  - id: main\n", Code.WRONG_TYPE, 2, "key"),
        ("tasks:\n  main: 5\n", Code.WRONG_TYPE, 2, ""),
        ("tasks:\n  man: {}\n", Code.UNKNOWN_TASK, 2, 'Did you mean "main"?'),
        ("defaults: {bounds: [1]}\n", Code.WRONG_TYPE, 1, "bounds: [0, 1]"),
        ("defaults: {bounds: [1, 0]}\n", Code.OUT_OF_RANGE, 1, ""),
        ("defaults: {bounds: [0, .inf]}\n", Code.WRONG_TYPE, 1, "null leaves a side open"),
        ("defaults: {bounds: [false, true]}\n", Code.WRONG_TYPE, 1, ""),
        ("defaults: {bounds: 1}\n", Code.WRONG_TYPE, 1, ""),
        ("defaults: {samples: 0}\n", Code.OUT_OF_RANGE, 1, ""),
        ("defaults: {higher_is_better: 'no'}\n", Code.WRONG_TYPE, 1, "true or false"),
        ("defaults: {minimum_evidence: sourcd}\n", Code.WRONG_CHOICE, 1, 'Did you mean "sourced"?'),
        ("defaults: {selection: first}\n", Code.WRONG_CHOICE, 1, "best, latest, most-trusted"),
        ("defaults: {variants: [{label: x}]}\n", Code.MISSING_FIELD, 1, ""),
        ("defaults: {variants: [{id: 'a b'}]}\n", Code.BAD_ID, 1, ""),
        ("defaults: {variants: [tools]}\n", Code.WRONG_TYPE, 1, ""),
        ("defaults: {variants: [{id: a, aliases: [1]}]}\n", Code.WRONG_TYPE, 1, "quotes"),
        ("defaults:\n  variants:\n  - {id: a}\n  - {id: a}\n", Code.DUPLICATE_VARIANT, 4, "own"),
        (
            "defaults:\n  variants:\n  - {id: a}\n  - {id: b, aliases: ['A.']}\n",
            Code.DUPLICATE_VARIANT,
            4,
            "punctuation",
        ),
        ("defaults: {older_editions: [{id: v1}]}\n", Code.MISSING_FIELD, 1, "revisions"),
        ("defaults: {older_editions: [{id: v1, revisions: [main]}]}\n", Code.BAD_REVISION, 1, "40"),
        (
            f"defaults: {{edition: v1, older_editions: [{{id: v1, revisions: [{SHA}]}}]}}\n",
            Code.DUPLICATE_EDITION,
            1,
            "",
        ),
    ],
)
def test_each_slip_is_an_error_at_its_line(text, code, line, hint):
    """A rule that is read wrongly would rank wrongly."""
    rules, problems = parse("leaderboard.yaml", text.encode(), task_ids=["main"])
    assert rules is None
    assert [(p.code, p.line, p.severity) for p in problems] == [(code, line, Severity.ERROR)]
    assert hint in problems[0].hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("defaults: {lower_is_better: true}\n", Code.UNKNOWN_FIELD),
        ("boards: {}\n", Code.UNKNOWN_FIELD),
        ("defaults: {unit: fraction, bounds: [0, 100]}\n", Code.UNIT_AND_BOUNDS),
        ("defaults: {unit: percent, bounds: [0, 1]}\n", Code.UNIT_AND_BOUNDS),
    ],
)
def test_what_may_be_meant_is_a_warning(text, code):
    """The rules stand, and the odd part is said."""
    rules, problems = parse("leaderboard.yaml", text.encode())
    assert rules is not None
    assert [(p.code, p.severity) for p in problems] == [(code, Severity.WARNING)]


def test_a_task_that_eval_yaml_does_not_have_is_only_an_error_when_it_is_known():
    """A lone leaderboard.yaml can be checked too."""
    assert codes("tasks: {man: {}}") == []
    assert codes("tasks: {man: {}}", task_ids=[]) == [Code.UNKNOWN_TASK]


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, 0.55, 1.0])
def test_values_within_bounds_are_fine(value):
    """Both ends belong to the range."""
    assert check_value(TaskRules(unit="fraction", bounds=(0, 1)), value) is None


def test_a_board_without_bounds_takes_any_number():
    """No rule, no guess."""
    assert check_value(TaskRules(), 1e9) is None


@pytest.mark.parametrize(
    ("rules", "value", "message", "hint"),
    [
        (TaskRules(unit="fraction", bounds=(0, 1)), 55.0, "55.0 is outside 0..1", "did you mean 0.55?"),
        (TaskRules(unit="fraction", bounds=(0, 1)), 56.3, "56.3 is outside 0..1", "did you mean 0.563?"),
        (TaskRules(bounds=(0, 1)), 55.0, "55.0 is outside 0..1", "values are 0..1: did you mean 0.55?"),
        (TaskRules(unit="fraction", bounds=(0, 1)), 550.0, "550.0 is outside 0..1", "write the number in it"),
        (TaskRules(unit="fraction", bounds=(0, 1)), -0.1, "-0.1 is outside 0..1", "write the number in it"),
        (TaskRules(unit="percent", bounds=(0, 100)), 101.0, "101.0 is outside 0..100", "unit is percent"),
        (TaskRules(unit="seconds", bounds=(0, math.inf)), -1.0, "-1.0 is not at least 0", "unit is seconds"),
    ],
)
def test_a_value_outside_the_bounds_is_asked_about(rules, value, message, hint):
    """The remedy names the unit; nothing is converted."""
    complaint = check_value(rules, value)
    assert complaint.message == message
    assert hint in complaint.hint
    assert complaint.hint.endswith("nothing is converted.")


# --- variants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "variant"),
    [
        ("With tools", "tools"),
        ("w/ tools", "tools"),
        ("tools", "tools"),
        ("TOOLS.", "tools"),
        ("Tool-Use", "tools"),
        ("temperature 0; with  tools", "tools"),
        ("a, b | w/ tools\nc", "tools"),
        ("no tools", "no-tools"),
        ("Without tools", "no-tools"),
        ("5 shot", "5-shot"),
        ("with tools, w/ tools", "tools"),
        ("with tools, no tools", ""),
        ("tools; 5-shot", ""),
        ("with tools please", ""),
        ("no", ""),
        ("", ""),
        (None, ""),
        (",;|", ""),
    ],
)
def test_spellings_of_one_variant_are_one_and_nothing_is_guessed(notes, variant):
    """A whole part of the notes must be the variant's id, label or alias; two variants name none."""
    assert variant_of(TOOLS, notes, None) == variant


def test_what_the_evidence_declares_wins():
    """Typed words beat free text; a word the board does not know is no variant."""
    assert variant_of(TOOLS, "no tools", "tools") == "tools"
    assert variant_of(TOOLS, "no tools", "With Tools") == "tools"
    assert variant_of(TOOLS, "no tools", "other") == ""
    assert variant_of(TaskRules(), "tools", "tools") == ""


def test_all_variants_that_notes_name_can_be_asked_for():
    """In the board's order, for the warning."""
    assert variants_named(TOOLS, "5-shot, w/ tools", None) == ("tools", "5-shot")


def test_an_edition_is_known_by_the_pinned_revision():
    """An unpinned result belongs to the current edition: nothing is guessed from dates."""
    old = OlderEdition("v1", (SHA,))
    rules = TaskRules(edition="v2", older_editions=(old,))
    assert edition_of(rules, SHA) is old
    assert edition_of(rules, "f" * 40) is None
    assert edition_of(rules, None) is None


KEYS = "tasks defaults main unit bounds samples variants id label aliases selection older_editions revisions x".split()
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@given(JUNK)
def test_no_shape_makes_it_raise(value):
    """Any value may stand at any key; the answer is rules or errors."""
    for shape in (value, {"defaults": value, "tasks": {"main": value}}):
        text = yaml.safe_dump(shape, allow_unicode=True)
        rules, problems = parse("leaderboard.yaml", text.encode("utf-8", "surrogatepass"), task_ids=["main"])
        assert (rules is None) == any(p.severity is Severity.ERROR for p in problems)
