"""Parsed benchmarks, kept by the ids of their files so that each version is parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from evalcommons.core import benchmark, board_rules
from evalcommons.core.benchmark import Benchmark
from evalcommons.core.board_rules import NO_RULES, BoardRules
from evalcommons.core.evaluation_files import BENCHMARK_PATH, RULES_PATH
from evalcommons.core.frameworks import Framework, known_frameworks
from evalcommons.core.problems import Problem
from evalcommons.storage.index.session import Session


@dataclass(frozen=True, slots=True)
class Spec:
    """What a dataset's eval.yaml and leaderboard.yaml say.

    benchmark  None when eval.yaml does not validate
    rules      the defaults when leaderboard.yaml is absent or does not validate
    problems   of both files
    """

    benchmark: Benchmark | None
    rules: BoardRules
    problems: tuple[Problem, ...]


def read_spec(spec: bytes, rules: bytes | None, frameworks: tuple[str, ...]) -> Spec:
    """The spec in these bytes."""
    return _read(spec, rules, frameworks)


@lru_cache(maxsize=512)
def _read(spec: bytes, rules: bytes | None, frameworks: tuple[str, ...]) -> Spec:
    known: Mapping[str, Framework] = known_frameworks(frameworks)
    found, problems = benchmark.parse(BENCHMARK_PATH, spec, frameworks=known)
    if rules is None:
        return Spec(found, NO_RULES, problems)
    parsed = board_rules.parse(RULES_PATH, rules, task_ids=found.task_ids if found else None)
    return Spec(found, parsed.value or NO_RULES, problems + parsed.problems)


class SpecCache:
    """The specs of this hub's benchmarks, by dataset and the ids of the two files."""

    def __init__(self, frameworks: tuple[str, ...], size: int = 1024) -> None:
        self._frameworks = frameworks
        self._size = size
        self._kept: dict[tuple[int, str, str], Spec] = {}

    def get(self, db: Session, repo_id: int, spec_oid: str, rules_oid: str) -> Spec | None:
        """The spec that these files of the dataset hold; None when the index no longer has them."""
        key = (repo_id, spec_oid, rules_oid)
        found = self._kept.get(key)
        if found is None:
            row = db.benchmarks.find(repo_id)
            if row is None or row.spec is None or (row.spec_oid, row.rules_oid) != key[1:]:
                return None
            if len(self._kept) >= self._size:
                self._kept.clear()
            found = self._kept[key] = read_spec(row.spec, row.rules, self._frameworks)
        return found
