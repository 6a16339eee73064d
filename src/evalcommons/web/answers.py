"""Answers: JSON as bytes, cheaply."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response


def json_answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`data` as a JSON answer. Dataclasses and enums are written as their fields and values."""
    return Response(orjson.dumps(data), status, headers, "application/json")


def no_content(status: int = 200) -> Response:
    """An answer whose body nobody reads."""
    return Response(b"", status)


def request_id(request: Request) -> str:
    """The id that logs and the client's error message share."""
    found: str = request.scope.get("state", {}).get("request_id", "")
    return found
