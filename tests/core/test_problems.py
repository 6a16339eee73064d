"""Problems: one form on every terminal and in every answer."""

import json

import pytest

from evalcommons.core.problems import (
    MAX_PROBLEMS,
    Code,
    Findings,
    Problem,
    Severity,
    did_you_mean,
    has_errors,
    listing,
    printable,
    show,
)


def problem(**given):
    return Problem(**{"path": "eval.yaml", "line": 3, "column": 5, "code": Code.SYNTAX, "message": "no", **given})


def test_a_problem_prints_as_path_line_column_message_and_hint():
    """Editors and terminals jump to `path:line:column`; the hint stands on a line of its own."""
    assert problem(hint="Do.").text() == "eval.yaml:3:5: error: no (syntax)\n    Do."
    assert problem(severity=Severity.WARNING).text() == "eval.yaml:3:5: warning: no (syntax)"


def test_a_problem_is_plain_json():
    """The API answers the same facts, in strings and numbers only."""
    assert json.loads(json.dumps(problem(hint="Do.").as_dict())) == {
        "path": "eval.yaml",
        "line": 3,
        "column": 5,
        "code": "syntax",
        "severity": "error",
        "message": "no",
        "hint": "Do.",
    }


def test_a_file_cannot_drive_the_terminal_of_who_reads_about_it():
    """Escape sequences, bells and bidi overrides in names and values are printed as escapes."""
    text = problem(path="a\x1b[31m\u202e.yaml", message=f"{show('x' + chr(7))} is wrong").text()
    assert text == 'a\\x1b[31m\\u202e.yaml:3:5: error: "x\\x07" is wrong (syntax)'


def test_lone_surrogates_from_file_names_can_be_printed():
    """A file name that is not UTF-8 reaches us with surrogates; a terminal cannot encode those."""
    assert printable("\udcff.yaml").encode() == b"\\udcff.yaml"


def test_only_errors_refuse():
    """A list of warnings lets the push land."""
    assert not has_errors([problem(severity=Severity.WARNING)])
    assert has_errors([problem(severity=Severity.WARNING), problem()])


def test_problems_come_in_file_order_and_end_with_a_count():
    """A hostile file has a million slips; a hundred are listed, and a line says that there are more."""
    findings = Findings("f")
    for line in range(MAX_PROBLEMS * 3, 0, -1):
        findings.warning((line, 1), Code.UNKNOWN_TASK, "w")
    listed = findings.sorted()
    assert len(listed) == MAX_PROBLEMS + 1
    assert [p.line for p in listed[:-1]] == sorted(p.line for p in listed[:-1])
    assert listed[-1].code == Code.TOO_MANY_PROBLEMS
    assert not has_errors(listed)


def test_an_error_behind_a_hundred_warnings_still_refuses():
    """Cutting the list must not turn a refusal into a pass."""
    findings = Findings("f")
    for line in range(MAX_PROBLEMS * 2):
        findings.warning((line, 1), Code.UNKNOWN_TASK, "w")
    findings.error((1, 1), Code.SYNTAX, "e")
    assert findings.has_errors
    assert has_errors(findings.sorted())


def test_an_error_hides_what_is_said_of_the_spelling_at_its_place():
    """`value: 1_000` is one mistake and gets one message."""
    findings = Findings("f")
    findings.warning((1, 8), Code.AMBIGUOUS_TEXT, "ambiguous")
    findings.warning((2, 8), Code.AMBIGUOUS_TEXT, "elsewhere")
    findings.error((1, 8), Code.WRONG_TYPE, "not a number")
    assert [p.message for p in findings.sorted()] == ["not a number", "elsewhere"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", '"a\\nb"'),
        ("x" * 100, '"' + "x" * 60 + '…"'),
        (None, "nothing"),
        (True, "true"),
        (1.5, "1.5"),
        ([], "a list"),
        ({}, "a mapping"),
        (10**4000, "a number of more than 60 digits"),
        (-(10**4000), "a number of more than 60 digits"),
    ],
)
def test_values_are_shown_short_and_on_one_line(value, shown):
    """Messages quote what is wrong, never a page of it."""
    assert show(value) == shown


def test_near_words_are_suggested_and_far_ones_are_not():
    """A suggestion is only worth its line when it is likely."""
    assert did_you_mean("Scorer", ["solvers", "scorers"]) == 'Did you mean "scorers"?'
    assert not did_you_mean("zzz", ["solvers", "scorers"])
    assert not did_you_mean("x" * 100_000, ["solvers"])


def test_long_lists_are_cut():
    """A board of a thousand tasks does not fill the terminal."""
    assert listing(["a", "b"]) == "a, b"
    assert listing([str(n) for n in range(14)]).endswith("11 and 2 more")
