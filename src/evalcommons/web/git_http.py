"""git over HTTP: clone, fetch and push."""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from evalcommons.core.access import Actor, Need
from evalcommons.core.errors import BadRequest, EvalCommonsError, Forbidden, RepoMoved
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub
from evalcommons.services.pushes import RefUpdate, lines
from evalcommons.services.repos import OpenRepo, parse_id, person
from evalcommons.web.answers import request_id
from evalcommons.web.errors import error_answer, error_headers, status_of
from evalcommons.web.git_process import GitAnswer, GitRun
from evalcommons.web.requests import current_actor, the_hub
from evalcommons.web.streams import body, inflated, limited

log = logging.getLogger("evalcommons.git")
router = APIRouter()

CHALLENGE = 'Basic realm="evalcommons"'
"""git, git-lfs and browsers send credentials only after they were asked like this."""

_FETCH_LIMIT = 64 * 1024 * 1024  # a fetch says what it wants and has: 50 bytes a commit
_PROTOCOL = re.compile(r"version=[12]")
_PACK, _PUSH = "upload-pack", "receive-pack"

Endpoint = Callable[[Request], Awaitable[Response]]


def repo_of(request: Request, actor: Actor) -> RepoId:
    """The repo of a git address, `[datasets/]NAMESPACE/NAME[.git]/…`.

    raises  RepoNotFound for what no repo can be called
    """
    kind = RepoKind(request.path_params.get("kind", RepoKind.MODEL))
    namespace, name = (unquote(request.path_params[part]) for part in ("namespace", "name"))
    return parse_id(kind, f"{namespace}/{name.removesuffix('.git')}", actor)


def answered(endpoint: Endpoint) -> Endpoint:
    """The endpoint, its refusals as the plain text that git shows after `remote:`."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RepoMoved as error:
            return error_answer(request, error)
        except EvalCommonsError as error:
            status, headers = status_of(error), error_headers(error)
            if status == 401:
                headers["WWW-Authenticate"] = CHALLENGE
            return Response(f"{error.message}\n", status, headers, "text/plain")

    return answer


async def _advertise(request: Request) -> GitAnswer:
    """Which refs are there: what each clone, fetch and push asks first."""
    service = request.query_params.get("service", "").removeprefix("git-")
    if service not in (_PACK, _PUSH):
        raise BadRequest("This hub speaks git's smart protocol only: use git 1.6.6 or newer")
    _, _, repo = _open(request, service)
    protocol = _protocol(request) if service == _PACK else ""
    banner = f"# service=git-{service}\n"
    return _run(
        request,
        [service, "--stateless-rpc", "--advertise-refs", str(repo.git.path)],
        f"application/x-git-{service}-advertisement",
        # Version 2 begins with its own list of capabilities.
        prologue=b"" if protocol == "version=2" else f"{len(banner) + 4:04x}{banner}0000".encode(),
        protocol=protocol,
    )


async def _serve_pack(request: Request) -> GitAnswer:
    """Clone and fetch."""
    _, _, repo = _open(request, _PACK)
    return _run(
        request,
        [_PACK, "--strict", "--stateless-rpc", str(repo.git.path)],
        f"application/x-git-{_PACK}-result",
        pieces=limited(_pieces(request, _PACK), _FETCH_LIMIT),
        protocol=_protocol(request),
    )


async def _take_pack(request: Request) -> GitAnswer:
    """Push."""
    hub, actor, repo = _open(request, _PUSH)
    return _run(
        request,
        [_PUSH, "--stateless-rpc", str(repo.git.path)],
        f"application/x-git-{_PUSH}-result",
        pieces=_pieces(request, _PUSH),
        who=person(actor),
        config={"core.hooksPath": str(hub.pushes.hooks)},
        referee=_PushReferee(hub, actor, repo, request_id(request)),
    )


@dataclass
class _PushReferee:
    """Asks the service about one push."""

    hub: Hub
    actor: Actor
    repo: OpenRepo
    request_id: str
    updates: list[RefUpdate] = field(default_factory=list)
    moving: ExitStack = field(default_factory=ExitStack)

    async def judge(self, quarantine: Path | None, updates: Sequence[tuple[str, str, str]]) -> tuple[bool, list[str]]:
        """May these land?"""
        self.updates = [RefUpdate(ref, old, new) for old, new, ref in updates]
        try:
            verdict = await run_in_threadpool(
                self.hub.pushes.check, self.actor, self.repo.row, quarantine, self.updates
            )
        except EvalCommonsError as error:
            return False, [error.message]
        except Exception:
            log.exception("request %s: checking a push to %s failed", self.request_id, self.repo.id)
            return False, [f"Something went wrong on this hub. Tell its operator the request id {self.request_id}."]
        if not verdict.refusals:
            self.moving.enter_context(self.hub.pushes.moving(self.repo.row))
        return not verdict.refusals, lines(verdict)

    async def landed(self) -> str:
        """Bring the index up to what landed."""
        try:
            with self.moving:
                await run_in_threadpool(self.hub.pushes.landed, self.actor, self.repo.row, self.updates)
        except Exception:
            log.exception("request %s: reading a push to %s failed", self.request_id, self.repo.id)
            if not await self._is_indexed():
                return (
                    "The push landed, but this hub could not read it; pages and boards show it after the next start. "
                    f"Tell its operator the request id {self.request_id}."
                )
        return ""

    async def _is_indexed(self) -> bool:
        try:
            return await run_in_threadpool(self.hub.pushes.is_indexed, self.repo.row)
        except Exception:
            log.exception("request %s: the index of %s cannot be read", self.request_id, self.repo.id)
            return False


def _open(request: Request, service: str) -> tuple[Hub, Actor, OpenRepo]:
    hub, actor = the_hub(request), current_actor(request)
    repo_id = repo_of(request, actor)
    if repo_id.kind is RepoKind.SPACE:
        raise Forbidden("Spaces are not supported on this hub: it keeps models and datasets")
    if service == _PUSH:
        return hub, actor, hub.pushes.begin(actor, repo_id)
    return hub, actor, hub.repos.open(actor, repo_id, Need.CONTENT)


def _run(request: Request, words: list[str], media_type: str, **given: Any) -> GitAnswer:
    return GitAnswer(GitRun(words, media_type, request_id=request_id(request), **given))


def _protocol(request: Request) -> str:
    """What the client asks for in Git-Protocol, if it is something we pass on to git."""
    asked = request.headers.get("git-protocol", "").split(":")
    return next((word for word in asked if _PROTOCOL.fullmatch(word)), "")


def _pieces(request: Request, service: str) -> AsyncIterator[bytes]:
    expected = f"application/x-git-{service}-request"
    if request.headers.get("content-type") != expected:
        raise BadRequest(f"This address takes {expected} only: use git, not a browser")
    pieces = body(request.receive)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding in ("gzip", "x-gzip"):
        return inflated(pieces, _FETCH_LIMIT)
    if encoding != "identity":
        raise BadRequest(f"This hub does not read the content encoding {encoding[:40]!r}: send gzip or none")
    return pieces


for _prefix in ("", "/{kind:kind}"):
    _base = _prefix + "/{namespace}/{name}"
    router.add_route(f"{_base}/info/refs", answered(_advertise), methods=["GET"])
    router.add_route(f"{_base}/git-{_PACK}", answered(_serve_pack), methods=["POST"])
    router.add_route(f"{_base}/git-{_PUSH}", answered(_take_pack), methods=["POST"])
