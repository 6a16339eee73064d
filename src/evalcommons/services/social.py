"""Likes, and who may pass a repo's gate."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evalcommons.core.access import Actor, Need
from evalcommons.core.clock import Clock
from evalcommons.core.errors import BadRequest, Forbidden, NotFound
from evalcommons.core.ids import RepoId
from evalcommons.services.repos import Repos
from evalcommons.storage.index.accounts import Account
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import AccessRequest, RepoRow
from evalcommons.storage.index.session import Session

_FIELDS_MAX = 20
_FIELD_MAX = 4000


class RequestStatus(StrEnum):
    """State of somebody's wish to read a gated repo; the values are the wire's."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Social:
    """What people do with repos besides writing to them.

    index  the database
    repos  the door to repos
    clock  the time
    """

    index: Index
    repos: Repos
    clock: Clock

    # --- likes --------------------------------------------------------------------------------------------------

    def like(self, actor: Actor, repo_id: RepoId) -> int:
        """Like a repo; returns how many people do now. Liking twice counts once.

        raises  as `Repos.open` with DISCUSS
        """
        return self._set_like(actor, repo_id, liked=True)

    def unlike(self, actor: Actor, repo_id: RepoId) -> int:
        """Take a like back; returns how many are left.

        raises  as `Repos.open` with DISCUSS
        """
        return self._set_like(actor, repo_id, liked=False)

    def _set_like(self, actor: Actor, repo_id: RepoId, *, liked: bool) -> int:
        with self.index.transaction() as tx:
            row = self.repos.admit(tx, actor, repo_id, Need.DISCUSS)
            tx.repos.like(row.id, _user_id(actor), self.clock() if liked else None)
            return tx.repos.get(row.id).likes

    def likers(self, actor: Actor, repo_id: RepoId) -> list[tuple[str, str]]:
        """Name and full name of everybody who likes the repo, newest first.

        raises  as `Repos.open`
        """
        with self.index.read() as db:
            return db.repos.likers(self.repos.admit(db, actor, repo_id).id)

    def liked_by(self, actor: Actor, user: str) -> list[tuple[int, RepoRow]]:
        """When, and which repos, a user liked, newest first; without those hidden from the actor.

        raises  NotFound when there is no such user
        """
        with self.index.read() as db:
            liked = db.repos.liked_by(_user(db, user).id)
            return [(at, row) for at, row in liked if self.repos.readable(db, actor, row)]

    # --- gated repos --------------------------------------------------------------------------------------------

    def ask_access(self, actor: Actor, repo_id: RepoId, fields: Mapping[str, str] | None = None) -> RequestStatus:
        """Ask to read the files of a gated repo; an automatic gate opens at once. Asking again changes nothing.

        fields  what the asker answered to the owner's questions
        raises  as `Repos.open` with DISCUSS; BadRequest when there is nothing to ask for; Forbidden after a rejection
        """
        answers = dict(fields or {})
        if len(answers) > _FIELDS_MAX or any(len(name) + len(said) > _FIELD_MAX for name, said in answers.items()):
            raise BadRequest(f"Answer at most {_FIELDS_MAX} questions with at most {_FIELD_MAX} characters each")
        with self.index.transaction() as tx:
            row = self.repos.admit(tx, actor, repo_id, Need.DISCUSS)
            _check_gated(row)
            if row.namespace.lower() in actor.roles:
                raise BadRequest(f"You are a member of {row.namespace}: its gates are open to you")
            user_id = _user_id(actor)
            known = tx.repos.access_request(row.id, user_id=user_id)
            if known is None:
                status = RequestStatus.ACCEPTED if row.gated == "auto" else RequestStatus.PENDING
                tx.repos.add_access_request(
                    row.id,
                    user_id,
                    uid=secrets.token_hex(12),
                    status=status.value,
                    asked=True,
                    fields=answers,
                    at=self.clock(),
                )
                return status
        if known.status == RequestStatus.REJECTED:
            why = f": {known.reason}" if known.reason else ""
            raise Forbidden(f"The owner of {row.repo_id} has rejected your request for access{why}")
        return RequestStatus(known.status)

    def access_requests(self, actor: Actor, repo_id: RepoId, status: RequestStatus) -> list[AccessRequest]:
        """Who asked for access and has this status, oldest first. An address is told only of who asked themselves.

        raises  as `Repos.open` with ADMIN; BadRequest when the repo is not gated
        """
        with self.index.read() as db:
            row = self.repos.admit(db, actor, repo_id, Need.ADMIN)
            _check_gated(row)
            return db.repos.access_requests(row.id, status.value)

    def grant_access(self, actor: Actor, repo_id: RepoId, user: str) -> None:
        """Let a user read a gated repo, whether they asked or not.

        raises  as `Repos.open` with ADMIN; BadRequest when the repo is not gated or they have access already; NotFound
        """
        with self.index.transaction() as tx:
            row = self.repos.admit(tx, actor, repo_id, Need.ADMIN)
            _check_gated(row)
            account = _user(tx, user)
            known = tx.repos.access_request(row.id, user_id=account.id)
            member = account.id == row.owner_id or row.namespace.lower() in tx.accounts.roles(account.id)
            if member or (known is not None and known.status == RequestStatus.ACCEPTED):
                raise BadRequest(f"{account.name} has access to {row.repo_id} already")
            now = self.clock()
            if known is not None:
                tx.repos.decide_access_request(known.uid, RequestStatus.ACCEPTED, None, now)
                return
            tx.repos.add_access_request(
                row.id,
                account.id,
                uid=secrets.token_hex(12),
                status=RequestStatus.ACCEPTED,
                asked=False,
                fields={},
                at=now,
            )

    def decide_access(
        self,
        actor: Actor,
        repo_id: RepoId,
        status: RequestStatus,
        *,
        user: str | None = None,
        request_uid: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Accept, reject or put back to pending a request, named by its user or by its id.

        raises  as `Repos.open` with ADMIN; BadRequest when the repo is not gated, or a reason stands without a
                rejection; NotFound for an unknown user or request, and for one that has this status already
        """
        if (user is None) == (request_uid is None):
            raise BadRequest('Name the request by either "user" or "requestId"')
        if reason is not None and status is not RequestStatus.REJECTED:
            raise BadRequest('"rejectionReason" is for rejections only')
        with self.index.transaction() as tx:
            row = self.repos.admit(tx, actor, repo_id, Need.ADMIN)
            _check_gated(row)
            if user is not None:
                known = tx.repos.access_request(row.id, user_id=_user(tx, user).id)
            else:
                known = tx.repos.access_request(row.id, uid=request_uid)
            if known is None:
                raise NotFound(f"There is no request of {user or request_uid} for access to {row.repo_id}")
            if known.status == status:
                raise NotFound(f"The request of {known.user} is {status} already")
            tx.repos.decide_access_request(known.uid, status.value, reason, self.clock())


def answers(request: AccessRequest) -> dict[str, str]:
    """What the asker answered to the owner's questions."""
    found: dict[str, str] = json.loads(request.fields)
    return found


def _check_gated(row: RepoRow) -> None:
    if not row.gated:
        raise BadRequest(f"{row.repo_id} is not gated: everybody who sees it may read its files")


def _user_id(actor: Actor) -> int:
    if actor.user_id is None:
        raise Forbidden("Only a user can do this")
    return actor.user_id


def _user(db: Session, name: str) -> Account:
    account = db.accounts.find(name)
    if account is None or account.is_org:
        raise NotFound(f"There is no user {name[:100]}")
    return account
