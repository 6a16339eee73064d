"""Bodies of any size: passed on as they come, never held."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

from evalcommons.core.errors import BadRequest, TooLarge

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Answer = TypeVar("Answer")

PIECE = 1024 * 1024
"""Bytes that are handed on at once, about."""


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


async def body(receive: Receive) -> AsyncIterator[bytes]:
    """The request's body, piece by piece.

    raises  ClientGoneError
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        more = message.get("more_body", False)
        if piece := message.get("body", b""):
            yield piece


async def inflated(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """What was deflated with gzip, as it was before.

    raises  TooLarge as soon as it has more than `limit` bytes; BadRequest when it is no gzip, or not all of it
    """
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    size = 0
    try:
        async for piece in pieces:
            left = piece
            while left and not inflate.eof:
                out = inflate.decompress(left, PIECE)
                size += len(out)
                if size > limit:
                    raise TooLarge(
                        f"The request has more than {limit} bytes once inflated, which is all this call takes"
                    )
                if out:
                    yield out
                left = inflate.unconsumed_tail
    except zlib.error as error:
        raise BadRequest(f"The request says that it is gzip, but is not: {error}") from None
    if not inflate.eof or inflate.unused_data:
        raise BadRequest("The request's gzip data does not end where the request ends")


async def limited(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The same pieces.

    raises  TooLarge as soon as there are more than `limit` bytes
    """
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise TooLarge(f"The request has more than {limit} bytes, which is all this call takes")
        yield piece


async def in_thread(use: Callable[[Iterator[bytes]], Answer], pieces: AsyncIterator[bytes]) -> Answer:
    """What `use` returns, called in a thread with the pieces gathered to about 1 MiB.

    raises  whatever `use` or reading the pieces raises
    """
    loop = asyncio.get_running_loop()

    async def gather() -> bytes:
        parts: list[bytes] = []
        size = 0
        async for piece in pieces:
            parts.append(piece)
            size += len(piece)
            if size >= PIECE:
                break
        return b"".join(parts)

    def pull() -> Iterator[bytes]:
        while piece := asyncio.run_coroutine_threadsafe(gather(), loop).result():
            yield piece

    return await run_in_threadpool(use, pull())
