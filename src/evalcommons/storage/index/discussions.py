"""Discussions, pull requests and their events in the database."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from evalcommons.core.discussions import EventKind, Status
from evalcommons.storage.index.schema import accounts, discussion_events, discussions, repos


@dataclass(frozen=True, slots=True)
class Discussion:
    """A discussion or a pull request. Times in ms.

    base          full name of the branch a pull request wants to change; "" for a discussion
    merge_commit  the commit that merged it; "" before
    """

    id: int
    repo_id: int
    num: int
    is_pull: bool
    title: str
    status: Status
    author_id: int
    author: str
    author_fullname: str
    created_at: int
    base: str
    merge_commit: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a discussion.

    data         what the Hub calls the event's `data`, as we store it
    ref_updates  for status changes: how many updates the pull request's ref had seen before
    """

    uid: str
    kind: EventKind
    author_id: int
    author: str
    created_at: int
    data: dict[str, Any]
    ref_updates: int | None


_COLUMNS = (
    discussions.c.id,
    discussions.c.repo_id,
    discussions.c.num,
    discussions.c.is_pull,
    discussions.c.title,
    discussions.c.status,
    discussions.c.author_id,
    accounts.c.name,
    accounts.c.fullname,
    discussions.c.created_at,
    discussions.c.base,
    discussions.c.merge_commit,
)
_SELECT = sa.select(*_COLUMNS).join(accounts, accounts.c.id == discussions.c.author_id)
_BY_NUM = _SELECT.where(discussions.c.repo_id == sa.bindparam("repo_id"), discussions.c.num == sa.bindparam("num"))
_EVENT_COLUMNS = (
    discussion_events.c.uid,
    discussion_events.c.kind,
    discussion_events.c.author_id,
    accounts.c.name,
    discussion_events.c.created_at,
    discussion_events.c.data,
    discussion_events.c.ref_updates,
)
_ALL_EVENTS = (
    sa.select(*_EVENT_COLUMNS)
    .join(accounts, accounts.c.id == discussion_events.c.author_id)
    .where(discussion_events.c.discussion_id == sa.bindparam("discussion_id"))
)
_EVENTS = _ALL_EVENTS.order_by(discussion_events.c.id)
_EVENT = _ALL_EVENTS.where(discussion_events.c.uid == sa.bindparam("uid"))
_ADD = sa.insert(discussions)
_ADD_EVENT = sa.insert(discussion_events)


def _discussion(row: Any) -> Discussion:
    return replace(Discussion(*row), status=Status(row[5]))


def _event(row: Any) -> Event:
    return Event(row[0], EventKind(row[1]), row[2], row[3], row[4], json.loads(row[5]), row[6])


