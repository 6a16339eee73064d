"""Counts downloads in memory and writes them down in batches: a reader never waits for a write."""

import threading
from collections import Counter

from evalcommons.core.clock import Clock
from evalcommons.storage.index.engine import Index

FLUSH_AT = 1000
"""Downloads that are kept in memory at most; a crash loses no more."""
FLUSH_AFTER_MS = 60_000
"""Time after which the next download writes down those before it."""


class Downloads:
    """Files fetched by clients that say they count (`X-HF-Download-Counter: 1`), for each repo."""

    def __init__(self, index: Index, clock: Clock) -> None:
        self._index = index
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[int] = Counter()
        self._since = 0

    def add(self, repo_id: int) -> None:
        """One file of this repo was fetched. Now and then this writes to the database: call it after answering."""
        now = self._clock()
        with self._lock:
            self._since = self._since if self._counts else now
            self._counts[repo_id] += 1
            due = self._counts.total() >= FLUSH_AT or now - self._since >= FLUSH_AFTER_MS
        if due:
            self.flush()

    def flush(self) -> None:
        """Write down what was counted. What cannot be written now is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with self._index.transaction() as tx:
                tx.repos.add_downloads(counts)
        except BaseException:
            with self._lock:
                self._counts += counts
            raise
