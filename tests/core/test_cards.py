"""Cards: metadata read without trust, tags that follow from it, and the Hub's own words for what is wrong."""

import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.cards import LICENSES, base_models, card_tags, check, split, validate
from evalcommons.core.ids import RepoKind
from evalcommons.core.problems import Code, Severity

CARD = """\
---
language:
- en
- no
license: mit
library_name: timm
pipeline_tag: image-classification
tags: [pytorch, 2024]
datasets: [beans]
base_model: google/vit
base_model_relation: finetune
---
# A model
---
not: metadata
"""


def metadata(text):
    return split(text.encode()).metadata


def block(text):
    return f"---\n{text}\n---\n"


# --- metadata --------------------------------------------------------------------------------------------------------


def test_metadata_is_what_stands_between_the_first_two_lines_of_dashes():
    """Norwegian is a language, not false."""
    card = split(CARD.encode())
    assert card.problems == ()
    assert card.metadata["language"] == ["en", "no"]
    assert "not" not in card.metadata


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Title",
        "---",
        "---\n",
        "---\nlicense: mit\n",
        "---\n---\n",
        "---\n# nothing\n---\n",
        "text\n---\na: 1\n---\n",
    ],
)
def test_a_readme_without_metadata_has_none(text):
    """No block, an open one or an empty one: nothing to read, nothing wrong."""
    assert split(text.encode()) == (None, ())


@pytest.mark.parametrize(
    "text", ["\ufeff---\na: 1\n---\n", "\n\n---\na: 1\n---", "---\r\na: 1\r\n---\r\nx", "--- \na: 1\n--- \n"]
)
def test_editors_and_systems_differ_in_line_ends(text):
    """A byte order mark, blank lines before, Windows line ends, blanks after the dashes."""
    assert split(text.encode()) == ({"a": 1}, ())


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (block("a: ["), Code.SYNTAX, 2),
        (block("a: 1\n\tb: 2"), Code.SYNTAX, 3),
        (block("a: &x 1"), Code.ANCHOR, 2),
        (block("tags: [a]\nlicense: mit\ntags: [b]"), Code.DUPLICATE_KEY, 4),
        (block("- a"), Code.WRONG_TYPE, 2),
        (block("just text"), Code.WRONG_TYPE, 2),
        (block("a: \ud800"), Code.NOT_UTF8, 2),
    ],
)
def test_metadata_that_cannot_be_read_is_empty_and_a_problem(text, code, line):
    """Never an exception; lines count from the README's first."""
    card = split(text.encode("utf-8", "surrogatepass"))
    assert card.metadata == {}
    assert [(p.code, p.line) for p in card.problems] == [(code, line)]


def test_metadata_can_always_be_sent_as_json():
    """NaN, infinity and numbers of more than 64 bits have no JSON; they are kept as text."""
    found = metadata(block(f"a: .nan\nb: [.inf, -.inf]\nc: {2**70}\nd: {'9' * 9_000}\ne: 2026-01-15"))
    assert found == {"a": "nan", "b": ["inf", "-inf"], "c": str(2**70), "d": "inf", "e": "2026-01-15"}
    assert orjson.loads(orjson.dumps(found)) == found


def test_a_hostile_card_ends_in_time():
    """Bombs, and a README of megabytes without an end to its block."""
    bomb = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
    start = time.process_time()
    for data in (block(bomb), "---\n" + "a\n" * 4_000_000, "\n" * 4_000_000, "---\n" + "[" * 4_000_000 + "\n---\n"):
        split(data.encode())
    assert time.process_time() - start < 3


@given(st.binary(max_size=60).map(lambda data: b"---\n" + data + b"\n---\n") | st.binary(max_size=60))
def test_no_bytes_make_it_raise(data):
    """What is read can be sent, tagged and checked."""
    card = split(data)
    orjson.dumps(card.metadata)
    for kind in RepoKind:
        assert all(isinstance(tag, str) for tag in card_tags(kind, card.metadata))
        check("README.md", data, kind)
    base_models(card.metadata)


# --- tags ------------------------------------------------------------------------------------------------------------


def test_a_model_s_tags_follow_from_its_card():
    """Those of the card, and a prefixed one for each field that lists filter by."""
    assert card_tags(RepoKind.MODEL, metadata(CARD)) == [
        "timm",
        "image-classification",
        "pytorch",
        "2024",
        "en",
        "no",
        "language:en",
        "language:no",
        "dataset:beans",
        "license:mit",
        "base_model:google/vit",
        "base_model:finetune:google/vit",
    ]


