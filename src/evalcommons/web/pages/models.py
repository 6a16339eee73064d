"""Models: the list, and the page of one with everything reported of it."""

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from evalcommons.core.ids import RepoKind
from evalcommons.core.reports import level_label
from evalcommons.services.evals import Reported, TaskReports
from evalcommons.storage.index.results import ResultRow
from evalcommons.web.pages import catalogue, rules_text, text
from evalcommons.web.pages.layout import kept_pages, page
from evalcommons.web.pages.repos import base_models, card_of, frame, readme, tags_of
from evalcommons.web.requests import CurrentActor, ModelPath, TheHub, public_base

router = APIRouter()
listed = APIRouter()

REPORTS: Final = 400
"""Standing reports, and versions that no longer stand, that one page lists."""


class Line(NamedTuple):
    """A report as the page writes it.

    reported  what the board makes of it; None for a version that no longer stands
    level     label of its evidence
    source    what its source says, {} without
    """

    result: ResultRow
    reported: Reported | None
    level: str
    source: dict[str, Any]
    value: str


class Table(NamedTuple):
    """The reports on one task of one benchmark."""

    reports: TaskReports
    column: str
    direction: str
    rows: int
    lines: list[Line]


@listed.api_route("/models", methods=["GET", "HEAD"])
async def models(request: Request, actor: CurrentActor, hub: TheHub) -> Response:
    """Every model that the reader may see."""
    return await catalogue.listing(request, hub, actor, RepoKind.MODEL)


@router.api_route("/{namespace}/{name}", methods=["GET", "HEAD"])
async def model(request: Request, repo_id: ModelPath, actor: CurrentActor, hub: TheHub) -> Response:
    """A model: what is reported of it, and its README."""
    if (kept := kept_pages(request).find(request, hub, actor)) is not None:
        return kept
    head = frame(hub, actor, repo_id)
    found = await run_in_threadpool(hub.evals.of_model, actor, repo_id)
    card = card_of(head.row, "license", "language", "library_name", "pipeline_tag")
    tags, more_tags = tags_of(head.row, card)
    tables = list(_tables(found.tasks))
    return page(
        request,
        hub,
        actor,
        "model.html",
        section="models",
        tab="card",
        repo=head,
        readme=await readme(hub, actor, head.row),
        tags=tags,
        more_tags=more_tags,
        card=card,
        base_models=base_models(head.row),
        tables=tables,
        total=found.total,
        left_out=found.total - sum(len(table.lines) for table in tables),
        ended=[_line(result, None) for result in found.ended[:REPORTS]],
        more_ended=len(found.ended) > REPORTS,
        invalid=found.invalid,
        endpoint=public_base(request),
    )


def _tables(tasks: Iterable[TaskReports]) -> Iterable[Table]:
    left = REPORTS
    for task in tasks:
        if left <= 0:
            return
        reports = task.reports[:left]
        left -= len(reports)
        lines = [_line(reported.result, reported) for reported in reports]
        higher = task.board.higher_is_better if task.board else True
        direction = ("Higher is better" if higher else "Lower is better") if task.board else ""
        rows = task.board.listed_rows if task.board else 0
        yield Table(task, rules_text.column(task.rules), direction, rows, lines)


def _line(result: ResultRow, reported: Reported | None) -> Line:
    source = json.loads(result.source) if result.source else {}
    return Line(result, reported, level_label(result.level), source, text.number(result.value))
