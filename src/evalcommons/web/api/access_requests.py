"""Gated repos: asking for access, and the owner's answer."""

import json
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from evalcommons.core.access import Actor
from evalcommons.core.clock import timestamp
from evalcommons.core.errors import BadRequest, NotFound
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub
from evalcommons.services.repos import parse_id
from evalcommons.services.social import RequestStatus, answers
from evalcommons.storage.index.repos import AccessRequest
from evalcommons.web.answers import json_answer
from evalcommons.web.api.accounts import person
from evalcommons.web.bodies import json_body, read_body
from evalcommons.web.listing import page
from evalcommons.web.requests import CurrentActor, RepoPath, TheHub, decoded, public_base

router = APIRouter()


class Grant(BaseModel):
    """Let this user in."""

    user: Annotated[str, Field(min_length=1, max_length=100)]


class Decision(BaseModel):
    """What becomes of a request, which is named by its user or by its id."""

    status: RequestStatus
    user: Annotated[str | None, Field(max_length=100)] = None
    requestId: Annotated[str | None, Field(pattern="^[0-9A-Za-z]{1,64}$")] = None  # noqa: N815  (the wire's name)
    rejectionReason: Annotated[str | None, Field(max_length=2000)] = None  # noqa: N815  (the wire's name)


@router.get("/api/{kind:kind}/{namespace}/{name}/user-access-request/{status}")
async def access_requests(
    request: Request, repo_id: RepoPath, status: str, actor: CurrentActor, hub: TheHub
) -> Response:
    """The requests of one status."""
    if status not in tuple(RequestStatus):
        raise NotFound(f"There is no list of {decoded(status)[:50]} requests: ask for pending, accepted or rejected")
    base = public_base(request)
    part, headers = page(request, hub.social.access_requests(actor, repo_id, RequestStatus(status)))
    return json_answer([_item(base, one) for one in part], headers=headers)


@router.post("/api/{kind:kind}/{namespace}/{name}/user-access-request/grant")
def grant(repo_id: RepoPath, actor: CurrentActor, hub: TheHub, body: Annotated[Grant, json_body(Grant)]) -> Response:
    """Let a user in who may not have asked."""
    hub.social.grant_access(actor, repo_id, body.user)
    return json_answer({"user": body.user, "status": RequestStatus.ACCEPTED})


@router.post("/api/{kind:kind}/{namespace}/{name}/user-access-request/handle")
def handle(
    repo_id: RepoPath, actor: CurrentActor, hub: TheHub, body: Annotated[Decision, json_body(Decision)]
) -> Response:
    """Accept, reject or reopen a request."""
    hub.social.decide_access(
        actor, repo_id, body.status, user=body.user, request_uid=body.requestId, reason=body.rejectionReason
    )
    return json_answer({"status": body.status})


@router.post("/api/{kind:kind}/{namespace}/{name}/ask-access")
async def ask(request: Request, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """Ask for access."""
    return await _ask(request, repo_id, actor, hub)


@router.post("/{namespace}/{name}/ask-access")
async def ask_for_model(request: Request, namespace: str, name: str, actor: CurrentActor, hub: TheHub) -> Response:
    """Ask for access, at the address that the Hub's pages use."""
    return await _ask(request, parse_id(RepoKind.MODEL, f"{decoded(namespace)}/{decoded(name)}", actor), actor, hub)


@router.post("/{kind:kind}/{namespace}/{name}/ask-access")
async def ask_for_other(request: Request, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """Ask for access, at the address that the Hub's pages use."""
    return await _ask(request, repo_id, actor, hub)


async def _ask(request: Request, repo_id: RepoId, actor: Actor, hub: Hub) -> Response:
    status = await run_in_threadpool(hub.social.ask_access, actor, repo_id, await _fields(request))
    return json_answer({"status": status})


async def _fields(request: Request) -> dict[str, str]:
    """What the asker answered: a form, as browsers send it, a JSON object, or nothing."""
    text = await read_body(request)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        found: Any = (
            dict(parse_qsl(text.decode("utf-8", "replace"), max_num_fields=100)) if text.count(b"&") < 99 else 0
        )
    else:
        try:
            found = json.loads(text or b"{}")
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, dict):
        raise BadRequest("Send your answers as a form or as a JSON object, or nothing at all")
    return {str(name): said if isinstance(said, str) else json.dumps(said) for name, said in found.items()}


def _item(base: str, request: AccessRequest) -> dict[str, Any]:
    user = person(base, request.user, request.fullname)
    if request.asked:
        # Somebody who was let in without asking has not agreed to show their address.
        user["email"] = request.email
    item = {
        "requestId": request.uid,
        "user": user,
        "status": request.status,
        "timestamp": timestamp(request.created_at),
    }
    if fields := answers(request):
        item["fields"] = fields
    if request.reason:
        item["rejectionReason"] = request.reason
    return item
