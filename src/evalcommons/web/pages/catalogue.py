"""Lists of repos: searched, sorted, in pages."""

from typing import Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import Request
from starlette.responses import Response

from evalcommons.core.access import Actor
from evalcommons.core.errors import BadRequest
from evalcommons.core.ids import RepoKind
from evalcommons.hub import Hub
from evalcommons.services.catalogue import OFFICIAL, Query
from evalcommons.web.pages.layout import page

PAGE: Final = 50
"""Repos on one page of a list."""
SORTS: Final = {
    "lastModified": "Recently changed",
    "createdAt": "Newest",
    "likes": "Most likes",
    "downloads": "Most downloads",
}
"""What a list can be sorted by -> its label."""
NAMES: Final = frozenset("downloads gated lastModified library_name likes pipeline_tag private tags".split())
"""What a list says of each repo."""
_SEARCH_MAX: Final = 200


async def listing(request: Request, hub: Hub, actor: Actor, kind: RepoKind) -> Response:
    """A list of models or datasets.

    raises  BadRequest
    """
    asked = request.query_params
    search, author = asked.get("search", "").strip()[:_SEARCH_MAX], asked.get("author", "").strip()[:_SEARCH_MAX]
    sort = asked.get("sort") or "lastModified"
    if sort not in SORTS:
        raise BadRequest(f"sort={sort[:60]!r}: it must be one of {', '.join(SORTS)}")
    official = asked.get("official") == "1" and kind is RepoKind.DATASET
    kept = {"search": search, "author": author, "sort": asked.get("sort", ""), "official": "1" if official else ""}
    kept = {name: value for name, value in kept.items() if value}
    found = hub.catalogue.listed(
        actor,
        Query(
            kind,
            NAMES,
            tags=(OFFICIAL,) if official else (),
            author=author or None,
            search=tuple(search.split()),
            sort=sort,
            limit=PAGE,
            cursor=asked.get("cursor", ""),
        ),
    )
    here = request.scope["path"]
    return page(
        request,
        hub,
        actor,
        "list.html",
        section=kind.plural,
        kind=kind,
        items=described(found.items, benchmarks(hub, actor) if kind is RepoKind.DATASET else {}),
        search=search,
        author=author,
        sort=sort,
        sorts=SORTS,
        official=official,
        is_first="cursor" not in asked,
        first_page=f"{here}?{urlencode(kept)}" if kept else here,
        next_page=f"{here}?{urlencode({**kept, 'cursor': found.next})}" if found.next else "",
    )


def benchmarks(hub: Hub, actor: Actor) -> dict[str, Any]:
    """Every valid benchmark by the id of its dataset."""
    return {f"{found.namespace}/{found.repo_name}": found for found in hub.evals.benchmarks(actor)}


def described(items: list[dict[str, Any]], known: dict[str, Any]) -> list[dict[str, Any]]:
    """The catalogue's objects as templates read them, with the benchmark that each is."""
    plain: list[dict[str, Any]] = orjson.loads(orjson.dumps(items))
    for item in plain:
        item["namespace"], _, item["name"] = item["id"].partition("/")
        item["benchmark"] = known.get(item["id"])
        item["about"] = " · ".join(str(item[name]) for name in ("pipeline_tag", "library_name") if item.get(name))
    return plain
