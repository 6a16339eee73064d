"""Lists in pages: a part of a list, and the address of the next part."""

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from evalcommons.web.query import whole_number
from evalcommons.web.requests import public_base

Item = TypeVar("Item")

PAGE_MAX = 1000
"""Items in a page, at most."""


def page(request: Request, items: Sequence[Item]) -> tuple[Sequence[Item], dict[str, str]]:
    """The part of `items` that the request's `limit` and `cursor` ask for, and the header that leads to the next.

    raises  BadRequest
    """
    start = whole_number(request, "cursor", 0)
    size = min(whole_number(request, "limit", PAGE_MAX), PAGE_MAX)
    part = items[start : start + size]
    if not size or start + size >= len(items):
        return part, {}
    return part, next_link(request, str(start + size))


def next_link(request: Request, cursor: str) -> dict[str, str]:
    """The header that leads to the next page: the same request, from `cursor` on."""
    query = [(name, value) for name, value in parse_qsl(request.url.query, keep_blank_values=True) if name != "cursor"]
    path = request.scope["raw_path"].decode("ascii")
    return {"Link": f'<{public_base(request)}{path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'}
