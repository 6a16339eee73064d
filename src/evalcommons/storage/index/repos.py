"""Repos, their moves, tags, likes, access requests and large files in the database."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from evalcommons.core.access import PUBLIC_ONLY, PrivateView
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.storage.index.schema import (
    access_requests,
    accounts,
    lfs_objects,
    likes,
    repo_moves,
    repo_tags,
    repos,
)


@dataclass(frozen=True, slots=True)
class RepoRow:
    """What the database knows of a repo. Times in ms; the JSON texts are parsed by who wants them."""

    id: int
    uid: str
    kind: RepoKind
    owner_id: int
    namespace: str
    name: str
    key: str
    creator_id: int | None
    private: bool
    gated: str
    created_at: int
    deleted_at: int | None
    last_num: int
    likes: int
    downloads: int
    official_at: int | None
    sha: str
    modified_at: int
    card: str
    tags: str
    base_models: str
    parameters: int | None
    facts: str
    refs_stamp: str

    @property
    def repo_id(self) -> RepoId:
        """Its address."""
        return RepoId(self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Somebody's wish to read a gated repo."""

    uid: str
    user: str
    fullname: str
    email: str | None
    status: str
    asked: bool
    fields: str
    reason: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Which repos a list wants.

    private     the private ones among them
    owner_id    only those of this account
    search      only those whose id has each of these texts in it, whatever the case
    tags        only those that have each of these tags
    official    only benchmarks approved by an operator
    gated       only those with a gate, or only those without
    parameters  only models with at least and at most so many weights
    sort        created_at, modified_at, downloads or likes, newest or most first
    after       (sort value, id) of the last row of the page before
    with_card   fill in `card`, which may be long; without it is "{}"
    """

    kind: RepoKind
    private: PrivateView = PUBLIC_ONLY
    owner_id: int | None = None
    search: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    official: bool = False
    gated: bool | None = None
    parameters: tuple[int | None, int | None] = (None, None)
    sort: str = "modified_at"
    ascending: bool = False
    limit: int = 1000
    after: tuple[int, int] | None = None
    with_card: bool = True


def _row(row: Any) -> RepoRow:
    return RepoRow(row[0], row[1], RepoKind(row[2]), *row[3:])


_BY_KEY = sa.select(*repos.c).where(repos.c.kind == sa.bindparam("kind"), repos.c.key == sa.bindparam("key"))
_BY_ID = sa.select(*repos.c).where(repos.c.id == sa.bindparam("repo_id"))
_BY_UID = sa.select(*repos.c).where(repos.c.uid == sa.bindparam("uid"))
_MOVED = (
    sa.select(*repos.c)
    .join(repo_moves, repo_moves.c.repo_id == repos.c.id)
    .where(repo_moves.c.kind == sa.bindparam("kind"), repo_moves.c.key == sa.bindparam("key"))
    .where(repos.c.deleted_at.is_(None))
)
_NEXT_NUM = (
    sa.update(repos)
    .where(repos.c.id == sa.bindparam("repo_id"))
    .values(last_num=repos.c.last_num + 1)
    .returning(repos.c.last_num)
)
_LARGE_FILE = sa.select(lfs_objects.c.size).where(
    lfs_objects.c.repo_id == sa.bindparam("repo_id"), lfs_objects.c.sha256 == sa.bindparam("sha256")
)
_STAMP = sa.update(repos).where(repos.c.id == sa.bindparam("repo_id")).values(refs_stamp=sa.bindparam("stamp"))
_SET_HEAD = (
    sa.update(repos)
    .where(repos.c.id == sa.bindparam("of_repo"))
    .values({name: sa.bindparam(name) for name in "sha modified_at card tags base_models parameters facts".split()})
)
_ADD_TAG = sa.insert(repo_tags)
_DOWNLOADS = (
    sa.update(repos)
    .where(repos.c.id == sa.bindparam("repo_id"))
    .values(downloads=repos.c.downloads + sa.bindparam("more"))
)
_WITHOUT_CARD = [sa.literal("{}").label("card") if column.name == "card" else column for column in repos.c]
_ACCESS_REQUESTS = sa.select(
    access_requests.c.uid,
    accounts.c.name,
    accounts.c.fullname,
    accounts.c.email,
    access_requests.c.status,
    access_requests.c.asked,
    access_requests.c.fields,
    access_requests.c.reason,
    access_requests.c.created_at,
).join(accounts, accounts.c.id == access_requests.c.user_id)


class Repos:
    """Questions about repos."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, repo_id: RepoId) -> RepoRow | None:
        """Which repo has this id now?"""
        row = self._connection.execute(_BY_KEY, {"kind": repo_id.kind.value, "key": repo_id.key}).first()
        return _row(row) if row else None

    def find_moved(self, repo_id: RepoId) -> RepoRow | None:
        """Which repo had this id before it was moved?"""
        row = self._connection.execute(_MOVED, {"kind": repo_id.kind.value, "key": repo_id.key}).first()
        return _row(row) if row else None

    def get(self, repo_id: int) -> RepoRow:
        """Which repo has this number? It must exist."""
        return _row(self._connection.execute(_BY_ID, {"repo_id": repo_id}).one())

    def by_uid(self, uid: str) -> RepoRow | None:
        """Which repo is kept under this uid, deleted ones included?"""
        row = self._connection.execute(_BY_UID, {"uid": uid}).first()
        return _row(row) if row else None

    def by_ids(self, ids: Iterable[int], *, with_card: bool = True) -> dict[int, RepoRow]:
        """Which repos have these numbers? Cards may be long; `with_card` False leaves them out."""
        found: dict[int, RepoRow] = {}
        wanted = list(ids)
        columns = list(repos.c) if with_card else _WITHOUT_CARD
        for start in range(0, len(wanted), 500):
            query = sa.select(*columns).where(repos.c.id.in_(wanted[start : start + 500]))
            found.update((row.id, _row(row)) for row in self._connection.execute(query))
        return found

    def all(self, *, deleted: bool = False) -> list[RepoRow]:
        """Which repos are there, oldest first?"""
        state = repos.c.deleted_at.is_not(None) if deleted else repos.c.deleted_at.is_(None)
        return [_row(r) for r in self._connection.execute(sa.select(*repos.c).where(state).order_by(repos.c.id))]

    def stamps(self) -> list[tuple[int, str, str]]:
        """What did the refs of every living repo look like when they were last indexed: id, uid, stamp?"""
        query = sa.select(repos.c.id, repos.c.uid, repos.c.refs_stamp).where(repos.c.deleted_at.is_(None))
        return [(row[0], row[1], row[2]) for row in self._connection.execute(query)]

    def listed(self, wanted: Listing) -> list[RepoRow]:
        """Which repos does this list hold? One more than `limit`, so that the caller sees if there is a next page."""
        return [_row(row) for row in self._connection.execute(_list_query(wanted).limit(wanted.limit + 1))]

    def count(self, owner_id: int, kind: RepoKind, *, with_private: bool) -> int:
        """How many repos of this kind does the account have?"""
        query = sa.select(sa.func.count()).select_from(repos)
        query = query.where(repos.c.owner_id == owner_id, repos.c.kind == kind.value, repos.c.deleted_at.is_(None))
        if not with_private:
            query = query.where(repos.c.private.is_(False))
        return int(self._connection.execute(query).scalar_one())

    def owned(self, owner_id: int, after: int, limit: int) -> list[RepoRow]:
        """Which repos does this account have, of any kind, in the order they were made, from id `after` on?"""
        query = sa.select(*repos.c).where(
            repos.c.owner_id == owner_id, repos.c.deleted_at.is_(None), repos.c.id > after
        )
        return [_row(row) for row in self._connection.execute(query.order_by(repos.c.id).limit(limit))]

    def children(self, base_models: Iterable[str]) -> dict[str, int]:
        """How many public models name each of these as their base? Those that nobody names are left out."""
        found: dict[str, int] = {}
        wanted = [f"base_model:{name}" for name in base_models]
        for start in range(0, len(wanted), 500):
            query = (
                sa.select(repo_tags.c.tag, sa.func.count())
                .join(repos, repos.c.id == repo_tags.c.repo_id)
                .where(
                    repo_tags.c.tag.in_(wanted[start : start + 500]),
                    repos.c.kind == RepoKind.MODEL.value,
                    repos.c.private.is_(False),
                    repos.c.deleted_at.is_(None),
                )
                .group_by(repo_tags.c.tag)
            )
            found.update((tag.partition(":")[2], count) for tag, count in self._connection.execute(query))
        return found

    def add_downloads(self, counts: Mapping[int, int]) -> None:
        """These repos were downloaded so many times more."""
        rows = [{"repo_id": repo_id, "more": count} for repo_id, count in counts.items()]
        if rows:
            self._connection.execute(_DOWNLOADS, rows)

    def add(
        self,
        repo_id: RepoId,
        *,
        uid: str,
        owner_id: int,
        creator_id: int | None,
        private: bool,
        sha: str,
        at: int,
    ) -> RepoRow:
        """A new repo."""
        row = {
            "uid": uid,
            "kind": repo_id.kind.value,
            "owner_id": owner_id,
            "namespace": repo_id.namespace,
            "name": repo_id.name,
            "key": repo_id.key,
            "creator_id": creator_id,
            "private": private,
            "sha": sha,
            "created_at": at,
            "modified_at": at,
        }
        self._connection.execute(
            sa.delete(repo_moves).where(repo_moves.c.kind == row["kind"], repo_moves.c.key == row["key"])
        )
        inserted = self._connection.execute(sa.insert(repos), row).inserted_primary_key
        assert inserted is not None  # noqa: S101  (for the type checker: an INSERT of one row has a key)
        return self.get(inserted[0])

    def change(self, repo_id: int, **values: object) -> None:
        """Set columns of a repo."""
        self._connection.execute(sa.update(repos).where(repos.c.id == repo_id).values(**values))

    def move(self, repo: RepoRow, to: RepoId, owner_id: int) -> None:
        """Give a repo another id; the old one leads to it."""
        old = {"kind": repo.kind.value, "key": repo.key, "repo_id": repo.id}
        for key in (repo.key, to.key):
            gone = (repo_moves.c.kind == repo.kind.value) & (repo_moves.c.key == key)
            self._connection.execute(sa.delete(repo_moves).where(gone))
        self._connection.execute(sa.insert(repo_moves), old)
        self.change(repo.id, namespace=to.namespace, name=to.name, key=to.key, owner_id=owner_id)

    def old_keys(self, repo_id: int) -> list[str]:
        """Which ids (lower case) did this repo have before?"""
        query = sa.select(repo_moves.c.key).where(repo_moves.c.repo_id == repo_id).order_by(repo_moves.c.key)
        return [row[0] for row in self._connection.execute(query)]

    def delete(self, repo: RepoRow, at: int) -> None:
        """Mark a repo as deleted and free its name; what led to it leads nowhere."""
        self.change(repo.id, deleted_at=at, key=f"{repo.key}#{repo.uid}", last_num=0, refs_stamp="")
        for table in (repo_moves, repo_tags, likes, access_requests, lfs_objects):
            self._connection.execute(sa.delete(table).where(table.c.repo_id == repo.id))

    def next_num(self, repo_id: int) -> int:
        """The number of the next discussion, now taken."""
        return int(self._connection.execute(_NEXT_NUM, {"repo_id": repo_id}).scalar_one())

    def raise_num(self, repo_id: int, num: int) -> None:
        """Numbers up to `num` are taken."""
        lower = (repos.c.id == repo_id) & (repos.c.last_num < num)
        self._connection.execute(sa.update(repos).where(lower).values(last_num=num))

    def stamp(self, stamps: Mapping[int, str]) -> None:
        """Remember what the refs of these repos look like now that the index reads them."""
        rows = [{"repo_id": repo_id, "stamp": stamp} for repo_id, stamp in stamps.items()]
        if rows:
            self._connection.execute(_STAMP, rows)

    def set_heads(self, heads: Sequence[Mapping[str, Any]]) -> None:
        """What main says: the columns sha to facts and modified_at, of the repo `of_repo`."""
        if heads:
            self._connection.execute(_SET_HEAD, heads)

    def set_tags(self, tags: Mapping[int, Iterable[str]]) -> None:
        """Replace the tags that these repos are found by."""
        ids = list(tags)
        for start in range(0, len(ids), 500):
            self._connection.execute(sa.delete(repo_tags).where(repo_tags.c.repo_id.in_(ids[start : start + 500])))
        rows = [
            {"tag": tag, "repo_id": repo_id} for repo_id, some in tags.items() for tag in {tag[:256] for tag in some}
        ]
        if rows:
            self._connection.execute(_ADD_TAG, rows)

    # --- large files --------------------------------------------------------------------------------------------

    def has_large_file(self, repo_id: int, sha256: str) -> bool:
        """Was this large file given to this repo?"""
        return self.large_file(repo_id, sha256) is not None

    def large_file(self, repo_id: int, sha256: str) -> int | None:
        """How many bytes has this large file, if it was given to this repo?"""
        row = self._connection.execute(_LARGE_FILE, {"repo_id": repo_id, "sha256": sha256}).first()
        return row[0] if row else None

    def add_large_file(self, repo_id: int, sha256: str, size: int, at: int) -> None:
        """This repo was given this large file; asking twice changes nothing."""
        if not self.has_large_file(repo_id, sha256):
            row = {"repo_id": repo_id, "sha256": sha256, "size": size, "created_at": at}
            self._connection.execute(sa.insert(lfs_objects), row)

    def large_files(self, repo_id: int) -> dict[str, int]:
        """Which large files does this repo have: sha256 -> bytes?"""
        query = sa.select(lfs_objects.c.sha256, lfs_objects.c.size).where(lfs_objects.c.repo_id == repo_id)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    # --- likes --------------------------------------------------------------------------------------------------

    def like(self, repo_id: int, user_id: int, at: int | None) -> None:
        """The user likes the repo; `at` None: no longer."""
        mine = (likes.c.repo_id == repo_id) & (likes.c.user_id == user_id)
        self._connection.execute(sa.delete(likes).where(mine))
        if at is not None:
            self._connection.execute(sa.insert(likes), {"repo_id": repo_id, "user_id": user_id, "created_at": at})
        count = sa.select(sa.func.count()).select_from(likes).where(likes.c.repo_id == repo_id)
        self.change(repo_id, likes=count.scalar_subquery())

    def likers(self, repo_id: int) -> list[tuple[str, str]]:
        """Who likes this repo, newest first: name, full name?"""
        query = (
            sa.select(accounts.c.name, accounts.c.fullname)
            .join(likes, likes.c.user_id == accounts.c.id)
            .where(likes.c.repo_id == repo_id)
            .order_by(likes.c.created_at.desc(), accounts.c.name_key)
        )
        return [(row[0], row[1]) for row in self._connection.execute(query)]

    def liked_by(self, user_id: int) -> list[tuple[int, RepoRow]]:
        """Which repos does this user like, newest first: liked at, repo?"""
        query = (
            sa.select(likes.c.created_at, *repos.c)
            .join(repos, repos.c.id == likes.c.repo_id)
            .where(likes.c.user_id == user_id, repos.c.deleted_at.is_(None))
            .order_by(likes.c.created_at.desc(), repos.c.id)
        )
        return [(row[0], _row(row[1:])) for row in self._connection.execute(query)]

    def count_liked_by(self, user_id: int) -> int:
        """How many public repos does this user like?"""
        query = sa.select(sa.func.count()).select_from(likes).join(repos, repos.c.id == likes.c.repo_id)
        query = query.where(likes.c.user_id == user_id, repos.c.private.is_(False), repos.c.deleted_at.is_(None))
        return int(self._connection.execute(query).scalar_one())

    # --- access requests ----------------------------------------------------------------------------------------

    def gate_open(self, repo_id: int, user_id: int) -> bool:
        """Was this user let into this gated repo?"""
        query = sa.select(access_requests.c.id).where(
            access_requests.c.repo_id == repo_id,
            access_requests.c.user_id == user_id,
            access_requests.c.status == "accepted",
        )
        return self._connection.execute(query).first() is not None

    def access_requests(self, repo_id: int, status: str | None = None) -> list[AccessRequest]:
        """Who asked for access, oldest first?"""
        query = _ACCESS_REQUESTS.where(access_requests.c.repo_id == repo_id).order_by(access_requests.c.id)
        if status is not None:
            query = query.where(access_requests.c.status == status)
        return [AccessRequest(*row) for row in self._connection.execute(query)]

    def access_request(
        self, repo_id: int, *, user_id: int | None = None, uid: str | None = None
    ) -> AccessRequest | None:
        """Which request does this user have, or which one has this uid?"""
        which = access_requests.c.user_id == user_id if uid is None else access_requests.c.uid == uid
        row = self._connection.execute(_ACCESS_REQUESTS.where(access_requests.c.repo_id == repo_id, which)).first()
        return AccessRequest(*row) if row else None

    def add_access_request(
        self, repo_id: int, user_id: int, *, uid: str, status: str, asked: bool, fields: dict[str, Any], at: int
    ) -> None:
        """A new request, or an access that was granted unasked."""
        row = {
            "uid": uid,
            "repo_id": repo_id,
            "user_id": user_id,
            "status": status,
            "asked": asked,
            "fields": json.dumps(fields),
            "created_at": at,
        }
        self._connection.execute(sa.insert(access_requests), row)

    def decide_access_request(self, uid: str, status: str, reason: str | None, at: int) -> None:
        """Give a request another status."""
        values = {"status": status, "reason": reason, "decided_at": at}
        self._connection.execute(sa.update(access_requests).where(access_requests.c.uid == uid).values(**values))


