"""Datasets with an eval.yaml in the database."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from evalcommons.storage.index.schema import benchmarks, boards, repo_moves, repos


@dataclass(frozen=True, slots=True)
class BenchmarkRow:
    """A dataset whose main has an eval.yaml.

    spec, rules   bytes of eval.yaml and leaderboard.yaml; None when absent or unreadable
    problems      JSON list: what is wrong with the files
    """

    repo_id: int
    spec_oid: str
    rules_oid: str
    spec: bytes | None
    rules: bytes | None
    valid: bool
    name: str
    description: str
    framework: str
    problems: str


@dataclass(frozen=True, slots=True)
class Overview:
    """One line in a list of benchmarks. Times in ms.

    rows        models and variants on all its public boards
    changed_at  newest change of a board
    """

    repo_id: int
    namespace: str
    repo_name: str
    name: str
    description: str
    framework: str
    official: bool
    private: bool
    likes: int
    tasks: int
    rows: int
    changed_at: int


_BY_REPO = sa.select(*benchmarks.c).where(benchmarks.c.repo_id == sa.bindparam("repo_id"))
_OIDS = sa.select(benchmarks.c.spec_oid, benchmarks.c.rules_oid).where(benchmarks.c.repo_id == sa.bindparam("repo_id"))
_BY_KEY = (
    sa.select(
        repos.c.id, repos.c.namespace, repos.c.name, repos.c.private, benchmarks.c.spec_oid, benchmarks.c.rules_oid
    )
    .outerjoin(benchmarks, (benchmarks.c.repo_id == repos.c.id) & benchmarks.c.valid.is_(True))
    .where(repos.c.kind == "dataset", repos.c.key == sa.bindparam("key"))
)
_BY_OLD_KEY = (
    sa.select(
        repos.c.id, repos.c.namespace, repos.c.name, repos.c.private, benchmarks.c.spec_oid, benchmarks.c.rules_oid
    )
    .join(repo_moves, repo_moves.c.repo_id == repos.c.id)
    .outerjoin(benchmarks, (benchmarks.c.repo_id == repos.c.id) & benchmarks.c.valid.is_(True))
    .where(repo_moves.c.kind == "dataset", repo_moves.c.key == sa.bindparam("key"), repos.c.deleted_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class Target:
    """The dataset that a result names, and which version of its benchmark is valid now.

    spec_oid  "" when it has no valid eval.yaml
    """

    repo_id: int
    namespace: str
    name: str
    private: bool
    spec_oid: str
    rules_oid: str


class Benchmarks:
    """Questions about benchmarks."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, repo_id: int) -> BenchmarkRow | None:
        """Does this dataset have an eval.yaml, and what does it say?"""
        row = self._connection.execute(_BY_REPO, {"repo_id": repo_id}).first()
        return BenchmarkRow(*row) if row else None

    def oids(self, repo_id: int) -> tuple[str, str] | None:
        """Which versions of eval.yaml and leaderboard.yaml (blob ids) does this dataset have?"""
        row = self._connection.execute(_OIDS, {"repo_id": repo_id}).first()
        return (row[0], row[1]) if row else None

    def target(self, dataset_key: str) -> Target | None:
        """Which dataset has, or had, this id (lower case)?"""
        row = self._connection.execute(_BY_KEY, {"key": dataset_key}).first()
        if row is None:
            row = self._connection.execute(_BY_OLD_KEY, {"key": dataset_key}).first()
        return Target(*row[:4], row[4] or "", row[5] or "") if row else None

    def put(self, row: BenchmarkRow) -> None:
        """Store what a dataset's main says."""
        self.remove(row.repo_id)
        values: dict[str, Any] = {name: getattr(row, name) for name in BenchmarkRow.__slots__}
        self._connection.execute(sa.insert(benchmarks), values)

    def remove(self, repo_id: int) -> None:
        """The dataset has no eval.yaml any more."""
        self._connection.execute(sa.delete(benchmarks).where(benchmarks.c.repo_id == repo_id))

    def clear(self) -> None:
        """Forget every benchmark, before a rebuild."""
        self._connection.execute(sa.delete(benchmarks))

    def overviews(self) -> list[Overview]:
        """Which valid benchmarks are there, official ones first, then the newest change?"""
        sums = (
            sa.select(
                boards.c.repo_id,
                sa.func.count().label("tasks"),
                sa.func.sum(boards.c.listed_rows).label("rows"),
                sa.func.max(boards.c.changed_at).label("changed_at"),
            )
            .group_by(boards.c.repo_id)
            .subquery()
        )
        query = (
            sa.select(
                repos.c.id,
                repos.c.namespace,
                repos.c.name,
                benchmarks.c.name.label("title"),
                benchmarks.c.description,
                benchmarks.c.framework,
                repos.c.official_at.is_not(None),
                repos.c.private,
                repos.c.likes,
                sums.c.tasks,
                sums.c.rows,
                sums.c.changed_at,
            )
            .join(benchmarks, benchmarks.c.repo_id == repos.c.id)
            .join(sums, sums.c.repo_id == repos.c.id)
            .where(benchmarks.c.valid.is_(True), repos.c.deleted_at.is_(None))
            .order_by(repos.c.official_at.is_(None), sums.c.changed_at.desc(), repos.c.key)
        )
        return [Overview(*row) for row in self._connection.execute(query)]
