"""A working copy driven with the real git, and the packets that a hostile client would send."""

import hashlib
import os
import subprocess
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

ZERO = "0" * 40


@dataclass
class Copy:
    """A working copy. `git` asserts success unless told otherwise, and returns everything that git printed."""

    folder: Path
    env: dict[str, str]

    def git(self, *words: str | Path, ok: bool = True, data: bytes | None = None) -> str:
        """Run git here."""
        done = subprocess.run(
            ["git", *(str(word) for word in words)],
            cwd=self.folder,
            env=self.env,
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert (done.returncode == 0) is ok, said
        return said

    def commit(self, files: dict[str, bytes | str | None], message: str = "Change") -> str:
        """Write (None: remove) files, commit them, and return the commit's id."""
        for path, data in files.items():
            target = self.folder / path
            if data is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data.encode() if isinstance(data, str) else data)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.head()

    def commit_tree(self, entries: list[tuple[str, str, bytes]], parent: str = "HEAD") -> str:
        """A commit of a tree that `git add` would refuse: (mode, raw name, 20-byte id) each; returns its id."""
        tree = b"".join(f"{mode} ".encode() + name.encode() + b"\0" + oid for mode, name, oid in entries)
        made = subprocess.run(
            ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
            cwd=self.folder,
            env=self.env,
            input=tree,
            capture_output=True,
            check=True,
        )
        said = self.git("commit-tree", made.stdout.decode().strip(), "-p", parent, "-m", "Hostile")
        return said.strip()

    def blob(self, data: bytes) -> bytes:
        """The id of a new blob, in 20 bytes."""
        return bytes.fromhex(self.git("hash-object", "-w", "--stdin", data=data).strip())

    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD").strip()


def packet(text: str | bytes) -> bytes:
    """One packet of git's protocol."""
    data = text.encode() if isinstance(text, str) else text
    return f"{len(data) + 4:04x}".encode() + data


def commands(*updates: tuple[str, str, str], capabilities: str = "report-status side-band-64k") -> bytes:
    """The list of (old, new, ref) with which a push begins."""
    lines = [f"{old} {new} {ref}" for old, new, ref in updates]
    lines[0] += f"\0 {capabilities}"
    return b"".join(packet(line) for line in lines) + b"0000"


def pack(*objects: tuple[int, bytes], count: int | None = None, extra: bytes = b"") -> bytes:
    """A pack of whole objects: (type, bytes) each; type 1 is a commit, 2 a tree, 3 a blob."""
    body = b"PACK" + (2).to_bytes(4) + (len(objects) if count is None else count).to_bytes(4)
    for kind, data in objects:
        size = len(data)
        head, size = (kind << 4) | (size & 15), size >> 4
        while size:
            body += bytes([head | 0x80])
            head, size = size & 0x7F, size >> 7
        body += bytes([head]) + zlib.compress(data)
    body += extra
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def children_of(folder: Path) -> list[str]:
    """Command lines of the programs that work in this folder now."""
    found = []
    for process in psutil.Process(os.getpid()).children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def left_behind(folder: Path) -> list[Path]:
    """Quarantines and half-written files in a bare repo."""
    return [
        path for path in folder.rglob("*") if "incoming" in path.name or "tmp_" in path.name or path.suffix == ".lock"
    ]


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)
