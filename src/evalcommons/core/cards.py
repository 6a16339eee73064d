"""A repo's README card: its metadata, the tags that follow from it, and what is wrong with it.

source  https://github.com/huggingface/hub-docs, modelcard.md, datasetcard.md and docs/hub/repositories-licenses.md;
        https://github.com/huggingface/huggingface.js, packages/tasks/src/pipelines.ts; all as of 2026-08-22
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from evalcommons.core.documents import START, Document, Limits, read_yaml
from evalcommons.core.ids import RepoKind
from evalcommons.core.problems import MAX_PROBLEMS, Code, Findings, Problem, Severity, show

CARD: Final = Limits(size_bytes=2 << 20, depth=64, values=400_000)
"""Limits of a card's metadata; that of a dataset with thousands of configurations is long."""

LICENSES: Final = tuple(
    (
        "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 "
        "bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc "
        "cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 "
        "cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 "
        "cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 "
        "eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c "
        "ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 "
        "ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 "
        "llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown other"
    ).split()
)
"""Licence identifiers of the Hub."""

PIPELINE_TAGS: Final = tuple(
    (
        "text-classification token-classification table-question-answering question-answering zero-shot-classification "
        "translation summarization feature-extraction text-generation fill-mask sentence-similarity text-to-speech "
        "text-to-audio automatic-speech-recognition audio-to-audio audio-classification audio-text-to-text "
        "voice-activity-detection depth-estimation image-classification object-detection image-segmentation "
        "text-to-image image-to-text image-to-image image-to-video unconditional-image-generation video-classification "
        "reinforcement-learning robotics tabular-classification tabular-regression tabular-to-text table-to-text "
        "multiple-choice text-ranking text-retrieval time-series-forecasting text-to-video image-text-to-text "
        "image-text-to-image image-text-to-video visual-question-answering document-question-answering "
        "zero-shot-image-classification graph-ml mask-generation zero-shot-object-detection text-to-3d image-to-3d "
        "image-feature-extraction video-text-to-text keypoint-detection visual-document-retrieval any-to-any "
        "video-to-video other"
    ).split()
)
"""Tasks a model's `pipeline_tag` and a dataset's `task_categories` may name."""

MAX_TAGS = 1_000
"""Tags of one repo."""
_MAX_TAG = 256

_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*\r?\n)*+---[ \t]*\r?\n")
_CLOSING = re.compile(rb"^---[ \t]*\r?$", re.MULTILINE)


class Card(NamedTuple):
    """A README taken apart.

    metadata  what stands between the two `---` lines, as JSON could hold it; None without such a block, empty when it
              cannot be read
    problems  what is wrong with it as YAML
    """

    metadata: dict[str, Any] | None
    problems: tuple[Problem, ...]


class CardReport(NamedTuple):
    """What the Hub's clients print before they commit a README.

    errors    sentences; any of them refuses the commit
    warnings  sentences that are shown
    """

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def split(readme: bytes) -> Card:
    """The metadata of a card and what is wrong with it; never raises, whatever the bytes are."""
    document = _read("README.md", readme)
    if document is None:
        return Card(None, ())
    problems = document.findings.sorted()
    return Card({} if document.findings.has_errors else _json_safe(document.value), problems)


def body(readme: bytes) -> str:
    """What a card says to people: the text after its metadata. Bytes that are no UTF-8 show as such."""
    opening = _OPENING.match(readme)
    closing = _CLOSING.search(readme, opening.end(), opening.end() + CARD.size_bytes) if opening else None
    return (readme[closing.end() :] if closing else readme).decode("utf-8-sig", "replace")


def _read(path: str, readme: bytes) -> Document | None:
    """The front matter with its lines counted from the file's start; None when there is none."""
    opening = _OPENING.match(readme)
    if opening is None:
        return None
    closing = _CLOSING.search(readme, opening.end(), opening.end() + CARD.size_bytes)
    if closing is None:
        return None
    # The opening line is YAML too ("a document starts"), so that lines need no shifting.
    block = readme[: closing.start()]
    document = read_yaml(path, block, limits=CARD, free_text=None, compare_yaml_1_1=False)
    if document.is_read and document.value is None:
        return None
    if document.is_read and type(document.value) is not dict:
        message = f"the metadata is {show(document.value)}, not `key: value` lines"
        document.findings.error(document.position(), Code.WRONG_TYPE, message, "Write `license: mit` and the like.")
    return document


def _json_safe(value: Any) -> Any:
    """The value with what JSON cannot hold as text: infinite numbers and whole ones of more than 64 bits."""
    match value:
        case dict():
            return {key: _json_safe(item) for key, item in value.items()}
        case list():
            return [_json_safe(item) for item in value]
        case float() if not math.isfinite(value):
            return str(value)
        case int() if not -(1 << 63) <= value < 1 << 63:
            return str(value)
        case _:
            return value


# --- tags ------------------------------------------------------------------------------------------------------------

_PREFIXED: Final[Mapping[RepoKind, tuple[tuple[str, str], ...]]] = {
    RepoKind.MODEL: (
        ("language", "language"),
        ("datasets", "dataset"),
        ("license", "license"),
        ("base_model", "base_model"),
        ("task_ids", "task_ids"),
    ),
    RepoKind.DATASET: (
        ("task_categories", "task_categories"),
        ("task_ids", "task_ids"),
        ("annotations_creators", "annotations_creators"),
        ("language_creators", "language_creators"),
        ("multilinguality", "multilinguality"),
        ("source_datasets", "source_datasets"),
        ("language", "language"),
        ("license", "license"),
        ("size_categories", "size_categories"),
    ),
}
_RESERVED: Final = "benchmark:"
"""Tags that only the operator gives."""