class Discussions:
    """Questions about discussions."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, repo_id: int, num: int) -> Discussion | None:
        """Which discussion of this repo has this number?"""
        row = self._connection.execute(_BY_NUM, {"repo_id": repo_id, "num": num}).first()
        return _discussion(row) if row else None

    def pulls(self, repo_ids: Iterable[int]) -> dict[int, list[Discussion]]:
        """Which pull requests do these repos have: repo -> pull requests by number?"""
        found: dict[int, list[Discussion]] = {repo_id: [] for repo_id in repo_ids}
        query = _SELECT.where(discussions.c.repo_id.in_(list(found)), discussions.c.is_pull.is_(True))
        for row in self._connection.execute(query.order_by(discussions.c.num)):
            found[row.repo_id].append(_discussion(row))
        return found

    def status_events(self, repo_ids: Iterable[int]) -> dict[int, list[Event]]:
        """How did the status of these repos' pull requests change: discussion's id -> events, oldest first?"""
        query = (
            sa.select(discussion_events.c.discussion_id, *_EVENT_COLUMNS)
            .join(accounts, accounts.c.id == discussion_events.c.author_id)
            .join(discussions, discussions.c.id == discussion_events.c.discussion_id)
            .where(discussions.c.repo_id.in_(list(repo_ids)), discussions.c.is_pull.is_(True))
            .where(discussion_events.c.kind == EventKind.STATUS.value)
            .order_by(discussion_events.c.id)
        )
        found: dict[int, list[Event]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row[0], []).append(_event(row[1:]))
        return found

    def listed(
        self,
        repo_id: int,
        *,
        is_pull: bool | None,
        statuses: tuple[Status, ...],
        author: str | None,
        limit: int,
        offset: int,
    ) -> tuple[list[Discussion], int]:
        """Which discussions of the repo match, newest first, and how many in all?"""
        query = _SELECT.where(discussions.c.repo_id == repo_id, discussions.c.status.in_([s.value for s in statuses]))
        if is_pull is not None:
            query = query.where(discussions.c.is_pull.is_(is_pull))
        if author is not None:
            query = query.where(accounts.c.name_key == author.lower())
        total = self._connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
        page = query.order_by(discussions.c.num.desc()).limit(limit).offset(offset)
        return [_discussion(row) for row in self._connection.execute(page)], int(total)

    def count_by(self, author_id: int) -> int:
        """How many discussions of public repos did this account open?"""
        query = sa.select(sa.func.count()).select_from(discussions).join(repos, repos.c.id == discussions.c.repo_id)
        query = query.where(
            discussions.c.author_id == author_id, repos.c.private.is_(False), repos.c.deleted_at.is_(None)
        )
        return int(self._connection.execute(query).scalar_one())

    def add(
        self,
        repo_id: int,
        num: int,
        *,
        title: str,
        status: Status,
        author_id: int,
        at: int,
        base: str,
    ) -> int:
        """A new discussion, or with `base` a pull request; returns its database id."""
        row = {
            "repo_id": repo_id,
            "num": num,
            "is_pull": bool(base),
            "title": title,
            "status": status.value,
            "author_id": author_id,
            "created_at": at,
            "base": base,
        }
        inserted = self._connection.execute(_ADD, row).inserted_primary_key
        assert inserted is not None  # noqa: S101  (for the type checker: an INSERT of one row has a key)
        return int(inserted[0])

    def change(self, discussion_id: int, **values: object) -> None:
        """Set columns of a discussion."""
        self._connection.execute(sa.update(discussions).where(discussions.c.id == discussion_id).values(**values))

    def events(self, discussion_id: int) -> list[Event]:
        """What happened in this discussion, oldest first?"""
        return [_event(row) for row in self._connection.execute(_EVENTS, {"discussion_id": discussion_id})]

    def event(self, discussion_id: int, uid: str) -> Event | None:
        """Which event of this discussion has this uid?"""
        row = self._connection.execute(_EVENT, {"discussion_id": discussion_id, "uid": uid}).first()
        return _event(row) if row else None

    def add_events(self, discussion_id: int, events: Sequence[Event]) -> None:
        """Something new happened, in this order."""
        rows = [
            {
                "uid": event.uid,
                "discussion_id": discussion_id,
                "kind": event.kind.value,
                "author_id": event.author_id,
                "created_at": event.created_at,
                "data": json.dumps(event.data),
                "ref_updates": event.ref_updates,
            }
            for event in events
        ]
        if rows:
            self._connection.execute(_ADD_EVENT, rows)

    def change_event(self, uid: str, data: dict[str, Any]) -> None:
        """Store the event's new data."""
        values = {"data": json.dumps(data)}
        self._connection.execute(sa.update(discussion_events).where(discussion_events.c.uid == uid).values(**values))

    def last_status_at(self, discussion_id: int) -> int:
        """When did its status change last, in ms? 0: never."""
        query = sa.select(sa.func.max(discussion_events.c.created_at)).where(
            discussion_events.c.discussion_id == discussion_id, discussion_events.c.kind == EventKind.STATUS.value
        )
        return int(self._connection.execute(query).scalar() or 0)
