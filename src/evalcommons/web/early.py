"""Boards answered before the framework: kept bytes, checked against the index on every read.

A request that anybody could make for a board costs a look into a dictionary and, where the database can tell, one
`PRAGMA data_version`. Only when something was written does it cost a query for the board's version, and only when the
board itself changed is the answer built again.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool

from evalcommons.core.errors import EvalCommonsError
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub
from evalcommons.storage.index.boards import Board
from evalcommons.web.asgi import Application, Headers, Receive, Scope, Send, request_id_of
from evalcommons.web.boards import BoardQuery, read_query, write_page

_PREFIX = b"/api/datasets/"
_SUFFIX = b"/leaderboard"
_KEPT_BYTES = 24_000_000
_SHORT = 1000
_Key = tuple[bytes, bytes, bytes]


@dataclass(slots=True)
class _Kept:
    """An answer and what it depends on."""

    dataset_key: str
    board: Board
    stamp: int | None
    etag: bytes
    body: bytes
    headers: Headers


class EarlyBoards:
    """Answers anonymous reads of boards; lets everything else through."""

    def __init__(self, app: Application, hub: Hub) -> None:
        self.app = app
        self._hub = hub
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and scope["method"] == "GET" and path[:14] == _PREFIX and path.endswith(_SUFFIX):
            kept = await self._find(path, scope["query_string"], scope["headers"], scope["scheme"])
            if kept is not None:
                await _answer(kept, scope["headers"], send)
                return
        await self.app(scope, receive, send)

    async def _find(self, path: bytes, query: bytes, headers: Headers, scheme: str) -> _Kept | None:
        host = b""
        for name, value in headers:
            if name == b"host":
                host = value
            elif name in (b"authorization", b"x-forwarded-host", b"x-forwarded-proto"):
                return None
        key = (path, query, host)
        kept = self._kept.get(key)
        stamp = self._hub.index.changes()
        if kept is not None:
            if stamp is not None and stamp == kept.stamp:
                return kept
            if self._hub.leaderboards.is_current(kept.dataset_key, kept.board):
                kept.stamp = stamp
                return kept
            self._forget(key)
        try:
            dataset_id = RepoId.parse(RepoKind.DATASET, unquote(path[len(_PREFIX) : -len(_SUFFIX)].decode("ascii")))
            wanted = read_query(query.decode("ascii"))
            if wanted.everything or wanted.page.as_of is not None:
                return None  # not kept: these depend on more than the board
            # A page is a short read; a whole board, which the Hub's client asks for, may not be.
            short = wanted.page.limit is not None and wanted.page.limit <= _SHORT
            given = (key, stamp, scheme, dataset_id, wanted)
            kept = self._build(*given) if short else await run_in_threadpool(self._build, *given)
        except (EvalCommonsError, UnicodeDecodeError):
            return None  # the framework says what is wrong
        self._keep(key, kept)
        return kept

    def _build(self, key: _Key, stamp: int | None, scheme: str, dataset_id: RepoId, wanted: BoardQuery) -> _Kept:
        path, _, host = key
        base = self._hub.settings.public_url.rstrip("/") or f"{scheme}://{host.decode('latin-1')}"
        page = self._hub.leaderboards.public_page(dataset_id, wanted.page)
        body, named = write_page(page, wanted, f"{base}{path.decode('ascii')}")
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
        etag = b'"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()
        return _Kept(dataset_id.key, page.board, stamp, etag, body, [*headers, (b"etag", etag)])

    def _keep(self, key: _Key, kept: _Kept) -> None:
        if len(kept.body) > _KEPT_BYTES // 2:
            return
        self._forget(key)
        self._kept[key] = kept
        self._size += len(kept.body)
        while self._size > _KEPT_BYTES:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: _Key) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._size -= len(gone.body)


async def _answer(kept: _Kept, asked: Iterable[tuple[bytes, bytes]], send: Send) -> None:
    unchanged = False
    for name, value in asked:
        if name == b"if-none-match":
            unchanged = value in (kept.etag, b"*") or kept.etag in value
    identity = (b"x-request-id", request_id_of(asked))
    if unchanged:
        start = {"type": "http.response.start", "status": 304, "headers": [(b"etag", kept.etag), identity]}
        await send(start)
        await send({"type": "http.response.body", "body": b""})
        return
    length = (b"content-length", b"%d" % len(kept.body))
    await send({"type": "http.response.start", "status": 200, "headers": [*kept.headers, length, identity]})
    await send({"type": "http.response.body", "body": kept.body})
