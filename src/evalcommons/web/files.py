"""A file as an HTTP answer: ranges, conditions, and headers that keep hostile files inert."""

import re
from urllib.parse import quote

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from evalcommons.core.errors import RangeNotSatisfiable
from evalcommons.services.contents import File

WHOLE = 1 << 20
"""Bytes up to which an answer is made in memory; longer ones are sent piece by piece."""

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_UNSAFE_IN_NAME = re.compile(r"[^ !#-\[\]-~]")
_TEXT = (
    "bat bib c cc cfg cpp cs css csv cts cu diff env eval gitattributes gitignore go h hpp html htm ini ipynb java "
    "jinja jl js json jsonl jsx kt less log lua m markdown md mdx mjs mts patch php pl ps1 py pyi r rb rs rst rtf "
    "scala scss sh sql srt svg swift tex toml ts tsv tsx txt vtt vue xhtml xml xsl yaml yml"
).split()
_TYPES = dict.fromkeys(_TEXT, "text/plain; charset=utf-8") | {
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
"""File name ending -> content type. Nothing that a browser would run is here: pages, drawings and programs are text."""


def media_type(path: str) -> str:
    """The content type under which a file of this name is sent."""
    name = path.rpartition("/")[2].lower()
    return _TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def file_answer(request: Request, file: File, after: BackgroundTask | None = None) -> Response:
    """The file, the part of it that is asked for, or the news that the client has it already.

    after   what to do once a GET was answered with bytes from the file's start
    raises  RangeNotSatisfiable
    source  RFC 9110, sections 13 and 14; the headers X-… as huggingface_hub's `get_hf_file_metadata` reads them
    """
    etag = f'"{file.etag}"'
    headers = {
        "ETag": etag,
        "X-Repo-Commit": file.commit,
        "Accept-Ranges": "bytes",
        # What a revision names can change, and so can who may read it: ask again, and mostly be told 304.
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Disposition": disposition(file.path),
        "Content-Type": media_type(file.path),
    }
    if file.is_large:
        headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(file.size)}
    if _names(request.headers.get("if-none-match"), file.etag):
        del headers["Content-Type"], headers["Content-Disposition"]
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(file.size)})
    start, end, status = 0, file.size, 200
    condition = request.headers.get("if-range")
    if condition is None or condition.strip() == etag:
        part = byte_range(request.headers.get("range"), file.size)
        if part is not None:
            start, end = part
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - start)
    pieces = file.read(start, end)
    counted = after if start == 0 else None
    if end - start <= WHOLE:
        return Response(b"".join(pieces), status, headers, background=counted)
    return StreamingResponse(pieces, status, headers, background=counted)


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last that a Range header asks for; None when the whole is to be sent.

    Several ranges, other units and reversed bounds are ignored, as the protocol allows.
    raises  RangeNotSatisfiable when the range starts past the end
    """
    found = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        if int(last) == 0 or size == 0:
            raise RangeNotSatisfiable(size)
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise RangeNotSatisfiable(size)
    return int(first), min(int(last) + 1, size) if last else size


def disposition(path: str) -> str:
    """The Content-Disposition header for a file of this path: its name in ASCII, and as it is."""
    name = path.rpartition("/")[2]
    plain = _UNSAFE_IN_NAME.sub("_", name).strip() or "file"
    return f"inline; filename*=UTF-8''{quote(name, safe='', errors='replace')}; filename=\"{plain}\""


def _names(header: str | None, etag: str) -> bool:
    """Is `etag` among the tags of an If-None-Match header?"""
    if header is None:
        return False
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return etag in tags or header.strip() == "*"
