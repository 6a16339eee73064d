"""Discussions and pull requests: reading, talking, deciding."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from evalcommons.core.clock import timestamp
from evalcommons.core.discussions import HIDDEN_TEXT, EventKind
from evalcommons.core.ids import RepoId
from evalcommons.services.discussions import Details
from evalcommons.services.markdown import render
from evalcommons.storage.index.discussions import Discussion, Event
from evalcommons.web.answers import json_answer
from evalcommons.web.api.commits import warning_headers
from evalcommons.web.bodies import json_body
from evalcommons.web.requests import CurrentActor, RepoPath, TheHub, public_base

router = APIRouter()

_DISCUSSIONS = "/api/{kind:kind}/{namespace}/{name}/discussions"
_MAX_PAGE = 1_000_000


class NewDiscussion(BaseModel):
    """A discussion or pull request to open."""

    title: str
    description: str = ""
    pull_request: bool = Field(False, alias="pullRequest")


class NewComment(BaseModel):
    """Something to say."""

    comment: str = ""


class NewTitle(BaseModel):
    """Another title."""

    title: str


class NewStatus(BaseModel):
    """Another status, and why."""

    status: str
    comment: str | None = None


class NewContent(BaseModel):
    """What a comment should say from now on."""

    content: str


Number = Annotated[int, Field(ge=1, le=10**9)]


@router.get(_DISCUSSIONS)
async def listed(
    repo_id: RepoPath,
    actor: CurrentActor,
    hub: TheHub,
    p: Annotated[int, Field(ge=0, le=_MAX_PAGE)] = 0,
    type: str = "all",  # noqa: A002  (the wire's word)
    status: str = "all",
    author: str | None = None,
) -> Response:
    """One page of a repo's discussions."""
    page = hub.discussions.listed(actor, repo_id, kind=type, status=status, author=author or None, page=p)
    items = [_item(page.repo_id, discussion) for discussion in page.discussions]
    return json_answer({"discussions": items, "count": page.total, "start": page.start})


@router.post(_DISCUSSIONS)
def create(
    request: Request,
    repo_id: RepoPath,
    actor: CurrentActor,
    hub: TheHub,
    body: Annotated[NewDiscussion, json_body(NewDiscussion)],
) -> Response:
    """Open a discussion or a draft pull request."""
    num = hub.discussions.create(actor, repo_id, body.title, body.description, pull_request=body.pull_request)
    url = f"{public_base(request)}/{repo_id.path}/discussions/{num}"
    return json_answer({"num": num, "url": url, "pullRequest": body.pull_request})


@router.get(_DISCUSSIONS + "/{num}")
def details(repo_id: RepoPath, num: Number, actor: CurrentActor, hub: TheHub, diff: str = "") -> Response:
    """One discussion with its events."""
    return json_answer(_details(hub.discussions.details(actor, repo_id, num, diff=diff in ("1", "true"))))


@router.post(_DISCUSSIONS + "/{num}/comment")
def comment(
    repo_id: RepoPath, num: Number, actor: CurrentActor, hub: TheHub, body: Annotated[NewComment, json_body(NewComment)]
) -> Response:
    """Say something."""
    return json_answer({"newMessage": _event(hub.discussions.comment(actor, repo_id, num, body.comment))})


@router.post(_DISCUSSIONS + "/{num}/title")
def rename(
    repo_id: RepoPath, num: Number, actor: CurrentActor, hub: TheHub, body: Annotated[NewTitle, json_body(NewTitle)]
) -> Response:
    """Give it another title."""
    return json_answer({"newTitle": _event(hub.discussions.rename(actor, repo_id, num, body.title))})


@router.post(_DISCUSSIONS + "/{num}/status")
def set_status(
    repo_id: RepoPath, num: Number, actor: CurrentActor, hub: TheHub, body: Annotated[NewStatus, json_body(NewStatus)]
) -> Response:
    """Open, close or reopen it."""
    changed = hub.discussions.set_status(actor, repo_id, num, body.status, body.comment or "")
    return json_answer({"newStatus": _event(changed)})


@router.post(_DISCUSSIONS + "/{num}/merge")
def merge(
    repo_id: RepoPath, num: Number, actor: CurrentActor, hub: TheHub, body: Annotated[NewComment, json_body(NewComment)]
) -> Response:
    """Merge a pull request."""
    merged = hub.discussions.merge(actor, repo_id, num, body.comment)
    return json_answer({"mergeCommitId": merged.oid}, headers=warning_headers(merged.warnings))


@router.post(_DISCUSSIONS + "/{num}/comment/{uid}/edit")
def edit_comment(
    repo_id: RepoPath,
    num: Number,
    uid: str,
    actor: CurrentActor,
    hub: TheHub,
    body: Annotated[NewContent, json_body(NewContent)],
) -> Response:
    """Change one's comment."""
    changed = hub.discussions.edit_comment(actor, repo_id, num, uid, body.content)
    return json_answer({"updatedComment": _event(changed)})


@router.post(_DISCUSSIONS + "/{num}/comment/{uid}/hide")
def hide_comment(repo_id: RepoPath, num: Number, uid: str, actor: CurrentActor, hub: TheHub) -> Response:
    """Hide a comment."""
    return json_answer({"updatedComment": _event(hub.discussions.hide_comment(actor, repo_id, num, uid))})


def _item(repo_id: RepoId, discussion: Discussion) -> dict[str, Any]:
    return {
        "num": discussion.num,
        "title": discussion.title,
        "status": discussion.status.value,
        "author": {"name": discussion.author, "fullname": discussion.author_fullname, "type": "user"},
        "createdAt": timestamp(discussion.created_at),
        "isPullRequest": discussion.is_pull,
        "repo": {"name": str(repo_id), "type": repo_id.kind.value},
    }


def _details(details: Details) -> dict[str, Any]:
    discussion = details.discussion
    found = _item(details.repo_id, discussion)
    found["events"] = [_event(event) for event in details.events]
    if discussion.is_pull:
        changes = {"base": discussion.base}
        if discussion.merge_commit:
            changes["mergeCommitId"] = discussion.merge_commit
        found["changes"] = changes
        found["filesWithConflicts"] = details.conflicts
        if details.diff is not None:
            found["diff"] = details.diff
    return found


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.uid,
        "type": event.kind.value,
        "createdAt": timestamp(event.created_at),
        "author": {"name": event.author, "type": "user"},
        "data": _comment(event.data) if event.kind is EventKind.COMMENT else event.data,
    }


def _comment(data: dict[str, Any]) -> dict[str, Any]:
    hidden = data["hidden"]
    shown: dict[str, Any] = {
        "edited": data["edited"],
        "hidden": hidden,
        "latest": _version(data["latest"], hidden=hidden),
        "history": [] if hidden else [_version(version, hidden=False) for version in data["history"]],
    }
    if hidden:
        shown |= {"hiddenBy": data["hiddenBy"], "hiddenAt": timestamp(data["hiddenAt"])}
    return shown


def _version(version: dict[str, Any], *, hidden: bool) -> dict[str, Any]:
    raw = HIDDEN_TEXT if hidden else version["raw"]
    return {
        "raw": raw,
        "html": render(raw),
        "updatedAt": timestamp(version["updatedAt"]),
        "author": {"name": version["author"], "type": "user"},
    }
