"""Boards in the database: selected rows in order, ranks from blocks, versions.

A rank is read from `rank_blocks`: each block is a run of neighbouring rows and knows how many they are, so that the
rows before any place are the sizes of the blocks before it plus a count inside one block (at most 512 rows).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from evalcommons.storage.index.schema import board_rows, boards, rank_blocks, repo_moves, repos

BLOCK = 256
"""Rows in a block after a split; it splits again at twice as many."""
_BATCH = 5000  # rows that are made ready for the database at once


class Listing(IntEnum):
    """Which models a list shows."""

    ALL = 0
    BASE = 1
    """Only models that name no base model: the Hub's default."""


class Place(NamedTuple):
    """Where a row stands in its board: compared left to right, smaller is better."""

    sort_key: float
    from_at: int
    uid: str


START = Place(float("-inf"), 0, "")
"""Before every row. The first block of a board starts here."""


@dataclass(frozen=True, slots=True)
class Board:
    """One task's board.

    dataset_keys  the dataset's id and those it had before, lower case
    version       grows with every change of what a reader may see
    listed_rows, base_rows   rows of the two public lists
    """

    id: int
    repo_id: int
    dataset_keys: tuple[str, ...]
    task: str
    position: int
    higher_is_better: bool
    version: int
    changed_at: int
    listed_rows: int
    base_rows: int


@dataclass(frozen=True, slots=True)
class BoardRow:
    """The selected result of one model and variant.

    entry  JSON object of the row without its rank
    """

    board_id: int
    repo_id: int
    variant: str
    sort_key: float
    from_at: int
    uid: str
    value: float
    level: int
    parameters: int | None
    derived: bool
    listed: bool
    entry: str

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.sort_key, self.from_at, self.uid)

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The public lists it is in."""
        if not self.listed:
            return ()
        return (Listing.ALL,) if self.derived else (Listing.ALL, Listing.BASE)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows of a board a reader wants; None: all."""

    variant: str | None = None
    min_level: int | None = None
    max_parameters: int | None = None

    @property
    def is_empty(self) -> bool:
        """Is nothing filtered?"""
        return self == Filters()


