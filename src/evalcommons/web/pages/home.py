"""The first page: which benchmarks there are, and what came last."""

import json
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.core.reports import level_label
from evalcommons.services.evals import News
from evalcommons.web.pages import text
from evalcommons.web.pages.layout import kept_pages, page
from evalcommons.web.requests import CurrentActor, TheHub, public_base

router = APIRouter()

BENCHMARKS: Final = 100
"""Benchmarks of each kind that the first page lists."""
NEWEST: Final = 12
"""Results that it lists."""


@router.api_route("/", methods=["GET", "HEAD"])
async def home(request: Request, actor: CurrentActor, hub: TheHub) -> Response:
    """The hub at a glance."""
    if (kept := kept_pages(request).find(request, hub, actor)) is not None:
        return kept
    benchmarks = hub.evals.benchmarks(actor)
    official = [found for found in benchmarks if found.official]
    community = [found for found in benchmarks if not found.official]
    groups = [
        ("Official benchmarks", "approved by this hub's operators", official[:BENCHMARKS], len(official)),
        (
            "Community benchmarks",
            "registered by anybody who pushed an eval.yaml",
            community[:BENCHMARKS],
            len(community),
        ),
    ]
    return page(
        request,
        hub,
        actor,
        "home.html",
        section="home",
        groups=[group for group in groups if group[2]],
        newest=[_news(news) for news in hub.evals.newest(NEWEST)],
        endpoint=public_base(request),
    )


def _news(news: News) -> dict[str, Any]:
    source = json.loads(news.result.source) if news.result.source else {}
    return {
        "model": news.model.repo_id,
        "result": news.result,
        "here": news.here,
        "level": level_label(news.result.level),
        "source": source,
        "value": text.number(news.result.value),
    }
