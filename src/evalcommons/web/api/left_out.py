"""Every address below /api that nothing else answers: a sentence instead of a riddle."""

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.core.errors import NotSupported, RepoNotFound
from evalcommons.core.ids import RepoKind
from evalcommons.web.answers import json_answer, no_content
from evalcommons.web.requests import CurrentActor, decoded

router = APIRouter()

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
# Ids without a namespace are legal to ask for; no repo of this hub has one.
_SHORT_ID = re.compile(
    r"(models|datasets|spaces)/([^/]+)(?:/(?:refs|auth-check(?:/write)?|(?:revision|tree|commits|paths-info)/.+))?"
)


@router.get("/api/agent-harnesses")
async def agent_harnesses() -> Response:
    """What every client asks once a day, whatever the answer."""
    return json_answer({"error": "There is no list of agent harnesses on this hub"}, 404)


@router.api_route("/api/telemetry/{rest:raw}", methods=["HEAD", "GET", "POST"])
async def telemetry() -> Response:
    """Nobody is watched here."""
    return no_content(204)


@router.api_route("/{kind:kind}/{short}/resolve/{rest:raw}", methods=["GET", "HEAD"])
async def resolve_short(kind: str, short: str, actor: CurrentActor) -> Response:
    """A file of a dataset whose id has no namespace."""
    raise RepoNotFound(kind, decoded(short)[:120], anonymous=actor.is_anonymous)


@router.api_route("/{short}/resolve/{rest:raw}", methods=["GET", "HEAD"])
async def resolve_short_model(short: str, actor: CurrentActor) -> Response:
    """A file of a model whose id has no namespace."""
    raise RepoNotFound(RepoKind.MODEL, decoded(short)[:120], anonymous=actor.is_anonymous)


@router.api_route("/api/{rest:raw}", methods=_METHODS)
async def left_out(request: Request, rest: str, actor: CurrentActor) -> Response:
    """A call of the Hub that this hub does not have, or a repo id without a namespace."""
    if (found := _SHORT_ID.fullmatch(rest)) is not None:
        raise RepoNotFound(found[1][:-1], decoded(found[2])[:120], anonymous=actor.is_anonymous)
    raise NotSupported(f"{request.method} /api/{rest[:200]} is not supported on this hub")
