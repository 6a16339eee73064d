"""Completes pull requests that git knows and the database does not, after a crash between the two."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from evalcommons.core.clock import Clock
from evalcommons.core.commits import read_reason
from evalcommons.core.discussions import EventKind, Status
from evalcommons.core.errors import NotFound
from evalcommons.core.ids import MAIN, pull_number, pull_ref
from evalcommons.services.pull_records import Opening, note_commits, note_opened, note_status
from evalcommons.storage.git import ZERO, GitRepo, Update
from evalcommons.storage.index.discussions import Discussion
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.session import Session

_OPENED = {"open pull request": Status.OPEN, "draft pull request": Status.DRAFT}
_MERGED = re.compile(r"merge pull request ([1-9][0-9]{0,8})")


def recover(tx: Session, row: RepoRow, git: GitRepo, clock: Clock, known: Sequence[Discussion]) -> Sequence[Discussion]:
    """The repo's pull requests, with those and their commits inserted that stand in the logs of git's refs only.

    What was merged there is marked so. Doing it again changes nothing. Refs that no pull request of ours can have made
    are left alone. What git does not keep is lost with the process that died: the description of a draft without
    commits.

    clock  times of the logs are kept, but for those ahead of it
    known  the pull requests that the database has
    """
    refs = git.refs("refs/pr/")
    if not refs and not known:
        return known
    now = clock()
    pulls = {pull.num: pull for pull in known}
    for ref in refs:
        if (num := pull_number(ref)) is None:
            continue
        if num not in pulls:
            _insert(tx, row, git, num, now)
        elif pulls[num].status.is_live:
            _add_commits(tx, git, pulls[num], now)
    if any(num not in pulls for num in map(pull_number, refs) if num is not None):
        known = tx.discussions.pulls([row.id])[row.id]
    live = {pull.num: pull for pull in known if pull.status.is_live}
    for base in {pull.base for pull in live.values()}:
        for update in git.updates(base):
            merged = _MERGED.fullmatch(read_reason(update.message)[0])
            pull = live.pop(int(merged[1]), None) if merged else None
            if pull is not None and pull.base == base:
                author_id, author = _author(tx, update) or (pull.author_id, pull.author)
                note_status(tx, git, pull, Status.MERGED, author_id, author, min(update.at, now), update.new)
                known = [replace(each, status=Status.MERGED) if each.num == pull.num else each for each in known]
    return known


def _insert(tx: Session, row: RepoRow, git: GitRepo, num: int, now: int) -> None:
    updates = git.updates(pull_ref(num))
    if not updates or tx.discussions.find(row.id, num) is not None:
        return
    first = updates[0]
    what, title = read_reason(first.message)
    author = _author(tx, first)
    if what not in _OPENED or author is None:
        return
    status, body, commit = _OPENED[what], "", None
    with suppress(NotFound):
        if status is Status.OPEN:
            made = git.commit(first.new)
            title, body, commit = made.title, made.body, (made.title, made.oid)
    tx.repos.raise_num(row.id, num)
    opening = Opening(title, body, status, *author, MAIN, commit, min(first.at, now))
    note_opened(tx, row.id, num, opening)
    if (pull := tx.discussions.find(row.id, num)) is not None:
        _add_commits(tx, git, pull, now)


def _add_commits(tx: Session, git: GitRepo, pull: Discussion, now: int) -> None:
    """The commits of the newest update, if the conversation does not know where the ref stands."""
    updates = git.updates(pull_ref(pull.num))
    if len(updates) < 2:
        return
    last = updates[-1]
    listed = {event.data["oid"] for event in tx.discussions.events(pull.id) if event.kind is EventKind.COMMIT}
    if last.new in listed or git.ref(pull_ref(pull.num)) != last.new:
        return
    author_id, author = _author(tx, last) or (pull.author_id, pull.author)
    with suppress(NotFound):
        old = None if last.old == ZERO else last.old
        note_commits(tx, git, pull, old, last.new, author_id, author, min(last.at, now))


def _author(tx: Session, update: Update) -> tuple[int, str] | None:
    found = tx.accounts.find(update.who)
    return (found.id, found.name) if found else None
