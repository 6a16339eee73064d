"""The one door to repos, and their life: create, settings, move, delete."""

import secrets
from dataclasses import dataclass
from typing import NamedTuple

from evalcommons.core.access import Actor, Need, RepoFacts, allows, gate_closed, may_create
from evalcommons.core.clock import Clock
from evalcommons.core.errors import (
    AlreadyExists,
    BadRequest,
    Forbidden,
    GatedRepo,
    InvalidName,
    NotFound,
    NotSignedIn,
    NotSupported,
    RepoMoved,
    RepoNotFound,
)
from evalcommons.core.ids import MAIN, RepoId, RepoKind
from evalcommons.services.indexing import Indexing
from evalcommons.storage.git import Git, GitRepo, Person
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.session import Session
from evalcommons.storage.journal import Journal

_LARGE_SUFFIXES = (
    "7z arrow bin bz2 ckpt ftz gz h5 joblib model msgpack npy npz onnx ot parquet pb pickle pkl pt pth rar safetensors "
    "tar tflite tgz wasm xz zip zst"
).split()
GITATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in _LARGE_SUFFIXES)
"""What a new repo's .gitattributes says: which files git-lfs takes when somebody pushes with git."""


class OpenRepo(NamedTuple):
    """A repo that the actor was let into.

    row  what the database knows
    git  its files and history
    """

    row: RepoRow
    git: GitRepo

    @property
    def id(self) -> RepoId:
        """Its address."""
        return self.row.repo_id


