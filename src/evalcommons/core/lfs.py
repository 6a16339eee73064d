"""Git LFS pointers: the small files that stand in git where a large file belongs."""

import re
from typing import NamedTuple

MAX_POINTER = 1024
"""Bytes a pointer may have; a larger file is a file."""

MAX_SIZE = 5 * 1024**4
"""Bytes a large file may have: what one object of an S3 store can hold."""

_VERSIONS = frozenset(
    (
        "https://git-lfs.github.com/spec/v1",
        "https://hawser.github.com/spec/v1",  # what the program was called before 2015
    )
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,16}")
_EXTENSION = re.compile(r"ext-[0-9]-[A-Za-z0-9_-]+")


class Pointer(NamedTuple):
    """Which large file is meant.

    sha256  of its bytes, hex
    size    its bytes
    """

    sha256: str
    size: int


def is_sha256(text: str) -> bool:
    """Is this a sha256: 64 lower-case hex digits?"""
    return _SHA256.fullmatch(text) is not None


def parse_pointer(data: bytes) -> Pointer | None:
    """The pointer that a file's bytes are, or None when they are something else.

    source  git-lfs `docs/spec.md`, "The Pointer", read 2026-11-20; extensions are allowed, as the program allows them
    """
    if len(data) > MAX_POINTER or not data.startswith(b"version "):
        return None
    try:
        lines = data.decode("utf-8").rstrip().split("\n")
    except UnicodeDecodeError:
        return None
    said: dict[str, str] = {}
    for line in lines:
        key, blank, value = line.rstrip("\r").partition(" ")
        if not blank or key in said or (key not in ("version", "oid", "size") and not _EXTENSION.fullmatch(key)):
            return None
        said[key] = value
    method, _, sha256 = said.get("oid", "").partition(":")
    size = said.get("size", "")
    if said["version"] not in _VERSIONS or method != "sha256" or not is_sha256(sha256) or not _NUMBER.fullmatch(size):
        return None
    return Pointer(sha256, int(size))


def pointer_bytes(sha256: str, size: int) -> bytes:
    """The pointer file for a large file, byte for byte as git-lfs writes it."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
