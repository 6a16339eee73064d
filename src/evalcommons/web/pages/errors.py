"""Errors as pages, for people; programs get JSON."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from starlette.responses import Response

from evalcommons.core.access import ANONYMOUS
from evalcommons.web.answers import request_id
from evalcommons.web.pages.layout import error_page
from evalcommons.web.requests import the_hub

_TITLES: Final = {
    400: "This address does not work",
    401: "Sign in first",
    403: "This is not open to you",
    404: "Not found",
    405: "This address does not work that way",
    501: "Not on this hub",
    503: "Not now",
}


def wants_page(request: Request) -> bool:
    """Is it a person with a browser who asks, and not for the API?"""
    path: str = request.scope["path"]
    reads = request.method in ("GET", "HEAD")
    return (
        reads and "text/html" in request.headers.get("accept", "") and not path.startswith(("/api/", "/.well-known/"))
    )


def as_page(request: Request, status: int, message: str, headers: Mapping[str, str]) -> Response | None:
    """The error as a page; None where a program wants to read it."""
    if not wants_page(request):
        return None
    title = _TITLES.get(status, "Something went wrong" if status >= 500 else "This does not work")
    return error_page(the_hub(request), ANONYMOUS, status, title, message, request_id(request), headers)
