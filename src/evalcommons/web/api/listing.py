"""Lists of models, datasets and spaces by filter."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from evalcommons.core.errors import BadRequest, NotSupported
from evalcommons.core.ids import RepoKind
from evalcommons.core.model_facts import parameter_count
from evalcommons.services.catalogue import FROM_GIT, FULL, LISTED, PAGE_MAX, SORTS, Query
from evalcommons.web.answers import json_answer
from evalcommons.web.api.info import expanded
from evalcommons.web.listing import next_link
from evalcommons.web.query import flag, maybe, names, whole_number
from evalcommons.web.requests import CurrentActor, TheHub

router = APIRouter()

_FILTERS_MAX = 50
_LEFT_OUT = ("apps", "inference", "inference_provider")


@router.get("/api/{kind:kind}")
async def listed(request: Request, kind: str, actor: CurrentActor, hub: TheHub) -> Response:
    """The repos of one kind that match, page by page."""
    query = _query(request, RepoKind(kind))
    if FROM_GIT.isdisjoint(query.names):
        page = hub.catalogue.listed(actor, query)
    else:
        page = await run_in_threadpool(hub.catalogue.listed, actor, query)
    return json_answer(page.items, headers=next_link(request, page.next) if page.next else None)


def _query(request: Request, kind: RepoKind) -> Query:
    for name in _LEFT_OUT:
        if request.query_params.get(name):
            raise NotSupported(f'Lists cannot be filtered by "{name}" on this hub: it runs no models')
    sort = request.query_params.get("sort") or "lastModified"
    if sort not in SORTS:
        raise BadRequest(f'"sort" must be one of {", ".join(SORTS)}')
    direction = request.query_params.get("direction", "-1")
    if direction not in {"-1", "1"}:
        raise BadRequest('"direction" must be -1 (descending) or 1')
    tags = names(request, "filter")
    if kind is RepoKind.MODEL:
        tags += names(request, "pipeline_tag")
    search, authors = names(request, "search"), names(request, "author")
    if len(tags) > _FILTERS_MAX or len(search) > _FILTERS_MAX:
        raise BadRequest(f"A list takes at most {_FILTERS_MAX} filters and {_FILTERS_MAX} words to search")
    return Query(
        kind=kind,
        names=_wanted(request, kind, sort),
        tags=tuple(dict.fromkeys(tags)),
        author=authors[-1] if authors else None,
        search=tuple(search),
        gated=maybe(request, "gated"),
        parameters=parameter_range(request.query_params.get("num_parameters") or ""),
        sort=sort,
        ascending=direction == "1",
        limit=min(whole_number(request, "limit", PAGE_MAX, least=1), PAGE_MAX),
        cursor=request.query_params.get("cursor", ""),
    )


def _wanted(request: Request, kind: RepoKind, sort: str) -> frozenset[str]:
    found = expanded(request, kind)
    if not found:
        found = FULL[kind] if flag(request, "full") else LISTED[kind]
        if flag(request, "cardData"):
            found |= {"cardData"}
        if flag(request, "config") and kind is RepoKind.MODEL:
            found |= {"config"}
    return found | {"trendingScore"} if sort == "trendingScore" else found


def parameter_range(text: str) -> tuple[int | None, int | None]:
    """At least and at most how many weights: `min:6B,max:128B`, or one of the two.

    raises  BadRequest
    """
    found: dict[str, Any] = {}
    for part in text.split(",") if text else ():
        side, _, number = part.strip().partition(":")
        count = parameter_count(number)
        if side not in {"min", "max"} or count is None:
            raise BadRequest(f'"num_parameters" must look like min:6B,max:128B, not {text[:60]!r}')
        found[side] = count
    return found.get("min"), found.get("max")
