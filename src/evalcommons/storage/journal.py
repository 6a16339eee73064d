"""The repos whose git is being changed now, kept in a file: a crash between git and the index is found at the start.

Each process appends to a file of its own, which it keeps locked; a file nobody has locked was left by a process that
died. No sync is needed: a killed process leaves its page cache, and after a power cut the modification times of the
folders of refs tell the same (`repos.refs_stamp`).
"""

import fcntl
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger("evalcommons.journal")


class Journal:
    """Notes in `folder` which repos this process is changing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mutex = threading.Lock()
        self._pending: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._file = -1
        self.after_failure: Callable[[str], None] = lambda _uid: None
        """Called with a repo whose change failed half-way; brings the index up to whatever git says, or raises."""

    @contextmanager
    def changing(self, uid: str) -> Iterator[None]:
        """While the body runs, a crash leaves `uid` in the journal; it stays there too when the body fails."""
        with self._mutex:
            if self._file < 0:
                self._file = self._open()
            if not self._pending[uid] and uid not in self._failed:
                os.write(self._file, f"{uid}\n".encode())
            self._pending[uid] += 1
        try:
            yield
        except BaseException:
            self._failed.add(uid)
            self._settle(uid)
            raise
        finally:
            with self._mutex:
                self._pending[uid] -= 1
                if not self._pending[uid]:
                    del self._pending[uid]
                if not self._pending and not self._failed:
                    os.ftruncate(self._file, 0)

    def _settle(self, uid: str) -> None:
        try:
            self.after_failure(uid)
        except Exception:
            log.exception("repo %s could not be brought up to date; the next start tries again", uid)
        else:
            self.mended(uid)

    def mended(self, uid: str) -> None:
        """Strike `uid` out: the index has caught up with it."""
        with self._mutex:
            self._failed.discard(uid)

    def recover(self, mend: Callable[[set[str]], None]) -> int:
        """Call `mend` with the repos that dead processes left behind, then forget them; returns how many."""
        left: set[str] = set()
        files = []
        for path in self._folder.glob("*.journal") if self._folder.is_dir() else []:
            descriptor = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # its process is alive
                os.close(descriptor)
                continue
            files.append((path, descriptor))
            lines = path.read_bytes().decode("ascii", "replace").split("\n")
            left.update(line for line in lines[:-1] if line)
        if left:
            mend(left)
        for path, descriptor in files:
            path.unlink(missing_ok=True)
            os.close(descriptor)
        return len(left)

    def busy(self) -> set[str]:
        """The repos that living processes may be changing now."""
        found: set[str] = set()
        for path in self._folder.glob("*.journal") if self._folder.is_dir() else []:
            with suppress(FileNotFoundError), path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    found.update(line.decode("ascii", "replace") for line in file.read().split(b"\n") if line)
        return found

    def close(self) -> None:
        """Remove the journal unless it still names something."""
        with self._mutex:
            if self._file < 0:
                return
            if not self._pending and not self._failed:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def _open(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / f"{os.getpid()}-{os.urandom(4).hex()}.journal"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor
