"""Versions of results, invalid files, and how far each ref was read, in the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from evalcommons.core.reports import InvalidFile, Report, ReportKey, Version
from evalcommons.storage.index.schema import invalid_files, pull_bases, ref_positions, repos, results


class Position(NamedTuple):
    """How far a ref's log was read: its last commit, the number of updates, the tree of `.eval_results` there."""

    commit: str
    updates: int
    files: str


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One version of a result. Times in ms; `source` and `evidence` are JSON texts."""

    id: int
    uid: str
    repo_id: int
    pull: int
    path: str
    ordinal: int
    dataset_key: str
    dataset: str
    task: str
    dataset_revision: str | None
    value: float
    verify_token: str | None
    date: str | None
    source: str | None
    notes: str | None
    evidence: str | None
    level: int
    commit_oid: str
    submitter: str
    from_at: int
    until_at: int | None
    until_why: str | None


_BY_SOURCE = sa.select(*results.c).where(
    results.c.repo_id == sa.bindparam("repo_id"),
    results.c.pull == sa.bindparam("pull"),
    results.c.until_at.is_(None),
)
_GROUP = sa.select(*results.c).where(
    results.c.dataset_key == sa.bindparam("dataset_key"),
    results.c.task == sa.bindparam("task"),
    results.c.repo_id == sa.bindparam("repo_id"),
    results.c.until_at.is_(None),
)
_STANDING_AS = sa.select(*results.c).where(results.c.uid == sa.bindparam("uid"), results.c.until_at.is_(None))
_POSITION = sa.select(ref_positions.c.commit_oid, ref_positions.c.updates, ref_positions.c.files_oid).where(
    ref_positions.c.repo_id == sa.bindparam("repo_id"), ref_positions.c.pull == sa.bindparam("pull")
)
_ADD_POSITION = sa.insert(ref_positions)
_SET_POSITION = (
    sa.update(ref_positions)
    .where(ref_positions.c.repo_id == sa.bindparam("of_repo"), ref_positions.c.pull == sa.bindparam("of_pull"))
    .values(commit_oid=sa.bindparam("commit_oid"), updates=sa.bindparam("updates"), files_oid=sa.bindparam("files_oid"))
)
_ADD = sa.insert(results)
_END = (
    sa.update(results)
    .where(results.c.id == sa.bindparam("row_id"))
    .values(until_at=sa.bindparam("until_at"), until_why=sa.bindparam("until_why"))
)
_ADD_BASE = sa.insert(pull_bases)
_BASE = sa.select(pull_bases.c.base_oid).where(
    pull_bases.c.repo_id == sa.bindparam("repo_id"),
    pull_bases.c.pull == sa.bindparam("pull"),
    pull_bases.c.update_no == sa.bindparam("update_no"),
)


class Results:
    """Questions about results."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # --- versions -------------------------------------------------------------------------------------------------

    def standing(self, repo_id: int, pull: int) -> dict[ReportKey, Version[Report]]:
        """What does this source report now?"""
        rows = self._connection.execute(_BY_SOURCE, {"repo_id": repo_id, "pull": pull})
        return {(v := _version(row)).content.key: v for row in rows}

    def group(self, dataset_keys: Sequence[str], task: str, repo_id: int) -> list[ResultRow]:
        """Which reports of this model on this task stand now? `dataset_keys`: every name the dataset has had."""
        found: list[ResultRow] = []
        for key in dataset_keys:
            rows = self._connection.execute(_GROUP, {"dataset_key": key, "task": task, "repo_id": repo_id})
            found.extend(ResultRow(*row) for row in rows)
        return found

    def standing_as(self, uids: Sequence[str]) -> list[ResultRow]:
        """What do these results say now?"""
        return [ResultRow(*row) for uid in uids for row in self._connection.execute(_STANDING_AS, {"uid": uid})]

    def of_task(self, dataset_keys: Sequence[str], task: str, at: int | None = None) -> Iterable[ResultRow]:
        """Which reports on this task stand now, or stood at the moment `at`?"""
        query = sa.select(*results.c).where(results.c.dataset_key.in_(dataset_keys), results.c.task == task)
        rows = self._connection.execute(query.where(_standing_at(at)).order_by(results.c.repo_id, results.c.id))
        return (ResultRow(*row) for row in rows)

    def of_repos(self, repo_ids: Sequence[int]) -> dict[int, list[ResultRow]]:
        """Which reports stand in these repos: the author's first, then by pull request, file and place?"""
        found: dict[int, list[ResultRow]] = {repo_id: [] for repo_id in repo_ids}
        order = (results.c.repo_id, results.c.pull, results.c.path, results.c.id)
        for start in range(0, len(repo_ids), 500):
            query = sa.select(*results.c).where(
                results.c.repo_id.in_(repo_ids[start : start + 500]), results.c.until_at.is_(None)
            )
            for row in self._connection.execute(query.order_by(*order)):
                found[row.repo_id].append(ResultRow(*row))
        return found

    def history(self, uid: str) -> list[ResultRow]:
        """Which versions did this result have, oldest first?"""
        query = sa.select(*results.c).where(results.c.uid == uid).order_by(results.c.from_at, results.c.id)
        return [ResultRow(*row) for row in self._connection.execute(query)]

    def ended(self, repo_id: int, limit: int) -> list[ResultRow]:
        """Which versions of this repo's results stand no more, newest end first?"""
        query = sa.select(*results.c).where(results.c.repo_id == repo_id, results.c.until_at.is_not(None))
        order = (results.c.until_at.desc(), results.c.uid, results.c.from_at.desc())
        return [ResultRow(*row) for row in self._connection.execute(query.order_by(*order).limit(limit))]

    def newest(self, limit: int) -> list[ResultRow]:
        """Which results of public models came last?"""
        query = (
            sa.select(*results.c)
            .join(repos, repos.c.id == results.c.repo_id)
            .where(results.c.until_at.is_(None), repos.c.private.is_(False))
            .order_by(results.c.from_at.desc(), results.c.id.desc())
            .limit(limit)
        )
        return [ResultRow(*row) for row in self._connection.execute(query)]

    def tasks_reported(self, repo_id: int) -> set[tuple[str, str]]:
        """On which benchmarks and tasks does this repo report now?"""
        query = sa.select(results.c.dataset_key, results.c.task).where(
            results.c.repo_id == repo_id, results.c.until_at.is_(None)
        )
        return {(row[0], row[1]) for row in self._connection.execute(query.distinct())}

    def count(self) -> int:
        """How many versions are there?"""
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(results)).scalar_one())

    def begin(self, rows: Sequence[dict[str, Any]]) -> None:
        """New versions."""
        if rows:
            self._connection.execute(_ADD, rows)

    def end(self, versions: Iterable[Version[Report]]) -> None:
        """These versions stand no more."""
        ends = [{"row_id": v.row_id, "until_at": v.until_at, "until_why": v.until_why} for v in versions]
        if ends:
            self._connection.execute(_END, ends)

    def end_repo(self, repo_id: int, at: int, why: str) -> None:
        """Nothing of this repo stands any more."""
        for table in (results, invalid_files):
            values: dict[str, object] = {"until_at": at}
            if table is results:
                values["until_why"] = why
            mine = (table.c.repo_id == repo_id) & table.c.until_at.is_(None)
            self._connection.execute(sa.update(table).where(mine).values(**values))

    # --- invalid files ----------------------------------------------------------------------------------------------

    def invalid(self, repo_id: int, pull: int | None = None) -> dict[tuple[int, str], Version[InvalidFile]]:
        """Which evaluation files stand but do not validate: (pull, path) -> what is wrong?"""
        query = sa.select(*invalid_files.c).where(
            invalid_files.c.repo_id == repo_id, invalid_files.c.until_at.is_(None)
        )
        if pull is not None:
            query = query.where(invalid_files.c.pull == pull)
        rows = self._connection.execute(query.order_by(invalid_files.c.pull, invalid_files.c.path))
        return {
            (r.pull, r.path): Version(InvalidFile(r.path, r.problems), r.commit_oid, "", r.from_at, row_id=r.id)
            for r in rows
        }

    def begin_invalid(self, rows: Sequence[dict[str, Any]]) -> None:
        """Files that do not validate."""
        if rows:
            self._connection.execute(sa.insert(invalid_files), rows)

    def end_invalid(self, versions: Iterable[Version[InvalidFile]]) -> None:
        """These files were mended or removed."""
        for version in versions:
            mine = invalid_files.c.id == version.row_id
            self._connection.execute(sa.update(invalid_files).where(mine).values(until_at=version.until_at))

    # --- how far refs were read -------------------------------------------------------------------------------------

    def position(self, repo_id: int, pull: int) -> Position | None:
        """How far was this ref read?"""
        row = self._connection.execute(_POSITION, {"repo_id": repo_id, "pull": pull}).first()
        return Position(*row) if row else None

    def heads(self, repo_id: int) -> dict[int, str]:
        """At which commit did the index leave main (0) and each pull request?"""
        query = sa.select(ref_positions.c.pull, ref_positions.c.commit_oid).where(ref_positions.c.repo_id == repo_id)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def set_position(self, repo_id: int, pull: int, position: Position, *, is_new: bool) -> None:
        """This ref was read so far."""
        values = {"commit_oid": position.commit, "updates": position.updates, "files_oid": position.files}
        if is_new:
            self._connection.execute(_ADD_POSITION, {"repo_id": repo_id, "pull": pull, **values})
        else:
            self._connection.execute(_SET_POSITION, {"of_repo": repo_id, "of_pull": pull, **values})

    def add_positions(self, rows: Sequence[dict[str, Any]]) -> None:
        """Many positions at once, for a rebuild."""
        if rows:
            self._connection.execute(_ADD_POSITION, rows)

    def base(self, repo_id: int, pull: int, update_no: int) -> str | None:
        """Which commit of main did this update of a pull request build on, as was noted when it came?"""
        key = {"repo_id": repo_id, "pull": pull, "update_no": update_no}
        found: str | None = self._connection.execute(_BASE, key).scalar()
        return found

    def bases(self, repo_ids: Iterable[int]) -> dict[tuple[int, int, int], str]:
        """The same for all pull requests of these repos: (repo, pull, update) -> commit."""
        query = sa.select(pull_bases.c.repo_id, pull_bases.c.pull, pull_bases.c.update_no, pull_bases.c.base_oid)
        rows = self._connection.execute(query.where(pull_bases.c.repo_id.in_(list(repo_ids))))
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    def add_base(self, repo_id: int, pull: int, update_no: int, base: str) -> None:
        """Note which commit of main an update of a pull request builds on."""
        row = {"repo_id": repo_id, "pull": pull, "update_no": update_no, "base_oid": base}
        self._connection.execute(_ADD_BASE, row)

    # --- rebuild ----------------------------------------------------------------------------------------------------

    def clear(self, living: Sequence[int]) -> None:
        """Forget everything that can be read again from the repos `living`; what deleted repos left stays."""
        for start in range(0, len(living), 500):
            some = living[start : start + 500]
            for table in (results, invalid_files, ref_positions):
                self._connection.execute(sa.delete(table).where(table.c.repo_id.in_(some)))


def _standing_at(at: int | None) -> sa.ColumnElement[bool]:
    if at is None:
        return results.c.until_at.is_(None)
    return (results.c.from_at <= at) & (results.c.until_at.is_(None) | (results.c.until_at > at))


def _version(row: Any) -> Version[Report]:
    content = Report(
        row.path,
        row.ordinal,
        row.dataset,
        row.task,
        row.dataset_revision,
        row.value,
        row.verify_token,
        row.date,
        row.source,
        row.notes,
        row.evidence,
        row.level,
    )
    return Version(content, row.commit_oid, row.submitter, row.from_at, row_id=row.id)
