import json
import struct

import pytest

from evalcommons.core.ids import RepoKind
from evalcommons.core.model_facts import card_parameters, parameter_count, read_facts


def safetensors(**tensors):
    header = {"__metadata__": {"format": "pt"}} | {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]} for name, (dtype, shape) in tensors.items()
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


def facts(card=None, files=None, kind=RepoKind.MODEL):
    files = files or {}

    def read(path, start, end):
        return files[path][start:end] if path in files else None

    return read_facts(kind, card or {}, set(files), read)


def test_an_empty_repo_has_no_facts():
    """Nothing is made up."""
    found = facts()
    assert found.as_dict() == {}
    assert found.tags == ()
    assert found.parameters is None


def test_weights_are_counted_from_the_header_of_the_file():
    """The number of parameters follows from shapes, by number format."""
    found = facts(files={"model.safetensors": safetensors(a=("BF16", [2, 3]), b=("F32", [4]), c=("F32", []))})
    assert found.safetensors == {"parameters": {"BF16": 6, "F32": 5}, "total": 11}
    assert found.parameters == 11
    assert "safetensors" in found.tags


def test_weights_of_a_model_in_parts_are_summed():
    """An index names the parts; each part's header is read."""
    index = {"metadata": {"total_size": 99}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}
    files = {
        "model.safetensors.index.json": json.dumps(index).encode(),
        "m-1.safetensors": safetensors(a=("BF16", [10])),
        "m-2.safetensors": safetensors(b=("BF16", [5])),
    }
    assert facts(files=files).safetensors == {"parameters": {"BF16": 15}, "total": 15}


def test_an_index_whose_parts_are_missing_gives_only_its_own_total():
    """`total_size` counts bytes and is never taken for a count of weights."""
    index = {"metadata": {"total_size": 99}, "weight_map": {"a": "m-1.safetensors"}}
    assert facts(files={"model.safetensors.index.json": json.dumps(index).encode()}).safetensors is None
    index["metadata"]["total_parameters"] = 49
    found = facts(files={"model.safetensors.index.json": json.dumps(index).encode()})
    assert found.safetensors == {"parameters": {}, "total": 49}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        struct.pack("<Q", 3) + b"[1]",
        struct.pack("<Q", 90_000) + b"[" * 90_000,
        struct.pack("<Q", 60) + b"{" + b" " * 59,
        safetensors(a=("F32", [1 << 60])),
        safetensors(a=("F32", [1 << 40] * 16)),
        safetensors(a=("F32", [-1])),
        safetensors(a=("F32", ["x"])),
        safetensors(a=("<script>", [1])),
        safetensors(a=(7, [1])),
    ],
)
def test_a_hostile_header_counts_as_no_header(data):
    """A file of weights can be anything; it never breaks a push."""
    assert facts(files={"model.safetensors": data}).safetensors is None


def test_the_files_win_over_the_card():
    """What the card claims counts only where no file says otherwise."""
    files = {"model.safetensors": safetensors(a=("F32", [7]))}
    assert facts({"num_parameters": "70B"}, files).parameters == 7
    assert facts({"num_parameters": "70B"}).parameters == 70_000_000_000


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("6.7B", 6_700_000_000),
        ("125m", 125_000_000),
        ("1_000", 1000),
        ("1,000", 1000),
        ("1T", 10**12),
        ("7 B", 7 * 10**9),
        ("about 7B", None),
        ("-7B", None),
        ("7\u212a", None),  # the Kelvin sign, which ignoring case makes a k
        ("", None),
        ("9" * 39, None),
    ],
)
def test_counts_are_read_as_people_write_them(text, count):
    """Suffixes K, M, B and T are thousands, millions, billions, trillions."""
    assert parameter_count(text) == count


@pytest.mark.parametrize("value", [True, 0, -5, 1.5, float("inf"), float("nan"), [7], {"a": 1}, None, 1 << 70])
def test_a_card_that_states_no_count_gives_none(value):
    """Wrong types and impossible numbers count as absent."""
    assert card_parameters({"num_parameters": value}) is None


def test_a_model_is_found_by_what_its_card_and_files_say():
    """Library, format, architecture, task, the card's own tags, languages, data and base models become tags."""
    card = {
        "tags": ["chat", "chat", "benchmark:official", "Benchmark:official"],
        "language": ["en", "de"],
        "license": "mit",
        "datasets": ["openai/gsm8k"],
        "pipeline_tag": "text-generation",
        "base_model": "acme/base",
        "base_model_relation": "finetune",
    }
    files = {"config.json": b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "x": 1}'}
    found = facts(card, files)
    assert found.tags[:5] == ("transformers", "llama", "text-generation", "chat", "en")
    assert set(found.tags[5:]) == {
        "de",
        "language:en",
        "language:de",
        "license:mit",
        "dataset:openai/gsm8k",
        "base_model:acme/base",
        "base_model:finetune:acme/base",
    }
    assert found.as_dict() == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "config": {"architectures": ["LlamaForCausalLM"], "model_type": "llama"},
        "base_relation": "finetune",
    }
    assert found.base_models == ("acme/base",)


def test_a_dataset_is_found_by_its_categories():
    """The prefixes are those the Hub's clients filter by."""
    card = {
        "task_categories": ["question-answering"],
        "size_categories": ["100K<n<1M"],
        "language": "en",
        "tags": ["x"],
    }
    found = facts(card, kind=RepoKind.DATASET)
    assert set(found.tags) == {"x", "language:en", "size_categories:100K<n<1M", "task_categories:question-answering"}


@pytest.mark.parametrize(
    "card",
    [
        {"tags": "x" * 300},
        {"tags": {"a": 1}},
        {"tags": [None, "", "a\nb", "\u202eevil"]},
        {"tags": ["benchmark:official", "Benchmark:anything"]},
    ],
)
def test_what_is_no_tag_makes_no_tag(card):
    """Overlong, hidden and mistyped values are left out."""
    assert facts(card).tags == ()


def test_the_number_of_tags_is_bounded():
    """A card cannot flood the index."""
    assert len(facts({"tags": [f"t{n}" for n in range(5000)]}).tags) == 1000


@pytest.mark.parametrize(
    "data", [b"\xff", b"[]", b"null", b'{"model_type": {"a": 1}}', b'{"architectures": "x"}', b"{" * 2000]
)
def test_a_strange_config_is_no_config(data):
    """config.json is read for two fields and never trusted."""
    assert facts(files={"config.json": data}).config == {}
