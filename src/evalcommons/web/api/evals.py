"""Benchmarks, results and checks over HTTP: what the Hub has no call for."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from evalcommons.core.clock import timestamp
from evalcommons.core.ids import RepoKind
from evalcommons.core.problems import has_errors
from evalcommons.core.reports import level_label
from evalcommons.services.evals import eval_result
from evalcommons.web.answers import json_answer
from evalcommons.web.bodies import json_body
from evalcommons.web.requests import CurrentActor, TheHub

router = APIRouter()

_CHECK_REQUEST_MAX = 20_000_000  # bytes; files of one revision, escaped


class CheckedFile(BaseModel):
    """A file as it would stand in the repo."""

    model_config = ConfigDict(extra="forbid")
    path: str = Field(max_length=4096)
    content: str = Field(max_length=1 << 21)


class CheckRequest(BaseModel):
    """The evaluation files of one revision of a repo."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["model", "dataset"] = "model"
    files: list[CheckedFile] = Field(max_length=1000)


@router.post("/api/evals/check")
def check(
    actor: CurrentActor, hub: TheHub, body: Annotated[CheckRequest, json_body(CheckRequest, _CHECK_REQUEST_MAX)]
) -> Response:
    """Every problem with evaluation files, before anything is committed."""
    files = {file.path: file.content.encode("utf-8", "surrogatepass") for file in body.files}
    problems = hub.evals.check(actor, RepoKind(body.type), files)
    return json_answer({"ok": not has_errors(problems), "problems": [problem.as_dict() for problem in problems]})


@router.get("/api/evals/benchmarks")
async def benchmarks(actor: CurrentActor, hub: TheHub) -> Response:
    """The benchmarks of this hub, official ones first."""
    return json_answer(
        [
            {
                "id": f"{found.namespace}/{found.repo_name}",
                "name": found.name,
                "description": found.description,
                "framework": found.framework,
                "official": found.official,
                "private": found.private,
                "tasks": found.tasks,
                "rows": found.rows,
                "changedAt": timestamp(found.changed_at),
            }
            for found in hub.evals.benchmarks(actor)
        ]
    )


@router.get("/api/evals/results/{uid}")
async def result(uid: str, actor: CurrentActor, hub: TheHub) -> Response:
    """One result with every version it had: who, when, in which commit, and why it ended."""
    model, versions = hub.evals.history(actor, uid)
    newest = versions[-1]
    answer: dict[str, Any] = {
        "id": uid,
        "modelId": str(model.repo_id),
        **eval_result(newest),
        "evidence": level_label(newest.level),
        "state": "withdrawn" if newest.until_at is not None else "standing",
        "versions": [
            {
                "value": version.value,
                "commit": version.commit_oid,
                "submitter": version.submitter,
                "from": timestamp(version.from_at),
                **({"until": timestamp(version.until_at), "why": version.until_why} if version.until_at else {}),
            }
            for version in versions
        ],
    }
    return json_answer(answer)
