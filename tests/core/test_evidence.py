"""Evidence: what stands behind a score, and which result it belongs to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.evidence import (
    LEVELS,
    SETTINGS,
    Evidence,
    EvidenceLevel,
    LogReference,
    level_of,
    match,
    parse,
    to_json,
)
from evalcommons.core.problems import Code, Severity
from evalcommons.core.results import ResultEntry, Source

SHA = "5503434ddd753f426f4b38109466949a1217c2bb"
WHOLE = {
    "dataset": {"id": "openai/gsm8k", "task_id": "main"},
    "metric": "accuracy",
    "n": 1319,
    "n_total": 1319,
    "stderr": 0.0137,
    "model_revision": SHA,
    "settings": {"tools": False, "shots": 8, "temperature": 0, "effort": "high", "my_own": "x", "flag": True},
    "variant": "no-tools",
    "command": "inspect eval hf/openai/gsm8k",
    "framework": "inspect-ai",
    "framework_version": "0.3.285",
    "log": {"url": "https://x.org/l.eval", "sha256": "a" * 64, "format": "inspect_ai"},
    "attempt": 1,
    "attempts": 3,
}


def read(*entries):
    return parse("f.evidence.json", json.dumps({"version": 1, "entries": entries}).encode())


def with_(**changes):
    return {**WHOLE, **changes}


def result(dataset_id="openai/gsm8k", task_id="main", **more):
    return ResultEntry(dataset_id, task_id, 0.5, **more)


# --- levels ----------------------------------------------------------------------------------------------------------


def test_levels_are_a_ladder():
    """A board's minimum is a comparison."""
    assert list(LEVELS) == ["reported", "sourced", "logged", "rescored", "reproduced"]
    assert EvidenceLevel.REPORTED < EvidenceLevel.SOURCED < EvidenceLevel.LOGGED < EvidenceLevel.REPRODUCED
    assert [str(level) for level in LEVELS.values()] == list(LEVELS)


def test_files_alone_earn_a_link_and_no_more():
    """A log that a file names proves nothing until the hub has read it."""
    claims = Evidence("openai/gsm8k", "main", log=LogReference("https://x.org", "a" * 64))
    assert level_of(result(), None) is EvidenceLevel.REPORTED
    assert level_of(result(), claims) is EvidenceLevel.REPORTED
    assert level_of(result(source=Source("https://x.org")), claims) is EvidenceLevel.SOURCED


# --- reading ---------------------------------------------------------------------------------------------------------


def test_every_field_is_read():
    """Typed, and with the place where the entry stands."""
    entries, problems = read(WHOLE)
    assert problems == ()
    assert entries == (
        Evidence(
            "openai/gsm8k",
            "main",
            "accuracy",
            1319,
            1319,
            0.0137,
            SHA,
            WHOLE["settings"],
            "no-tools",
            "inspect eval hf/openai/gsm8k",
            "inspect-ai",
            "0.3.285",
            LogReference("https://x.org/l.eval", "a" * 64, "inspect_ai"),
            1,
            3,
        ),
    )
    assert (entries[0].line, entries[0].column) == (1, 28)


