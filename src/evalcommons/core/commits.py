"""What a commit request says: its lines, the paths git may hold, what is ignored, and why a ref moved."""

import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from evalcommons.core.errors import BadRequest, InvalidPath, TooLarge
from evalcommons.core.problems import show

MAX_PATH = 4096
"""Bytes in a path."""
MAX_SEGMENT = 255
"""Bytes between two slashes: what file systems take, so that every clone can be checked out."""
MAX_MESSAGE = 65_536
"""Characters in a commit's summary and description together."""
MAX_REASON = 200
"""Characters in a line of a ref's log."""
MAX_IGNORE_RULES = 65_536
"""Characters of a .gitignore that are looked at."""

_PLAIN_PATH = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_+.-]*(?:/[A-Za-z0-9_+][A-Za-z0-9_+.-]*)*")
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters by category, blank to the eye
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PARENT = re.compile(r"[0-9a-f]{7,40}")


class Header(NamedTuple):
    """The first line of a commit request.

    summary      title of the commit; one line
    description  what follows it; may be empty
    parent       commit id, full or shortened to 7 or more digits, that the branch must still be at; "" for any
    """

    summary: str
    description: str
    parent: str

    @property
    def message(self) -> str:
        """The commit's message."""
        return f"{self.summary}\n\n{self.description}" if self.description else self.summary


class File(NamedTuple):
    """Put these bytes at `path`."""

    path: str
    content: bytes


class LargeFile(NamedTuple):
    """Put a pointer to an uploaded large file at `path`. `size` in bytes; None where the client does not know it."""

    path: str
    sha256: str
    size: int | None


class Deletion(NamedTuple):
    """Remove the file, or with `is_folder` everything below the folder."""

    path: str
    is_folder: bool


class Copy(NamedTuple):
    """Put at `path` what stands at `source` in `revision` ("": the commit's own parent)."""

    path: str
    source: str
    revision: str


Operation = File | LargeFile | Deletion | Copy


def read_commit(lines: Iterable[bytes], file_limit: int) -> tuple[Header, Iterator[Operation]]:
    """The header of a commit request and, read as they are asked for, its operations in order.

    lines       the request's lines, one JSON object each; blank ones are skipped
    file_limit  bytes a file may have whose content stands in the request
    raises      BadRequest naming the line, InvalidPath, TooLarge
    source      HUB_API 7.2; `copyFile` as other hubs of this protocol take it
    """
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    number, line = next(numbered, (1, b""))
    key, value = _line(number, line) if line else ("", {})
    if key != "header":
        raise BadRequest(
            'The first line of a commit must be its header: {"key": "header", "value": {"summary": "what changed"}}'
        )
    return _header(value), (_operation(*_line(number, line), number, file_limit) for number, line in numbered)


def check_path(path: str) -> None:
    """Nothing when a file may be kept at `path` in a repo.

    raises  InvalidPath with the rule that is broken
    """
    if len(path) <= MAX_SEGMENT and _PLAIN_PATH.fullmatch(path):
        return
    if not path or len(path.encode("utf-8", "replace")) > MAX_PATH:
        raise InvalidPath(path, f"a path has 1 to {MAX_PATH} bytes")
    if "\\" in path:
        raise InvalidPath(path, 'use "/" between folders, never "\\"')
    if path.startswith("/"):
        raise InvalidPath(path, "paths start at the repo's root, without a slash in front")
    if any(unicodedata.category(c) in _INVISIBLE or c in _FILLERS for c in path):
        raise InvalidPath(path, "it holds a control, direction or invisible character: remove it")
    for segment in path.split("/"):
        if not segment:
            raise InvalidPath(path, "it holds an empty folder name: remove the extra slash")
        if segment in (".", ".."):
            raise InvalidPath(path, f'"{segment}" is not a name: write the path from the repo\'s root')
        if _is_git_folder(segment):
            raise InvalidPath(path, 'files cannot be put in a ".git" folder, whatever its spelling')
        if len(segment.encode()) > MAX_SEGMENT:
            raise InvalidPath(path, f"a name between slashes has at most {MAX_SEGMENT} bytes")


def ignored(rules: str, paths: Iterable[str]) -> set[str]:
    """Those of the paths that a .gitignore of this text leaves out; lines that are no rules count for nothing."""
    # Imported here: a hub starts without it, and few requests carry ignore rules.
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    lines = rules[:MAX_IGNORE_RULES].splitlines()
    # RE2 takes linear time whatever the pattern: rules and paths both come from strangers.
    try:
        spec = GitIgnoreSpec.from_lines(lines, backend="re2")
    except ValueError:
        spec = GitIgnoreSpec.from_lines([line for line in lines if _is_rule(line)], backend="re2")
    return {path for path in paths if spec.match_file(path)}


