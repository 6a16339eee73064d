"""ASGI's shapes, and the request id that every answer carries."""

import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The request's X-Request-Id, else its X-Amzn-Trace-Id, else a fresh one."""
    trace = b""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
        if name == b"x-amzn-trace-id" and _REQUEST_ID.fullmatch(value):
            trace = value
    return trace or str(uuid.uuid4()).encode()
