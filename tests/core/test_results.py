"""Results: what a `.eval_results` file may say, what is wrong with it, and how we write one."""

import math

import pytest
import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml, parse_eval_result_entries
from hypothesis import example, given
from hypothesis import strategies as st

from evalcommons.core import board_rules
from evalcommons.core.evidence import Evidence
from evalcommons.core.problems import Code, Severity
from evalcommons.core.results import DatasetFacts, ResultEntry, Source, check_references, parse, to_yaml

SHA = "5503434ddd753f426f4b38109466949a1217c2bb"
WHOLE = f"""\
- dataset:
    id: cais/hle
    task_id: default
    revision: {SHA}
  value: 20.90
  verifyToken: eyJhbGciOi.J9.x
  date: "2025-01-15T10:30:00Z"
  source:
    url: https://huggingface.co/spaces/SaylorTwift/smollm3-mmlu-pro
    name: Eval traces
    user: SaylorTwift
    org: cais
  notes: "no-tools"

# or, with only the required attributes:

- dataset:
    id: Idavidrein/gpqa
    task_id: gpqa_diamond
  value: 0.412
"""
SHORT = "- dataset: {id: a/b, task_id: main}\n  value: 1\n"


def found(text):
    return [(p.code, p.line, p.column) for p in parse("f.yaml", text.encode()).problems]


def codes(text):
    return [code for code, _, _ in found(text)]


def entry(**given):
    return ResultEntry(**{"dataset_id": "a/b", "task_id": "main", "value": 0.5, **given})


# --- reading ---------------------------------------------------------------------------------------------------------


def test_the_specification_s_own_example_reads_clean():
    """Every field of the Hub's page, and the entry with only the required ones."""
    entries, problems = parse("f.yaml", WHOLE.encode())
    assert problems == ()
    assert entries == (
        ResultEntry(
            "cais/hle",
            "default",
            20.9,
            SHA,
            "eyJhbGciOi.J9.x",
            "2025-01-15T10:30:00Z",
            Source("https://huggingface.co/spaces/SaylorTwift/smollm3-mmlu-pro", "Eval traces", "SaylorTwift", "cais"),
            "no-tools",
        ),
        ResultEntry("Idavidrein/gpqa", "gpqa_diamond", 0.412),
    )
    assert [(e.line, e.column, e.task_at, e.value_at) for e in entries] == [
        (1, 3, (3, 14), (5, 10)),
        (17, 3, (19, 14), (20, 10)),
    ]