def card_tags(kind: RepoKind, metadata: Mapping[str, Any] | None) -> list[str]:
    """The tags by which lists are filtered: those of the card, and `language:en`, `license:mit` … from its fields.

    Tags that only the operator gives (`benchmark:official`) are left out, wherever the card has them.
    """
    if not metadata:
        return []
    return list(dict.fromkeys(tag for tag in _tags(kind, metadata) if not tag.lower().startswith(_RESERVED)))[:MAX_TAGS]


def _tags(kind: RepoKind, metadata: Mapping[str, Any]) -> Iterator[str]:
    if kind is RepoKind.MODEL:
        yield from _words(metadata.get("library_name"))
        yield from _words(metadata.get("pipeline_tag"))
    yield from _words(metadata.get("tags"))
    if kind is RepoKind.MODEL:
        yield from _words(metadata.get("language"))  # the Hub has a model's languages without prefix
        if metadata.get("model-index"):
            yield "model-index"
    for field, prefix in _PREFIXED.get(kind, ()):
        for word in _words(metadata.get(field)):
            yield f"{prefix}:{word}"
    relation = next(iter(_words(metadata.get("base_model_relation"))), None)
    if kind is RepoKind.MODEL and relation:
        for base in base_models(metadata):
            yield f"base_model:{relation}:{base}"


def _words(value: Any) -> list[str]:
    """The value, or each item of the list it is, as a short text that can be shown; anything else is left out."""
    items = value if type(value) is list else [value]
    words = [str(item) if type(item) is int else item for item in items if type(item) in {str, int}]
    return [word for word in words if 0 < len(word) <= _MAX_TAG and word.isprintable()]


def base_models(metadata: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The models this one is made from, as its card names them."""
    found = _words(metadata.get("base_model")) if metadata else []
    return tuple(dict.fromkeys(word for word in found if " " not in word))


# --- checking --------------------------------------------------------------------------------------------------------


def validate(content: str, kind: RepoKind) -> CardReport:
    """What `POST /api/validate-yaml` answers about a README, in the words the Hub's clients expect."""
    problems = check("README.md", content.encode("utf-8", "surrogatepass"), kind)
    texts: dict[Severity, list[str]] = {Severity.ERROR: [], Severity.WARNING: []}
    for problem in problems:
        is_about_a_field = problem.message.startswith(('"', "The ", "empty "))
        texts[problem.severity].append(
            problem.message if is_about_a_field else f"line {problem.line}: {problem.message}"
        )
    return CardReport(tuple(texts[Severity.ERROR]), tuple(texts[Severity.WARNING]))


def check(path: str, readme: bytes, kind: RepoKind) -> tuple[Problem, ...]:
    """Everything wrong with a card, with positions: unreadable YAML, unknown licence, a model-index that is no list."""
    document = _read(path, readme)
    if document is None:
        findings = Findings(path)
        hint = "Start the README with a line ---, `license: …` and the like, and a second line ---."
        findings.warning(START, Code.NO_METADATA, "empty or missing yaml metadata in repo card", hint)
        return findings.sorted()
    if not document.findings.has_errors:
        _check_license(document)
        _check_language(document)
        if kind is RepoKind.MODEL:
            _check_model_index(document)
            _check_task_types(document, "pipeline_tag", "pipeline tag")
        elif kind is RepoKind.DATASET:
            _check_task_types(document, "task_categories", "task category")
        if "tags" in document.value:
            _check_tags(document)
    return document.findings.sorted()


def _items(value: Any) -> list[Any]:
    """The list, no further than problems with it would be listed, or the one value as a list."""
    return value[:MAX_PROBLEMS] if type(value) is list else [value]


def _check_license(document: Document) -> None:
    given = document.value.get("license")
    if given is None:
        return
    for word in _items(given):
        if type(word) is not str or word not in LICENSES:
            message = f'"license" must be one of [{", ".join(LICENSES)}]'
            hint = "For any other licence write `license: other` and its name as license_name."
            document.findings.error(document.position(("license",)), Code.UNKNOWN_LICENSE, message, hint)
            return
    if given == "other" and not document.value.get("license_name"):
        document.findings.warning(
            document.position(("license",)),
            Code.MISSING_LICENSE_NAME,
            '"license_name" is missing: "license: other" needs a name',
            "Add license_name, and license_link with the text's address.",
        )


_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{1,8})*|code|multilingual")


def _check_language(document: Document) -> None:
    given = document.value.get("language")
    for word in _items(given):
        if word is not None and not (type(word) is str and _LANGUAGE.fullmatch(word)):
            document.findings.warning(
                document.position(("language",)),
                Code.BAD_LANGUAGE,
                f'"language" has {show(word)}, which is not an ISO 639 code of two or three lower-case letters',
                'Write codes such as en or de, or "code" or "multilingual".',
            )


def _check_model_index(document: Document) -> None:
    index = document.value.get("model-index")
    if index is not None and type(index) is not list:
        document.findings.error(
            document.position(("model-index",)),
            Code.WRONG_TYPE,
            '"model-index" must be an array',
            "Start each model with a dash: `- name: …`. New results belong into .eval_results/.",
        )


def _check_task_types(document: Document, field: str, what: str) -> None:
    given = document.value.get(field)
    for word in _items(given):
        if word is not None and word not in PIPELINE_TAGS:
            document.findings.warning(
                document.position((field,)),
                Code.UNKNOWN_TASK_TYPE,
                f"The {what} {show(word)} is not in the official list: {', '.join(PIPELINE_TAGS)}",
                "Choose one of the list.",
            )


def _check_tags(document: Document) -> None:
    tags = document.value["tags"]
    if tags is not None and type(tags) is not list:
        document.findings.error(
            document.position(("tags",)), Code.WRONG_TYPE, '"tags" must be an array', "Start each tag with a dash."
        )
