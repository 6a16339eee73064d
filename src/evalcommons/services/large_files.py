"""Large files: who may send and fetch them, and which repo hands out which."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from evalcommons.core.access import Actor
from evalcommons.core.clock import Clock
from evalcommons.core.errors import BadRequest, DisabledAccount, EntryNotFound, Forbidden
from evalcommons.core.lfs import MAX_SIZE, Pointer, is_sha256
from evalcommons.storage.blobs import Blobs, new_upload
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.session import Session

IN_PARTS_FROM = 64 * 1024 * 1024
"""Bytes from which a client that can is asked to send a file in parts."""

_PART = 32 * 1024 * 1024
_PARTS = 1_000
_LIFETIME_S = 24 * 3600  # a slow line needs hours for a large model; a new batch request gives a new ticket


class Purpose(StrEnum):
    """What a ticket lets its holder do."""

    FETCH = "fetch"
    SEND = "send"
    SEND_PART = "part"
    COMPLETE = "complete"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send or fetch one large file, as it stands in a signed address.

    repo     uid of the repo that gets or gives it
    user     id of the account that asked; 0 for nobody
    expires  seconds since 1970
    upload   name of the upload in parts; "" for one in a single piece
    part     number of the part, from 1; 0 for the whole
    """

    purpose: Purpose
    repo: str
    user: int
    sha256: str
    size: int
    expires: int
    upload: str = ""
    part: int = 0