def reason(what: str, title: str) -> str:
    """One line for a ref's log: `what: title`, everything but printable ASCII escaped, at most 200 characters."""
    room = MAX_REASON - len(what) - 2
    title = title[:room]
    while len(escaped := title.encode("unicode_escape", "replace").decode("ascii")) > room:
        title = title[:-1]
    return f"{what}: {escaped}"


def read_reason(line: str) -> tuple[str, str]:
    """(what, title) of a line that `reason` wrote; ("", line) for any other."""
    what, colon, escaped = line.partition(": ")
    if not colon:
        return "", line
    try:
        title = escaped.encode("ascii").decode("unicode_escape")
    except UnicodeError:
        return what, escaped
    return what, title.encode("utf-8", "replace").decode()


def _line(number: int, line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"Line {number} of the commit is not JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("key"), str) or not isinstance(found.get("value"), dict):
        raise BadRequest(f'Line {number} of the commit must be an object with "key" and "value"')
    return found["key"], found["value"]


def _header(value: dict[str, Any]) -> Header:
    summary = _one_line(_text(value, "summary", 1))
    description = _readable(_text(value, "description", 1))
    if not summary:
        raise BadRequest('The commit needs a message: put it in "summary"')
    if len(summary) + len(description) > MAX_MESSAGE:
        raise BadRequest(f"The commit's message is longer than {MAX_MESSAGE} characters: shorten it")
    parent = _text(value, "parentCommit", 1).lower()
    if parent and not _PARENT.fullmatch(parent):
        raise BadRequest(f'"parentCommit" must be a commit id of 7 to 40 hex digits, not {show(parent)}')
    return Header(summary, description, parent)


def _operation(key: str, value: dict[str, Any], number: int, file_limit: int) -> Operation:
    path = _text(value, "path", number)
    match key:
        case "file":
            check_path(path)
            return File(path, _content(value, path, number, file_limit))
        case "lfsFile":
            check_path(path)
            return _large_file(value, path, number)
        case "deletedFile" | "deletedFolder":
            return Deletion(path.removeprefix("/").rstrip("/"), key == "deletedFolder")
        case "copyFile":
            check_path(path)
            return Copy(path, _text(value, "srcPath", number), _text(value, "srcRevision", number))
        case _:
            known = "file, lfsFile, deletedFile, deletedFolder, copyFile"
            raise BadRequest(f"Line {number} of the commit: {show(key)} is not an operation; there are {known}")


def _content(value: dict[str, Any], path: str, number: int, limit: int) -> bytes:
    content = value.get("content")
    if not isinstance(content, str):
        raise BadRequest(f'Line {number} of the commit: {path} has no "content"')
    encoding = value.get("encoding", "utf-8")
    if encoding == "base64":
        if len(content) * 3 // 4 <= limit + 2:
            try:
                data = binascii.a2b_base64(content, strict_mode=True)
            except (binascii.Error, ValueError) as error:
                raise BadRequest(f"Line {number} of the commit: {path} is not base64: {error}") from None
            if len(data) <= limit:
                return data
    elif encoding in ("utf-8", "utf8"):
        if len(content) <= limit and len(data := content.encode("utf-8", "replace")) <= limit:
            return data
    else:
        raise BadRequest(f'Line {number} of the commit: "encoding" is base64 or utf-8, not {show(encoding)}')
    raise TooLarge(
        f"{path} is larger than {limit:,} bytes, the most a file may have in a commit request: upload it through Git "
        "LFS (git-lfs, or huggingface_hub with HF_HUB_DISABLE_XET=1)"
    )


def _large_file(value: dict[str, Any], path: str, number: int) -> LargeFile:
    sha256 = _text(value, "oid", number).lower()
    size = value.get("size")
    if value.get("algo", "sha256") != "sha256" or not _SHA256.fullmatch(sha256):
        raise BadRequest(f'Line {number} of the commit: {path} needs the sha256 of its content in "oid", 64 hex digits')
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise BadRequest(f'Line {number} of the commit: "size" of {path} must be its bytes, not {show(size)}')
    return LargeFile(path, sha256, size)


def _text(value: dict[str, Any], field: str, number: int) -> str:
    found = value.get(field)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadRequest(f'Line {number} of the commit: "{field}" must be text, not {show(found)}')
    return found


def _one_line(text: str) -> str:
    return " ".join(_readable(text).split())


def _readable(text: str) -> str:
    """The text without control characters, which git cannot store and terminals obey; line ends and tabs stay."""
    text = text.strip()
    if text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def _is_git_folder(segment: str) -> bool:
    """Would some file system take this name for `.git`? Windows drops blanks, dots and streams, and has short names."""
    name = segment.partition(":")[0].rstrip(" .").casefold()
    return name in (".git", "git~1")


def _is_rule(line: str) -> bool:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  (as above)

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