def test_what_the_hub_s_client_writes_reads_clean():
    """`huggingface_hub` dumps with PyYAML; its files are accepted as they are."""
    theirs = [
        EvalResultEntry("cais/hle", "default", 20.9, SHA, "t.t.t", "2025-01-15", "https://x.org", "Logs", notes="no"),
        EvalResultEntry("a/b", "c", 3),
    ]
    entries, problems = parse("f.yaml", yaml.dump(eval_result_entries_to_yaml(theirs)).encode())
    assert problems == ()
    assert [e.value for e in entries] == [20.9, 3.0]
    assert entries[0].notes == "no"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dataset: {id: a/b}\n", [(Code.WRONG_TYPE, 1, 1)]),
        ("[]", [(Code.EMPTY, 1, 1)]),
        ("- 7\n", [(Code.WRONG_TYPE, 1, 3)]),
        ("- value: 1\n", [(Code.MISSING_FIELD, 1, 3)]),
        ("- dataset: {id: a/b, task_id: m}\n", [(Code.MISSING_FIELD, 1, 3)]),
        ("- dataset: {task_id: m}\n  value: 1\n", [(Code.MISSING_FIELD, 1, 12)]),
        ("- dataset: {id: a/b}\n  value: 1\n", [(Code.MISSING_FIELD, 1, 12)]),
        ("- dataset: {id: a/b, task: m}\n  value: 1\n", [(Code.MISSING_FIELD, 1, 22)]),
        ("- dataset: a/b\n  value: 1\n", [(Code.WRONG_TYPE, 1, 12)]),
        ("- dataset: {id: gsm8k, task_id: m}\n  value: 1\n", [(Code.BAD_ID, 1, 17)]),
        ("- dataset: {id: a/b/c, task_id: m}\n  value: 1\n", [(Code.BAD_ID, 1, 17)]),
        ("- dataset: {id: a/../b, task_id: m}\n  value: 1\n", [(Code.BAD_ID, 1, 17)]),
        ("- dataset: {id: 'a /b', task_id: m}\n  value: 1\n", [(Code.BAD_ID, 1, 17)]),
        ("- dataset: {id: a/b, task_id: 2024}\n  value: 1\n", [(Code.WRONG_TYPE, 1, 31)]),
        ("- dataset: {id: a/b, task_id: ''}\n  value: 1\n", [(Code.MISSING_FIELD, 1, 31)]),
        ('- dataset: {id: a/b, task_id: "a\\nb"}\n  value: 1\n', [(Code.WRONG_TYPE, 1, 31)]),
        ("- dataset: {id: a/b, task_id: m, revision: main}\n  value: 1\n", [(Code.BAD_REVISION, 1, 44)]),
        ("- dataset: {id: a/b, task_id: m, revision: 1234567}\n  value: 1\n", [(Code.WRONG_TYPE, 1, 44)]),
        (SHORT + "  date: yesterday\n", [(Code.BAD_DATE, 3, 9)]),
        (SHORT + "  date: '2026-13-01'\n", [(Code.BAD_DATE, 3, 9)]),
        (SHORT + "  date: 15.01.2026\n", [(Code.BAD_DATE, 3, 9)]),
        (SHORT + "  date: 2026\n", [(Code.BAD_DATE, 3, 9)]),
        (SHORT + "  date: {a: 1}\n", [(Code.BAD_DATE, 3, 9)]),
        (SHORT + "  source: {name: x}\n", [(Code.SOURCE_WITHOUT_URL, 3, 11)]),
        (SHORT + "  source: {}\n", [(Code.SOURCE_WITHOUT_URL, 3, 11)]),
        (SHORT + "  source: https://x.org\n", [(Code.WRONG_TYPE, 3, 11)]),
        (SHORT + "  notes: [a]\n", [(Code.WRONG_TYPE, 3, 10)]),
        (SHORT + f"  notes: {'x' * 10_001}\n", [(Code.TOO_LONG, 3, 10)]),
        (SHORT + "  verifyToken: 5\n", [(Code.WRONG_TYPE, 3, 16)]),
    ],
)
def test_each_slip_is_found_at_its_place(text, expected):
    """One mistake, one problem, at the word that is wrong."""
    assert found(text) == expected
    assert parse("f.yaml", text.encode()).value is None


