"""Writing: preupload, commit, branches, tags, super-squash."""

from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from evalcommons.core.errors import TooLarge
from evalcommons.core.problems import Problem
from evalcommons.services.commits import Committed, Sent
from evalcommons.web.answers import json_answer, no_content
from evalcommons.web.bodies import json_body
from evalcommons.web.errors import ascii_line
from evalcommons.web.requests import (
    CurrentActor,
    RepoPath,
    TheHub,
    current_actor,
    decoded,
    public_base,
    repo_of,
    the_hub,
)

router = APIRouter()

_REPO = "/api/{kind:kind}/{namespace}/{name}"
_IN_MEMORY = 4_000_000
_SHOWN_WARNINGS = 5


class SentFile(BaseModel):
    """A file that a client wants to upload; its `sample` is not looked at."""

    path: str
    size: int = Field(ge=0)


class PreuploadBody(BaseModel):
    """Which files a client wants to upload."""

    files: list[SentFile]
    git_ignore: str | None = Field(None, alias="gitIgnore")


class BranchBody(BaseModel):
    """Where a new branch starts; main if it is not said."""

    starting_point: str | None = Field(None, alias="startingPoint")


class TagBody(BaseModel):
    """A new tag."""

    tag: str
    message: str | None = None


class SquashBody(BaseModel):
    """The title of the one commit that is left."""

    message: str = ""


@router.post(_REPO + "/preupload/{revision}")
def preupload(
    repo_id: RepoPath,
    revision: str,
    actor: CurrentActor,
    hub: TheHub,
    body: Annotated[PreuploadBody, json_body(PreuploadBody, 8_000_000)],
    create_pr: str = "",
) -> Response:
    """How to send each file, and what stands at its path now."""
    files = [Sent(file.path, file.size) for file in body.files]
    plans = hub.commits.preupload(
        actor, repo_id, decoded(revision), files, git_ignore=body.git_ignore, create_pr=_is_set(create_pr)
    )
    answers = [
        {
            "path": plan.path,
            "uploadMode": "lfs" if plan.large else "regular",
            "shouldIgnore": plan.ignored,
            "oid": plan.oid,
        }
        for plan in plans
    ]
    return json_answer({"files": answers})


async def commit(request: Request) -> Response:
    """Commit what the lines of the body say."""
    hub, actor = the_hub(request), current_actor(request)
    repo_id = repo_of(request, actor)
    revision = decoded(request.path_params["revision"])
    create_pr = _is_set(request.query_params.get("create_pr", ""))
    with SpooledTemporaryFile(_IN_MEMORY) as body:
        await _receive(request, body, hub.settings.request_limit)

        def run() -> Committed:
            return hub.commits.commit(actor, repo_id, revision, _lines(body), create_pr=create_pr)

        done = await run_in_threadpool(run)
    base = f"{public_base(request)}/{done.repo_id.path}"
    answer = {"success": True, "commitOid": done.oid, "commitUrl": f"{base}/commit/{done.oid}"}
    if done.num is not None:
        answer["pullRequestUrl"] = f"{base}/discussions/{done.num}"
    return json_answer(answer | _hook_output(done.warnings), headers=warning_headers(done.warnings))


# The call that reports come by: a plain route, which spares each of them the framework's dependencies.
router.add_route(_REPO + "/commit/{revision}", commit, methods=["POST"])


@router.post(_REPO + "/branch/{branch}")
def create_branch(
    repo_id: RepoPath,
    branch: str,
    actor: CurrentActor,
    hub: TheHub,
    body: Annotated[BranchBody, json_body(BranchBody)],
) -> Response:
    """Make a branch."""
    hub.commits.create_branch(actor, repo_id, decoded(branch), body.starting_point)
    return no_content()


@router.delete(_REPO + "/branch/{branch}")
def delete_branch(repo_id: RepoPath, branch: str, actor: CurrentActor, hub: TheHub) -> Response:
    """Remove a branch."""
    hub.commits.delete_branch(actor, repo_id, decoded(branch))
    return no_content()


@router.post(_REPO + "/tag/{revision}")
def create_tag(
    repo_id: RepoPath, revision: str, actor: CurrentActor, hub: TheHub, body: Annotated[TagBody, json_body(TagBody)]
) -> Response:
    """Make a tag."""
    hub.commits.create_tag(actor, repo_id, decoded(revision), body.tag, body.message or "")
    return no_content()


@router.delete(_REPO + "/tag/{tag}")
def delete_tag(repo_id: RepoPath, tag: str, actor: CurrentActor, hub: TheHub) -> Response:
    """Remove a tag."""
    hub.commits.delete_tag(actor, repo_id, decoded(tag))
    return no_content()


@router.post(_REPO + "/super-squash/{revision}")
def super_squash(
    repo_id: RepoPath,
    revision: str,
    actor: CurrentActor,
    hub: TheHub,
    body: Annotated[SquashBody, json_body(SquashBody)],
) -> Response:
    """Make a branch or pull request one commit."""
    oid = hub.commits.super_squash(actor, repo_id, decoded(revision), body.message)
    return json_answer({"commitOid": oid})


def warning_headers(warnings: Iterable[Problem]) -> dict[str, str]:
    """The header whose text huggingface_hub shows its user: what is odd about evaluation files that landed."""
    texts = [f"{w.path}:{w.line}: {w.message}" for w in warnings]
    if not texts:
        return {}
    more = f" (and {len(texts) - _SHOWN_WARNINGS} more)" if len(texts) > _SHOWN_WARNINGS else ""
    return {"X-HF-Warning": ascii_line("evaluation files; " + "; ".join(texts[:_SHOWN_WARNINGS]) + more)}


def _hook_output(warnings: tuple[Problem, ...]) -> dict[str, Any]:
    if not warnings:
        return {}
    return {"hookOutput": "\n".join(w.text() for w in warnings), "warnings": [w.as_dict() for w in warnings]}


async def _receive(request: Request, body: SpooledTemporaryFile[bytes], limit: int) -> None:
    """The request's body, in memory while it is small."""
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(
                f"This commit has more than {limit:,} bytes, the most a request may have: commit fewer files at a "
                "time, or send large ones through Git LFS"
            )
        if size > _IN_MEMORY:
            await run_in_threadpool(body.write, part)
        else:
            body.write(part)
    body.seek(0)


def _lines(body: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    yield from body


def _is_set(flag: str) -> bool:
    return flag.lower() in ("1", "true")