@dataclass(frozen=True)
class LargeFiles:
    """A repo hands out only what was given to it: whoever knows a sha256 has no right to the bytes.

    secret  signs tickets
    """

    index: Index
    blobs: Blobs
    clock: Clock
    secret: bytes

    # --- reading ------------------------------------------------------------------------------------------------

    def missing(self, repo: RepoRow, pointers: Iterable[Pointer]) -> list[Pointer]:
        """Which of these the repo does not have, or has with another size."""
        wanted = list(dict.fromkeys(pointers))
        if not wanted:
            return []
        with self.index.read() as db:
            return [pointer for pointer in wanted if not _has(db, repo, pointer)]

    def read(self, repo: RepoRow, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The file's bytes from `start` up to, not including, `end`, in chunks of about 1 MiB.

        raises  EntryNotFound, before the first chunk, when the file was not given to this repo or is lost
        """
        self.size(repo, sha256)
        return self.blobs.read(sha256, start, end)

    def size(self, repo: RepoRow, sha256: str) -> int:
        """Bytes of a large file of this repo.

        raises  EntryNotFound when the file was not given to this repo or is lost
        """
        with self.index.read() as db:
            known = is_sha256(sha256) and db.repos.has_large_file(repo.id, sha256)
        size = self.blobs.size(sha256) if known else None
        if size is None:
            raise EntryNotFound(sha256, message=f"{repo.repo_id} has no large file {sha256[:64]}")
        return size

    # --- writing ------------------------------------------------------------------------------------------------

    def add(self, repo: RepoRow, sha256: str, chunks: Iterable[bytes], size: int | None = None) -> int:
        """Give the repo a file, durably; returns its bytes.

        raises  BadRequest when the chunks are not what was promised; nothing is kept then
        """
        taken = self.blobs.put(sha256, chunks, size)
        self._register(repo.id, sha256, taken)
        return taken

    def verify(self, repo: RepoRow, pointer: Pointer) -> None:
        """Nothing when the repo has this file with this size.

        raises  EntryNotFound, BadRequest
        """
        size = self.size(repo, pointer.sha256)
        if size != pointer.size:
            raise BadRequest(f"{pointer.sha256} has {size} bytes here, not {pointer.size}")

    # --- tickets ------------------------------------------------------------------------------------------------

    def ticket(
        self, actor: Actor, repo: RepoRow, purpose: Purpose, pointer: Pointer, *, upload: str = "", part: int = 0
    ) -> Ticket:
        """Leave for one transfer; the caller has checked that `actor` may do it."""
        expires = self.clock() // 1000 + _LIFETIME_S
        return Ticket(purpose, repo.uid, actor.user_id or 0, *pointer, expires, upload, part)

    def upload_in_parts(self, actor: Actor, repo: RepoRow, pointer: Pointer) -> tuple[Ticket, list[Ticket]]:
        """Leave to complete an upload, and to send each of its parts, all of `part_size` but the last."""
        upload = new_upload()
        count = part_count(pointer.size)
        parts = [
            self.ticket(actor, repo, Purpose.SEND_PART, pointer, upload=upload, part=number)
            for number in range(1, count + 1)
        ]
        return self.ticket(actor, repo, Purpose.COMPLETE, pointer, upload=upload), parts

    def sign(self, ticket: Ticket) -> dict[str, str]:
        """The ticket as the parameters of an address; `check` reads them back."""
        said = {
            "repo": ticket.repo,
            "user": str(ticket.user),
            "size": str(ticket.size),
            "expires": str(ticket.expires),
        }
        if ticket.upload:
            said["upload"] = ticket.upload
        if ticket.part:
            said["part"] = str(ticket.part)
        return {**said, "signature": self._signature(ticket)}

    def check(self, purpose: Purpose, sha256: str, said: Mapping[str, str]) -> Ticket:
        """The ticket that an address carries.

        raises  Forbidden when it was not signed here, for this, or has run out
        """
        try:
            ticket = Ticket(
                purpose,
                said["repo"],
                int(said["user"]),
                sha256,
                int(said["size"]),
                int(said["expires"]),
                said.get("upload", ""),
                int(said.get("part", "0")),
            )
        except (KeyError, ValueError):
            raise Forbidden(
                "This address is not complete: ask the hub for a new one with an LFS batch request"
            ) from None
        given = said.get("signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._signature(ticket).encode()):
            raise Forbidden("This address was not signed by this hub, or was changed: ask for a new one")
        if ticket.expires < self.clock() // 1000:
            raise Forbidden("This address has run out: ask the hub for a new one with an LFS batch request")
        return ticket

    # --- using tickets ------------------------------------------------------------------------------------------

    def repo(self, ticket: Ticket) -> RepoRow:
        """The repo that the ticket is for.

        raises  EntryNotFound, DisabledAccount
        """
        with self.index.read() as db:
            return self._repo(db, ticket)

    def receive(self, ticket: Ticket, chunks: Iterable[bytes]) -> None:
        """Take a file in one piece.

        raises  BadRequest when the bytes are not the promised ones; EntryNotFound when the repo is gone;
                DisabledAccount. Nothing is kept then.
        """
        repo = self.repo(ticket)
        self.add(repo, ticket.sha256, chunks, ticket.size)

    def receive_part(self, ticket: Ticket, chunks: Iterable[bytes]) -> str:
        """Take one part of a file; returns its sha256.

        raises  as `receive`
        """
        self.repo(ticket)
        size = part_size(ticket.size)
        if ticket.part == part_count(ticket.size):
            size = ticket.size - size * (ticket.part - 1)
        return self.blobs.put_part(ticket.upload, ticket.part, chunks, size)

    def complete(self, ticket: Ticket, numbers: Iterable[int]) -> None:
        """Make a file out of its parts, whose numbers the sender repeats. Completing twice changes nothing.

        raises  BadRequest when a part is missing or the whole is not what was promised; as `receive`
        """
        repo = self.repo(ticket)
        count = part_count(ticket.size)
        if sorted(numbers) != list(range(1, count + 1)):
            raise BadRequest(
                f"An upload of {ticket.size} bytes is completed by naming its parts 1 to {count}, each once"
            )
        if not self.missing(repo, [Pointer(ticket.sha256, ticket.size)]):
            self.blobs.drop(ticket.upload)
            return
        size = self.blobs.join(ticket.upload, count, ticket.sha256, ticket.size)
        self._register(repo.id, ticket.sha256, size)

    def sweep(self) -> int:
        """Remove parts of uploads whose tickets have run out; returns how many objects went."""
        return self.blobs.sweep(self.clock() - 2 * _LIFETIME_S * 1000)

    # --- inside -------------------------------------------------------------------------------------------------

    def _register(self, repo_id: int, sha256: str, size: int) -> None:
        with self.index.transaction() as tx:
            tx.repos.add_large_file(repo_id, sha256, size, self.clock())

    def _repo(self, db: Session, ticket: Ticket) -> RepoRow:
        repo = db.repos.by_uid(ticket.repo)
        if repo is None or repo.deleted_at is not None:
            raise EntryNotFound(ticket.sha256, message="The repo of this large file was deleted")
        if ticket.user and (account := db.accounts.get(ticket.user)).suspended_at is not None:
            raise DisabledAccount(
                f"The account {account.name} is suspended: {account.suspended_why or 'no reason given'}"
            )
        return repo

    def _signature(self, ticket: Ticket) -> str:
        text = "\n".join(
            (
                ticket.purpose,
                ticket.repo,
                str(ticket.user),
                ticket.sha256,
                str(ticket.size),
                str(ticket.expires),
                ticket.upload,
                str(ticket.part),
            )
        )
        return hmac.new(self.secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def check_pointer(sha256: object, size: object) -> Pointer:
    """The file that a client names.

    raises  BadRequest saying which of the two is wrong
    """
    if not isinstance(sha256, str) or not is_sha256(sha256):
        raise BadRequest("oid must be a sha256: 64 lower-case hex digits")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_SIZE:
        raise BadRequest(f"size must be a whole number of bytes from 0 to {MAX_SIZE}")
    return Pointer(sha256, size)


def part_size(size: int) -> int:
    """Bytes of each part, but the last, of an upload of `size` bytes: 32 MiB, more where that would make too many."""
    return max(_PART, -(-size // _PARTS))


def part_count(size: int) -> int:
    """Parts of an upload of `size` bytes."""
    return -(-size // part_size(size))


def _has(db: Session, repo: RepoRow, pointer: Pointer) -> bool:
    return db.repos.large_file(repo.id, pointer.sha256) == pointer.size