@pytest.mark.parametrize(
    ("written", "code", "hint"),
    [
        ("'55%'", Code.WRONG_TYPE, "value: 55."),
        ("55 %", Code.WRONG_TYPE, "value: 55."),
        ("'0.55'", Code.WRONG_TYPE, "Write it without quotes: value: 0.55"),
        ("1_000", Code.WRONG_TYPE, "commas or underscores"),
        ("0,55", Code.WRONG_TYPE, "commas or underscores"),
        ("0.55 ± 0.01", Code.WRONG_TYPE, "error margin"),
        ("true", Code.WRONG_TYPE, "number alone"),
        ("[1]", Code.WRONG_TYPE, "number alone"),
        (".nan", Code.NOT_FINITE, "leave the entry out"),
        ("-.inf", Code.NOT_FINITE, "leave the entry out"),
        ("1e999", Code.NOT_FINITE, "leave the entry out"),
        ("9" * 5_000, Code.NOT_FINITE, "leave the entry out"),
        ("9" * 400, Code.NOT_FINITE, "leave the entry out"),
        ("~", Code.MISSING_FIELD, "Fill in value."),
    ],
)
def test_a_value_is_a_finite_number(written, code, hint):
    """Nothing is guessed: a percent sign, a margin or NaN is asked about, not converted."""
    (problem,) = parse("f.yaml", f"- dataset: {{id: a/b, task_id: m}}\n  value: {written}\n".encode()).problems
    assert problem.code == code
    assert (problem.line, problem.column) == (2, 10)
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SHORT + "  verify_token: x\n", Code.UNKNOWN_FIELD),
        (SHORT + "  metric: accuracy\n", Code.UNKNOWN_FIELD),
        (SHORT.replace("}", ", split: test}"), Code.UNKNOWN_FIELD),
        (SHORT + "  source: {url: 'https://x.org', title: t}\n", Code.UNKNOWN_FIELD),
        (SHORT + "  date: 2026-01-15\n", Code.UNQUOTED_DATE),
        (SHORT.replace("value: 1", "value: 1e3"), Code.AMBIGUOUS_NUMBER),
        (SHORT.replace("main", "no"), Code.AMBIGUOUS_TEXT),
        (SHORT.replace("}", ", revision: abc1234}"), Code.SHORT_REVISION),
        (SHORT + SHORT, Code.DUPLICATE_ENTRY),
        (SHORT + SHORT.replace("a/b", "A/B"), Code.DUPLICATE_ENTRY),
        (SHORT + '  notes: "a\\u200bb"\n', Code.HIDDEN_CHARACTER),
    ],
)
def test_what_the_hub_tolerates_lands_with_a_warning(text, code):
    """Unknown keys and odd spellings are read past, and said."""
    entries, problems = parse("f.yaml", text.encode())
    assert [(p.code, p.severity) for p in problems] == [(code, Severity.WARNING)]
    assert entries


def test_the_same_task_with_other_notes_is_no_duplicate():
    """With and without tools are two results."""
    assert codes(SHORT + "  notes: tools\n" + SHORT) == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//x.org",
        "x.org",
        "https://",
        "https:///x",
        "http://user:password@x.org",
        "https://good.org@evil.org/",
        "https://good.org\\@evil.org/",
        "https://x.org/a b",
        'https://x.org/"onclick="alert(1)',
        "https://x.org/<script>",
        "https://x.org/" + "x" * 3_000,
        " https://x.org",
        "https://x\\n.org",
    ],
)
def test_links_that_could_do_harm_are_refused(url):
    """A source is shown as a link on everyone's page: web addresses only, without disguises."""
    text = SHORT + '  source: {url: "' + url.replace("\\@", "\\\\@").replace('"', '\\"') + '"}\n'
    assert codes(text) in ([Code.BAD_URL], [Code.TOO_LONG], [Code.WRONG_TYPE])


@pytest.mark.parametrize(
    "url",
    [
        "https://arxiv.org/abs/2110.14168",
        "http://localhost:8000/x?y=1&z=a%20b#c",
        "HTTPS://X.ORG",
        "https://user.github.io/~a/(b)",
        "https://[::1]:80/x",
        "https://münchen.de/ä",
        "https://x.org/@user/post",
    ],
)
def test_links_people_use_are_accepted(url):
    """Ports, queries, IPv6, names in any script, an @ in the path."""
    assert codes(SHORT + f'  source: {{url: "{url}"}}\n') == []


def test_html_in_notes_is_text():
    """It is kept letter by letter; pages escape it."""
    notes = "<script>alert(1)</script> &amp; ](javascript:x)"
    (read,), problems = parse("f.yaml", f"{SHORT}  notes: '{notes}'\n".encode())
    assert read.notes == notes
    assert problems == ()


def test_a_block_of_text_loses_its_last_line_end_where_one_line_is_meant():
    """`id: >` is a common way to write YAML."""
    (read,), problems = parse("f.yaml", b"- dataset:\n    id: >\n      a/b\n    task_id: |\n      main\n  value: 1\n")
    assert (read.dataset_id, read.task_id, problems) == ("a/b", "main", ())


def test_one_bad_entry_refuses_the_file():
    """Half a file on the board would be a file that nobody wrote."""
    assert parse("f.yaml", (SHORT + "- dataset: {id: a/c, task_id: m}\n").encode()).value is None


