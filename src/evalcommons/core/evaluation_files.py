"""Which files of a repo hold evaluations, and everything wrong with them.

Push, commit API, `POST /api/evals/check` and `evalcommons check` all ask here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from evalcommons.core import benchmark, board_rules, evidence, results
from evalcommons.core.documents import EVALUATION_FILE, START
from evalcommons.core.frameworks import FRAMEWORKS, Framework
from evalcommons.core.ids import RepoKind
from evalcommons.core.problems import Code, Findings, Problem
from evalcommons.core.results import Lookup

MAX_BYTES: Final = EVALUATION_FILE.size_bytes
"""Bytes of an evaluation file; read one byte more than this and no further to see that a file is too large."""

BENCHMARK_PATH: Final = "eval.yaml"
RULES_PATH: Final = "leaderboard.yaml"
RESULTS_FOLDER: Final = ".eval_results"
RESULTS_SUFFIX: Final = ".yaml"
EVIDENCE_SUFFIX: Final = ".evidence.json"


class FileKind(StrEnum):
    """The four formats."""

    BENCHMARK = "benchmark"
    BOARD_RULES = "board-rules"
    RESULTS = "results"
    EVIDENCE = "evidence"


def kind_of(repo_kind: RepoKind, path: str) -> FileKind | None:
    """Which evaluation file this path of a repo is, or None; letter case matters, deeper folders are not read.

    path  relative to the repo's root, with slashes
    """
    if repo_kind is RepoKind.DATASET:
        return _DATASET_FILES.get(path)
    if repo_kind is not RepoKind.MODEL or not path.startswith(_PREFIX) or "/" in path[len(_PREFIX) :]:
        return None
    if path.endswith(RESULTS_SUFFIX):
        return FileKind.RESULTS if len(path) > len(_PREFIX) + len(RESULTS_SUFFIX) else None
    return FileKind.EVIDENCE if path.endswith(EVIDENCE_SUFFIX) else None


_PREFIX: Final = RESULTS_FOLDER + "/"
_DATASET_FILES: Final = {BENCHMARK_PATH: FileKind.BENCHMARK, RULES_PATH: FileKind.BOARD_RULES}
_NEAR_DATASET_FILES: Final = {
    "eval.yml": BENCHMARK_PATH,
    "evals.yaml": BENCHMARK_PATH,
    "evaluation.yaml": BENCHMARK_PATH,
    "leaderboard.yml": RULES_PATH,
    "leaderboards.yaml": RULES_PATH,
}


def name_problem(repo_kind: RepoKind, path: str) -> Problem | None:
    """A warning when a file looks like an evaluation file but, by its name or place, is not read as one."""
    if kind_of(repo_kind, path) is not None:
        return None
    hint = ""
    if repo_kind is RepoKind.DATASET:
        near = _NEAR_DATASET_FILES.get(path.lower())
        hint = f"Name it {near}." if near else ""
    elif repo_kind is RepoKind.MODEL:
        folder, _, name = path.rpartition("/")
        lower = name.lower()
        if folder == RESULTS_FOLDER and lower.endswith((".yml", ".yaml", ".json")):
            hint = f"Results end in {RESULTS_SUFFIX}, evidence in {EVIDENCE_SUFFIX}."
        elif folder.startswith(_PREFIX) and lower.endswith((".yml", ".yaml", EVIDENCE_SUFFIX)):
            hint = f"Move it up, into {_PREFIX}."
        elif folder.lower() in _NEAR_FOLDERS and lower.endswith((".yml", ".yaml", EVIDENCE_SUFFIX)):
            hint = f"Name it {_PREFIX}{name}."
    if not hint:
        return None
    findings = Findings(path)
    findings.warning(START, Code.NOT_READ, f"{path} looks like an evaluation file and is not read as one", hint)
    return findings.sorted()[0]


_NEAR_FOLDERS: Final = frozenset((".eval_results", "eval_results", ".eval-results", ".eval_result", ".evals_results"))
"""Slips for the folder's name, compared in lower case."""


def evidence_path(results_path: str) -> str:
    """The evidence file that belongs to a results file."""
    return results_path.removesuffix(RESULTS_SUFFIX) + EVIDENCE_SUFFIX


