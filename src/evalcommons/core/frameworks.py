"""The evaluation frameworks that eval.yaml may name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Framework:
    """A program that runs benchmarks.

    name         the word in eval.yaml
    description  what it evaluates, in a line
    url          where to read about it; empty when the operator added the name
    """

    name: str
    description: str
    url: str


_KNOWN: Final = (
    Framework("apex-evals", "Language models on the APEX suite.", "https://github.com/Mercor-Intelligence/apex-evals"),
    Framework("archipelago", "Agents working with MCP applications.", "https://github.com/Mercor-Intelligence/archipelago"),
    Framework("benchflow", "Agents on professional workflows, with and without skills.", "https://github.com/benchflow-ai/benchflow"),
    Framework("claw-eval", "Agents on tasks that people have verified.", "https://github.com/claw-eval/claw-eval"),
    Framework("exgentic", "General-purpose agents across many domains.", "https://github.com/Exgentic/exgentic"),
    Framework("extractbench", "Extraction from documents guided by a schema.", "https://github.com/run-llama/ExtractBench"),
    Framework("harbor", "Agents and language models in containers.", "https://github.com/laude-institute/harbor"),
    Framework("ifstruct", "Valid JSON and YAML to a requested schema.", "https://github.com/Liquid4All/ifstruct"),
    Framework("inspect-ai", "Language models and agents, by solvers and scorers.", "https://inspect.aisi.org.uk/"),
    Framework("lighteval", "Language models over many backends.", "https://github.com/huggingface/lighteval"),
    Framework("lm-evaluation-harness", "Language models on academic tasks.", "https://github.com/EleutherAI/lm-evaluation-harness"),
    Framework("math-arena", "Language models on fresh mathematics contests.", "https://github.com/eth-sri/matharena"),
    Framework("mdpbench", "Parsing of documents in many languages.", "https://github.com/Yuliang-Liu/MultimodalOCR"),
    Framework("mmmu", "Multimodal models on college-level subjects.", "https://mmmu-benchmark.github.io/"),
    Framework("mteb", "Embedding and retrieval models.", "https://github.com/embeddings-benchmark/mteb"),
    Framework("nanofold", "Protein structure prediction from little data.", "https://github.com/ChrisHayduk/nanoFold-Competition"),
    Framework("nemo-evaluator", "Language models across many harnesses.", "https://github.com/NVIDIA-NeMo/Evaluator"),
    Framework("olmocr-bench", "Text recognition in whole documents.", "https://github.com/allenai/olmocr/tree/main/olmocr/bench"),
    Framework("open-asr-leaderboard", "Speech recognition models.", "https://github.com/huggingface/open_asr_leaderboard"),
    Framework("parsebench", "Parsing of business documents.", "https://github.com/run-llama/ParseBench"),
    Framework("pbench", "Segmentation of what an expression refers to.", "https://github.com/tiiuae/Falcon-Perception"),
    Framework("pier", "Agents on software tasks without internet.", "https://github.com/datacurve-ai/pier"),
    Framework("real5-omnidocbench", "Document parsing from real photographs and scans.", "https://huggingface.co/datasets/PaddlePaddle/Real5-OmniDocBench"),
    Framework("redline-bench", "Agents that redline contracts over several turns.", "https://github.com/crosbylegal/redline-bench"),
    Framework("researchclawbench", "Agents doing scientific research end to end.", "https://github.com/InternScience/ResearchClawBench"),
    Framework("screenspot-pro", "Finding elements in screenshots of professional software.", "https://github.com/likaixin2000/ScreenSpot-Pro-GUI-Grounding"),
    Framework("swe-bench", "Repairs of real software issues.", "https://github.com/swe-bench/swe-bench"),
    Framework("swe-bench-pro", "Long software tasks.", "https://github.com/scaleapi/SWE-bench_Pro-os"),
    Framework("video-mme-v2", "Understanding of video.", "https://github.com/MME-Benchmarks/Video-MME-v2"),
    Framework("wbench", "Interactive video world models.", "https://github.com/meituan-longcat/WBench"),
    Framework("wildclawbench", "Agents on hand-built tasks from daily life.", "https://github.com/InternLM/WildClawBench"),
    Framework("yc-bench", "Agents that run a simulated company for years.", "https://github.com/collinear-ai/yc-bench"),
)  # fmt: skip

FRAMEWORKS: Final[Mapping[str, Framework]] = {framework.name: framework for framework in _KNOWN}
"""Every framework by its name.

The names are the Hub's, and `lighteval` and `lm-evaluation-harness` besides, whose logs this hub reads.

source  https://github.com/huggingface/huggingface.js, packages/tasks/src/eval.ts, as of 2026-08-21
"""


@lru_cache(maxsize=16)
def _with(extra: tuple[str, ...]) -> Mapping[str, Framework]:
    added = {name: Framework(name, "Added by the operator of this hub.", "") for name in extra}
    return {**FRAMEWORKS, **added}


def known_frameworks(extra: Sequence[str] = ()) -> Mapping[str, Framework]:
    """The frameworks eval.yaml may name, those of the setting `frameworks` included."""
    return _with(tuple(extra)) if extra else FRAMEWORKS
