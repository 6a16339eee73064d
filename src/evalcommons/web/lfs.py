"""Git LFS: large files sent and fetched through addresses that carry their own leave."""

import time
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from evalcommons.core.access import Actor, Need
from evalcommons.core.errors import BadRequest, EvalCommonsError, NotSupported, RepoMoved, TooLarge
from evalcommons.core.lfs import Pointer
from evalcommons.hub import Hub
from evalcommons.services.large_files import (
    IN_PARTS_FROM,
    Purpose,
    Ticket,
    check_pointer,
    part_size,
)
from evalcommons.storage.index.repos import RepoRow
from evalcommons.web.answers import no_content, request_id
from evalcommons.web.bodies import read_body
from evalcommons.web.errors import error_answer, error_headers, status_of
from evalcommons.web.files import byte_range
from evalcommons.web.git_http import CHALLENGE, repo_of
from evalcommons.web.requests import current_actor, public_base, the_hub
from evalcommons.web.streams import ClientGoneError, body, in_thread

router = APIRouter()

MAX_OBJECTS = 1_000
"""Files one batch request may ask about; git-lfs asks about 100, huggingface_hub about 256."""

_MEDIA_TYPE = "application/vnd.git-lfs+json"
_SWEEP_EVERY_S = 3600
_COMPLETION_LIMIT = 1_000_000

Endpoint = Callable[[Request], Awaitable[Response]]


class _Batch(NamedTuple):
    """What a batch request asks for.

    files  the objects as sent, and for each the file it names or what is wrong with it
    """

    uploads: bool
    transfers: list[str]
    files: list[tuple[dict[str, Any], Pointer | str]]


