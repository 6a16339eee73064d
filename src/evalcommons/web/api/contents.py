"""Folders, paths, refs, history and files of a repo, as the Hub's clients read them."""

from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import parse_qs

import orjson
from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from evalcommons.core.access import Actor
from evalcommons.core.clock import timestamp
from evalcommons.core.errors import BadRequest
from evalcommons.core.ids import RepoId, is_commit
from evalcommons.hub import Hub
from evalcommons.services.contents import Item, Location
from evalcommons.storage.git import Commit
from evalcommons.web.answers import json_answer
from evalcommons.web.bodies import read_body
from evalcommons.web.files import file_answer
from evalcommons.web.listing import next_link
from evalcommons.web.query import flag, names, whole_number
from evalcommons.web.requests import CurrentActor, ModelPath, RepoPath, TheHub, decoded

router = APIRouter()

_TREE_PAGE = 1000
_TREE_PAGE_WITH_COMMITS = 100
_COMMITS_PAGE = 100
_PATHS_MAX = 2000
_PATHS_BODY = 4_000_000


@router.get("/api/{kind:kind}/{namespace}/{name}/tree/{rest:raw}")
def tree(request: Request, rest: str, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """What a folder holds."""
    expand = flag(request, "expand")
    most = _TREE_PAGE_WITH_COMMITS if expand else _TREE_PAGE
    where = location(rest)
    after = ""
    if cursor := request.query_params.get("cursor"):
        # Later pages are of the commit that the first was of, whatever was pushed meanwhile.
        commit, _, after = cursor.partition(":")
        if not is_commit(commit):
            raise BadRequest("This cursor was not given out by this hub: start the list again without it")
        where = Location(commit, hub.contents.at(actor, repo_id, where).path)
    page = hub.contents.tree(
        actor,
        repo_id,
        where,
        recursive=flag(request, "recursive"),
        with_last=expand,
        after=after,
        limit=min(whole_number(request, "limit", most, least=1), most),
    )
    headers = next_link(request, f"{page.commit}:{page.last_path}") if page.more else {}
    return json_answer([tree_item(item) for item in page.items], headers=headers)


@router.post("/api/{kind:kind}/{namespace}/{name}/paths-info/{rest:raw}")
async def paths_info(request: Request, rest: str, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """The files and folders at some paths."""
    body = await read_body(request, _PATHS_BODY)
    paths, expand = _wanted_paths(request.headers.get("content-type", ""), body)
    where = Location(decoded(rest))
    items = await run_in_threadpool(hub.contents.paths, actor, repo_id, where, paths, with_last=expand)
    return json_answer([tree_item(item) for item in items])


@router.get("/api/{kind:kind}/{namespace}/{name}/refs")
def refs(request: Request, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """Branches, tags and, if asked for, pull requests."""
    found = hub.contents.refs(actor, repo_id)

    def below(prefix: str) -> list[dict[str, str]]:
        return [
            {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": commit}
            for ref, commit in found.items()
            if ref.startswith(prefix)
        ]

    said = {"branches": below("refs/heads/"), "converts": below("refs/convert/"), "tags": below("refs/tags/")}
    if flag(request, "include_prs"):
        said["pullRequests"] = sorted(below("refs/pr/"), key=lambda ref: int(ref["name"]))
    return json_answer(said)


@router.get("/api/{kind:kind}/{namespace}/{name}/commits/{rest:raw}")
def commits(request: Request, rest: str, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """The history of a revision, newest first."""
    where, start = Location(decoded(rest)), 0
    if cursor := request.query_params.get("cursor"):
        head, _, number = cursor.partition(":")
        if not is_commit(head) or not (number.isascii() and number.isdigit() and len(number) < 10):
            raise BadRequest("This cursor was not given out by this hub: start the list again without it")
        where, start = Location(head), int(number)
    limit = min(whole_number(request, "limit", _COMMITS_PAGE, least=1), 1000)
    page = hub.contents.history(actor, repo_id, where, start=start, limit=limit)
    formatted = "formatted" in names(request, "expand")
    headers = next_link(request, f"{page.head}:{start + limit}") if page.more else {}
    return json_answer([_commit(commit, formatted=formatted) for commit in page.commits], headers=headers)


# --- files ------------------------------------------------------------------------------------------------------------


@router.api_route("/{kind:kind}/{namespace}/{name}/resolve/{rest:raw}", methods=["GET", "HEAD"])
def resolve(request: Request, rest: str, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """A file of a dataset."""
    return _file(request, rest, repo_id, actor, hub)


@router.api_route("/{namespace}/{name}/resolve/{rest:raw}", methods=["GET", "HEAD"])
def resolve_model(request: Request, rest: str, repo_id: ModelPath, actor: CurrentActor, hub: TheHub) -> Response:
    """A file of a model."""
    return _file(request, rest, repo_id, actor, hub)


@router.api_route("/{kind:kind}/{namespace}/{name}/raw/{rest:raw}", methods=["GET", "HEAD"])
def raw(request: Request, rest: str, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """A file of a dataset as git has it: a large one is its pointer."""
    return file_answer(request, hub.contents.file(actor, repo_id, location(rest), raw=True))


@router.api_route("/{namespace}/{name}/raw/{rest:raw}", methods=["GET", "HEAD"])
def raw_model(request: Request, rest: str, repo_id: ModelPath, actor: CurrentActor, hub: TheHub) -> Response:
    """A file of a model as git has it."""
    return file_answer(request, hub.contents.file(actor, repo_id, location(rest), raw=True))


def _file(request: Request, rest: str, repo_id: RepoId, actor: Actor, hub: Hub) -> Response:
    file = hub.contents.file(actor, repo_id, location(rest))
    counts = request.method == "GET" and request.headers.get("x-hf-download-counter") == "1"
    return file_answer(request, file, BackgroundTask(hub.downloads.add, file.row.id) if counts else None)


def location(rest: str) -> Location:
    """The revision and path that the rest of an address names, percent-encoded as it was sent.

    A revision with an encoded slash (`refs%2Fpr%2F1`) ends where the address has its own; one written with plain
    slashes ends where the longest known ref does.
    """
    first, _, tail = rest.partition("/")
    revision = decoded(first)
    return Location(revision, decoded(tail), exact="/" in revision)


def tree_item(item: Item) -> dict[str, Any]:
    """A file or folder as tree and paths-info show it."""
    entry = item.entry
    said: dict[str, Any] = {
        "type": "directory" if entry.is_folder else "file",
        "oid": entry.oid,
        "size": item.size,
        "path": entry.path,
    }
    if item.large:
        said["lfs"] = {"oid": item.large.sha256, "size": item.large.size, "pointerSize": entry.size}
    if item.last:
        said["lastCommit"] = {"id": item.last.oid, "title": item.last.title, "date": timestamp(item.last.at)}
    return said


def _commit(commit: Commit, *, formatted: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": commit.oid,
        "title": commit.title,
        "message": commit.body,
        "authors": [{"user": commit.author.name}],
        "date": timestamp(commit.at),
    }
    if formatted:
        said["formatted"] = {"title": escape(commit.title), "message": escape(commit.body)}
    return said


def _wanted_paths(content_type: str, body: bytes) -> tuple[Sequence[str], bool]:
    """The paths of a paths-info request and whether it wants their last commits, from a form or JSON."""
    if content_type.partition(";")[0].strip() == "application/json":
        try:
            said = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError:
            said = None
        paths = said.get("paths") if isinstance(said, dict) else None
        expand = isinstance(said, dict) and said.get("expand") is True
    else:
        try:
            form = parse_qs(body.decode("utf-8"), max_num_fields=_PATHS_MAX + 10)
        except ValueError:
            form = {}
        paths = form.get("paths", [])
        expand = form.get("expand", [""])[-1].lower() in {"true", "1"}
    if isinstance(paths, str):
        paths = [paths]
    if not isinstance(paths, list) or not 0 < len(paths) <= _PATHS_MAX or not all(isinstance(p, str) for p in paths):
        raise BadRequest(f'Send "paths": 1 to {_PATHS_MAX} paths, as form fields or a JSON list')
    return paths, expand