def test_only_the_dataset_and_task_are_needed():
    """A little evidence is better than none."""
    entries, problems = read({"dataset": {"id": "a/b", "task_id": "m"}})
    assert (entries, problems) == ((Evidence("a/b", "m"),), ())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dataset": None}, Code.MISSING_FIELD),
        ({"dataset": {"id": "b", "task_id": "m"}}, Code.BAD_ID),
        ({"n": 0}, Code.OUT_OF_RANGE),
        ({"n": 1.5}, Code.WRONG_TYPE),
        ({"n": "12"}, Code.WRONG_TYPE),
        ({"n": True}, Code.WRONG_TYPE),
        ({"n": 10**30}, Code.WRONG_TYPE),
        ({"n": 1320}, Code.COUNTS_DISAGREE),
        ({"attempt": 4}, Code.COUNTS_DISAGREE),
        ({"attempt": 0}, Code.OUT_OF_RANGE),
        ({"stderr": -0.1}, Code.OUT_OF_RANGE),
        ({"stderr": "0.1"}, Code.WRONG_TYPE),
        ({"model_revision": "main"}, Code.BAD_REVISION),
        ({"log": {"url": "javascript:x"}}, Code.BAD_URL),
        ({"log": {"sha256": "a" * 64}}, Code.MISSING_FIELD),
        ({"log": {"url": "https://x.org", "sha256": "A" * 64}}, Code.BAD_SHA256),
        ({"log": "https://x.org"}, Code.WRONG_TYPE),
        ({"settings": {"shots": "8"}}, Code.WRONG_TYPE),
        ({"settings": {"shots": True}}, Code.WRONG_TYPE),
        ({"settings": {"temperature": "hot"}}, Code.WRONG_TYPE),
        ({"settings": {"own": [1]}}, Code.WRONG_TYPE),
        ({"settings": {"own": 2**60}}, Code.OUT_OF_RANGE),
        ({"settings": {"own": "x" * 300}}, Code.TOO_LONG),
        ({"settings": {str(n): n for n in range(101)}}, Code.TOO_MANY_VALUES),
        ({"settings": 8}, Code.WRONG_TYPE),
        ({"command": ["a"]}, Code.WRONG_TYPE),
    ],
)
def test_each_slip_refuses_the_file(changes, code):
    """Evidence that is wrong is worse than none."""
    entries, problems = read(with_(**changes))
    assert entries is None
    assert [p.code for p in problems] == [code]


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"samples": 3}, '"n"'),
        ({"settings": {"quantisation": "fp8"}}, "quantization"),
        ({"settings": {"num_fewshot": 5}}, "shots"),
    ],
)
def test_other_names_for_known_things_are_warned_about(changes, hint):
    """Reports can only be compared when they use the same words."""
    entries, problems = read(with_(**changes))
    assert entries
    assert [(p.code, p.severity) for p in problems] == [(Code.UNKNOWN_FIELD, Severity.WARNING)]
    assert hint in problems[0].hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", Code.WRONG_TYPE),
        ("{}", Code.MISSING_FIELD),
        ('{"version": 1, "entries": []}', Code.MISSING_FIELD),
        ('{"version": 1, "entries": {}}', Code.WRONG_TYPE),
        ('{"version": 1, "entries": [7]}', Code.WRONG_TYPE),
        ('{"version": 2, "entries": [{"dataset": {"id": "a/b", "task_id": "m"}}]}', Code.UNKNOWN_VERSION),
        ('{"version": 1, "version": 1, "entries": [{"dataset": {"id": "a/b", "task_id": "m"}}]}', Code.DUPLICATE_KEY),
        ("version: 1", Code.SYNTAX),
        ('{"version": 1, "entries": [{"dataset": {"id": "a/b", "task_id": "m"}, "stderr": NaN}]}', Code.SYNTAX),
        ('{"version": 1, "entries": [{"dataset": {"id": "a/b", "task_id": "m"}, "stderr": 1e999}]}', Code.NOT_FINITE),
    ],
)
def test_the_file_has_one_form(text, code):
    """Strict JSON, a version, a list of entries."""
    entries, problems = parse("f", text.encode())
    assert entries is None
    assert problems[0].code == code


def test_every_known_setting_takes_a_value_of_its_kind():
    """The table is what is checked."""
    sample = {bool: True, str: "x", int: 3, float: 0.5}
    for name, (kinds, meaning) in SETTINGS.items():
        for kind in kinds:
            entries, problems = read(with_(settings={name: sample[kind]}))
            assert problems == ()
            assert entries[0].settings == {name: sample[kind]}
        assert meaning


# --- belonging -------------------------------------------------------------------------------------------------------


def evidence(task_id="main", line=1, **more):
    return Evidence("openai/gsm8k", task_id, line=line, **more)


def test_evidence_finds_its_result_whatever_the_order():
    """By dataset and task, letter case of the dataset ignored; a result without evidence has none."""
    results = [result(task_id="socratic"), result("OpenAI/gsm8k"), result("a/b")]
    one, two = evidence(), evidence("socratic")
    assert match("f", results, [one, two]) == ([two, one, None], ())


def test_several_of_one_task_are_matched_in_order():
    """The first evidence belongs to the first result for the task, the second to the second."""
    one, two = evidence(n=1), evidence(n=2)
    matched, problems = match("f", [result(), result("a/b"), result()], [one, two])
    assert (matched, problems) == ([one, None, two], ())


def test_evidence_that_belongs_to_no_result_is_an_error():
    """It would stand behind the wrong number, or behind none."""
    matched, problems = match("f", [result()], [evidence(), evidence(line=7), evidence("mian", line=9)])
    assert matched == [evidence()]
    assert [(p.code, p.severity, p.line) for p in problems] == [
        (Code.UNMATCHED_EVIDENCE, Severity.ERROR, 7),
        (Code.UNMATCHED_EVIDENCE, Severity.ERROR, 9),
    ]
    assert 'Did you mean "openai/gsm8k main"?' in problems[1].hint


# --- writing ---------------------------------------------------------------------------------------------------------


def test_what_is_written_reads_the_same():
    """Round trip, absent fields left out."""
    entries, _ = read(WHOLE, {"dataset": {"id": "a/b", "task_id": "m"}})
    text = to_json(entries)
    assert json.loads(text) == {"version": 1, "entries": [WHOLE, {"dataset": {"id": "a/b", "task_id": "m"}}]}
    assert parse("f", text.encode()) == (entries, ())


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WHOLE, "id", "url"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(JUNK, JUNK)
def test_no_shape_makes_it_raise(entry, version):
    """Any value may stand at any key; the answer is entries or errors."""
    data = json.dumps({"version": version, "entries": [entry, {**WHOLE, **entry} if isinstance(entry, dict) else 1]})
    entries, problems = parse("f", data.encode())
    assert (entries is None) == any(p.severity is Severity.ERROR for p in problems)