_COLUMNS = tuple(column.name for column in board_rows.c)
_FIELDS = attrgetter(*_COLUMNS)
_BOARD = sa.select(*boards.c)
_FIND = _BOARD.join(repos, repos.c.id == boards.c.repo_id).where(
    repos.c.kind == "dataset", repos.c.key == sa.bindparam("key"), boards.c.task == sa.bindparam("task")
)
_FIND_MOVED = _BOARD.join(repo_moves, repo_moves.c.repo_id == boards.c.repo_id).where(
    repo_moves.c.kind == "dataset", repo_moves.c.key == sa.bindparam("key"), boards.c.task == sa.bindparam("task")
)
_OF_DATASET = _BOARD.where(boards.c.repo_id == sa.bindparam("repo_id")).order_by(boards.c.position)
_PUBLIC_VERSION = (
    sa.select(boards.c.version)
    .join(repos, repos.c.id == boards.c.repo_id)
    .where(boards.c.id == sa.bindparam("board_id"), repos.c.key == sa.bindparam("key"), repos.c.private.is_(False))
)
_ROWS_OF_MODEL = sa.select(*board_rows.c).where(
    board_rows.c.board_id == sa.bindparam("board_id"), board_rows.c.repo_id == sa.bindparam("repo_id")
)
_ADD_ROW = sa.insert(board_rows)
_REMOVE_ROW = sa.delete(board_rows).where(
    board_rows.c.board_id == sa.bindparam("of_board"),
    board_rows.c.repo_id == sa.bindparam("of_repo"),
    board_rows.c.variant == sa.bindparam("of_variant"),
)
_REPLACE_ROW = (
    sa.update(board_rows)
    .where(
        board_rows.c.board_id == sa.bindparam("of_board"),
        board_rows.c.repo_id == sa.bindparam("of_repo"),
        board_rows.c.variant == sa.bindparam("of_variant"),
    )
    .values({c.name: sa.bindparam(c.name) for c in board_rows.c if c.name not in ("board_id", "repo_id", "variant")})
)
_CHANGED = (
    sa.update(boards)
    .where(boards.c.id == sa.bindparam("board_id"))
    .values(
        version=boards.c.version + 1,
        changed_at=sa.bindparam("at"),
        listed_rows=boards.c.listed_rows + sa.bindparam("more_listed"),
        base_rows=boards.c.base_rows + sa.bindparam("more_base"),
    )
)
_place = sa.tuple_(board_rows.c.sort_key, board_rows.c.from_at, board_rows.c.uid)
_block_place = sa.tuple_(rank_blocks.c.sort_key, rank_blocks.c.from_at, rank_blocks.c.uid)
_given_place = sa.tuple_(
    sa.bindparam("sort_key", type_=sa.Float()),
    sa.bindparam("from_at", type_=sa.BigInteger()),
    sa.bindparam("uid", type_=sa.String()),
)
_in_blocks = (rank_blocks.c.board_id == sa.bindparam("board_id")) & (rank_blocks.c.listing == sa.bindparam("listing"))
_BLOCK_OF = (
    sa.select(rank_blocks.c.sort_key, rank_blocks.c.from_at, rank_blocks.c.uid, rank_blocks.c.size)
    .where(_in_blocks, _block_place <= _given_place)
    .order_by(rank_blocks.c.sort_key.desc(), rank_blocks.c.from_at.desc(), rank_blocks.c.uid.desc())
    .limit(1)
)
_BEFORE = sa.select(sa.func.coalesce(sa.func.sum(rank_blocks.c.size), 0)).where(_in_blocks, _block_place < _given_place)
_RESIZE = (
    sa.update(rank_blocks)
    .where(
        rank_blocks.c.board_id == sa.bindparam("of_board"),
        rank_blocks.c.listing == sa.bindparam("of_listing"),
        rank_blocks.c.sort_key == sa.bindparam("of_key"),
        rank_blocks.c.from_at == sa.bindparam("of_time"),
        rank_blocks.c.uid == sa.bindparam("of_uid"),
    )
    .values(size=sa.bindparam("new_size"))
)


def _listed(listing: Listing) -> sa.ColumnElement[bool]:
    shown = board_rows.c.listed.is_(True)
    return shown if listing is Listing.ALL else shown & board_rows.c.derived.is_(False)


_COUNT = {
    listing: sa.select(sa.func.count())
    .select_from(board_rows)
    .where(
        board_rows.c.board_id == sa.bindparam("board_id"),
        _listed(listing),
        _place
        >= sa.tuple_(
            sa.bindparam("low_key", type_=sa.Float()),
            sa.bindparam("low_time", type_=sa.BigInteger()),
            sa.bindparam("low_uid", type_=sa.String()),
        ),
        _place < _given_place,
    )
    for listing in Listing
}
_order = (board_rows.c.sort_key, board_rows.c.from_at, board_rows.c.uid)
_PAGE = {
    listing: sa.select(*board_rows.c)
    .where(board_rows.c.board_id == sa.bindparam("board_id"), _listed(listing), _place > _given_place)
    .order_by(*_order)
    .limit(sa.bindparam("limit"))
    for listing in Listing
}
_ENTRIES = {
    listing: sa.select(board_rows.c.sort_key, board_rows.c.from_at, board_rows.c.uid, board_rows.c.entry)
    .where(board_rows.c.board_id == sa.bindparam("board_id"), _listed(listing), _place > _given_place)
    .order_by(*_order)
    .limit(sa.bindparam("limit"))
    for listing in Listing
}