def results_path(evidence_path: str) -> str:
    """The results file that an evidence file belongs to."""
    return evidence_path.removesuffix(EVIDENCE_SUFFIX) + RESULTS_SUFFIX


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may know besides the files.

    frameworks  evaluation frameworks this hub accepts
    lookup      what the hub knows of a dataset; None where no hub is asked, and benchmarks are then not looked up
    task_ids    tasks of the eval.yaml beside a leaderboard.yaml; None when it is not known
    """

    frameworks: Mapping[str, Framework] = field(default_factory=lambda: FRAMEWORKS)
    lookup: Lookup | None = None
    task_ids: tuple[str, ...] | None = None


NO_CONTEXT: Final = Context()


def check_file(kind: FileKind, path: str, data: bytes, context: Context = NO_CONTEXT) -> tuple[Problem, ...]:
    """Everything wrong with one file by itself and against what the context knows, in file order."""
    return _CHECKS[kind](path, data, context)


def _check_benchmark(path: str, data: bytes, context: Context) -> tuple[Problem, ...]:
    return benchmark.parse(path, data, frameworks=context.frameworks).problems


def _check_board_rules(path: str, data: bytes, context: Context) -> tuple[Problem, ...]:
    return board_rules.parse(path, data, task_ids=context.task_ids).problems


def _check_results(path: str, data: bytes, context: Context) -> tuple[Problem, ...]:
    entries, problems = results.parse(path, data)
    if entries is None or context.lookup is None:
        return problems
    return _merged(problems, results.check_references(path, entries, context.lookup))


def _check_evidence(path: str, data: bytes, context: Context) -> tuple[Problem, ...]:
    del context
    return evidence.parse(path, data).problems


_CHECKS: Final[Mapping[FileKind, Callable[[str, bytes, Context], tuple[Problem, ...]]]] = {
    FileKind.BENCHMARK: _check_benchmark,
    FileKind.BOARD_RULES: _check_board_rules,
    FileKind.RESULTS: _check_results,
    FileKind.EVIDENCE: _check_evidence,
}


def check_set(repo_kind: RepoKind, files: Mapping[str, bytes], context: Context = NO_CONTEXT) -> tuple[Problem, ...]:
    """Everything wrong with the evaluation files of one revision of a repo; those that belong together are compared.

    A leaderboard.yaml is held against its eval.yaml and an evidence file against its results; paths that are no
    evaluation files are looked at by name only. Problems come file by file, in the order of the paths.

    files  paths from the repo's root and their bytes
    """
    if repo_kind is RepoKind.DATASET:
        return _check_dataset(files, context)
    problems: list[Problem] = []
    for path in sorted(files):
        match kind_of(repo_kind, path):
            case FileKind.RESULTS:
                problems += _check_with_evidence(path, files, context)
            case FileKind.EVIDENCE if results_path(path) not in files:
                problems += _merged(evidence.parse(path, files[path]).problems, (_orphan(path),))
            case FileKind.EVIDENCE:
                pass  # checked with its results
            case _:
                problems += filter(None, (name_problem(repo_kind, path),))
    return tuple(problems)


def _check_dataset(files: Mapping[str, bytes], context: Context) -> tuple[Problem, ...]:
    problems: list[Problem] = []
    for path in sorted(files):  # eval.yaml comes before leaderboard.yaml
        match kind_of(RepoKind.DATASET, path):
            case FileKind.BENCHMARK:
                parsed = benchmark.parse(path, files[path], frameworks=context.frameworks)
                problems += parsed.problems
                context = replace(context, task_ids=parsed.value.task_ids if parsed.value else None)
            case FileKind.BOARD_RULES:
                found = _check_board_rules(path, files[path], context)
                problems += found if BENCHMARK_PATH in files else _merged(found, (_without_benchmark(path),))
            case _:
                problems += filter(None, (name_problem(RepoKind.DATASET, path),))
    return tuple(problems)


def _check_with_evidence(path: str, files: Mapping[str, bytes], context: Context) -> Sequence[Problem]:
    entries, problems = results.parse(path, files[path])
    sidecar = evidence_path(path)
    matched: Sequence[evidence.Evidence | None] = ()
    beside: tuple[Problem, ...] = ()
    if sidecar in files:
        proofs, beside = evidence.parse(sidecar, files[sidecar])
        if entries is not None and proofs is not None:
            matched, unmatched = evidence.match(sidecar, entries, proofs)
            beside = _merged(beside, unmatched)
    if entries is not None and context.lookup is not None:
        problems = _merged(problems, results.check_references(path, entries, context.lookup, matched))
    return problems + beside


def _merged(first: tuple[Problem, ...], second: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(sorted(first + second, key=lambda p: (p.line, p.column))) if second else first


def _orphan(path: str) -> Problem:
    findings = Findings(path)
    findings.warning(
        START,
        Code.EVIDENCE_WITHOUT_RESULTS,
        f"there is no {results_path(path)} that this evidence could belong to",
        "Name both files alike, or remove this one.",
    )
    return findings.sorted()[0]


def _without_benchmark(path: str) -> Problem:
    findings = Findings(path)
    findings.warning(
        START,
        Code.RULES_WITHOUT_BENCHMARK,
        "there is no eval.yaml beside leaderboard.yaml, so there is no board to rule",
        "Add an eval.yaml, or remove this file.",
    )
    return findings.sorted()[0]