def test_too_many_entries_are_refused():
    """A file is a list of reports, not a database."""
    assert codes("- 1\n" * 10_001) == [Code.TOO_MANY_VALUES]


# --- what the hub knows ----------------------------------------------------------------------------------------------

RULES = board_rules.parse(
    "leaderboard.yaml",
    b"""\
defaults: {unit: fraction, bounds: [0, 1]}
tasks:
  main:
    variants: [{id: tools, label: With tools, aliases: [w/ tools]}, {id: cot, label: Chain of thought}]
""",
).value


def lookup(dataset_id):
    return {
        "openai/gsm8k": DatasetFacts("openai/gsm8k", ("main", "socratic"), RULES),
        "a/no-rules": DatasetFacts("a/no-rules", ("main",)),
        "a/plain": DatasetFacts("a/plain"),
    }.get(dataset_id.lower())


def referenced(text, evidence=()):
    return check_references("f.yaml", parse("f.yaml", text.encode()).value, lookup, evidence)


def test_a_result_for_a_known_task_within_bounds_is_fine():
    """Letter case of the dataset's id does not matter."""
    assert referenced("- dataset: {id: OpenAI/GSM8K, task_id: main}\n  value: 0.55\n") == ()
    assert referenced("- dataset: {id: a/no-rules, task_id: main}\n  value: 55000\n") == ()


def test_a_benchmark_this_hub_does_not_have_is_a_warning():
    """Results may come before their benchmark."""
    (problem,) = referenced("- dataset: {id: c/d, task_id: main}\n  value: 0.55\n")
    assert (problem.code, problem.severity) == (Code.UNKNOWN_BENCHMARK, Severity.WARNING)


def test_a_dataset_without_eval_yaml_is_an_error():
    """It has no board that could show the result."""
    (problem,) = referenced("- dataset: {id: a/plain, task_id: main}\n  value: 0.55\n")
    assert (problem.code, problem.severity) == (Code.NOT_A_BENCHMARK, Severity.ERROR)


def test_an_unknown_task_is_an_error_with_the_tasks_that_exist():
    """A typo in task_id would make the result vanish from every page."""
    (problem,) = referenced("- dataset:\n    id: openai/gsm8k\n    task_id: mian\n  value: 0.55\n")
    assert (problem.code, problem.line, problem.column) == (Code.UNKNOWN_TASK, 3, 14)
    assert problem.hint == 'Did you mean "main"? Its tasks: main, socratic.'


def test_a_percentage_on_a_board_of_fractions_is_refused_with_its_remedy():
    """Nothing is converted: the writer is asked."""
    (problem,) = referenced("- dataset: {id: openai/gsm8k, task_id: main}\n  value: 55.0\n")
    assert (problem.code, problem.line, problem.column) == (Code.OUT_OF_BOUNDS, 2, 10)
    assert problem.message == "55.0 is outside 0..1"
    assert problem.hint == (
        "This board's unit is fraction: did you mean 0.55? Write the number in the board's unit, nothing is converted."
    )


def test_notes_that_name_two_variants_are_asked_about():
    """The result counts as the plain one until it is clear."""
    text = "- dataset: {id: openai/gsm8k, task_id: main}\n  value: 0.5\n  notes: tools; chain of thought\n"
    assert [p.code for p in referenced(text)] == [Code.AMBIGUOUS_VARIANT]
    assert referenced(text, [Evidence("openai/gsm8k", "main", variant="cot")]) == ()


def test_a_variant_the_board_does_not_have_is_a_warning():
    """It would be ranked as the plain one, in silence."""
    text = "- dataset: {id: openai/gsm8k, task_id: main}\n  value: 0.5\n"
    (problem,) = referenced(text, [Evidence("openai/gsm8k", "main", variant="tolls")])
    assert (problem.code, problem.severity) == (Code.UNKNOWN_VARIANT, Severity.WARNING)
    assert 'Did you mean "tools"?' in problem.hint