class Boards:
    """Questions about boards."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # --- boards -----------------------------------------------------------------------------------------------------

    def find(self, dataset_key: str, task: str) -> Board | None:
        """Which board shows results for this dataset (its id now, or one it had) and task?"""
        key = {"key": dataset_key, "task": task}
        row = self._connection.execute(_FIND, key).first() or self._connection.execute(_FIND_MOVED, key).first()
        return _board(row) if row else None

    def of_dataset(self, repo_id: int) -> list[Board]:
        """Which boards does this dataset have, in the order of its tasks?"""
        return [_board(row) for row in self._connection.execute(_OF_DATASET, {"repo_id": repo_id})]

    def all(self) -> list[Board]:
        """Which boards are there, in the order they were made?"""
        return [_board(row) for row in self._connection.execute(_BOARD.order_by(boards.c.id))]

    def clear(self) -> None:
        """Forget every board, before a rebuild."""
        for table in (rank_blocks, board_rows, boards):
            self._connection.execute(sa.delete(table))

    def get(self, board_id: int) -> Board | None:
        """Which board has this number?"""
        row = self._connection.execute(_BOARD.where(boards.c.id == board_id)).first()
        return _board(row) if row else None

    def add(
        self,
        repo_id: int,
        keys: Sequence[str],
        task: str,
        position: int,
        *,
        higher_is_better: bool,
        version: int,
        at: int,
    ) -> Board:
        """A new, empty board."""
        row = {
            "repo_id": repo_id,
            "dataset_keys": json.dumps(list(keys)),
            "task": task,
            "position": position,
            "higher_is_better": higher_is_better,
            "version": version,
            "changed_at": at,
        }
        inserted = self._connection.execute(sa.insert(boards), row).inserted_primary_key
        assert inserted is not None  # noqa: S101  (for the type checker: an INSERT of one row has a key)
        found = self.get(inserted[0])
        assert found is not None  # noqa: S101  (just inserted)
        return found

    def remove(self, board_id: int) -> None:
        """The board is no more."""
        for table in (rank_blocks, board_rows):
            self._connection.execute(sa.delete(table).where(table.c.board_id == board_id))
        self._connection.execute(sa.delete(boards).where(boards.c.id == board_id))

    def touch(self, board_id: int, at: int) -> None:
        """What readers see of the board changed in another way than by its rows."""
        self._connection.execute(_CHANGED, {"board_id": board_id, "at": at, "more_listed": 0, "more_base": 0})

    def configure(self, board: Board, keys: Sequence[str], position: int, *, higher_is_better: bool) -> Board:
        """The board after its benchmark was renamed or changed; its rows are not looked at."""
        values = {"dataset_keys": json.dumps(list(keys)), "position": position, "higher_is_better": higher_is_better}
        self._connection.execute(sa.update(boards).where(boards.c.id == board.id).values(**values))
        return replace(board, dataset_keys=tuple(keys), position=position, higher_is_better=higher_is_better)

    def marks(self) -> dict[tuple[int, str], tuple[int, int]]:
        """Which version does each board have, and since when: (dataset, task) -> (version, ms)?"""
        rows = self._connection.execute(
            sa.select(boards.c.repo_id, boards.c.task, boards.c.version, boards.c.changed_at)
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    # --- writing rows -----------------------------------------------------------------------------------------------

    def put_model(
        self, board: Board, repo_id: int, wanted: Iterable[BoardRow], at: int, known: Sequence[BoardRow] | None = None
    ) -> bool:
        """Exactly `wanted` are the model's rows from now on; returns whether anything changed.

        known  its rows until now, where the caller has read them
        """
        held = {row.variant: row for row in (self.rows_of_model(board.id, repo_id) if known is None else known)}
        rows = {row.variant: row for row in wanted}
        if rows == held:
            return False
        more = [0, 0]
        for variant, old in held.items():
            new = rows.get(variant)
            if new == old:
                continue
            for listing in old.listings:
                if new is None or listing not in new.listings or new.place != old.place:
                    self._leave(board.id, listing, old.place)
                    more[listing] -= 1
            if new is None:
                key = {"of_board": board.id, "of_repo": repo_id, "of_variant": variant}
                self._connection.execute(_REMOVE_ROW, key)
        for variant, new in rows.items():
            before = held.get(variant)
            if new == before:
                continue
            values = _values(new)
            if before is None:
                self._connection.execute(_ADD_ROW, values)
            else:
                named = {"board_id": "of_board", "repo_id": "of_repo", "variant": "of_variant"}
                self._connection.execute(_REPLACE_ROW, {named.get(k, k): v for k, v in values.items()})
            for listing in new.listings:
                if before is None or listing not in before.listings or new.place != before.place:
                    self._enter(board.id, listing, new.place)
                    more[listing] += 1
        self._connection.execute(
            _CHANGED, {"board_id": board.id, "at": at, "more_listed": more[0], "more_base": more[1]}
        )
        return True

    def fill(self, board: Board, rows: Sequence[BoardRow], at: int, *, touch: bool = True) -> None:
        """Replace all rows of the board at once."""
        for table in (rank_blocks, board_rows):
            self._connection.execute(sa.delete(table).where(table.c.board_id == board.id))
        for start in range(0, len(rows), _BATCH):
            self._connection.execute(_ADD_ROW, [_values(row) for row in rows[start : start + _BATCH]])
        counts = []
        blocks = []
        for listing in Listing:
            places = sorted(row.place for row in rows if listing in row.listings)
            counts.append(len(places))
            for start in range(0, len(places), BLOCK):
                low = places[start] if start else START
                size = len(places[start : start + BLOCK])
                blocks.append(_block(board.id, listing, low, size))
        if blocks:
            self._connection.execute(sa.insert(rank_blocks), blocks)
        values: dict[str, Any] = {"listed_rows": counts[0], "base_rows": counts[1]}
        if touch:
            values |= {"version": boards.c.version + 1, "changed_at": at}
        self._connection.execute(sa.update(boards).where(boards.c.id == board.id).values(**values))

    def _enter(self, board_id: int, listing: Listing, place: Place) -> None:
        """One row more in the block around `place`; a block that has grown too big is split in two."""
        where = {"board_id": board_id, "listing": int(listing)}
        block = self._connection.execute(_BLOCK_OF, {**where, **place._asdict()}).first()
        if block is None:
            self._connection.execute(sa.insert(rank_blocks), _block(board_id, listing, START, 1))
            return
        low, size = Place(*block[:3]), block[3] + 1
        if size < 2 * BLOCK:
            self._resize(board_id, listing, low, size)
            return
        # `low` is the place of the block's first row, or of a row that has left, or START: never a row before it.
        at_or_after = Place(low.sort_key, low.from_at, low.uid)
        query = (
            sa.select(*_order)
            .where(board_rows.c.board_id == board_id, _listed(listing))
            .where(_place >= sa.tuple_(*(sa.literal(part) for part in at_or_after)))
            .order_by(*_order)
            .offset(BLOCK)
            .limit(1)
        )
        middle = Place(*self._connection.execute(query).one())
        self._resize(board_id, listing, low, BLOCK)
        self._connection.execute(sa.insert(rank_blocks), _block(board_id, listing, middle, size - BLOCK))

    def _leave(self, board_id: int, listing: Listing, place: Place) -> None:
        """One row fewer in the block around `place`; an empty block goes, but the first."""
        where = {"board_id": board_id, "listing": int(listing)}
        block = self._connection.execute(_BLOCK_OF, {**where, **place._asdict()}).one()
        low, size = Place(*block[:3]), block[3] - 1
        if size or low == START:
            self._resize(board_id, listing, low, size)
            return
        self._connection.execute(
            sa.delete(rank_blocks).where(
                rank_blocks.c.board_id == board_id,
                rank_blocks.c.listing == int(listing),
                rank_blocks.c.sort_key == low.sort_key,
                rank_blocks.c.from_at == low.from_at,
                rank_blocks.c.uid == low.uid,
            )
        )

    def _resize(self, board_id: int, listing: Listing, low: Place, size: int) -> None:
        key = {"of_board": board_id, "of_listing": int(listing), "of_key": low.sort_key, "of_time": low.from_at}
        self._connection.execute(_RESIZE, {**key, "of_uid": low.uid, "new_size": size})

    # --- reading rows -----------------------------------------------------------------------------------------------

    def before(self, board_id: int, listing: Listing, place: Place) -> int:
        """How many rows of this list stand before `place`?"""
        where = {"board_id": board_id, "listing": int(listing)}
        block = self._connection.execute(_BLOCK_OF, {**where, **place._asdict()}).first()
        if block is None:
            return 0
        low = Place(*block[:3])
        whole = int(self._connection.execute(_BEFORE, {**where, **low._asdict()}).scalar_one())
        inside = {"low_key": low.sort_key, "low_time": low.from_at, "low_uid": low.uid}
        part = self._connection.execute(_COUNT[listing], {"board_id": board_id, **inside, **place._asdict()})
        return whole + int(part.scalar_one())

    def rank(self, board_id: int, listing: Listing, sort_key: float) -> int:
        """Which rank has a value with this sort key? Equal values share it."""
        return self.before(board_id, listing, Place(sort_key, -1, "")) + 1

    def entries(self, board_id: int, listing: Listing, after: Place, limit: int) -> list[tuple[float, int, str, str]]:
        """The rows after a place, in board order: sort key, from, uid, JSON entry."""
        given = {"board_id": board_id, "limit": limit, **after._asdict()}
        return [(row[0], row[1], row[2], row[3]) for row in self._connection.execute(_ENTRIES[listing], given)]

    def rows(
        self, board_id: int, listing: Listing, after: Place, limit: int, filters: Filters | None = None
    ) -> list[BoardRow]:
        """The rows after a place, in board order, that pass the filters."""
        query = _PAGE[listing]
        if filters is not None:
            for condition in _conditions(filters):
                query = query.where(condition)
        given = {"board_id": board_id, "limit": limit, **after._asdict()}
        return [_row(row) for row in self._connection.execute(query, given)]

    def unlisted(self, board_id: int, filters: Filters) -> list[BoardRow]:
        """The rows of private models on this board."""
        query = sa.select(*board_rows.c).where(board_rows.c.board_id == board_id, board_rows.c.listed.is_(False))
        return [_row(row) for row in self._connection.execute(query.where(*_conditions(filters)))]

    def rows_of_model(self, board_id: int, repo_id: int) -> list[BoardRow]:
        """Which rows does this model have on this board, best first?"""
        found = self._connection.execute(_ROWS_OF_MODEL, {"board_id": board_id, "repo_id": repo_id})
        return sorted(map(_row, found), key=lambda row: row.place)

    def count(self, board_id: int, listing: Listing, filters: Filters) -> int:
        """How many rows of this list pass the filters? Reads the whole board."""
        query = sa.select(sa.func.count()).select_from(board_rows).where(board_rows.c.board_id == board_id)
        query = query.where(_listed(listing), *_conditions(filters))
        return int(self._connection.execute(query).scalar_one())

    def public_version(self, dataset_key: str, board_id: int) -> int | None:
        """Which version has this board, if anybody may see it under this id?"""
        found: int | None = self._connection.execute(
            _PUBLIC_VERSION, {"key": dataset_key, "board_id": board_id}
        ).scalar()
        return found

    def of_model(self, repo_id: int) -> list[BoardRow]:
        """On which boards does this model have which rows?"""
        query = sa.select(*board_rows.c).where(board_rows.c.repo_id == repo_id)
        return [_row(row) for row in self._connection.execute(query.order_by(board_rows.c.board_id))]


def _conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if filters.variant is not None:
        found.append(board_rows.c.variant == filters.variant)
    if filters.min_level is not None:
        found.append(board_rows.c.level >= filters.min_level)
    if filters.max_parameters is not None:
        found.append(board_rows.c.parameters <= filters.max_parameters)
    return found


def _board(row: Any) -> Board:
    return Board(row[0], row[1], tuple(json.loads(row[2])), *row[3:])


def _row(row: Any) -> BoardRow:
    return BoardRow(*row)


def _values(row: BoardRow) -> dict[str, Any]:
    return dict(zip(_COLUMNS, _FIELDS(row), strict=True))


def _block(board_id: int, listing: Listing, low: Place, size: int) -> dict[str, Any]:
    return {"board_id": board_id, "listing": int(listing), **low._asdict(), "size": size}
