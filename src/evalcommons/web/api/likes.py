"""Likes: giving, taking back, and who gave them."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.core.clock import timestamp
from evalcommons.web.answers import json_answer
from evalcommons.web.api.accounts import person
from evalcommons.web.listing import page
from evalcommons.web.requests import CurrentActor, RepoPath, TheHub, decoded, public_base

router = APIRouter()


@router.post("/api/{kind:kind}/{namespace}/{name}/like")
def like(repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """Like a repo."""
    return json_answer({"likes": hub.social.like(actor, repo_id)})


@router.delete("/api/{kind:kind}/{namespace}/{name}/like")
def unlike(repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """Take a like back."""
    return json_answer({"likes": hub.social.unlike(actor, repo_id)})


@router.get("/api/{kind:kind}/{namespace}/{name}/likers")
async def likers(request: Request, repo_id: RepoPath, actor: CurrentActor, hub: TheHub) -> Response:
    """Who likes a repo."""
    base = public_base(request)
    part, headers = page(request, hub.social.likers(actor, repo_id))
    return json_answer([person(base, name, fullname) for name, fullname in part], headers=headers)


@router.get("/api/users/{name}/likes")
async def liked(request: Request, name: str, actor: CurrentActor, hub: TheHub) -> Response:
    """What a user likes."""
    part, headers = page(request, hub.social.liked_by(actor, decoded(name)))
    likes = [
        {"createdAt": timestamp(at), "repo": {"name": str(row.repo_id), "type": row.kind.value}} for at, row in part
    ]
    return json_answer(likes, headers=headers)
