"""The database: readers that never wait, and one writer whose transactions share their syncs."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from evalcommons.storage.index.session import Session
from evalcommons.storage.index.statements import preparing

_PRAGMAS = (
    "journal_mode=WAL",
    # Commits append to the WAL without a sync of their own: `sync` of the data folder follows each batch.
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "busy_timeout=30000",
    "temp_store=MEMORY",
    "cache_size=-8000",
)
_WRITER_LOCK = 0x6576616C  # "eval": the key of the advisory lock that PostgreSQL writers take


class Index:
    """One hub's database.

    SQLite keeps one writing connection. Writers that come while another waits for the disk join one batch: each has
    a savepoint of its own, one COMMIT and one sync serve them all (group commit). On PostgreSQL each transaction
    is its own, and an advisory lock gives writers the same one-after-the-other view.

    sync  called after each commit; makes database and repos durable
    """

    def __init__(self, url: str, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._sqlite = url.startswith("sqlite")
        if self._sqlite:
            self._connect = _sqlite_connector(Path(str(sa.make_url(url).database)))
            self._engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=sa.pool.NullPool)
        else:
            self._engine = sa.create_engine(url, pool_size=16, max_overflow=32)
        self._readers: deque[sa.Connection] = deque()
        self._mutex = threading.Lock()  # held by the one thread that writes
        self._flushing = threading.Lock()  # held by the one thread that commits and syncs
        self._writer: sa.Connection | None = None
        self._batch: _Batch | None = None
        self._watcher: sqlite3.Connection | None = None

    @property
    def engine(self) -> sa.Engine:
        """For migrations only."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database. Short reads only: it holds a connection."""
        connection = self._take_reader()
        driver = _driver(connection) if self._sqlite else None
        try:
            if driver is not None:
                driver.execute("BEGIN")
            yield Session(preparing(connection))
        finally:
            if driver is not None:
                driver.rollback()
            if driver is None or connection.in_transaction():
                connection.rollback()
            self._give_back(connection)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that may write. All of the body counts, or, if it raises, nothing.

        Returns when what was written is durable. One thread writes at a time: do slow work (parsing, git objects)
        before. Must not be nested.
        """
        if not self._sqlite:
            with self._engine.begin() as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
                yield Session(preparing(connection))
            self._sync()
            return
        batch = None
        try:
            with self._mutex:
                batch = self._join()
                driver = _driver(batch.connection)
                driver.execute("SAVEPOINT one")
                try:
                    yield Session(preparing(batch.connection))
                except BaseException:
                    driver.execute("ROLLBACK TO one")
                    driver.execute("RELEASE one")
                    raise
                driver.execute("RELEASE one")
                batch.changed = True
        finally:
            # Also after a failure: a batch left open would keep other processes from writing.
            if batch is not None:
                self._flush(batch)

    def changes(self) -> int | None:
        """A number that differs after any commit by anybody; None where the database cannot tell cheaply.

        For the one thread of the event loop. About 2 µs.
        """
        if not self._sqlite:
            return None
        if self._watcher is None:
            self._watcher = self._connect()
        found: tuple[int] = self._watcher.execute("PRAGMA data_version").fetchone()
        return found[0]

    def close(self) -> None:
        """Close every connection."""
        with self._mutex:
            if self._batch is not None:
                self._batch.connection.rollback()
                self._batch = None
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
            while self._readers:
                self._readers.pop().close()
        self._engine.dispose()

    def _take_reader(self) -> sa.Connection:
        try:
            return self._readers.pop()
        except IndexError:
            return self._engine.connect()

    def _give_back(self, connection: sa.Connection) -> None:
        if self._sqlite and len(self._readers) < 32:
            self._readers.append(connection)
        else:
            connection.close()

    def _join(self) -> "_Batch":
        if self._batch is None:
            if self._writer is None:
                self._writer = self._engine.connect()
            self._writer.exec_driver_sql("BEGIN IMMEDIATE")
            self._batch = _Batch(self._writer)
        return self._batch

    def _flush(self, batch: "_Batch") -> None:
        with self._flushing:
            if not batch.done:
                with self._mutex:
                    self._batch = None
                    try:
                        batch.connection.commit()
                    except BaseException as error:  # noqa: BLE001  (each member of the batch raises it)
                        batch.connection.rollback()
                        batch.error = error
                if batch.error is None and batch.changed:
                    self._sync()
                batch.done = True
        if batch.error is not None:
            raise batch.error


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    """SQLite's own connection: a BEGIN through SQLAlchemy costs ten times as much."""
    driver: Any = connection.connection.driver_connection
    return cast("sqlite3.Connection", driver)


class _Batch:
    """The transactions that will be committed and synced together."""

    __slots__ = ("changed", "connection", "done", "error")

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.changed = False
        self.done = False
        self.error: BaseException | None = None


def _sqlite_connector(path: Path) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    return connect
