"""Results and benchmarks: checked on the way in, shown with everything behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from evalcommons.core.access import Actor
from evalcommons.core.board_rules import NO_RULES, TaskRules
from evalcommons.core.clock import Clock
from evalcommons.core.errors import BadRequest, NotFound, Refused
from evalcommons.core.evaluation_files import (
    EVIDENCE_SUFFIX,
    MAX_BYTES,
    RESULTS_FOLDER,
    Context,
    check_set,
    evidence_path,
    kind_of,
    name_problem,
    results_path,
)
from evalcommons.core.evidence import EvidenceLevel
from evalcommons.core.frameworks import known_frameworks
from evalcommons.core.ids import MAIN, RepoId, RepoKind, pull_number
from evalcommons.core.problems import Problem, has_errors
from evalcommons.core.ranking import State, judge, sort_key
from evalcommons.core.results import DatasetFacts
from evalcommons.services.boards import Boards, candidate
from evalcommons.services.repos import Repos
from evalcommons.services.specs import Spec
from evalcommons.storage.git import GitRepo
from evalcommons.storage.index.benchmarks import BenchmarkRow, Overview
from evalcommons.storage.index.boards import Board, Listing
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.results import ResultRow
from evalcommons.storage.index.session import Session

MAX_REPORTS = 1000
"""Reports of one model, and reports that no longer stand, that are told at once."""


class Declared(NamedTuple):
    """A dataset's benchmark as main has it.

    spec  what its files say; None when the index does not have them
    """

    row: BenchmarkRow
    spec: Spec | None


@dataclass(frozen=True, slots=True)
class Reported:
    """A standing report and what its board makes of it.

    state, reason  `core.ranking.State`, and why when it does not rank
    variant        label of the board's variant it belongs to; "" for the plain one
    rank           of the row that it is; None when another report of the model stands on the board
    """

    result: ResultRow
    state: State
    reason: str
    variant: str
    rank: int | None


class TaskReports(NamedTuple):
    """A model's standing reports on one task, best first.

    dataset  id of the benchmark as it is now; as the reports write it when the reader has no such dataset here
    title    the benchmark's name; "" when it is none
    board    None when the reports wait for a benchmark, or a task of it
    """

    dataset: str
    task: str
    title: str
    board: Board | None
    rules: TaskRules
    reports: list[Reported]


class ModelReports(NamedTuple):
    """Everything reported of a model.

    total    standing reports, of which the first `MAX_REPORTS` are in `tasks`
    ended    versions that stand no more, newest end first, at most `MAX_REPORTS`
    invalid  files that stand but do not validate, with their problems
    """

    tasks: list[TaskReports]
    total: int
    ended: list[ResultRow]
    invalid: list[dict[str, Any]]


class News(NamedTuple):
    """A result that came lately. `here`: its benchmark is a public dataset of this hub."""

    model: RepoRow
    result: ResultRow
    here: bool


@dataclass(frozen=True)
class Evals:
    """Checks evaluation files, and answers for results and benchmarks."""

    index: Index
    repos: Repos
    boards: Boards
    clock: Clock
    frameworks: tuple[str, ...]

    # --- checking ---------------------------------------------------------------------------------------------------

    def screen(
        self, actor: Actor, repo: RepoRow, git: GitRepo, ref: str, old: str | None, new: str
    ) -> tuple[Problem, ...]:
        """The warnings about evaluation files that moving `ref` from `old` to `new` would land.

        Only files that change are checked, and only on main and pull requests: elsewhere they mean nothing yet.
        raises  Refused with every problem when one of them is an error
        """
        if ref != MAIN and pull_number(ref) is None:
            return ()
        files = _changed_files(repo.kind, git, old, new)
        if not files:
            return ()
        with self.index.read() as db:
            problems = check_set(repo.kind, files, self._context(db, actor))
        if has_errors(problems):
            raise Refused(problems)
        return problems

    def check(self, actor: Actor, kind: RepoKind, files: Mapping[str, bytes]) -> tuple[Problem, ...]:
        """Every problem with the evaluation files of one revision, given as path -> bytes; nothing is stored."""
        with self.index.read() as db:
            return check_set(kind, files, self._context(db, actor))

    def _context(self, db: Session, actor: Actor) -> Context:
        def lookup(dataset_id: str) -> DatasetFacts | None:
            target = db.benchmarks.target(dataset_id.lower())
            if target is None:
                return None
            if target.private and not self.repos.readable(db, actor, db.repos.get(target.repo_id)):
                return None  # as if it were not here
            name = f"{target.namespace}/{target.name}"
            spec = (
                self.boards.specs.get(db, target.repo_id, target.spec_oid, target.rules_oid)
                if target.spec_oid
                else None
            )
            if spec is None or spec.benchmark is None:
                return DatasetFacts(name)
            return DatasetFacts(name, spec.benchmark.task_ids, spec.rules)

        return Context(frameworks=known_frameworks(self.frameworks), lookup=lookup)

    # --- results ----------------------------------------------------------------------------------------------------

    def eval_results(self, db: Session, repo_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """The Hub's `evalResults` of these models: what their author and open pull requests report."""
        found = db.results.of_repos(repo_ids)
        return {repo_id: [eval_result(result) for result in found[repo_id]] for repo_id in repo_ids}

    def invalid_files(self, db: Session, repo_id: int) -> list[dict[str, Any]]:
        """The evaluation files of a model that stand but do not validate, with their problems."""
        return [
            {
                "filename": path,
                **({"pullRequest": pull} if pull else {}),
                "error": "does not validate",
                "problems": orjson.loads(version.content.problems),
            }
            for (pull, path), version in db.results.invalid(repo_id).items()
        ]

    def history(self, actor: Actor, uid: str) -> tuple[RepoRow, list[ResultRow]]:
        """A result's versions, oldest first, and the model they are of.

        raises  NotFound, also for results of models that the actor may not see
        """
        with self.index.read() as db:
            versions = db.results.history(uid)
            model = db.repos.get(versions[0].repo_id) if versions else None
            if model is None or model.deleted_at is not None or not self.repos.readable(db, actor, model):
                raise NotFound(f"There is no result {uid[:64]}")
            return model, versions

    def of_model(self, actor: Actor, model_id: RepoId) -> ModelReports:
        """What is and was reported of a model, and what the boards make of it.

        raises  as `Repos.open`
        """
        with self.index.read() as db:
            model = self.repos.admit(db, actor, model_id)
            found = db.results.of_repos([model.id])[model.id]
            shown = sorted(found[:MAX_REPORTS], key=lambda report: (report.dataset_key, report.task))
            grouped = groupby(shown, key=lambda report: (report.dataset_key, report.task))
            tasks = [self._task_reports(db, actor, model, key, task, list(some)) for (key, task), some in grouped]
            tasks.sort(key=lambda each: each.board is None)
            ended = db.results.ended(model.id, MAX_REPORTS)
            return ModelReports(tasks, len(found), ended, self.invalid_files(db, model.id))

    def _task_reports(
        self, db: Session, actor: Actor, model: RepoRow, dataset_key: str, task: str, reports: list[ResultRow]
    ) -> TaskReports:
        target = db.benchmarks.target(dataset_key)
        dataset = db.repos.get(target.repo_id) if target is not None else None
        if dataset is None or not self.repos.readable(db, actor, dataset):
            waiting = f"{reports[0].dataset} is not on this hub"
            return _waiting(reports[0].dataset, task, "", waiting, reports)
        name = str(dataset.repo_id)
        benchmark = db.benchmarks.find(dataset.id)
        title = benchmark.name if benchmark else ""
        board = db.boards.find(dataset_key, task)
        if board is None:
            what = f"the benchmark {name} has no task {task}" if title else f"{name} has no valid eval.yaml"
            return _waiting(name, task, title, what, reports)
        rules = self.boards.rules(db, board)
        ranks = {
            row.uid: db.boards.rank(board.id, Listing.ALL, row.sort_key)
            for row in db.boards.rows_of_model(board.id, model.id)
        }
        labels = {variant.id: variant.label for variant in rules.variants}
        judged = []
        for report in reports:
            judgement = judge(rules, candidate(report))
            label = labels.get(judgement.variant, judgement.variant)
            judged.append(Reported(report, judgement.state, judgement.reason, label, ranks.get(report.uid)))
        judged.sort(key=lambda each: (each.rank is None, sort_key(rules, each.result.value), each.result.uid))
        return TaskReports(name, task, title, board, rules, judged)

    def newest(self, limit: int) -> list[News]:
        """The results that came last, of public models."""
        with self.index.read() as db:
            found = db.results.newest(limit)
            models = db.repos.by_ids({result.repo_id for result in found})
            targets = {key: db.benchmarks.target(key) for key in {result.dataset_key for result in found}}
        here = {key for key, target in targets.items() if target is not None and not target.private}
        return [News(models[result.repo_id], result, result.dataset_key in here) for result in found]

    # --- benchmarks -------------------------------------------------------------------------------------------------

    def declared(self, actor: Actor, dataset_id: RepoId) -> Declared | None:
        """The benchmark in a dataset's eval.yaml, valid or not; None without one.

        raises  as `Repos.open`
        """
        with self.index.read() as db:
            row = db.benchmarks.find(self.repos.admit(db, actor, dataset_id).id)
            return Declared(row, self.boards.specs.get(db, row.repo_id, row.spec_oid, row.rules_oid)) if row else None

    def benchmarks(self, actor: Actor) -> list[Overview]:
        """The valid benchmarks that the actor may see, official ones first, then the latest change."""
        with self.index.read() as db:
            found = db.benchmarks.overviews()
            return [b for b in found if not b.private or self.repos.readable(db, actor, db.repos.get(b.repo_id))]

    def approve(self, dataset_id: RepoId, *, official: bool) -> RepoRow:
        """An operator's word that this benchmark is official, or no longer.

        raises  NotFound; BadRequest when it is no valid benchmark
        """
        with self.index.transaction() as tx:
            repo = tx.repos.find(dataset_id)
            if repo is None:
                raise NotFound(f"There is no dataset {dataset_id}")
            benchmark = tx.benchmarks.find(repo.id)
            if official and (benchmark is None or not benchmark.valid):
                raise BadRequest(f"{repo.repo_id} has no valid eval.yaml on main: it cannot be an official benchmark")
            tx.repos.change(repo.id, official_at=self.clock() if official else None)
            return tx.repos.get(repo.id)


