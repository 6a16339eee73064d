"""The life of repos over HTTP: create, settings, move, delete, and whether one may be used."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from evalcommons.core.access import Actor, Need
from evalcommons.core.clock import timestamp
from evalcommons.core.errors import BadRequest, NotSignedIn
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.services.repos import parse_id
from evalcommons.web.answers import json_answer
from evalcommons.web.bodies import json_body
from evalcommons.web.listing import next_link
from evalcommons.web.query import whole_number
from evalcommons.web.requests import CurrentActor, RepoPath, TheHub, decoded, public_base

router = APIRouter()


class NamedRepo(BaseModel):
    """A repo as create and delete name it: in a namespace, or else in the caller's own."""

    name: str = Field(max_length=200)
    organization: str | None = Field(default=None, max_length=200)
    type: RepoKind | None = None

    def full_name(self, actor: Actor) -> str:
        """`namespace/name`.

        raises  NotSignedIn
        """
        if actor.is_anonymous:
            raise NotSignedIn("Sign in to do this: send an access token")
        if self.organization is None and "/" in self.name:
            return self.name
        return f"{self.organization or actor.name}/{self.name}"


class NewRepo(NamedRepo):
    """A repo to be made."""

    visibility: str | None = None
    private: bool | None = None


class Move(BaseModel):
    """Another id for a repo."""

    fromRepo: str = Field(max_length=200)  # noqa: N815  (the wire's word)
    toRepo: str = Field(max_length=200)  # noqa: N815
    type: RepoKind = RepoKind.MODEL


class RepoSettings(BaseModel):
    """What is to change; what is not given stays."""

    visibility: str | None = None
    private: bool | None = None
    gated: Literal["auto", "manual", False] | None = None


@router.post("/api/repos/create")
def create(request: Request, actor: CurrentActor, hub: TheHub, body: NewRepo = json_body(NewRepo)) -> Response:
    """A new repo with an initial commit."""
    repo_id = RepoId.parse(body.type or RepoKind.MODEL, body.full_name(actor))
    row = hub.repos.create(actor, repo_id, private=_private(body.visibility, body.private))
    return json_answer({"url": f"{public_base(request)}/{row.repo_id.path}", "name": str(row.repo_id), "id": row.uid})


@router.delete("/api/repos/delete")
def delete(actor: CurrentActor, hub: TheHub, body: NamedRepo = json_body(NamedRepo)) -> Response:
    """Remove a repo for good."""
    hub.repos.delete(actor, parse_id(body.type or RepoKind.MODEL, body.full_name(actor), actor))
    return json_answer({})


@router.post("/api/repos/move")
def move(request: Request, actor: CurrentActor, hub: TheHub, body: Move = json_body(Move)) -> Response:
    """Give a repo another id; the old one redirects."""
    row = hub.repos.move(actor, parse_id(body.type, body.fromRepo, actor), RepoId.parse(body.type, body.toRepo))
    return json_answer({"url": f"{public_base(request)}/{row.repo_id.path}", "name": str(row.repo_id)})


@router.put("/api/{kind:kind}/{namespace}/{name}/settings")
def settings(
    repo_id: RepoPath, actor: CurrentActor, hub: TheHub, body: RepoSettings = json_body(RepoSettings)
) -> Response:
    """Make a repo private or public, or put a gate before its files."""
    gated = None if body.gated is None else body.gated or ""
    row = hub.repos.configure(actor, repo_id, private=_private(body.visibility, body.private), gated=gated)
    return json_answer({"private": row.private, "gated": row.gated or False})


@router.get("/api/{kind:kind}/{namespace}/{name}/auth-check")
async def auth_check(repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """May the caller read the repo's files?"""
    with hub.index.read() as db:
        hub.repos.admit(db, actor, repo_id, Need.CONTENT)
    return json_answer({})


@router.get("/api/{kind:kind}/{namespace}/{name}/auth-check/write")
async def auth_check_write(repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """May the caller write to the repo?"""
    with hub.index.read() as db:
        hub.repos.admit(db, actor, repo_id, Need.WRITE)
    return json_answer({})


@router.get("/api/settings/repositories")
def own_repos(request: Request, actor: CurrentActor, hub: TheHub) -> Response:
    """The caller's repos of every kind, with their sizes."""
    return _owned(request, actor, hub, None)


@router.get("/api/organizations/{org}/settings/repositories")
def org_repos(request: Request, org: str, actor: CurrentActor, hub: TheHub) -> Response:
    """An organisation's repos of every kind, with their sizes, for its members."""
    return _owned(request, actor, hub, decoded(org))


def _owned(request: Request, actor: Actor, hub: TheHub, namespace: str | None) -> Response:
    limit = min(whole_number(request, "limit", 1000, least=1), 1000)
    found, after = hub.catalogue.owned(actor, namespace, after=whole_number(request, "cursor", 0), limit=limit)
    said = [
        {
            "id": str(row.repo_id),
            "type": row.kind.value,
            "updatedAt": timestamp(row.modified_at),
            "visibility": "private" if row.private else "public",
            "storage": size,
        }
        for row, size in found
    ]
    return json_answer(said, headers=next_link(request, str(after)) if after else None)


def _private(visibility: str | None, private: bool | None) -> bool | None:
    """What was asked for, in either of the two ways; None: nothing."""
    if visibility is None:
        return private
    if visibility not in {"public", "private"}:
        raise BadRequest('"visibility" must be "public" or "private" on this hub')
    return visibility == "private"
