"""Errors as HTTP: the one place that knows numbers and headers."""

import logging
from collections.abc import Mapping
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from evalcommons.core import errors
from evalcommons.web.answers import json_answer, request_id
from evalcommons.web.requests import public_base

log = logging.getLogger("evalcommons.web")

STATUS: dict[type[errors.EvalCommonsError], int] = {
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.StaleParent: 412,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.RangeNotSatisfiable: 416,
    errors.Refused: 400,
    errors.BadRequest: 400,
    errors.Invalid: 422,
    errors.Unavailable: 503,
    errors.NotSupported: 501,
}
"""The first base class of an error that stands here decides."""


def status_of(error: errors.EvalCommonsError) -> int:
    """The HTTP status of an error."""
    if getattr(error, "anonymous", False):
        return 401  # the client may be let in once it says who it is
    return _family_status(error)


def _family_status(error: errors.EvalCommonsError) -> int:
    return next((STATUS[base] for base in type(error).__mro__ if base in STATUS), 500)


def error_headers(error: errors.EvalCommonsError) -> dict[str, str]:
    """What the Hub's clients read: the code, the message in ASCII, and what else the error knows."""
    headers = {}
    if not isinstance(error, errors.Refused):
        # huggingface_hub prints header and body unless they are the same text: a list of problems would stand there
        # twice, once on a single line.
        headers["X-Error-Message"] = ascii_line(error.message)
    if error.code:
        headers["X-Error-Code"] = error.code
    if isinstance(error, errors.EntryNotFound) and error.commit:
        headers["X-Repo-Commit"] = error.commit
    if isinstance(error, errors.RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    return headers


def ascii_line(text: str) -> str:
    """The text as one header value: printable ASCII, at most 1,000 characters, no blanks at the ends."""
    line = " | ".join(part.strip() for part in text.splitlines() if part.strip())[:1000]
    # A control character in a header makes the server drop the connection.
    return "".join(c if " " <= c <= "~" else "?" for c in line).strip()


def error_answer(request: Request, error: errors.EvalCommonsError) -> Response:
    """The JSON answer for an error."""
    if isinstance(error, errors.RepoMoved):
        return _moved(request, error)
    body: dict[str, object] = {"error": error.message}
    if isinstance(error, errors.Refused):
        body["problems"] = [problem.as_dict() for problem in error.problems]
    if isinstance(error, errors.AlreadyExists) and error.url:
        body["url"] = f"{public_base(request)}/{error.url}"
    return json_answer(body, status_of(error), error_headers(error))


def _moved(request: Request, error: errors.RepoMoved) -> Response:
    """A relative redirect to the same address under the new id, as the clients want it."""
    path = request.scope["raw_path"].decode("ascii")
    found = path.lower().find(f"/{error.old}".lower())
    location = f"{path[:found]}/{error.new}{path[found + 1 + len(error.old) :]}"
    if query := request.scope["query_string"].decode("ascii"):
        location += f"?{query}"
    return json_answer({"error": error.message}, 307, {"Location": location})


class AsPage(Protocol):
    """How an error is told to a person; None where a program asks, which gets JSON."""

    def __call__(self, request: Request, status: int, message: str, headers: Mapping[str, str]) -> Response | None:
        """The page."""


def install(app: FastAPI, as_page: AsPage) -> None:
    """Answer every error of the application: people with a page, programs with JSON and the Hub's headers."""

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.EvalCommonsError)  # noqa: S101  (registered for this family only)
        if isinstance(error, errors.RepoMoved):
            return _moved(request, error)
        # People are asked for credentials on pages of their own: what is hidden is not found.
        status = _family_status(error)
        return as_page(request, status, error.message, error_headers(error)) or error_answer(request, error)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        message = "There is no such page." if error.status_code == 404 else str(error.detail)
        if (page := as_page(request, error.status_code, message, error.headers or {})) is not None:
            return page
        return json_answer({"error": str(error.detail)}, error.status_code, dict(error.headers or {}))

    async def wrong_shape(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        said = [f"{'.'.join(str(part) for part in e['loc'][1:]) or e['loc'][0]}: {e['msg']}" for e in error.errors()]
        message = "Invalid request: " + "; ".join(said[:10])
        if (page := as_page(request, 400, message, {})) is not None:
            return page
        return json_answer({"error": message}, 400, {"X-Error-Message": ascii_line(message)})

    async def unknown(request: Request, error: Exception) -> Response:
        log.error("request %s failed: %s", request_id(request), error, exc_info=error)
        message = "Something went wrong on this hub. Tell its operator the request id."
        if (page := as_page(request, 500, message, {})) is not None:
            return page
        return json_answer({"error": message}, 500, {"X-Error-Message": message})

    app.add_exception_handler(errors.EvalCommonsError, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, wrong_shape)
    app.add_exception_handler(Exception, unknown)
