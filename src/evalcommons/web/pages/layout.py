"""Every page: its templates, its stylesheet, and the headers that keep it harmless."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, NamedTuple

import jinja2
from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.core.access import Actor
from evalcommons.core.errors import NotFound
from evalcommons.hub import Hub
from evalcommons.web.pages import badges, text
from evalcommons.web.requests import public_base

router = APIRouter()

SECURITY: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every page: nothing runs, nothing is loaded from elsewhere, nobody frames it."""

_KEPT_BYTES: Final = 8_000_000
_HTML: Final = "text/html; charset=utf-8"
_FOREVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file of ours that pages load.

    address  has a hash of the content in it, so that it may be kept forever
    """

    address: str
    content: bytes
    media_type: str


def _asset(name: str) -> Asset:
    content = resources.files(__package__).joinpath("static", name).read_bytes()
    stem, _, ending = name.rpartition(".")
    digest = hashlib.blake2b(content, digest_size=6).hexdigest()
    return Asset(f"/static/{stem}.{digest}.{ending}", content, _TYPES[ending])


STYLE: Final = _asset("style.css")
ICON: Final = _asset("icon.svg")
_ASSETS: Final = {asset.address: asset for asset in (STYLE, ICON)}


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("evalcommons.web.pages"),
        autoescape=True,
        auto_reload=False,
        finalize=text.inert,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {
        "compact": text.compact,
        "count": text.count,
        "cut": text.cut,
        "day": text.day,
        "host": text.host_of,
        "iso": text.iso,
        "link": text.link_of,
        "number": text.number,
        "path": text.path_part,
        "revision": text.revision_part,
        "size": text.size,
    }
    made.globals |= {"style": STYLE.address, "icon": ICON.address, "LEVELS": badges.LEVELS, "MARKS": badges.MARKS}
    return made


_ENVIRONMENT: Final = _environment()


class _Kept(NamedTuple):
    """A page as anybody saw it, and what `Index.changes` said before it was made."""

    stamp: int
    body: bytes
    etag: str


class KeptPages:
    """Pages that stay true as long as nobody writes to the database; for the one thread of the event loop."""

    def __init__(self) -> None:
        self._pages: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._size = 0

    def find(self, request: Request, hub: Hub, actor: Actor) -> Response | None:
        """The page that is asked for, if it is kept and nothing was written since; else it will be once it is made."""
        stamp = hub.index.changes() if actor.is_anonymous else None
        if stamp is None:
            return None
        key = _key(request)
        kept = self._pages.get(key)
        if kept is not None and kept.stamp == stamp:
            self._pages.move_to_end(key)
            return _answer(request, actor, kept.body, kept.etag)
        request.state.stamp = stamp
        return None

    def keep(self, request: Request, body: bytes, etag: str) -> None:
        """Remember a page that `find` did not have."""
        key = _key(request)
        self._forget(key)
        if len(body) <= _KEPT_BYTES // 8:
            self._pages[key] = _Kept(request.state.stamp, body, etag)
            self._size += len(body)
            while self._size > _KEPT_BYTES:
                self._forget(next(iter(self._pages)))

    def _forget(self, key: tuple[str, str]) -> None:
        if (gone := self._pages.pop(key, None)) is not None:
            self._size -= len(gone.body)


def _key(request: Request) -> tuple[str, str]:
    return public_base(request), f"{request.scope['path']}?{request.url.query}"


def kept_pages(request: Request) -> KeptPages:
    """The pages that this application keeps."""
    state = request.app.state
    if not hasattr(state, "kept_pages"):
        state.kept_pages = KeptPages()
    found: KeptPages = state.kept_pages
    return found


def page(request: Request, hub: Hub, actor: Actor, template: str, **facts: Any) -> Response:
    """A page, or the news that the reader has it already."""
    body = render(hub, actor, template, **facts)
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if hasattr(request.state, "stamp"):
        kept_pages(request).keep(request, body, etag)
    return _answer(request, actor, body, etag)


def _answer(request: Request, actor: Actor, body: bytes, etag: str) -> Response:
    headers = {
        **SECURITY,
        # Who may read it can change at any time: ask again, and mostly be told 304.
        "Cache-Control": "no-cache" if actor.is_anonymous else "private, no-cache",
        "ETag": etag,
        "Vary": "Authorization",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers | {"Content-Type": _HTML})


def error_page(
    hub: Hub, actor: Actor, status: int, title: str, message: str, request_id: str, headers: Mapping[str, str]
) -> Response:
    """A page that says what went wrong and what to do."""
    body = render(hub, actor, "error.html", status=status, heading=title, message=message, request_id=request_id)
    own = {"Cache-Control": "no-store", "Content-Type": _HTML, "Vary": "Authorization, Accept"}
    return Response(body, status, {**headers, **SECURITY, **own})


def render(hub: Hub, actor: Actor, template: str, **facts: Any) -> bytes:
    """The page's bytes. Text that UTF-8 cannot hold was made visible before."""
    made = _ENVIRONMENT.get_template(template).render(
        hub_name=hub.settings.name, actor=actor, **{"section": "", **facts}
    )
    return made.encode("utf-8", "replace")


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static_file(name: str) -> Response:
    """A stylesheet or picture of ours."""
    asset = _ASSETS.get(f"/static/{name}")
    if asset is None:
        raise NotFound(f"There is no file /static/{name[:100]}: reload the page that named it")
    headers = {**SECURITY, "Cache-Control": _FOREVER, "Content-Type": asset.media_type}
    return Response(asset.content, 200, headers)
