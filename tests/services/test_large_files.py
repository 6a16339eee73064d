"""Large files: tickets that cannot be forged, and repos that give away nothing they were not given."""

import hashlib
import os
from dataclasses import replace

import pytest

from evalcommons.core.access import ANONYMOUS
from evalcommons.core.errors import BadRequest, DisabledAccount, EntryNotFound, Forbidden
from evalcommons.core.lfs import MAX_SIZE, Pointer
from evalcommons.services import large_files
from evalcommons.services.large_files import Purpose, check_pointer, part_count, part_size

DATA = os.urandom(300_000)
POINTER = Pointer(hashlib.sha256(DATA).hexdigest(), len(DATA))


@pytest.fixture
def send(hub, actor_of):
    """send(row, by="alice"): the file goes to the repo, through a signed address."""

    def through(row, *, by="alice", data=DATA):
        pointer = Pointer(hashlib.sha256(data).hexdigest(), len(data))
        files = hub.large_files
        said = files.sign(files.ticket(actor_of(by), row, Purpose.SEND, pointer))
        files.receive(files.check(Purpose.SEND, pointer.sha256, said), [data])

    return through


def test_a_repo_hands_out_what_it_was_given(hub, make_repo, send):
    """What was sent to a repo is read from it, whole or in part."""
    row = make_repo("alice/tiny")
    send(row)
    assert b"".join(hub.large_files.read(row, POINTER.sha256)) == DATA
    assert b"".join(hub.large_files.read(row, POINTER.sha256, 5, 9)) == DATA[5:9]
    assert hub.large_files.missing(row, [POINTER]) == []
    hub.large_files.verify(row, POINTER)


def test_knowing_a_sha256_does_not_open_somebody_elses_file(hub, make_repo, send):
    """An attacker who learns the sha256 of a private file puts it into no repo of their own."""
    send(make_repo("alice/secret", private=True))
    mine = make_repo("mallory/mine")
    with pytest.raises(EntryNotFound):
        hub.large_files.read(mine, POINTER.sha256)
    assert hub.large_files.missing(mine, [POINTER]) == [POINTER]
    ticket = hub.large_files.ticket(ANONYMOUS, mine, Purpose.SEND, POINTER)
    with pytest.raises(BadRequest):  # the store has it, but they cannot show that they have
        hub.large_files.receive(ticket, [b"x" * POINTER.size])
    assert hub.large_files.missing(mine, [POINTER]) == [POINTER]
    send(mine, by="mallory")
    assert hub.large_files.missing(mine, [POINTER]) == []


def test_a_pointer_with_another_size_is_missing(hub, make_repo, send):
    """A pointer that lies about the size is not the file that was sent."""
    row = make_repo("alice/tiny")
    send(row)
    lie = Pointer(POINTER.sha256, 1)
    assert hub.large_files.missing(row, [lie]) == [lie]
    with pytest.raises(BadRequest, match="300000 bytes"):
        hub.large_files.verify(row, lie)


@pytest.mark.parametrize("field", ["repo", "user", "size", "expires", "signature"])
def test_a_changed_address_is_worth_nothing(hub, make_repo, actor_of, field):
    """Every word of a signed address counts."""
    files = hub.large_files
    said = files.sign(files.ticket(actor_of("alice"), make_repo("alice/tiny"), Purpose.SEND, POINTER))
    with pytest.raises(Forbidden, match="not signed by this hub"):
        files.check(Purpose.SEND, POINTER.sha256, {**said, field: said[field] + "0"})
    without = {name: value for name, value in said.items() if name != field}
    with pytest.raises(Forbidden):
        files.check(Purpose.SEND, POINTER.sha256, without)
    with pytest.raises(Forbidden):
        files.check(Purpose.FETCH, POINTER.sha256, said)
    with pytest.raises(Forbidden):
        files.check(Purpose.SEND, "0" * 64, said)
    with pytest.raises(Forbidden):
        files.check(Purpose.SEND, POINTER.sha256, {**said, "part": "1"})