def answered(endpoint: Endpoint) -> Endpoint:
    """The endpoint, its refusals in the shape that git-lfs prints and with the headers that huggingface_hub reads."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RepoMoved as error:
            return error_answer(request, error)
        except EvalCommonsError as error:
            status, headers = status_of(error), error_headers(error)
            if status == 401:
                headers |= {"WWW-Authenticate": CHALLENGE, "LFS-Authenticate": CHALLENGE}
            said = {
                "message": error.message,
                "error": error.message,
                "documentation_url": "https://github.com/git-lfs/git-lfs/tree/main/docs/api",
                "request_id": request_id(request),
            }
            return _json(said, status, headers)
        except ClientGoneError:
            return no_content(400)  # nobody reads it

    return answer


# --- what the client asks first -----------------------------------------------------------------------------------


async def _batch(request: Request) -> Response:
    """Where to send or fetch each of many files."""
    hub, actor = the_hub(request), current_actor(request)
    batch = _read_batch(await read_body(request))
    need = Need.DISCUSS if batch.uploads else Need.CONTENT
    row = hub.repos.open(actor, repo_of(request, actor), need).row
    links = _Links(hub, public_base(request), row, actor)
    answer = await run_in_threadpool(_answer_batch, links, batch)
    tidy = BackgroundTask(_sweep, request) if batch.uploads else None
    return _json(answer, background=tidy)


def _read_batch(text: bytes) -> _Batch:
    data = _object(text)
    operation = data.get("operation")
    if operation not in ("upload", "download"):
        raise BadRequest('"operation" must be "upload" or "download"')
    if data.get("hash_algo", "sha256") != "sha256":
        raise BadRequest('This hub names large files by "sha256" only: leave out "hash_algo"')
    transfers, objects = data.get("transfers") or ["basic"], data.get("objects")
    if not isinstance(transfers, list) or not isinstance(objects, list):
        raise BadRequest('"transfers" and "objects" must be lists')
    if len(objects) > MAX_OBJECTS:
        raise TooLarge(f"One batch request can ask about {MAX_OBJECTS} files, not {len(objects)}: send several")
    files: list[tuple[dict[str, Any], Pointer | str]] = []
    for sent in objects:
        found = sent if isinstance(sent, dict) else {}
        try:
            files.append((found, check_pointer(found.get("oid"), found.get("size"))))
        except BadRequest as error:
            files.append((found, error.message))
    return _Batch(operation == "upload", transfers, files)


def _answer_batch(links: "_Links", batch: _Batch) -> dict[str, Any]:
    pointers = [pointer for _, pointer in batch.files if isinstance(pointer, Pointer)]
    missing = set(links.hub.large_files.missing(links.row, pointers))
    in_parts = (
        batch.uploads
        and "multipart" in batch.transfers
        and any(pointer in missing and pointer.size >= IN_PARTS_FROM for pointer in pointers)
    )
    objects: list[dict[str, Any]] = []
    for sent, pointer in batch.files:
        if isinstance(pointer, str):
            objects.append({"oid": sent.get("oid"), "size": sent.get("size"), **_failure(422, pointer)})
            continue
        answer: dict[str, Any] = {"oid": pointer.sha256, "size": pointer.size, "authenticated": True}
        if batch.uploads and pointer in missing:
            answer["actions"] = links.upload(pointer, in_parts=in_parts)
        elif not batch.uploads and pointer in missing:
            answer |= _failure(404, f"{links.row.repo_id} has no large file {pointer.sha256} of {pointer.size} bytes")
        elif not batch.uploads:
            answer["actions"] = {"download": links.link(Purpose.FETCH, pointer)}
        objects.append(answer)
    return {"transfer": "multipart" if in_parts else "basic", "objects": objects, "hash_algo": "sha256"}


def _failure(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


class _Links(NamedTuple):
    """Makes addresses for one repo and whoever asks."""

    hub: Hub
    base: str
    row: RepoRow
    actor: Actor

    def link(self, purpose: Purpose, pointer: Pointer) -> dict[str, Any]:
        """An action that consists of one address."""
        return {"href": self._href(self.hub.large_files.ticket(self.actor, self.row, purpose, pointer))}

    def upload(self, pointer: Pointer, *, in_parts: bool) -> dict[str, Any]:
        """The actions that send a file and ask whether it came."""
        verify = self.link(Purpose.VERIFY, pointer)
        if not in_parts:
            return {"upload": self.link(Purpose.SEND, pointer), "verify": verify}
        complete, parts = self.hub.large_files.upload_in_parts(self.actor, self.row, pointer)
        header = {"chunk_size": str(part_size(pointer.size))}
        header |= {f"{ticket.part:05}": self._href(ticket) for ticket in parts}
        return {"upload": {"href": self._href(complete), "header": header}, "verify": verify}

    def _href(self, ticket: Ticket) -> str:
        last = f"/{ticket.purpose}" if ticket.purpose in (Purpose.COMPLETE, Purpose.VERIFY) else ""
        path = f"{self.row.repo_id.path}.git/info/lfs/objects/{ticket.sha256}{last}"
        return f"{self.base}/{path}?{urlencode(self.hub.large_files.sign(ticket))}"


async def _verify_locks(request: Request) -> Response:
    """Nobody ever holds a lock here; asked before each push, which is why it asks for credentials."""
    hub, actor = the_hub(request), current_actor(request)
    hub.repos.open(actor, repo_of(request, actor), Need.DISCUSS)
    return _json({"ours": [], "theirs": []})


async def _locks(request: Request) -> Response:
    """Locking."""
    hub, actor = the_hub(request), current_actor(request)
    hub.repos.open(actor, repo_of(request, actor))
    raise NotSupported("This hub keeps no file locks: changes are proposed by pull request and merged, or refused")


# --- what the addresses lead to -----------------------------------------------------------------------------------


async def _send(request: Request) -> Response:
    """A file, or one part of it."""
    files = the_hub(request).large_files
    if "part" in request.query_params:
        part = _ticket(request, Purpose.SEND_PART)
        etag = await in_thread(lambda pieces: files.receive_part(part, pieces), body(request.receive))
        return Response(b"", 200, {"ETag": f'"{etag}"'})
    whole = _ticket(request, Purpose.SEND)
    await in_thread(lambda pieces: files.receive(whole, pieces), body(request.receive))
    return no_content()


async def _complete(request: Request) -> Response:
    """All parts are sent."""
    ticket = _ticket(request, Purpose.COMPLETE)
    data = _object(await read_body(request, _COMPLETION_LIMIT))
    await run_in_threadpool(the_hub(request).large_files.complete, ticket, _part_numbers(data.get("parts")))
    return _json({})


async def _verify(request: Request) -> Response:
    """Did the file come?"""
    files, ticket = the_hub(request).large_files, _ticket(request, Purpose.VERIFY)
    await run_in_threadpool(lambda: files.verify(files.repo(ticket), Pointer(ticket.sha256, ticket.size)))
    return _json({})


async def _fetch(request: Request) -> Response:
    """A file's bytes, or a range of them."""
    hub, sha256 = the_hub(request), request.path_params["sha256"]
    if "signature" in request.query_params:
        row = hub.large_files.repo(_ticket(request, Purpose.FETCH))
    else:
        actor = current_actor(request)
        row = hub.repos.open(actor, repo_of(request, actor), Need.CONTENT).row
    size = await run_in_threadpool(hub.large_files.size, row, sha256)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{sha256}"',
        "X-Content-Type-Options": "nosniff",
    }
    part = byte_range(request.headers.get("range"), size)
    start, end = part or (0, size)
    headers["Content-Length"] = str(end - start)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status, media_type = (206 if part else 200), "application/octet-stream"
    if request.method == "HEAD":
        return Response(None, status, headers, media_type)
    return StreamingResponse(hub.large_files.read(row, sha256, start, end), status, headers, media_type)