def _list_query(wanted: Listing) -> Any:
    columns = list(repos.c) if wanted.with_card else _WITHOUT_CARD
    query = sa.select(*columns).where(repos.c.kind == wanted.kind.value, repos.c.deleted_at.is_(None))
    if not wanted.private.everything:
        visible: sa.ColumnElement[bool] = repos.c.private.is_(False)
        if wanted.private.namespaces:
            owners = sa.select(accounts.c.id).where(accounts.c.name_key.in_(sorted(wanted.private.namespaces)))
            visible |= repos.c.owner_id.in_(owners)
        if wanted.private.keys:
            visible |= repos.c.key.in_(sorted(wanted.private.keys))
        query = query.where(visible)
    if wanted.owner_id is not None:
        query = query.where(repos.c.owner_id == wanted.owner_id)
    for word in wanted.search:
        query = query.where(repos.c.key.like(f"%{_escaped(word.lower())}%", escape="\\"))
    for tag in wanted.tags:
        query = query.where(repos.c.id.in_(sa.select(repo_tags.c.repo_id).where(repo_tags.c.tag == tag)))
    if wanted.official:
        query = query.where(repos.c.official_at.is_not(None))
    if wanted.gated is not None:
        query = query.where(repos.c.gated != "" if wanted.gated else repos.c.gated == "")
    low, high = wanted.parameters
    if low is not None:
        query = query.where(repos.c.parameters >= low)
    if high is not None:
        query = query.where(repos.c.parameters <= high)
    by = repos.c[wanted.sort]
    if wanted.after is not None:
        here = sa.tuple_(by, repos.c.id)
        there = sa.tuple_(*(sa.literal(value) for value in wanted.after))
        query = query.where(here > there if wanted.ascending else here < there)
    if wanted.ascending:
        return query.order_by(by, repos.c.id)
    return query.order_by(by.desc(), repos.c.id.desc())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