def test_a_dataset_s_tags_follow_from_its_card():
    """Categories, sizes, languages and licence."""
    text = block(
        "tags: [math]\ntask_categories: [question-answering]\nsize_categories: 1K<n<10K\nlanguage: en\nlicense: [mit]"
    )
    assert card_tags(RepoKind.DATASET, metadata(text)) == [
        "math",
        "task_categories:question-answering",
        "language:en",
        "license:mit",
        "size_categories:1K<n<10K",
    ]


@pytest.mark.parametrize("tag", ["benchmark:official", "Benchmark:Official", "benchmark:community"])
def test_no_push_can_make_a_benchmark_official(tag):
    """That tag is the operator's."""
    assert card_tags(RepoKind.DATASET, {"tags": [tag, "x"]}) == ["x"]


def test_tags_are_short_visible_and_said_once():
    """Everything else a card may hold there is left out."""
    odd = ["a", "a", "", "x" * 300, "a\u202eb", "a\nb", None, True, 1.5, ["x"], {"x": 1}]
    assert card_tags(RepoKind.MODEL, {"tags": odd, "license": {"x": 1}, "language": None}) == ["a"]
    assert card_tags(RepoKind.MODEL, None) == []
    assert len(card_tags(RepoKind.MODEL, {"tags": list(range(5_000))})) == 1_000


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a/b", ("a/b",)), (["a/b", "c/d", "a/b"], ("a/b", "c/d")), ("", ()), (["not a model", 1.5], ()), (None, ())],
)
def test_base_models_are_those_the_card_names(given, expected):
    """One or several; a board lists models without any by default."""
    assert base_models({"base_model": given}) == expected
    assert base_models(None) == ()


# --- validate --------------------------------------------------------------------------------------------------------


def test_a_good_card_is_silent():
    """Nothing to print before the commit."""
    assert validate(CARD, RepoKind.MODEL) == ((), ())


@pytest.mark.parametrize("text", ["", "# Title", "---\n---\n"])
def test_a_card_without_metadata_is_warned_about_in_the_hub_s_words(text):
    """Clients print this sentence."""
    assert validate(text, RepoKind.MODEL) == ((), ("empty or missing yaml metadata in repo card",))


@pytest.mark.parametrize(
    "text", ["license: asdf", "license: [mit, asdf]", "license: 5", "license: {a: 1}", "license: MIT"]
)
@pytest.mark.parametrize("kind", [RepoKind.MODEL, RepoKind.DATASET])
def test_an_unknown_licence_is_an_error_in_the_hub_s_words(text, kind):
    """`RepoCard.validate` shows this text verbatim."""
    (error,), _ = validate(block(text), kind)
    assert error.startswith('"license" must be one of [apache-2.0, mit, ')


def test_every_licence_of_the_hub_is_known():
    """Identifiers, families and `other` with a name."""
    for name in LICENSES:
        assert validate(block(f'license: "{name}"\nlicense_name: x'), RepoKind.MODEL) == ((), ())
    assert validate(block("license: other"), RepoKind.MODEL).warnings


def test_a_model_index_that_is_no_list_is_an_error():
    """The Hub refuses it, so the client must stop before uploading."""
    assert validate(block("model-index: foo"), RepoKind.MODEL).errors == ('"model-index" must be an array',)
    assert validate(block("tags: foo"), RepoKind.MODEL).errors == ('"tags" must be an array',)


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("pipeline_tag: chat", RepoKind.MODEL, Code.UNKNOWN_TASK_TYPE),
        ("task_categories: [chat, question-answering]", RepoKind.DATASET, Code.UNKNOWN_TASK_TYPE),
        ("language: English", RepoKind.MODEL, Code.BAD_LANGUAGE),
        ("language: [en, DE]", RepoKind.DATASET, Code.BAD_LANGUAGE),
    ],
)
def test_words_the_hub_does_not_list_are_warnings(text, kind, code):
    """The card still lands."""
    (problem,) = check("README.md", block(text).encode(), kind)
    assert (problem.code, problem.severity, problem.line) == (code, Severity.WARNING, 2)
    assert validate(block(text), kind).errors == ()


def test_unreadable_metadata_is_an_error_with_its_line():
    """Clients print the message only, so the line is in it."""
    (error,), warnings = validate(block("a: ["), RepoKind.MODEL)
    assert error.startswith("line 2: this is not YAML")
    assert warnings == ()
    assert validate("---\na: \ud800\n---\n", RepoKind.MODEL).errors
