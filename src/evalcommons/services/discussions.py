"""Discussions and pull requests: talking about a repo, and merging what others propose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from evalcommons.core.access import Actor, Need, allows
from evalcommons.core.clock import Clock
from evalcommons.core.commits import reason
from evalcommons.core.discussions import (
    EventKind,
    Status,
    check_change,
    check_comment,
    check_merge,
    check_title,
    edit_comment,
    hide_comment,
    new_comment,
)
from evalcommons.core.errors import BadRequest, Forbidden, NotFound, StaleParent
from evalcommons.core.ids import MAIN, RepoId, pull_ref
from evalcommons.core.problems import Problem, show
from evalcommons.services.evals import Evals
from evalcommons.services.indexing import Indexing
from evalcommons.services.pull_records import Opening, event, note_opened, note_status, take_number
from evalcommons.services.repos import Repos, person, person_named, user_of
from evalcommons.storage.git import ZERO, GitRepo
from evalcommons.storage.index.discussions import Discussion, Event
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.session import Session
from evalcommons.storage.journal import Journal

PAGE = 50
"""Discussions on one page of a list."""
MAX_DIFF = 1_000_000
"""Characters of a diff that are shown; the rest is in git."""

_ATTEMPTS = 20
_SQUASHES = 20  # entries of a ref's log that are looked at for what was before a squash
_STATUSES: Mapping[str, tuple[Status, ...]] = {
    "all": tuple(Status),
    "open": (Status.OPEN, Status.DRAFT),
    "closed": (Status.CLOSED, Status.MERGED),
    "draft": (Status.DRAFT,),
    "merged": (Status.MERGED,),
}
_TYPES: Mapping[str, bool | None] = {"all": None, "discussion": False, "pull_request": True}


class Page(NamedTuple):
    """Part of a list of discussions, newest first.

    repo_id  with its letters as the repo has them
    total    how many match in all
    start    index of the first one here
    """

    repo_id: RepoId
    discussions: list[Discussion]
    total: int
    start: int


class Details(NamedTuple):
    """A discussion with everything that happened in it.

    conflicts  paths that stand in the way of merging; empty unless it is a live pull request
    diff       what a pull request changes; None for a discussion, where it was not asked for, or where the repo's
               gate keeps its files from the reader
    can_write  the reader may merge, close, rename and hide
    """

    repo_id: RepoId
    discussion: Discussion
    events: list[Event]
    conflicts: list[str]
    diff: str | None
    can_write: bool


class Merged(NamedTuple):
    """What a merge did.

    oid       the commit on the base branch
    warnings  what is odd about the evaluation files there now
    """

    oid: str
    warnings: tuple[Problem, ...]


class _Place(NamedTuple):
    """A discussion, and the rights of whoever asks."""

    row: RepoRow
    discussion: Discussion
    can_write: bool

    def require_author_or_writer(self, actor: Actor, what: str) -> None:
        """Nothing when the actor opened the discussion or may write to the repo.

        raises  Forbidden saying who may `what`
        """
        if not self.can_write and actor.user_id != self.discussion.author_id:
            raise Forbidden(
                f"Only {self.discussion.author}, who opened it, and who may write to {self.row.repo_id} can {what}"
            )


@dataclass(frozen=True)
class Discussions:
    """Everybody who can read a repo may talk about it and propose changes; its writers decide."""

    index: Index
    repos: Repos
    journal: Journal
    indexing: Indexing
    evals: Evals
    clock: Clock

    # --- reading ------------------------------------------------------------------------------------------------

    def listed(
        self,
        actor: Actor,
        repo_id: RepoId,
        *,
        kind: str = "all",
        status: str = "all",
        author: str | None = None,
        page: int = 0,
    ) -> Page:
        """One page of a repo's discussions, newest first.

        kind    all, discussion or pull_request
        status  all, open (drafts too), closed (merged too), draft or merged
        page    counted from 0
        raises  as `Repos.open`; BadRequest for another word
        """
        if kind not in _TYPES:
            raise BadRequest(f'"type" must be one of {", ".join(_TYPES)}, not {show(kind)}')
        if status not in _STATUSES:
            raise BadRequest(f'"status" must be one of {", ".join(_STATUSES)}, not {show(status)}')
        with self.index.read() as db:
            row = self.repos.admit(db, actor, repo_id)
            found, total = db.discussions.listed(
                row.id,
                is_pull=_TYPES[kind],
                statuses=_STATUSES[status],
                author=author,
                limit=PAGE,
                offset=page * PAGE,
            )
        return Page(row.repo_id, found, total, page * PAGE)

    def details(self, actor: Actor, repo_id: RepoId, num: int, *, diff: bool = False) -> Details:
        """One discussion, its events, and for a pull request what it changes.

        raises  as `Repos.open`; NotFound
        """
        with self.index.read() as db:
            place = self._place(db, actor, repo_id, num, Need.READ)
            events = db.discussions.events(place.discussion.id)
            may_see_files = allows(actor, self.repos.facts(db, actor, place.row), Need.CONTENT)
        row, discussion, can_write = place
        conflicts: list[str] = []
        changes: str | None = None
        if discussion.is_pull:
            git = self.repos.git.open(row.uid)
            base, head = git.ref(discussion.base), git.ref(pull_ref(num))
            if base is not None and head is not None:
                fork = _fork(git, discussion, base, head)
                if discussion.status.is_live and fork != base:
                    conflicts = git.merge_trees(base, head, fork)[1]
                if diff and may_see_files:
                    changes = git.diff(fork or base, head)
        if changes is not None and len(changes) > MAX_DIFF:
            changes = f"{changes[:MAX_DIFF]}\n(the diff goes on: fetch {pull_ref(num)} with git to see all of it)\n"
        return Details(row.repo_id, discussion, events, conflicts, changes, can_write)

    # --- talking ------------------------------------------------------------------------------------------------

    def create(self, actor: Actor, repo_id: RepoId, title: str, description: str, *, pull_request: bool = False) -> int:
        """Open a discussion, or a draft pull request whose ref stands at main; returns its number.

        raises  as `Repos.open` with DISCUSS; BadRequest
        """
        title, body = check_title(title), check_comment(description) if description.strip() else ""
        opened = self.repos.open(actor, repo_id, Need.DISCUSS)
        row, git = opened
        user_id, user = user_of(actor)
        at = self.clock()
        if not pull_request:
            with self.index.transaction() as tx:
                num = tx.repos.next_num(row.id)
                note_opened(tx, row.id, num, Opening(title, body, Status.OPEN, user_id, user, "", None, at))
            return num
        head = _ref(git, MAIN)
        why = reason("draft pull request", title)
        with self.journal.changing(row.uid), self.index.transaction() as tx:
            num = take_number(tx, git, row.id, head, person(actor), why)
            note_opened(tx, row.id, num, Opening(title, body, Status.DRAFT, user_id, user, MAIN, None, at))
            self.indexing.follow(tx, row, git, refs=[pull_ref(num)])
        return num

    def comment(self, actor: Actor, repo_id: RepoId, num: int, text: str) -> Event:
        """Say something; returns the event.

        raises  as `Repos.open` with DISCUSS; NotFound; BadRequest
        """
        raw = check_comment(text)
        with self.index.transaction() as tx:
            place = self._place(tx, actor, repo_id, num, Need.DISCUSS)
            user_id, user = user_of(actor)
            said = _comment(user_id, user, raw, self.clock())
            tx.discussions.add_events(place.discussion.id, [said])
        return said

    def edit_comment(self, actor: Actor, repo_id: RepoId, num: int, uid: str, text: str) -> Event:
        """Change one's own comment; what it said before is kept.

        raises  as `comment`; Forbidden for somebody else's
        """
        raw = check_comment(text)

        def change(_: _Place, said: Event) -> dict[str, Any]:
            if said.author_id != actor.user_id:
                raise Forbidden(f"Only {said.author}, who wrote the comment, can edit it")
            return edit_comment(said.data, raw, actor.name, self.clock())

        return self._change_comment(actor, repo_id, num, uid, change)

    def hide_comment(self, actor: Actor, repo_id: RepoId, num: int, uid: str) -> Event:
        """Show a comment no longer; who hid it stays visible.

        raises  as `comment`; Forbidden unless the actor wrote it or may write to the repo
        """

        def change(place: _Place, said: Event) -> dict[str, Any]:
            if said.author_id != actor.user_id and not place.can_write:
                raise Forbidden(
                    f"Only {said.author}, who wrote the comment, and who may write to {place.row.repo_id} can hide it"
                )
            return hide_comment(said.data, actor.name, self.clock())

        return self._change_comment(actor, repo_id, num, uid, change)

    def rename(self, actor: Actor, repo_id: RepoId, num: int, title: str) -> Event:
        """Give a discussion another title; returns the event.

        raises  as `comment`; Forbidden unless the actor opened it or may write to the repo
        """
        new = check_title(title)
        with self.index.transaction() as tx:
            place = self._place(tx, actor, repo_id, num, Need.DISCUSS)
            place.require_author_or_writer(actor, "rename it")
            user_id, user = user_of(actor)
            data = {"from": place.discussion.title, "to": new}
            renamed = event(EventKind.TITLE, user_id, user, self.clock(), data)
            tx.discussions.change(place.discussion.id, title=new)
            tx.discussions.add_events(place.discussion.id, [renamed])
        return renamed

    def _change_comment(
        self, actor: Actor, repo_id: RepoId, num: int, uid: str, change: Callable[[_Place, Event], dict[str, Any]]
    ) -> Event:
        with self.index.transaction() as tx:
            place = self._place(tx, actor, repo_id, num, Need.DISCUSS)
            said = tx.discussions.event(place.discussion.id, uid.lower())
            if said is None or said.kind is not EventKind.COMMENT:
                raise NotFound(f"Discussion {num} has no comment {show(uid)}")
            data = change(place, said)
            tx.discussions.change_event(said.uid, data)
        return replace(said, data=data)

    # --- deciding -----------------------------------------------------------------------------------------------

    def set_status(self, actor: Actor, repo_id: RepoId, num: int, status: str, comment: str = "") -> Event:
        """Open, close or reopen; a draft that is opened is ready to be merged. Returns the event.

        Closing a pull request takes its results off the boards; reopening brings them back.
        raises  as `comment`; Forbidden unless the actor opened it or may write to the repo
        """
        wanted = _status(status)
        raw = check_comment(comment) if comment.strip() else ""
        with self.index.transaction() as tx:
            place = self._place(tx, actor, repo_id, num, Need.DISCUSS)
            place.require_author_or_writer(actor, "change its status")
            row, discussion, _ = place
            check_change(num, discussion.status, wanted)
            git = self.repos.git.open(row.uid)
            user_id, user = user_of(actor)
            at = self.clock()
            if raw:
                tx.discussions.add_events(discussion.id, [_comment(user_id, user, raw, at)])
            changed = note_status(tx, git, discussion, wanted, user_id, user, at)
            if discussion.is_pull:
                self.indexing.status_changed(tx, row, git, num)
        return changed

    def merge(self, actor: Actor, repo_id: RepoId, num: int, comment: str = "") -> Merged:
        """Put what a pull request changes onto its base, as one commit by its author.

        raises  as `Repos.open` with WRITE; NotFound; BadRequest for a draft, a closed one or conflicts; Refused when
                the evaluation files would not validate together
        """
        raw = check_comment(comment) if comment.strip() else ""
        for _ in range(_ATTEMPTS):
            with self.index.read() as db:
                place = self._place(db, actor, repo_id, num, Need.WRITE)
            _check_mergeable(place.discussion)
            git = self.repos.git.open(place.row.uid)
            base, head = _ref(git, place.discussion.base), _ref(git, pull_ref(num))
            oid = self._squash(git, place.discussion, base, head)
            warnings = self.evals.screen(actor, place.row, git, place.discussion.base, base, oid)
            if self._land(actor, place, base, head, oid, raw):
                return Merged(oid, warnings)
        raise StaleParent

    def _squash(self, git: GitRepo, pull: Discussion, base: str, head: str) -> str:
        """A commit on `base` with everything the pull request changes; no ref knows it yet."""
        fork = _fork(git, pull, base, head)
        if fork == base:
            tree = git.commit(head).tree
        else:
            merged, conflicts = git.merge_trees(base, head, fork)
            if merged is None:
                raise BadRequest(
                    f"Pull request {pull.num} cannot be merged: {', '.join(show(path) for path in conflicts[:10])} "
                    f"changed on both sides. Merge {pull.base.removeprefix('refs/heads/')} into {pull_ref(pull.num)} "
                    "with git, or open a new pull request"
                )
            tree = merged
        message = f"{pull.title} (#{pull.num})"
        return git.write_commit(tree, [base], person_named(pull.author), self.clock(), message)

    def _land(self, actor: Actor, place: _Place, base: str, head: str, oid: str, comment: str) -> bool:
        """Move the base to the merge and say so; False when base or pull request moved meanwhile."""
        row, pull, _ = place
        git = self.repos.git.open(row.uid)
        user_id, user = user_of(actor)
        why = reason(f"merge pull request {pull.num}", pull.title)
        try:
            with self.journal.changing(row.uid), self.index.transaction() as tx:
                now = self._place(tx, actor, row.repo_id, pull.num, Need.WRITE).discussion
                _check_mergeable(now)
                if git.ref(pull_ref(pull.num)) != head:
                    return False
                git.move_ref(pull.base, oid, expected=base, who=person(actor), why=why)
                at = self.clock()
                if comment:
                    tx.discussions.add_events(pull.id, [_comment(user_id, user, comment, at)])
                note_status(tx, git, now, Status.MERGED, user_id, user, at, oid)
                self.indexing.status_changed(tx, row, git, pull.num)
                self.indexing.follow(tx, row, git, refs=[pull.base])
        except StaleParent:
            return False
        return True

    def _place(self, db: Session, actor: Actor, repo_id: RepoId, num: int, need: Need) -> _Place:
        row = self.repos.admit(db, actor, repo_id, need)
        found = db.discussions.find(row.id, num)
        if found is None:
            raise NotFound(f"{row.kind.value} {row.repo_id} has no discussion or pull request {num}")
        return _Place(row, found, allows(actor, self.repos.facts(db, actor, row), Need.WRITE))


def _fork(git: GitRepo, pull: Discussion, base: str, head: str) -> str | None:
    """The commit that a pull request started from; None when nothing of its base is in it.

    When one of them was squashed since, their histories have nothing in common: the logs of both refs still know where
    they stood before.
    """
    found = git.merge_base(base, head)
    if found is not None:
        return found
    bases = [base, *(update.old for update in reversed(git.updates(pull.base)[-_SQUASHES:]))]
    heads = [head, *(update.old for update in reversed(git.updates(pull_ref(pull.num))[-_SQUASHES:]))]
    for one in heads:
        for other in bases:
            if ZERO not in (one, other) and (found := git.merge_base(other, one)) is not None:
                return found
    return None


def _comment(user_id: int, user: str, raw: str, at: int) -> Event:
    return event(EventKind.COMMENT, user_id, user, at, new_comment(raw, user, at))


def _check_mergeable(discussion: Discussion) -> None:
    if not discussion.is_pull:
        raise BadRequest(f"Discussion {discussion.num} is not a pull request: there is nothing to merge")
    check_merge(discussion.num, discussion.status)


def _status(text: str) -> Status:
    try:
        return Status(text)
    except ValueError:
        raise BadRequest(f'"status" must be "open" or "closed", not {show(text)}') from None


def _ref(git: GitRepo, name: str) -> str:
    oid = git.ref(name)
    if oid is None:
        raise BadRequest(f"{name} does not exist any more: nothing can be merged from or into it")
    return oid
