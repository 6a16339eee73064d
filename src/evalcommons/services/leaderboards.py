"""Boards to read: a page of ranked rows, the board of a day, every report behind it."""

import base64
import binascii
import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from evalcommons.core.access import ANONYMOUS, Actor, Need
from evalcommons.core.board_rules import TaskRules
from evalcommons.core.errors import BadRequest, NotFound
from evalcommons.core.ids import RepoId
from evalcommons.core.ranking import judge, ranks
from evalcommons.services.boards import Boards, board_rows, candidate, entry
from evalcommons.services.repos import Repos
from evalcommons.storage.index.boards import START, Board, BoardRow, Filters, Listing, Place
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.results import ResultRow
from evalcommons.storage.index.session import Session

MAX_ROWS = 100_000
"""Rows of one answer when the reader names no limit: the Hub's client asks once and expects the whole board."""
_COUNTS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader wants of a board.

    task       None: the benchmark's first
    listing    all models, or only those that name no base model (the Hub's default)
    filters    variant, evidence, size
    as_of      ms; the board as it stood then, under today's rules; None: now
    cursor     where the page before ended; "" for the first page
    limit      rows; None: all
    """

    task: str | None = None
    listing: Listing = Listing.BASE
    filters: Filters = field(default_factory=Filters)
    as_of: int | None = None
    cursor: str = ""
    limit: int | None = None


class RankedRow(NamedTuple):
    """One row of a board.

    entry  JSON object of the row without its rank
    """

    rank: int
    entry: str

    def as_json(self) -> str:
        """The row as the leaderboard call answers it."""
        return f'{{"rank":{self.rank},{self.entry[1:]}'


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a board.

    rows       in board order
    total      rows that pass the reader's filters, on all pages
    left_out   filter -> how many rows it hides
    cursor     for the next page; "" when this is the last
    """

    board: Board
    rules: TaskRules
    rows: tuple[RankedRow, ...]
    total: int
    left_out: dict[str, int]
    cursor: str

    def as_json(self) -> bytes:
        """The rows as the leaderboard call answers them."""
        return f"[{','.join([row.as_json() for row in self.rows])}]".encode()


class _Cursor(NamedTuple):
    """Where a page ended: the last row's place, how many rows came before its end, and its rank."""

    place: Place
    position: int
    rank: int


_FIRST = _Cursor(START, 0, 0)


@dataclass(frozen=True)
class Leaderboards:
    """Reads boards. Nothing here scans one: pages are index ranges, ranks come from blocks."""

    index: Index
    repos: Repos
    boards: Boards
    _counts: OrderedDict[tuple[int, int, Listing, Filters], int] = field(default_factory=OrderedDict)

    def page(self, actor: Actor, dataset_id: RepoId, wanted: Wanted) -> Page:
        """One page of a board.

        raises  RepoNotFound; NotFound when the dataset has no board or no such task; BadRequest for a broken cursor
        """
        with self.index.read() as db:
            dataset = self.repos.admit(db, actor, dataset_id, Need.READ)
            return self._page(db, actor, self._board(db, dataset, wanted.task), wanted)

    def tasks(self, actor: Actor, dataset_id: RepoId) -> list[Board]:
        """The boards of a dataset, in the order of its tasks; none for a dataset that is no benchmark.

        raises  RepoNotFound
        """
        with self.index.read() as db:
            return db.boards.of_dataset(self.repos.admit(db, actor, dataset_id, Need.READ).id)

    def public_page(self, dataset_id: RepoId, wanted: Wanted) -> Page:
        """One page as anybody sees it."""
        return self.page(ANONYMOUS, dataset_id, wanted)

    def is_current(self, dataset_key: str, board: Board) -> bool:
        """Does anybody still see this board under this id, and has it not changed?"""
        with self.index.read() as db:
            return db.boards.public_version(dataset_key, board.id) == board.version

    def rank_of(self, actor: Actor, dataset_id: RepoId, model_id: RepoId, task: str | None = None) -> list[RankedRow]:
        """The rows of one model on a board, with their ranks among all public models.

        raises  RepoNotFound, NotFound
        """
        with self.index.read() as db:
            board = self._board(db, self.repos.admit(db, actor, dataset_id, Need.READ), task)
            model = self.repos.admit(db, actor, model_id, Need.READ)
            mine = db.boards.rows_of_model(board.id, model.id)
            return [RankedRow(db.boards.rank(board.id, Listing.ALL, row.sort_key), row.entry) for row in mine]

    def reports(self, actor: Actor, dataset_id: RepoId, wanted: Wanted) -> tuple[Board, list[dict[str, object]]]:
        """Every standing report on a board, ranked or not, with its state and why: the rows behind the rows.

        In order of value, best first. Reads them all.
        raises  as `page`
        """
        with self.index.read() as db:
            dataset = self.repos.admit(db, actor, dataset_id, Need.READ)
            board = self._board(db, dataset, wanted.task)
            rules = self.boards.rules(db, board)
            found = []
            for model, reports in self._by_model(db, actor, board, wanted.as_of):
                owner = db.accounts.get(model.owner_id)
                for report in reports:
                    judgement = judge(rules, candidate(report))
                    row = entry(model, owner, judgement.variant, report)
                    row |= {"state": judgement.state.value}
                    if judgement.reason:
                        row["reason"] = judgement.reason
                    found.append((-report.value if rules.higher_is_better else report.value, report.uid, row))
            found.sort(key=lambda each: each[:2])
            return board, [row for _, _, row in found]

    # --- one page ---------------------------------------------------------------------------------------------------

    def _board(self, db: Session, dataset: RepoRow, task: str | None) -> Board:
        boards = db.boards.of_dataset(dataset.id)
        if not boards:
            raise NotFound(f"The dataset {dataset.repo_id} has no leaderboard: its main branch has no valid eval.yaml")
        if task is None:
            return boards[0]
        for board in boards:
            if board.task == task:
                return board
        known = ", ".join(board.task for board in boards[:20])
        raise NotFound(f"The benchmark {dataset.repo_id} has no task {task[:100]!r}: its tasks are {known}")

    def _page(self, db: Session, actor: Actor, board: Board, wanted: Wanted) -> Page:
        rules = self.boards.rules(db, board)
        if wanted.as_of is not None:
            return self._page_of_day(db, actor, board, rules, wanted, wanted.as_of)
        after = _read_cursor(wanted.cursor)
        limit = min(wanted.limit or MAX_ROWS, MAX_ROWS)
        extra = [] if actor.is_anonymous else self._private_rows(db, actor, board, wanted)
        shown = board.listed_rows if wanted.listing is Listing.ALL else board.base_rows
        left_out = {"base_model": board.listed_rows - shown} if wanted.listing is Listing.BASE else {}
        total = shown + len(extra)
        if wanted.filters.is_empty and not extra:
            entries = db.boards.entries(board.id, wanted.listing, after.place, limit + 1)
            places = [Place(*row[:3]) for row in entries]
            texts = [row[3] for row in entries]
        else:
            rows = db.boards.rows(board.id, wanted.listing, after.place, limit + 1, wanted.filters)
            rows += [row for row in extra if row.place > after.place]
            rows.sort(key=lambda row: row.place)
            places = [row.place for row in rows]
            texts = [row.entry for row in rows]
            if not wanted.filters.is_empty:
                total = self._count(db, board, wanted) + len(extra)
                left_out[_filter_names(wanted.filters)] = shown + len(extra) - total
        more = len(places) > limit
        places, texts = places[:limit], texts[:limit]
        numbers = self._ranks(db, board, wanted, after, places, extra)
        cursor = ""
        if more:
            cursor = _write_cursor(_Cursor(places[-1], after.position + len(places), numbers[-1]))
        page = tuple(map(RankedRow, numbers, texts))
        return Page(board, rules, page, total, {k: v for k, v in left_out.items() if v}, cursor)

    def _ranks(
        self, db: Session, board: Board, wanted: Wanted, after: _Cursor, places: list[Place], extra: list[BoardRow]
    ) -> list[int]:
        keys = [place.sort_key for place in places]
        if not keys:
            return []
        if after.place == START:
            return ranks(keys)
        if not wanted.filters.is_empty:
            # Behind a filter a rank counts only what passes it, which the pages before have counted.
            tied = after.rank if keys[0] == after.place.sort_key else None
            return ranks(keys, after.position, tied)
        before = db.boards.before(board.id, wanted.listing, places[0]) + sum(row.place < places[0] for row in extra)
        better = db.boards.rank(board.id, wanted.listing, keys[0]) + sum(row.sort_key < keys[0] for row in extra)
        return ranks(keys, before, better)

    def _private_rows(self, db: Session, actor: Actor, board: Board, wanted: Wanted) -> list[BoardRow]:
        rows = db.boards.unlisted(board.id, wanted.filters)
        if wanted.listing is Listing.BASE:
            rows = [row for row in rows if not row.derived]
        models = db.repos.by_ids({row.repo_id for row in rows}) if rows else {}
        readable = {repo_id for repo_id, model in models.items() if self.repos.readable(db, actor, model)}
        return [row for row in rows if row.repo_id in readable]

    def _count(self, db: Session, board: Board, wanted: Wanted) -> int:
        """Public rows that pass the filters: counted once a version of the board."""
        key = (board.id, board.version, wanted.listing, wanted.filters)
        if key not in self._counts:
            while len(self._counts) >= _COUNTS_KEPT:
                self._counts.popitem(last=False)
            self._counts[key] = db.boards.count(board.id, wanted.listing, wanted.filters)
        return self._counts[key]

    # --- the board of a day -----------------------------------------------------------------------------------------

    def _by_model(
        self, db: Session, actor: Actor, board: Board, at: int | None
    ) -> list[tuple[RepoRow, Sequence[ResultRow]]]:
        """The reports that stand, or stood, on a board, by model that the actor may see."""
        grouped = groupby(db.results.of_task(board.dataset_keys, board.task, at), key=lambda report: report.repo_id)
        reports = {repo_id: list(some) for repo_id, some in grouped}
        models = db.repos.by_ids(reports)
        return [
            (model, reports[repo_id])
            for repo_id, model in models.items()
            if (model.deleted_at is None and not model.private) or self._sees(db, actor, model)
        ]

    def _sees(self, db: Session, actor: Actor, model: RepoRow) -> bool:
        return model.deleted_at is None and self.repos.readable(db, actor, model)

    def _page_of_day(self, db: Session, actor: Actor, board: Board, rules: TaskRules, wanted: Wanted, at: int) -> Page:
        rows: list[BoardRow] = []
        models = self._by_model(db, actor, board, at)
        owners = db.accounts.names({model.owner_id for model, _ in models}) if models else {}
        for model, reports in models:
            rows += board_rows(board, rules, model, owners[model.owner_id], reports)
        everything = len(rows)
        if wanted.listing is Listing.BASE:
            rows = [row for row in rows if not row.derived]
        left_out = {"base_model": everything - len(rows)}
        shown = [row for row in rows if _passes(wanted.filters, row)]
        left_out[_filter_names(wanted.filters)] = len(rows) - len(shown)
        shown.sort(key=lambda row: row.place)
        after = _read_cursor(wanted.cursor)
        numbered = list(zip(ranks([row.sort_key for row in shown]), shown, strict=True))
        rest = [(number, row) for number, row in numbered if row.place > after.place]
        limit = min(wanted.limit or MAX_ROWS, MAX_ROWS)
        page = rest[:limit]
        cursor = ""
        if len(rest) > limit:
            number, last = page[-1]
            cursor = _write_cursor(_Cursor(last.place, after.position + limit, number))
        found = tuple(RankedRow(number, row.entry) for number, row in page)
        return Page(board, rules, found, len(shown), {k: v for k, v in left_out.items() if v}, cursor)


def _passes(filters: Filters, row: BoardRow) -> bool:
    if filters.variant is not None and row.variant != filters.variant:
        return False
    if filters.min_level is not None and row.level < filters.min_level:
        return False
    most = filters.max_parameters
    return most is None or (row.parameters is not None and row.parameters <= most)


def _filter_names(filters: Filters) -> str:
    named = {"variant": filters.variant, "min_evidence": filters.min_level, "max_params": filters.max_parameters}
    return "+".join(name for name, value in named.items() if value is not None)


def _write_cursor(cursor: _Cursor) -> str:
    text = json.dumps([*cursor.place, cursor.position, cursor.rank], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(text: str) -> _Cursor:
    if not text:
        return _FIRST
    try:
        key, from_at, uid, position, rank = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place = Place(float(key), int(from_at), str(uid))
        if not math.isfinite(place.sort_key) or abs(place.from_at) >= 1 << 62:
            raise ValueError(text)  # noqa: TRY301  (one answer for everything that is wrong with it)
        return _Cursor(place, int(position), int(rank))
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise BadRequest("The cursor cannot be read: take it from the Link header of the page before") from None
