"""Large files by their sha256, in a local folder or an S3 bucket, behind one interface."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from evalcommons.core.errors import BadRequest, Unavailable

CHUNK = 1024 * 1024
"""Bytes that are read, or written to a local file, at a time."""

_S3_PART = 5 * 1024 * 1024  # the least that S3 takes as one part of many
_S3_PARTS = 9_000  # S3 takes 10,000
_STAGED = re.compile(r".+#[0-9]+")  # how obstore names a local file until it is whole


class Blobs:
    """Blobs that are there whole or not at all.

    What is sent goes to a place that nobody can read; only when its last byte has come and its sha256 is the promised
    one does the store make it visible, in one step. A transfer that fails or is broken off leaves nothing.
    """

    def __init__(self, store: ObjectStore, folder: Path | None) -> None:
        self._store = store
        self._folder = folder

    @classmethod
    def open(cls, folder: Path, url: str = "") -> "Blobs":
        """The blobs in `folder`, or with `url` those in a bucket (`s3://bucket/prefix`; keys from AWS_* variables)."""
        if url:
            return cls(from_url(url), None)
        return cls(LocalStore(folder, mkdir=True), folder)

    def size(self, sha256: str) -> int | None:
        """Bytes of the blob; None when it is not there.

        raises  Unavailable when the store does not answer
        """
        try:
            with _answering():
                return int(obstore.head(self._store, _key(sha256))["size"])
        except FileNotFoundError:
            return None

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end` (None: to the last), in chunks of about 1 MiB.

        raises  FileNotFoundError at the first chunk when the blob is not there; Unavailable
        """
        if end is not None and end <= start:
            return
        with _answering():
            found = (
                obstore.get(self._store, _key(sha256))
                if not start and end is None
                else obstore.get(
                    self._store, _key(sha256), options={"range": {"offset": start} if end is None else (start, end)}
                )
            )
            for chunk in found.stream(CHUNK):
                yield bytes(chunk)

    def put(self, sha256: str, chunks: Iterable[bytes], size: int | None = None) -> int:
        """Store what the chunks hold, and return its bytes.

        The chunks are read and checked even when the blob is there already: only who has the bytes can send them.
        raises  BadRequest when they have another sha256 or another size than promised; Unavailable; and whatever
                reading the chunks raises. Nothing is stored then.
        """
        checked = _Checked(sha256, size, chunks)
        if self.size(sha256) is not None:
            for _ in checked:
                pass
            return checked.taken
        self._write(_key(sha256), checked, size)
        return checked.taken

    # --- uploads in parts ---------------------------------------------------------------------------------------

    def put_part(self, upload: str, number: int, chunks: Iterable[bytes], size: int) -> str:
        """Keep one part of an upload for later; returns its sha256. Sending it again replaces it.

        raises  BadRequest when it has another size than promised; Unavailable
        """
        checked = _Checked("", size, chunks)
        self._write(_part(upload, number), checked, size)
        return checked.digest

    def join(self, upload: str, count: int, sha256: str, size: int) -> int:
        """Make the blob out of the parts 1 to `count`, and return its bytes. The parts go when this succeeds.

        raises  BadRequest when a part is missing, or what they make up is not what was promised; Unavailable
        """

        def chunks() -> Iterator[bytes]:
            for number in range(1, count + 1):
                try:
                    for chunk in obstore.get(self._store, _part(upload, number)).stream(CHUNK):
                        yield bytes(chunk)
                except FileNotFoundError:
                    raise BadRequest(f"Part {number} of {count} was not sent: send it, then complete again") from None

        taken = self.put(sha256, chunks(), size)
        self.drop(upload)
        return taken

    def drop(self, upload: str) -> None:
        """Forget the parts of an upload."""
        with _answering():
            for found in obstore.list(self._store, f"parts/{upload}"):
                obstore.delete(self._store, [each["path"] for each in found])
        if self._folder is not None:
            self._prune(self._folder / "parts" / upload)

    def sweep(self, before: int) -> int:
        """Remove what broken transfers left and nobody touched since `before`, in ms; returns how many objects.

        In a local folder that is also what a killed process was writing. An S3 bucket clears its own unfinished
        uploads, by a lifecycle rule.
        """
        limit = datetime.fromtimestamp(before / 1000, UTC)
        with _answering():
            old = [
                each["path"]
                for found in obstore.list(self._store, "parts")
                for each in found
                if each["last_modified"] < limit
            ]
            if old:
                obstore.delete(self._store, old)
        if self._folder is None:
            return len(old)
        for upload in {path.split("/")[1] for path in old}:
            self._prune(self._folder / "parts" / upload)
        staged = [
            path
            for path in self._folder.glob("*/*/*#*")
            if _STAGED.fullmatch(path.name) and path.stat().st_mtime < before / 1000
        ]
        for path in staged:
            path.unlink(missing_ok=True)
        return len(old) + len(staged)

    # --- inside -------------------------------------------------------------------------------------------------

    def _write(self, key: str, chunks: Iterable[bytes], size: int | None) -> None:
        # A local file may be written in pieces of any size; S3 wants at least 5 MiB and at most 10,000 of them.
        piece = CHUNK if self._folder is not None else max(_S3_PART, (size or 0) // _S3_PARTS + 1)
        # Leaving with an error aborts: neither a folder nor a bucket shows anything under the key.
        with _answering(), obstore.open_writer(self._store, key, buffer_size=piece, max_concurrency=2) as writer:
            for chunk in chunks:
                writer.write(chunk)

    def _prune(self, folder: Path) -> None:
        try:
            folder.rmdir()
        except OSError:  # a part came meanwhile, or it is gone
            return


class _Checked:
    """Chunks that fail, after the last or as soon as it is certain, when they are not what was promised."""

    def __init__(self, sha256: str, size: int | None, chunks: Iterable[bytes]) -> None:
        self._sha256 = sha256
        self._size = size
        self._chunks = chunks
        self.taken = 0
        self.digest = ""

    def __iter__(self) -> Iterator[bytes]:
        hashed = hashlib.sha256()
        for chunk in self._chunks:
            self.taken += len(chunk)
            if self._size is not None and self.taken > self._size:
                raise BadRequest(f"More bytes came than the {self._size} that were announced")
            hashed.update(chunk)
            yield chunk
        if self._size is not None and self.taken != self._size:
            raise BadRequest(f"{self.taken} bytes came where {self._size} were announced: send the whole file")
        self.digest = hashed.hexdigest()
        if self._sha256 and self.digest != self._sha256:
            raise BadRequest(f"The bytes sent have the sha256 {self.digest}, not {self._sha256} as announced")


def new_upload() -> str:
    """The name of a new upload in parts."""
    return secrets.token_hex(16)


def _key(sha256: str) -> str:
    return f"sha256/{sha256[:2]}/{sha256}"


def _part(upload: str, number: int) -> str:
    return f"parts/{upload}/{number:05}"


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except BaseError as error:
        reason = str(error).partition("\n")[0]
        raise Unavailable(f"The store of large files does not work now: {reason}") from error
