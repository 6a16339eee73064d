"""The repos whose git is being changed now, kept in a file: a crash between git and the index is found at the start.

Each process writes to a file of its own, which it keeps locked; a file nobody has locked was left by a process that
died. A name is written over when its change is done: cutting the file instead took a fifth of a report's time. No sync
is needed: a killed process leaves its page cache, and after a power cut the modification times of the folders of refs
tell the same (`repos.refs_stamp`).
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

_LINE = 32  # bytes of a line: a name, filled up with blanks


class Journal:
    """Notes in `folder` which repos this process is changing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mutex = threading.Lock()
        self._pending: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._lines: dict[str, int] = {}  # where in the file each name stands
        self._free: list[int] = []
        self._file = -1
        self.after_failure: Callable[[str], None] = lambda _uid: None
        """Called with a repo whose change failed half-way; brings the index up to whatever git says, or raises."""

    @contextmanager
    def changing(self, uid: str) -> Iterator[None]:
        """While the body runs, a crash leaves `uid` in the journal; it stays there too when the body fails."""
        with self._mutex:
            if self._file < 0:
                self._file = self._open()
            if uid not in self._lines:
                self._lines[uid] = self._free.pop() if self._free else len(self._lines)
                self._write(self._lines[uid], uid)
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
                self._strike_out(uid)

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
            self._strike_out(uid)

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
            left |= _names(path.read_bytes())
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
                    found |= _names(file.read())
        return found

    def close(self) -> None:
        """Remove the journal unless it still names something."""
        with self._mutex:
            if self._file < 0:
                return
            if not self._lines:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def _strike_out(self, uid: str) -> None:
        if self._pending[uid] == 0:
            del self._pending[uid]
            if uid in self._lines and uid not in self._failed:
                self._free.append(self._lines.pop(uid))
                self._write(self._free[-1], "")

    def _write(self, line: int, name: str) -> None:
        os.pwrite(self._file, name.encode().ljust(_LINE - 1) + b"\n", line * _LINE)

    def _open(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / f"{os.getpid()}-{os.urandom(4).hex()}.journal"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor


def _names(content: bytes) -> set[str]:
    return set(content.decode("ascii", "replace").split())