def test_an_address_runs_out(hub, make_repo, actor_of):
    """An address that leaked is of use for a day."""
    row = make_repo("alice/tiny")
    files = hub.large_files
    said = files.sign(files.ticket(actor_of("alice"), row, Purpose.SEND, POINTER))
    later = replace(files, clock=lambda: hub.clock() + 25 * 3600 * 1000)
    with pytest.raises(Forbidden, match="run out"):
        later.check(Purpose.SEND, POINTER.sha256, said)


def test_a_suspended_account_sends_nothing_more(hub, make_repo, actor_of):
    """Addresses that were given out before the suspension stop working with it."""
    files = hub.large_files
    ticket = files.ticket(actor_of("alice"), make_repo("alice/tiny"), Purpose.SEND, POINTER)
    hub.accounts.suspend("alice", "spam")
    with pytest.raises(DisabledAccount, match="spam"):
        files.receive(ticket, [DATA])
    assert files.blobs.size(POINTER.sha256) is None


def test_a_deleted_repo_takes_nothing(hub, make_repo, actor_of):
    """The repo may go while the file is on its way."""
    row = make_repo("alice/tiny")
    ticket = hub.large_files.ticket(actor_of("alice"), row, Purpose.SEND, POINTER)
    hub.repos.delete(actor_of("alice"), row.repo_id)
    with pytest.raises(EntryNotFound, match="deleted"):
        hub.large_files.receive(ticket, [DATA])


def test_a_file_comes_in_parts(hub, make_repo, actor_of, monkeypatch):
    """Parts in any order become one file; completing again, after a lost answer, is no error."""
    monkeypatch.setattr(large_files, "_PART", 100_000)
    row = make_repo("alice/tiny")
    files = hub.large_files
    done, parts = files.upload_in_parts(actor_of("alice"), row, POINTER)
    assert len(parts) == 3
    for ticket in reversed(parts):
        data = DATA[(ticket.part - 1) * 100_000 : ticket.part * 100_000]
        assert files.receive_part(ticket, [data]) == hashlib.sha256(data).hexdigest()
    with pytest.raises(BadRequest, match="1 to 3"):
        files.complete(done, [1, 2])
    files.complete(done, [1, 2, 3])
    files.complete(done, [1, 2, 3])
    assert b"".join(files.read(row, POINTER.sha256)) == DATA


def test_a_part_has_the_size_that_was_agreed(hub, make_repo, actor_of, monkeypatch):
    """Nobody fills the disk through a part."""
    monkeypatch.setattr(large_files, "_PART", 200_000)
    _, parts = hub.large_files.upload_in_parts(actor_of("alice"), make_repo("alice/tiny"), POINTER)
    with pytest.raises(BadRequest, match="announced"):
        hub.large_files.receive_part(parts[0], [b"x" * 200_001])
    with pytest.raises(BadRequest, match="announced"):
        hub.large_files.receive_part(parts[1], [b"x" * 200_000])


def test_parts_nobody_completed_are_swept(hub, make_repo, actor_of):
    """Two days after the last part came, what was never completed goes."""
    files = hub.large_files
    _, parts = files.upload_in_parts(actor_of("alice"), make_repo("alice/tiny"), POINTER)
    files.receive_part(parts[0], [DATA])
    assert files.sweep() == 0
    later = replace(files, clock=lambda: hub.clock() + 3 * 24 * 3600 * 1000)
    assert later.sweep() == 1


def test_huge_files_have_bigger_parts_instead_of_more():
    """The list of parts stays short enough for one answer."""
    for size in (1, 10**8, 10**11, MAX_SIZE):
        assert part_count(size) <= 1000
        assert (part_count(size) - 1) * part_size(size) < size <= part_count(size) * part_size(size)
    assert part_count(0) == 0


@pytest.mark.parametrize(
    ("oid", "size"), [("x", 1), (None, 1), ("A" * 64, 1), ("a" * 64, -1), ("a" * 64, True), ("a" * 64, MAX_SIZE + 1)]
)
def test_nonsense_names_no_file(oid, size):
    """What cannot be a file is refused before anything is asked."""
    with pytest.raises(BadRequest):
        check_pointer(oid, size)
