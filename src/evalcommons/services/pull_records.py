"""What the database notes when a pull request opens, gets commits or is merged."""

import secrets
from itertools import islice
from typing import Any, NamedTuple

from evalcommons.core.discussions import MAX_TITLE, EventKind, Status, clean_title, new_comment
from evalcommons.core.errors import StaleParent, Unavailable
from evalcommons.core.ids import pull_ref
from evalcommons.storage.git import Commit, GitRepo, Person
from evalcommons.storage.index.discussions import Discussion, Event
from evalcommons.storage.index.session import Session

MAX_COMMIT_EVENTS = 100
"""Commits of one push that are listed in the conversation; git has them all."""

_ATTEMPTS = 100


class Opening(NamedTuple):
    """How a discussion or pull request begins.

    body    the opening comment
    base    full name of the branch a pull request wants to change; "" for a discussion
    commit  (title, id) of the commit that a pull request was opened with
    at      ms
    """

    title: str
    body: str
    status: Status
    author_id: int
    author: str
    base: str
    commit: tuple[str, str] | None
    at: int


def take_number(tx: Session, git: GitRepo, repo_id: int, commit: str, who: Person, why: str) -> int:
    """The number of a new pull request, whose ref now stands at `commit`.

    raises  Unavailable when none can be had
    """
    for _ in range(_ATTEMPTS):
        num = tx.repos.next_num(repo_id)
        try:
            git.move_ref(pull_ref(num), commit, expected=None, who=who, why=why)
        except StaleParent:
            # A failure between git and the database left this ref; it gets its pull request when the hub mends that.
            continue
        return num
    raise Unavailable("No pull request can be opened in this repo now: the hub has to mend it at its next start")


def note_opened(tx: Session, repo_id: int, num: int, opening: Opening) -> None:
    """Insert a discussion or pull request with its opening comment."""
    title, body, status, author_id, author, base, commit, at = opening
    title = clean_title(title)[:MAX_TITLE]
    discussion_id = tx.discussions.add(repo_id, num, title=title, status=status, author_id=author_id, at=at, base=base)
    events = [event(EventKind.COMMENT, author_id, author, at, new_comment(body, author, at))]
    if commit is not None:
        events.append(event(EventKind.COMMIT, author_id, author, at, {"subject": commit[0], "oid": commit[1]}))
    tx.discussions.add_events(discussion_id, events)


def note_commits(
    tx: Session, git: GitRepo, pull: Discussion, old: str | None, new: str, author_id: int, author: str, at: int
) -> None:
    """Insert an event for each commit that a push brought to a pull request, oldest first.

    old, new  where its ref stood before and stands now; after a forced push or a squash the events start anew
    """
    events = [
        event(EventKind.COMMIT, author_id, author, at, {"subject": commit.title, "oid": commit.oid})
        for commit in _between(git, pull, old, new)
    ]
    tx.discussions.add_events(pull.id, events)


def note_status(
    tx: Session, git: GitRepo, pull: Discussion, status: Status, author_id: int, author: str, at: int, commit: str = ""
) -> Event:
    """Change the status of a discussion and insert the event that says so.

    commit  for a merge: the commit on the base
    """
    updates = len(git.updates(pull_ref(pull.num))) if pull.is_pull else None
    changed = event(EventKind.STATUS, author_id, author, at, {"status": status.value}, updates)
    values = {"status": status.value} | ({"merge_commit": commit} if commit else {})
    tx.discussions.change(pull.id, **values)
    tx.discussions.add_events(pull.id, [changed])
    return changed


def event(
    kind: EventKind, author_id: int, author: str, at: int, data: dict[str, Any], ref_updates: int | None = None
) -> Event:
    """A new event with a uid of its own."""
    return Event(secrets.token_hex(12), kind, author_id, author, at, data, ref_updates)


def _between(git: GitRepo, pull: Discussion, old: str | None, new: str) -> list[Commit]:
    known = [oid for oid in (old, git.ref(pull.base)) if oid is not None]
    found = list(islice(git.history(new, without=known), MAX_COMMIT_EVENTS))
    found.reverse()
    return found
