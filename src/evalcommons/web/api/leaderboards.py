"""Boards over HTTP: the Hub's leaderboard call, and more of it."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.web.answers import json_answer
from evalcommons.web.boards import csv_headers, read_query, write_csv, write_page
from evalcommons.web.errors import ascii_line
from evalcommons.web.requests import CurrentActor, DatasetPath, TheHub, public_base

router = APIRouter()


@router.get("/api/datasets/{namespace}/{name}/leaderboard")
def leaderboard(request: Request, repo_id: DatasetPath, actor: CurrentActor, hub: TheHub) -> Response:
    """The ranked rows of a task's board. Anonymous reads are answered in `web.early`; this serves everybody else."""
    query = read_query(request.scope["query_string"].decode("ascii", "replace"))
    if query.everything:
        board, reports = hub.leaderboards.reports(actor, repo_id, query.page)
        if query.as_csv:
            return Response(write_csv(reports), 200, csv_headers(board.task))
        return json_answer(reports, headers={"X-Task-Id": ascii_line(board.task), "X-Total-Count": str(len(reports))})
    page = hub.leaderboards.page(actor, repo_id, query.page)
    body, headers = write_page(page, query, f"{public_base(request)}{request.scope['path']}")
    return Response(body, 200, headers)