@dataclass(frozen=True)
class Repos:
    """Every way to a repo leads through `open`."""

    index: Index
    git: Git
    journal: Journal
    indexing: Indexing
    clock: Clock

    # --- the door -----------------------------------------------------------------------------------------------

    def open(self, actor: Actor, repo_id: RepoId, need: Need = Need.READ) -> OpenRepo:
        """The repo, if `actor` may do `need` with it.

        raises  RepoNotFound for a missing repo and, with the same words, for one that is hidden from the actor;
                RepoMoved; NotSignedIn or Forbidden when it may be seen but not used so; GatedRepo
        """
        with self.index.read() as db:
            row = self.admit(db, actor, repo_id, need)
        return OpenRepo(row, self.git.open(row.uid))

    def admit(self, db: Session, actor: Actor, repo_id: RepoId, need: Need = Need.READ) -> RepoRow:
        """The same inside a session that is open already, without its git."""
        row = db.repos.find(repo_id)
        moved = row is None
        if row is None:
            row = db.repos.find_moved(repo_id)
        if row is None or not allows(actor, facts := self.facts(db, actor, row), Need.READ):
            raise RepoNotFound(repo_id.kind, repo_id, anonymous=actor.is_anonymous)
        if moved:
            raise RepoMoved(str(repo_id), str(row.repo_id))
        if not allows(actor, facts, need):
            self._refuse(actor, facts, need)
        return row

    def facts(self, db: Session, actor: Actor, row: RepoRow) -> RepoFacts:
        """What the access rules need to know."""
        gate_open = bool(row.gated) and actor.user_id is not None and db.repos.gate_open(row.id, actor.user_id)
        return RepoFacts(row.kind, row.namespace, row.name, row.private, bool(row.gated), row.creator_id, gate_open)

    def readable(self, db: Session, actor: Actor, row: RepoRow) -> bool:
        """May the actor see this repo?"""
        return not row.private or allows(actor, self.facts(db, actor, row), Need.READ)

    def _refuse(self, actor: Actor, facts: RepoFacts, need: Need) -> None:
        name = f"{facts.namespace}/{facts.name}"
        if need is Need.CONTENT and gate_closed(actor, facts):
            raise GatedRepo(facts.kind, name, anonymous=actor.is_anonymous)
        if actor.is_anonymous:
            raise NotSignedIn("Sign in to do this: send an access token")
        if actor.token is not None and allows(
            Actor(actor.user_id, actor.name, actor.fullname, actor.is_admin, actor.roles), facts, need
        ):
            raise Forbidden(f"Your token {actor.token.name!r} ({actor.token.role}) does not allow this on {name}")
        raise Forbidden(f"You don't have the rights required to do this on {facts.kind} {name}")

    # --- life ---------------------------------------------------------------------------------------------------

    def create(self, actor: Actor, repo_id: RepoId, *, private: bool | None = None) -> RepoRow:
        """A new repo with an initial commit. `private` None: as its namespace has it.

        raises  NotSignedIn, Forbidden, NotSupported for spaces, AlreadyExists
        """
        if repo_id.kind is RepoKind.SPACE:
            raise NotSupported("Spaces are not supported on this hub: it keeps models and datasets")
        if actor.is_anonymous:
            raise NotSignedIn("Sign in to create a repo: send an access token")
        with self.index.read() as db:
            owner = db.accounts.find(repo_id.namespace)
            taken = db.repos.find(repo_id)
        if taken is not None:
            with self.index.read() as db:
                hidden = not self.readable(db, actor, taken)
            if not (hidden and not may_create(actor, repo_id.namespace, repo_id.kind)):
                raise AlreadyExists(
                    f"You already created this {repo_id.kind} repo: {taken.repo_id}", taken.repo_id.path
                )
        if owner is None or not may_create(actor, repo_id.namespace, repo_id.kind):
            raise Forbidden(
                f"You don't have the rights to create a {repo_id.kind} under the namespace {repo_id.namespace}"
            )
        now = self.clock()
        uid = secrets.token_hex(12)
        repo_id = RepoId(repo_id.kind, owner.name, repo_id.name)
        with self.journal.changing(uid):
            who = person(actor)
            git = self.git.create(uid)
            tree = git.write_tree(None, {".gitattributes": (git.write_blob(GITATTRIBUTES.encode()), 0o100644)})
            commit = git.write_commit(tree, [], who, now, "initial commit")
            git.move_ref(MAIN, commit, expected=None, who=who, why="initial commit")
            with self.index.transaction() as tx:
                if (other := tx.repos.find(repo_id)) is not None:
                    raise AlreadyExists(f"{other.repo_id} was created by somebody else just now", other.repo_id.path)
                row = tx.repos.add(
                    repo_id,
                    uid=uid,
                    owner_id=owner.id,
                    creator_id=actor.user_id,
                    private=owner.private_by_default if private is None else private,
                    sha=commit,
                    at=now,
                )
                self.indexing.follow(tx, row, git)
        return row

    def delete(self, actor: Actor, repo_id: RepoId) -> None:
        """Remove the repo; its results leave the boards, with a tombstone.

        raises  as `open` with ADMIN
        """
        row = self.open(actor, repo_id, Need.ADMIN).row
        with self.journal.changing(row.uid):
            with self.index.transaction() as tx:
                now = self.clock()
                tx.repos.delete(row, now)
                self.indexing.forget(tx, row, now)
            self.git.delete(row.uid)

    def move(self, actor: Actor, old: RepoId, new: RepoId) -> RepoRow:
        """Give a repo another name or namespace; the old id redirects.

        raises  as `open` with ADMIN; Forbidden for a foreign namespace; AlreadyExists
        """
        row = self.open(actor, old, Need.ADMIN).row
        if not may_create(actor, new.namespace, new.kind):
            raise Forbidden(f"You don't have the rights to move a {new.kind} to the namespace {new.namespace}")
        with self.index.transaction() as tx:
            owner = tx.accounts.find(new.namespace)
            if owner is None:
                raise NotFound(f"There is no user or organisation {new.namespace}")
            taken = tx.repos.find(new)
            if taken is not None and taken.id != row.id:
                raise AlreadyExists(
                    f"A {new.kind} repository called {taken.repo_id} already exists", taken.repo_id.path
                )
            tx.repos.move(row, RepoId(new.kind, owner.name, new.name), owner.id)
            moved = tx.repos.get(row.id)
            self.indexing.renamed(tx, row, moved)
        return moved

    def configure(
        self, actor: Actor, repo_id: RepoId, *, private: bool | None = None, gated: str | None = None
    ) -> RepoRow:
        """Change settings; None leaves one as it is. `gated`: "", "auto" or "manual".

        raises  as `open` with ADMIN; BadRequest
        """
        if gated is not None and gated not in ("", "auto", "manual"):
            raise BadRequest('"gated" must be one of false, "auto", "manual"')
        row = self.open(actor, repo_id, Need.ADMIN).row
        changes = {k: v for k, v in (("private", private), ("gated", gated)) if v is not None}
        if not changes:
            return row
        with self.index.transaction() as tx:
            tx.repos.change(row.id, **changes)
            changed = tx.repos.get(row.id)
            if changed.private != row.private:
                self.indexing.visibility_changed(tx, changed)
        return changed


def person(actor: Actor) -> Person:
    """Whoever acts, as git names them."""
    return person_named(actor.name)


def person_named(name: str) -> Person:
    """The account of this name as git names it. The address belongs to nobody, so that no real one is published."""
    return Person(name, f"{name.lower()}@users.noreply.evalcommons.invalid")


def user_of(actor: Actor) -> tuple[int, str]:
    """Account id and name of whoever acts.

    raises  NotSignedIn
    """
    if actor.user_id is None:
        raise NotSignedIn("Sign in to do this: send an access token")
    return actor.user_id, actor.name


def parse_id(kind: RepoKind, text: str, actor: Actor) -> RepoId:
    """The id as a client wrote it; one that no repo can have is answered like a missing repo.

    raises  RepoNotFound
    """
    try:
        return RepoId.parse(kind, text)
    except InvalidName:
        raise RepoNotFound(kind, text[:200], anonymous=actor.is_anonymous) from None