# --- inside -------------------------------------------------------------------------------------------------------


def _ticket(request: Request, purpose: Purpose) -> Ticket:
    return the_hub(request).large_files.check(purpose, request.path_params["sha256"], request.query_params)


def _object(text: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise BadRequest("The request must be a JSON object")
    return data


def _part_numbers(parts: object) -> Iterable[int]:
    numbers = (
        [part.get("partNumber") if isinstance(part, dict) else None for part in parts]
        if isinstance(parts, list)
        else []
    )
    found = [number for number in numbers if isinstance(number, int) and not isinstance(number, bool)]
    if not isinstance(parts, list) or len(found) != len(parts):
        raise BadRequest('"parts" must be a list of {"partNumber": N, "etag": "…"}')
    return found


def _json(
    data: object, status: int = 200, headers: dict[str, str] | None = None, background: BackgroundTask | None = None
) -> Response:
    return Response(orjson.dumps(data), status, headers, _MEDIA_TYPE, background)


def _sweep(request: Request) -> None:
    """Once an hour, after an answer: remove what broken uploads left."""
    state, now = request.app.state, time.monotonic()
    if now - getattr(state, "swept_at", -_SWEEP_EVERY_S) >= _SWEEP_EVERY_S:
        state.swept_at = now
        the_hub(request).large_files.sweep()


for _prefix in ("", "/{kind:kind}"):
    _base = _prefix + "/{namespace}/{name}/info/lfs"
    router.add_route(f"{_base}/objects/batch", answered(_batch), methods=["POST"])
    router.add_route(f"{_base}/objects/{{sha256}}", answered(_fetch), methods=["GET"])
    router.add_route(f"{_base}/objects/{{sha256}}", answered(_send), methods=["PUT"])
    router.add_route(f"{_base}/objects/{{sha256}}/complete", answered(_complete), methods=["POST"])
    router.add_route(f"{_base}/objects/{{sha256}}/verify", answered(_verify), methods=["POST"])
    router.add_route(f"{_base}/locks/verify", answered(_verify_locks), methods=["POST"])
    router.add_route(f"{_base}/locks", answered(_locks), methods=["GET", "POST"])
    router.add_route(f"{_base}/locks/{{rest:raw}}", answered(_locks), methods=["GET", "POST"])
