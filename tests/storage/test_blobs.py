"""Blobs: whole or not there at all, whatever the sender does."""

import hashlib
import os
import stat
import time
from pathlib import Path

import obstore
import pytest

from evalcommons.core.errors import BadRequest
from evalcommons.storage.blobs import CHUNK, Blobs, new_upload
from evalcommons.storage.secret import hub_secret

DATA = os.urandom(3 * CHUNK + 17)
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["folder", "memory"])
def blobs(request, tmp_path):
    """The same promises in a folder and in an object store."""
    return Blobs.open(tmp_path / "blobs", "" if request.param == "folder" else "memory:///")


def chunks(data: bytes, size: int = 64 * 1024):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def stored(blobs: Blobs) -> list[str]:
    """Everything in the store, and in a folder also what is only being written."""
    if blobs._folder is not None:
        return sorted(str(p.relative_to(blobs._folder)) for p in blobs._folder.rglob("*") if p.is_file())
    return sorted(each["path"] for found in obstore.list(blobs._store) for each in found)


def test_a_blob_is_read_as_it_was_sent(blobs):
    """Bytes in, bytes out, in chunks that do not fill the memory."""
    assert blobs.size(SHA) is None
    assert blobs.put(SHA, chunks(DATA), len(DATA)) == len(DATA)
    assert blobs.size(SHA) == len(DATA)
    read = list(blobs.read(SHA))
    assert b"".join(read) == DATA
    if blobs._folder is not None:  # the store in memory hands out what it has in one piece
        assert max(map(len, read)) <= 2 * CHUNK


@pytest.mark.parametrize(("start", "end"), [(0, 1), (5, CHUNK + 5), (len(DATA) - 3, None), (7, 7), (0, len(DATA))])
def test_a_part_of_a_blob_is_read(blobs, start, end):
    """A range costs its own bytes only."""
    blobs.put(SHA, chunks(DATA))
    assert b"".join(blobs.read(SHA, start, end)) == DATA[start:end]


def test_an_empty_blob_is_a_blob(blobs):
    """No bytes have a sha256 too."""
    empty = hashlib.sha256(b"").hexdigest()
    assert blobs.put(empty, [], 0) == 0
    assert blobs.size(empty) == 0
    assert b"".join(blobs.read(empty)) == b""


@pytest.mark.parametrize(
    ("sent", "size"),
    [
        (DATA[:-1] + b"x", len(DATA)),
        (DATA[:-1], len(DATA)),
        (DATA + b"x", len(DATA)),
        (DATA[:-1] + bytes([DATA[-1] ^ 1]), None),
        (b"", len(DATA)),
    ],
)
def test_bytes_that_are_not_the_promised_ones_leave_nothing(blobs, sent, size):
    """Nobody parks wrong bytes under somebody's sha256."""
    with pytest.raises(BadRequest):
        blobs.put(SHA, chunks(sent), size)
    assert blobs.size(SHA) is None
    assert stored(blobs) == []


def test_a_sender_who_goes_away_leaves_nothing(blobs):
    """A transfer broken off in the middle is forgotten."""

    def broken():
        yield DATA[: 2 * CHUNK]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        blobs.put(SHA, broken(), len(DATA))
    assert stored(blobs) == []


def test_knowing_a_sha256_is_not_having_the_bytes(blobs):
    """Also a blob that is there already must be sent whole by whoever claims to have it."""
    blobs.put(SHA, chunks(DATA))
    with pytest.raises(BadRequest):
        blobs.put(SHA, [b"I know the name"], None)
    assert blobs.put(SHA, chunks(DATA), len(DATA)) == len(DATA)


def test_parts_are_joined_in_order(blobs):
    """Parts may come in any order, and twice."""
    upload = new_upload()
    parts = [DATA[:CHUNK], DATA[CHUNK : 2 * CHUNK], DATA[2 * CHUNK :]]
    for number in (3, 1, 2, 1):
        part = parts[number - 1]
        assert blobs.put_part(upload, number, chunks(part), len(part)) == hashlib.sha256(part).hexdigest()
    assert blobs.size(SHA) is None
    assert blobs.join(upload, 3, SHA, len(DATA)) == len(DATA)
    assert b"".join(blobs.read(SHA)) == DATA
    assert stored(blobs) == [f"sha256/{SHA[:2]}/{SHA}"]


def test_a_missing_part_is_named(blobs):
    """The sender is told which part to send again, and what came stays."""
    upload = new_upload()
    blobs.put_part(upload, 1, [DATA[:CHUNK]], CHUNK)
    with pytest.raises(BadRequest, match="Part 2 of 2"):
        blobs.join(upload, 2, SHA, len(DATA))
    assert blobs.size(SHA) is None
    blobs.put_part(upload, 2, [DATA[CHUNK:]], len(DATA) - CHUNK)
    assert blobs.join(upload, 2, SHA, len(DATA)) == len(DATA)


def test_what_broken_transfers_left_is_swept(tmp_path):
    """Parts of uploads nobody completed, and what a killed process was writing, go after a while; blobs stay."""
    blobs = Blobs.open(tmp_path / "blobs")
    blobs.put(SHA, chunks(DATA))
    blobs.put_part(new_upload(), 1, [b"part"], 4)
    (tmp_path / "blobs" / "sha256" / SHA[:2] / f"{'0' * 64}#1").write_bytes(b"half")
    now = time.time_ns() // 1_000_000
    assert blobs.sweep(now - 60_000) == 0
    assert blobs.sweep(now + 60_000) == 2
    assert stored(blobs) == [f"sha256/{SHA[:2]}/{SHA}"]
    assert not any((tmp_path / "blobs" / "parts").iterdir())


def test_the_secret_is_made_once_and_is_nobody_elses(tmp_path: Path):
    """Signed addresses stay valid over a restart, and other users of the machine cannot sign."""
    path = tmp_path / "secret"
    made = hub_secret(path)
    assert len(made) == 32
    assert hub_secret(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="too few"):
        hub_secret(path)
