"""What a repo's card and files say of it: library, task, size, base models, and the tags it is found by."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

import orjson

from evalcommons.core import cards
from evalcommons.core.ids import RepoKind

Reader = Callable[[str, int, int], bytes | None]
"""`read(path, start, end)`: bytes start to end (end not included) of a file of the repo, fewer if it is shorter; None
if there is no such file. Only root files are asked for, a few each time."""

MAX_BASE_MODELS: Final = 50
"""Base models kept of one model."""
MAX_CONFIG: Final = 1 << 20
"""Bytes of a config.json that is looked into."""
MAX_INDEX: Final = 16 << 20
"""Bytes of a model.safetensors.index.json that is looked into."""
MAX_HEADER: Final = 25_000_000
"""Bytes of a safetensors header; the same limit as huggingface_hub's."""
MAX_SHARDS: Final = 256
"""Safetensors files of one model whose headers are read."""

_COUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMBT]?)", re.IGNORECASE | re.ASCII)
_FACTORS: Final = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_DTYPE = re.compile(r"[A-Z0-9_]{1,16}")
_SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.safetensors")
_MOST: Final = 1 << 62

_LIBRARY_FILES: Final = {
    "adapter_config.json": "peft",
    "model_index.json": "diffusers",
    "config_sentence_transformers.json": "sentence-transformers",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What lists and info objects show of a repo at one commit.

    library_name   the library that loads the model
    pipeline_tag   the task it is for
    parameters     count of weights, from the safetensors files, else from the card
    safetensors    weights by number format, and their sum: `{"parameters": {"BF16": 7}, "total": 7}`
    config         `architectures` and `model_type` of config.json
    base_models    ids that the card names as `base_model`, in its order
    base_relation  how it was made from them: adapter, finetune, merge or quantized
    tags           everything a list can filter by, without repetition
    """

    library_name: str | None = None
    pipeline_tag: str | None = None
    parameters: int | None = None
    safetensors: Mapping[str, Any] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    base_models: tuple[str, ...] = ()
    base_relation: str | None = None
    tags: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The facts that no column of their own holds, for JSON: nothing that is unknown is in it."""
        found = {
            "library_name": self.library_name,
            "pipeline_tag": self.pipeline_tag,
            "safetensors": self.safetensors,
            "config": self.config,
            "base_relation": self.base_relation,
        }
        return {name: value for name, value in found.items() if value}


def read_facts(kind: RepoKind, card: Mapping[str, Any], names: Collection[str], read: Reader) -> Facts:
    """The facts of a repo whose README.md has the front matter `card`. Wrong types and hostile sizes count as absent.

    names  the files in the repo's root
    read   gives parts of them; only config.json and safetensors files are asked for
    """
    if kind is not RepoKind.MODEL:
        return Facts(tags=tuple(cards.card_tags(kind, card)))
    config = _config(read) if "config.json" in names else {}
    weights = _safetensors(names, read)
    library = _word(card.get("library_name")) or _library(names, config)
    first = [library, "safetensors" if any(n.endswith(".safetensors") for n in names) else None]
    first.append(config.get("model_type"))
    tags = dict.fromkeys([*(tag for tag in first if tag), *cards.card_tags(kind, card)])
    return Facts(
        library_name=library,
        pipeline_tag=_word(card.get("pipeline_tag")),
        parameters=weights["total"] if weights else card_parameters(card),
        safetensors=weights,
        config=config,
        base_models=cards.base_models(card)[:MAX_BASE_MODELS],
        base_relation=_word(card.get("base_model_relation")),
        tags=tuple(tags)[: cards.MAX_TAGS],
    )


def parameter_count(text: str) -> int | None:
    """The count written as `6700000000`, `6.7B`, `125M`; None if it is written otherwise."""
    found = _COUNT.fullmatch(text.strip().replace("_", "").replace(",", "")[:40])
    if found is None:
        return None
    count = round(float(found[1]) * _FACTORS[found[2].upper()])
    return count if count < _MOST else None


def card_parameters(card: Mapping[str, Any]) -> int | None:
    """The count of weights that a card states as `num_parameters` or `parameters`: a number, or text such as 6.7B."""
    for name in ("num_parameters", "parameters"):
        value = card.get(name)
        count = parameter_count(value) if isinstance(value, str) else value
        if type(count) is float and count.is_integer():
            count = int(count)
        if type(count) is int and 0 < count < _MOST:
            return count
    return None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


# --- files --------------------------------------------------------------------------------------------------------


def _library(names: Collection[str], config: Mapping[str, Any]) -> str | None:
    for name, library in _LIBRARY_FILES.items():
        if name in names:
            return library
    return "transformers" if "model_type" in config else None


def _config(read: Reader) -> dict[str, Any]:
    data = _json(read("config.json", 0, MAX_CONFIG + 1), MAX_CONFIG)
    found: dict[str, Any] = {}
    architectures = [word for word in map(_word, _list(data.get("architectures"))[:16]) if word]
    if architectures:
        found["architectures"] = architectures
    if model_type := _word(data.get("model_type")):
        found["model_type"] = model_type
    return found


def _safetensors(names: Collection[str], read: Reader) -> dict[str, Any] | None:
    if "model.safetensors" in names:
        return _summed([_header_counts("model.safetensors", read)])
    if "model.safetensors.index.json" not in names:
        return None
    index = _json(read("model.safetensors.index.json", 0, MAX_INDEX + 1), MAX_INDEX)
    places = index.get("weight_map")
    shards = sorted({s for s in places.values() if isinstance(s, str)}) if isinstance(places, dict) else []
    if 0 < len(shards) <= MAX_SHARDS and all(_SHARD.fullmatch(s) and s in names for s in shards):
        weights = _summed([_header_counts(shard, read) for shard in shards])
        if weights is not None:
            return weights
    metadata = index.get("metadata")
    total = metadata.get("total_parameters") if isinstance(metadata, dict) else None
    return {"parameters": {}, "total": total} if type(total) is int and 0 < total < _MOST else None


def _header_counts(name: str, read: Reader) -> dict[str, int] | None:
    """Weights by number format, from the header of one safetensors file; None when it has none that can be read.

    source  huggingface/safetensors, README "Format": 8 bytes little-endian length, then JSON
    """
    start = read(name, 0, 8)
    if start is None or len(start) < 8:
        return None
    length = int.from_bytes(start, "little")
    if not 2 <= length <= MAX_HEADER:
        return None
    counts: dict[str, int] = {}
    for tensor, facts in _json(read(name, 8, 8 + length), length).items():
        if tensor == "__metadata__":
            continue
        dtype = facts.get("dtype") if isinstance(facts, dict) else None
        shape = facts.get("shape") if isinstance(facts, dict) else None
        if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype) or not _is_shape(shape):
            return None
        counts[dtype] = counts.get(dtype, 0) + math.prod(shape)
    return counts


def _is_shape(shape: Any) -> TypeGuard[list[int]]:
    return isinstance(shape, list) and len(shape) <= 16 and all(type(n) is int and 0 <= n < 1 << 48 for n in shape)


def _summed(parts: list[dict[str, int] | None]) -> dict[str, Any] | None:
    total: dict[str, int] = {}
    for part in parts:
        if part is None:
            return None
        for dtype, count in part.items():
            total[dtype] = total.get(dtype, 0) + count
    weights = sum(total.values())
    return {"parameters": total, "total": weights} if 0 < weights < _MOST and len(total) <= 32 else None


def _json(data: bytes | None, limit: int) -> dict[str, Any]:
    """The JSON object in `data`; an empty one for anything else."""
    if data is None or len(data) > limit:
        return {}
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
