"""Ranks from blocks are the ranks that counting gives, whatever comes and goes."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalcommons.storage.index import boards as boards_module
from evalcommons.storage.index.boards import START, BoardRow, Listing


@pytest.fixture
def board(hub, make_repo, monkeypatch):
    monkeypatch.setattr(boards_module, "BLOCK", 4)
    dataset = make_repo("alice/bench", "dataset")
    for number in range(40):
        make_repo(f"alice/m{number}")
    with hub.index.transaction() as tx:
        return tx.boards.add(dataset.id, [dataset.key], "main", 0, higher_is_better=True, version=1, at=1)


def row(board, model: int, value: float, *, derived: bool = False, listed: bool = True) -> BoardRow:
    return BoardRow(board.id, model, "", -value, 1, f"u{model:03}", value, 0, None, derived, listed, "{}")


def check(db, board, rows: dict[int, BoardRow]) -> None:
    for listing in Listing:
        shown = sorted((r for r in rows.values() if listing in r.listings), key=lambda r: r.place)
        assert [r.uid for r in db.boards.rows(board.id, listing, START, 1000)] == [r.uid for r in shown]
        for position, each in enumerate(shown):
            assert db.boards.before(board.id, listing, each.place) == position
            better = sum(other.sort_key < each.sort_key for other in shown)
            assert db.boards.rank(board.id, listing, each.sort_key) == better + 1
    found = db.boards.get(board.id)
    sizes = [sum(listing in r.listings for r in rows.values()) for listing in Listing]
    assert [found.listed_rows, found.base_rows] == sizes


steps = st.lists(
    st.tuples(st.integers(2, 12), st.sampled_from([None, 0.1, 0.2, 0.3, 0.4, 0.5]), st.booleans(), st.booleans()),
    max_size=40,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_any_sequence_of_changes_leaves_the_ranks_that_counting_gives(hub, board, steps):
    """Rows that come, move, turn private or go: blocks split and vanish, ranks stay right."""
    rows: dict[int, BoardRow] = {}
    with hub.index.transaction() as tx:
        tx.boards.fill(board, [], 1)
        for model, value, derived, listed in steps:
            wanted = [] if value is None else [row(board, model, value, derived=derived, listed=listed)]
            tx.boards.put_model(board, model, wanted, 1)
            rows.pop(model, None)
            rows.update((each.repo_id, each) for each in wanted)
        check(tx, board, rows)


def test_many_rows_in_random_order(hub, board):
    """Blocks split again and again."""
    rng = random.Random(7)
    rows = {model: row(board, model, rng.randrange(8) / 8, derived=model % 3 == 0) for model in range(2, 42)}
    with hub.index.transaction() as tx:
        for model in rng.sample(sorted(rows), len(rows)):
            tx.boards.put_model(board, model, [rows[model]], 1)
        check(tx, board, rows)
        tx.boards.fill(board, list(rows.values()), 1)
        check(tx, board, rows)
        for model in rng.sample(sorted(rows), 30):
            tx.boards.put_model(board, model, [], 1)
            del rows[model]
        check(tx, board, rows)


def test_the_version_grows_only_when_a_reader_sees_something_else(hub, board):
    """Readers that have the board already are answered with 304."""
    with hub.index.transaction() as tx:
        assert tx.boards.put_model(board, 2, [row(board, 2, 0.5)], 1)
        version = tx.boards.get(board.id).version
        assert not tx.boards.put_model(board, 2, [row(board, 2, 0.5)], 2)
        assert tx.boards.get(board.id).version == version
        assert tx.boards.put_model(board, 2, [row(board, 2, 0.6)], 3)
        assert tx.boards.get(board.id).version == version + 1