def eval_result(result: ResultRow) -> dict[str, Any]:
    """One result as the Hub's `evalResults` shows it."""
    dataset: dict[str, Any] = {"id": result.dataset, "task_id": result.task}
    if result.dataset_revision:
        dataset["revision"] = result.dataset_revision
    data: dict[str, Any] = {"dataset": dataset, "value": result.value}
    if result.verify_token:
        data["verifyToken"] = result.verify_token
    if result.date:
        data["date"] = result.date
    if result.source:
        data["source"] = orjson.loads(result.source)
    if result.notes:
        data["notes"] = result.notes
    found: dict[str, Any] = {
        "filename": result.path,
        "verified": result.level >= EvidenceLevel.REPRODUCED,
        "data": data,
        "resultId": result.uid,
    }
    if result.pull:
        found["pullRequest"] = result.pull
    return found


def _waiting(dataset: str, task: str, title: str, why: str, reports: list[ResultRow]) -> TaskReports:
    """Reports that no board shows yet."""
    unranked = [Reported(report, State.UNRANKED, why, "", None) for report in reports]
    return TaskReports(dataset, task, title, None, NO_RULES.task(task), unranked)


def _changed_files(kind: RepoKind, git: GitRepo, old: str | None, new: str) -> dict[str, bytes]:
    """The evaluation files that differ between two commits, with those that are checked together with them."""
    if kind is RepoKind.MODEL:
        before = git.entry(old, RESULTS_FOLDER) if old else None
        after = git.entry(new, RESULTS_FOLDER)
        if after is None or not after.is_folder or (before is not None and before.oid == after.oid):
            return {}
        known = {e.path: e.oid for e in git.entries(old, RESULTS_FOLDER)} if old and before and before.is_folder else {}
        entries = {f"{RESULTS_FOLDER}/{e.path}": e for e in git.entries(after.oid) if e.is_file}
        changed = {path for path, entry in entries.items() if known.get(path.rpartition("/")[2]) != entry.oid}
        gone = {f"{RESULTS_FOLDER}/{name}" for name in known} - entries.keys()
    else:
        entries = {e.path: e for e in git.entries(new) if e.is_file}
        known = {e.path: e.oid for e in git.entries(old)} if old else {}
        changed = {path for path, entry in entries.items() if known.get(path) != entry.oid}
        gone = known.keys() - entries.keys()
    wanted = {path for path in changed if kind_of(kind, path) is not None or name_problem(kind, path) is not None}
    for path in [*wanted, *(path for path in gone if kind_of(kind, path) is not None)]:
        wanted |= _beside(kind, path) & entries.keys()
    return {path: _bounded(git, entries[path].oid, entries[path].size) for path in wanted}


def _beside(kind: RepoKind, path: str) -> set[str]:
    """The files that are compared with this one."""
    if kind is RepoKind.DATASET:
        return {"eval.yaml", "leaderboard.yaml"}
    other = results_path(path) if path.endswith(EVIDENCE_SUFFIX) else evidence_path(path)
    return {path, other}


def _bounded(git: GitRepo, oid: str, size: int) -> bytes:
    return git.read(oid) if size <= MAX_BYTES else bytes(MAX_BYTES + 1)
