"""The facts of one repo."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from evalcommons.core.access import Actor
from evalcommons.core.errors import BadRequest
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub
from evalcommons.services.catalogue import EXPANDABLE, FROM_GIT, INFO
from evalcommons.web.answers import json_answer
from evalcommons.web.query import flag, names
from evalcommons.web.requests import CurrentActor, RepoPath, TheHub, decoded

router = APIRouter()


@router.get("/api/{kind:kind}/{namespace}/{name}")
async def info(request: Request, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """The facts of a repo, of main."""
    return await _info(request, repo_id, None, actor, hub)


@router.get("/api/{kind:kind}/{namespace}/{name}/revision/{rest:raw}")
async def info_at_revision(
    request: Request, rest: str, repo_id: RepoPath, actor: CurrentActor, hub: TheHub
) -> Response:
    """The facts of a repo at a branch, tag, ref or commit."""
    return await _info(request, repo_id, decoded(rest), actor, hub)


async def _info(request: Request, repo_id: RepoId, revision: str | None, actor: Actor, hub: Hub) -> Response:
    asked = expanded(request, repo_id.kind)
    wanted = asked or INFO[repo_id.kind]
    sizes = flag(request, "blobs")
    if revision is None and FROM_GIT.isdisjoint(wanted):
        return json_answer(hub.catalogue.info(actor, repo_id, wanted))
    found = await run_in_threadpool(hub.catalogue.info, actor, repo_id, wanted, revision=revision, with_sizes=sizes)
    return json_answer(found)


def expanded(request: Request, kind: RepoKind) -> frozenset[str]:
    """The properties that are asked for by name; none: the usual ones.

    raises  BadRequest naming those there are
    """
    asked = names(request, "expand")
    known = EXPANDABLE[kind]
    for number, name in enumerate(asked):
        if name not in known:
            choices = "|".join(f'"{one}"' for one in known)
            raise BadRequest(f"Invalid option: expected one of {choices} at expand[{number}]")
    return frozenset(asked)