# --- writing ---------------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ENTRIES = st.builds(
    ResultEntry,
    WORDS,
    WORDS,
    NUMBERS,
    st.none() | WORDS,
    st.none() | WORDS,
    st.none() | WORDS,
    st.none() | st.builds(Source, WORDS, st.none() | WORDS, st.none() | WORDS, st.none() | WORDS),
    st.none() | WORDS,
)


def _pyyaml_sees(entry):
    dataset = {"id": entry.dataset_id, "task_id": entry.task_id}
    if entry.dataset_revision is not None:
        dataset["revision"] = entry.dataset_revision
    seen = {"dataset": dataset, "value": entry.value}
    seen |= {
        key: value
        for key, value in (("verifyToken", entry.verify_token), ("date", entry.date), ("notes", entry.notes))
        if value is not None
    }
    if entry.source is not None:
        fields = ("url", "name", "user", "org")
        seen["source"] = {k: v for k in fields if (v := getattr(entry.source, k)) is not None}
    return seen


@given(st.lists(ENTRIES, max_size=4))
@example(
    [
        entry(task_id=word)
        for word in ("no", "Yes", "null", "~", "1e3", "0o7", "1:30", "2026-01-15", "=", "y", "-", "a: b")
    ]
)
@example([entry(value=value) for value in (1e300, 5e-324, 1e16, 1e22, -0.0, 0.1, 123456789.0, 2.0**60)])
def test_what_we_write_means_the_same_to_yaml_1_1_and_1_2_readers(entries):
    """PyYAML, huggingface_hub and our own reader see one and the same file, whatever the texts are."""
    text = to_yaml(entries)
    assert yaml.safe_load(text) == [_pyyaml_sees(e) for e in entries]
    document = text.encode()
    from evalcommons.core.documents import read_yaml

    read = read_yaml("f.yaml", document)
    assert read.value == yaml.safe_load(text)
    assert not {Code.AMBIGUOUS_NUMBER, Code.AMBIGUOUS_TEXT, Code.UNQUOTED_DATE} & {
        p.code for p in read.findings.sorted()
    }


def test_a_written_file_reads_clean_and_the_same():
    """Round trip through the strict form."""
    entries, _ = parse("f.yaml", WHOLE.encode())
    again, problems = parse("f.yaml", to_yaml(entries).encode())
    assert problems == ()
    assert again == entries


def test_a_written_file_is_the_one_the_specification_shows():
    """Plain where plain is safe, whole numbers without a point, absent fields left out."""
    assert to_yaml([entry(value=55.0, notes="no", date="2026-01-15", source=Source("https://x.org/a?b=c#d"))]) == (
        "- dataset:\n    id: a/b\n    task_id: main\n  value: 55\n"
        '  date: "2026-01-15"\n  source:\n    url: https://x.org/a?b=c#d\n  notes: "no"\n'
    )


def test_the_hub_s_client_reads_what_we_write():
    """`huggingface_hub.parse_eval_result_entries` gets every field."""
    (theirs,) = parse_eval_result_entries(yaml.safe_load(to_yaml([entry(dataset_revision=SHA, notes="x")])))
    assert (theirs.dataset_id, theirs.task_id, theirs.value, theirs.notes) == ("a/b", "main", 0.5, "x")


@given(st.binary(max_size=100) | st.text(max_size=100).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_no_bytes_make_it_raise(data):
    """The answer is entries or errors, never both and never neither."""
    entries, problems = parse("f.yaml", data)
    assert (entries is None) == any(p.severity is Severity.ERROR for p in problems)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("dataset value id task_id revision source url name date notes verifyToken x".split()),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JUNK, max_size=3))
def test_no_shape_makes_it_raise(items):
    """Any value may stand at any key."""
    text = yaml.safe_dump(items, allow_unicode=True)
    entries, problems = parse("f.yaml", text.encode("utf-8", "surrogatepass"))
    assert (entries is None) == any(p.severity is Severity.ERROR for p in problems)
    assert all(math.isfinite(e.value) for e in entries or ())


def test_a_whole_number_is_written_as_one():
    """Also when the caller holds an int: Python 3.11's has no is_integer."""
    assert "  value: 86\n" in to_yaml([ResultEntry("a/b", "t", 86)])
