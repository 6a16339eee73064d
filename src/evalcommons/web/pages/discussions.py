"""Discussions and pull requests of a repo, to read."""

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.core.access import Actor
from evalcommons.core.discussions import EventKind
from evalcommons.core.errors import NotFound
from evalcommons.core.ids import RepoId
from evalcommons.hub import Hub
from evalcommons.services.discussions import PAGE
from evalcommons.storage.index.discussions import Event
from evalcommons.web.pages import diffs
from evalcommons.web.pages.layout import page
from evalcommons.web.pages.repos import frame, markdown
from evalcommons.web.query import whole_number
from evalcommons.web.requests import CurrentActor, DatasetPath, ModelPath, TheHub

router = APIRouter()

EVENTS: Final = 50
"""Events on one page."""
DIFF_LINES: Final = 300
"""Lines of a pull request's changes that stand below its conversation; all of them have a page of their own."""

_TYPES: Final = {"all": "All kinds", "pull_request": "Pull requests", "discussion": "Discussions"}
_STATUSES: Final = {"open": "Open", "closed": "Closed", "all": "Open and closed"}


@router.api_route("/datasets/{namespace}/{name}/discussions", methods=["GET", "HEAD"])
async def of_dataset(request: Request, repo_id: DatasetPath, actor: CurrentActor, hub: TheHub) -> Response:
    """What people say about a dataset."""
    return _listed(request, hub, actor, repo_id)


@router.api_route("/{namespace}/{name}/discussions", methods=["GET", "HEAD"])
async def of_model(request: Request, repo_id: ModelPath, actor: CurrentActor, hub: TheHub) -> Response:
    """What people say about a model."""
    return _listed(request, hub, actor, repo_id)


@router.api_route("/datasets/{namespace}/{name}/discussions/{num}", methods=["GET", "HEAD"])
def one_of_dataset(request: Request, repo_id: DatasetPath, num: str, actor: CurrentActor, hub: TheHub) -> Response:
    """One discussion of a dataset."""
    return _one(request, hub, actor, repo_id, num)


@router.api_route("/{namespace}/{name}/discussions/{num}", methods=["GET", "HEAD"])
def one_of_model(request: Request, repo_id: ModelPath, num: str, actor: CurrentActor, hub: TheHub) -> Response:
    """One discussion of a model."""
    return _one(request, hub, actor, repo_id, num)


@router.api_route("/datasets/{namespace}/{name}/discussions/{num}/files", methods=["GET", "HEAD"])
def files_of_dataset(request: Request, repo_id: DatasetPath, num: str, actor: CurrentActor, hub: TheHub) -> Response:
    """What a pull request changes in a dataset."""
    return _one(request, hub, actor, repo_id, num, files=True)


@router.api_route("/{namespace}/{name}/discussions/{num}/files", methods=["GET", "HEAD"])
def files_of_model(request: Request, repo_id: ModelPath, num: str, actor: CurrentActor, hub: TheHub) -> Response:
    """What a pull request changes in a model."""
    return _one(request, hub, actor, repo_id, num, files=True)


def _listed(request: Request, hub: Hub, actor: Actor, repo_id: RepoId) -> Response:
    kind, status = request.query_params.get("type") or "all", request.query_params.get("status") or "open"
    number = whole_number(request, "p", 0)
    found = hub.discussions.listed(actor, repo_id, kind=kind, status=status, page=number)
    last = max(0, (found.total - 1) // PAGE)
    return page(
        request,
        hub,
        actor,
        "discussions.html",
        section=repo_id.kind.plural,
        tab="discussions",
        repo=frame(hub, actor, repo_id),
        found=found,
        types=[(name, label, name == kind) for name, label in _TYPES.items()],
        statuses=[(name, label, name == status) for name, label in _STATUSES.items()],
        kind=kind,
        status=status,
        previous=number - 1,
        following=number + 1 if number < last else 0,
    )


def _one(request: Request, hub: Hub, actor: Actor, repo_id: RepoId, num: str, *, files: bool = False) -> Response:
    if not (num.isascii() and num.isdigit() and len(num) < 10):
        raise NotFound(f"{repo_id} has no discussion {num[:60]!r}: they have numbers")
    found = hub.discussions.details(actor, repo_id, int(num), diff=True)
    if files and not found.discussion.is_pull:
        raise NotFound(f"Discussion {num} of {repo_id} is no pull request: it changes no files")
    start = whole_number(request, "start", 0)
    events = found.events[start : start + EVENTS]
    return page(
        request,
        hub,
        actor,
        "pull_files.html" if files else "discussion.html",
        section=repo_id.kind.plural,
        tab="discussions",
        repo=frame(hub, actor, repo_id),
        found=found,
        discussion=found.discussion,
        events=[] if files else [_event(event) for event in events],
        start=start,
        following=start + EVENTS if start + EVENTS < len(found.events) else 0,
        diff=diffs.read(found.diff, diffs.LINES if files else DIFF_LINES) if found.diff is not None else None,
    )


def _event(event: Event) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": event.kind.value, "author": event.author, "at": event.created_at, "id": event.uid}
    data = event.data
    match event.kind:
        case EventKind.COMMENT:
            shown |= {"hidden": data["hidden"], "edited": data["edited"], "hidden_by": data.get("hiddenBy", "")}
            shown["html"] = "" if data["hidden"] else markdown(data["latest"]["raw"])
        case EventKind.STATUS:
            shown["status"] = data["status"]
        case EventKind.TITLE:
            shown |= {"before": data["from"], "after": data["to"]}
        case EventKind.COMMIT:
            shown |= {"subject": data.get("subject", ""), "oid": data.get("oid", "")}
    return shown
