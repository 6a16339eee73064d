"""Request bodies: read up to a limit, and parsed into a value once."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from evalcommons.core.errors import BadRequest, TooLarge

Body = TypeVar("Body", bound=BaseModel)

SMALL_BODY = 1_000_000
"""Bytes that a request needs which carries no files."""


async def read_body(request: Request, limit: int = SMALL_BODY) -> bytes:
    """The body's bytes.

    raises  TooLarge as soon as there are more than `limit`
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(f"The request's body has more than {limit} bytes, which is all this call takes")
        parts.append(part)
    return b"".join(parts)


async def read_json(request: Request, shape: type[Body], limit: int = SMALL_BODY) -> Body:
    """The body as the value it must have. An empty body is an empty object.

    raises  TooLarge; BadRequest naming each field that is wrong
    """
    return parse(shape, await read_body(request, limit) or b"{}")


def parse(shape: type[Body], text: bytes) -> Body:
    """JSON as a value.

    raises  BadRequest naming each field that is wrong
    """
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        said = [
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" if one["loc"] else one["msg"]
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise BadRequest("Invalid request: " + "; ".join(said[:10])) from None


def json_body(shape: type[Body], limit: int = SMALL_BODY) -> Any:
    """A route's dependency: its body as this value."""

    async def read(request: Request) -> Body:
        return await read_json(request, shape, limit)

    reader: Callable[[Request], Awaitable[Body]] = read
    return Depends(reader)
