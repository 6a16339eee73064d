"""Keeps the selected rows of each board as results, rules and repos change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import orjson

from evalcommons.core.board_rules import NO_RULES, TaskRules
from evalcommons.core.clock import Clock, timestamp
from evalcommons.core.evidence import EvidenceLevel
from evalcommons.core.ranking import Candidate, select, sort_key
from evalcommons.services.specs import Spec, SpecCache
from evalcommons.storage.index.accounts import Account
from evalcommons.storage.index.boards import Board, BoardRow
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.results import ResultRow
from evalcommons.storage.index.session import Session

_Group = tuple[int, list[ResultRow]]


@dataclass(frozen=True)
class Boards:
    """Called inside the transaction that changes what a board shows."""

    specs: SpecCache
    clock: Clock

    def refresh(self, tx: Session, model: RepoRow, tasks: Iterable[tuple[str, str]]) -> None:
        """Choose anew which of the model's reports stand on the boards of `tasks` (dataset key, task id)."""
        owner: Account | None = None
        for dataset_key, task in tasks:
            board = tx.boards.find(dataset_key, task)
            if board is None:
                continue  # reported before its benchmark exists: the board will find it when it is made
            if owner is None:
                model = tx.repos.get(model.id)  # it may have turned private since the caller looked
                owner = tx.accounts.get(model.owner_id)
            rules = self.rules(tx, board)
            reports = tx.results.group(board.dataset_keys, board.task, model.id)
            rows = [] if model.deleted_at else board_rows(board, rules, model, owner, reports)
            tx.boards.put_model(board, model.id, rows, self.clock())

    def add(self, tx: Session, model: RepoRow, reports: Iterable[ResultRow]) -> None:
        """Reports came and none went: hold each only against what stands on its board for the model.

        However many reports a model has, one more costs the same.
        """
        owner: Account | None = None
        for (dataset_key, task), some in groupby(sorted(reports, key=_task_of), key=_task_of):
            board = tx.boards.find(dataset_key, task)
            if board is None:
                continue
            if owner is None:
                model = tx.repos.get(model.id)  # it may have turned private since the caller looked
                owner = tx.accounts.get(model.owner_id)
            held = tx.boards.rows_of_model(board.id, model.id)
            rivals = tx.results.standing_as([row.uid for row in held])
            rows = board_rows(board, self.rules(tx, board), model, owner, [*rivals, *some])
            tx.boards.put_model(board, model.id, rows, self.clock(), held)

    def fill(self, tx: Session, board: Board, *, touch: bool = True) -> None:
        """Choose anew for all models of the board."""
        rules = self.rules(tx, board)
        rows: list[BoardRow] = []
        owners: dict[int, Account] = {}
        grouped = groupby(tx.results.of_task(board.dataset_keys, board.task), key=lambda result: result.repo_id)
        for chunk in _chunks(((repo_id, list(reports)) for repo_id, reports in grouped), 500):
            models = tx.repos.by_ids([repo_id for repo_id, _ in chunk], with_card=False)
            missing = {model.owner_id for model in models.values()} - owners.keys()
            owners.update(tx.accounts.names(missing) if missing else {})
            for repo_id, reports in chunk:
                model = models[repo_id]
                if model.deleted_at is None:
                    rows += board_rows(board, rules, model, owners[model.owner_id], reports)
        tx.boards.fill(board, rows, self.clock(), touch=touch)

    def rules(self, db: Session, board: Board) -> TaskRules:
        """The rules of one board."""
        spec = self.spec(db, board.repo_id)
        return spec.rules.task(board.task) if spec else NO_RULES.task(board.task)

    def spec(self, db: Session, dataset_id: int) -> Spec | None:
        """What the dataset's eval.yaml and leaderboard.yaml say; None without a benchmark."""
        oids = db.benchmarks.oids(dataset_id)
        return self.specs.get(db, dataset_id, *oids) if oids else None


def board_rows(
    board: Board, rules: TaskRules, model: RepoRow, owner: Account, reports: Sequence[ResultRow]
) -> list[BoardRow]:
    """The rows of one model on a board: the selected report of each variant."""
    by_uid = {report.uid: report for report in reports}
    chosen = select(rules, (candidate(report) for report in reports))
    return [_board_row(board, rules, model, owner, variant, by_uid[report.uid]) for variant, report in chosen.items()]


def _task_of(report: ResultRow) -> tuple[str, str]:
    return report.dataset_key, report.task


def candidate(report: ResultRow) -> Candidate:
    """What the ranking rules look at."""
    return Candidate(
        report.uid,
        report.pull,
        report.value,
        report.level,
        report.from_at,
        report.dataset_revision,
        report.notes,
        report.evidence,
    )


def _board_row(
    board: Board, rules: TaskRules, model: RepoRow, owner: Account, variant: str, report: ResultRow
) -> BoardRow:
    return BoardRow(
        board_id=board.id,
        repo_id=model.id,
        variant=variant,
        sort_key=sort_key(rules, report.value),
        from_at=report.from_at,
        uid=report.uid,
        value=report.value,
        level=report.level,
        parameters=model.parameters,
        derived=model.base_models != "[]",
        listed=not model.private,
        entry=orjson.dumps(entry(model, owner, variant, report)).decode(),
    )


def entry(model: RepoRow, owner: Account, variant: str, report: ResultRow) -> dict[str, object]:
    """A row as the Hub's leaderboard call answers it, without its rank; our own keys come after the Hub's."""
    found: dict[str, object] = {
        "modelId": str(model.repo_id),
        "value": report.value,
        "filename": report.path,
        "verified": report.level >= EvidenceLevel.REPRODUCED,
        "author": {
            "type": owner.kind,
            "name": owner.name,
            "fullname": owner.fullname,
            "avatarUrl": f"/avatars/{owner.name}.svg",
        },
    }
    if report.source:
        found["source"] = orjson.loads(report.source)
    if report.pull:
        found["pullRequest"] = report.pull
    if report.notes:
        found["notes"] = report.notes
    if variant:
        found["variant"] = variant
    found["evidence"] = EvidenceLevel(report.level).label
    found["submitter"] = report.submitter
    found["resultId"] = report.uid
    found["reportedAt"] = timestamp(report.from_at)
    return found


def _chunks(groups: Iterable[_Group], size: int) -> Iterable[list[_Group]]:
    rest = iter(groups)
    return iter(lambda: list(islice(rest, size)), [])
