"""Transactions that share their syncs, and readers that never wait."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.migrate import migrate


@pytest.fixture
def syncs():
    return []


@pytest.fixture
def index(tmp_path: Path, syncs):
    opened = Index(f"sqlite:///{tmp_path / 'hub.sqlite'}", lambda: syncs.append(threading.get_ident()))
    migrate(opened.engine)
    yield opened
    opened.close()


def add(tx, name: str):
    return tx.accounts.add(
        uid=name, kind="user", name=name, fullname="", email=None, password_hash=None, is_admin=False,
        private_by_default=False, at=1,
    )  # fmt: skip


def names(index) -> list[str]:
    with index.read() as db:
        return [account.name for account in db.accounts.all()]


def test_a_transaction_is_seen_and_synced_when_it_returns(index, syncs):
    """Durable before the answer."""
    with index.transaction() as tx:
        add(tx, "alice")
        assert names(index) == []
    assert names(index) == ["alice"]
    assert len(syncs) == 1


def test_a_failed_transaction_leaves_nothing_and_frees_the_database(index, syncs):
    """Others may write at once, from this process and from another."""

    def fail():
        with index.transaction() as tx:
            add(tx, "alice")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    other = sa.create_engine(str(index.engine.url), creator=index.engine.pool._creator)
    with other.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.rollback()
    other.dispose()
    assert (names(index), syncs) == ([], [])


def test_transactions_that_wait_for_the_disk_share_one_sync(index, syncs):
    """Group commit: while the first sync runs, the others gather in one batch."""
    entered, go_on = threading.Event(), threading.Event()

    def slow_sync():
        syncs.append("sync")
        entered.set()
        assert go_on.wait(10)

    index._sync = slow_sync
    threads = []

    def submit(name: str):
        def run():
            with index.transaction() as tx:
                add(tx, name)

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    submit("first")
    assert entered.wait(10)
    for number in range(5):
        submit(f"later{number}")
    with index._mutex:
        pass
    while len(index_batch_names(index)) < 5:
        pass
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(names(index)) == 6
    assert len(syncs) == 2


def index_batch_names(index) -> list[str]:
    """What the open batch holds, as its own connection sees it."""
    with index._mutex:
        batch = index._batch
        if batch is None:
            return []
        found = batch.connection.exec_driver_sql("SELECT name FROM accounts WHERE name LIKE 'later%'")
        return [row[0] for row in found]


def test_one_failure_in_a_batch_does_not_touch_the_others(index):
    """Each transaction has a savepoint of its own."""
    barrier = threading.Barrier(8)
    failed = []

    def run(number: int):
        barrier.wait(10)
        try:
            with index.transaction() as tx:
                add(tx, f"user{number}")
                if number % 2:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            failed.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert names(index) == ["user0", "user2", "user4", "user6"]
    assert sorted(failed) == [1, 3, 5, 7]


def test_a_commit_that_fails_is_told_to_everyone_in_the_batch(index):
    """Nobody is told that it is durable when it is not."""

    def broken():
        raise OSError("disk full")

    index._sync = broken
    with pytest.raises(OSError, match="disk full"), index.transaction() as tx:
        add(tx, "alice")


def test_changes_tells_a_write_by_anybody(index, tmp_path):
    """Kept answers are dropped when another process writes, too."""
    before = index.changes()
    assert index.changes() == before
    other = Index(f"sqlite:///{tmp_path / 'hub.sqlite'}", lambda: None)
    with other.transaction() as tx:
        add(tx, "alice")
    other.close()
    after = index.changes()
    assert after != before
    with index.transaction() as tx:
        add(tx, "bob")
    assert index.changes() != after


def test_a_reader_sees_one_moment(index):
    """What is committed meanwhile does not appear in the middle of a read."""
    with index.read() as db:
        assert db.accounts.all() == []
        with index.transaction() as tx:
            add(tx, "alice")
        assert db.accounts.all() == []
    assert names(index) == ["alice"]
