"""Pointers: what git-lfs writes we read, and nothing else is taken for one."""

import hashlib

import pytest

from evalcommons.core.lfs import Pointer, is_sha256, parse_pointer, pointer_bytes

SHA = hashlib.sha256(b"weights").hexdigest()


def test_a_pointer_survives_being_written_and_read():
    """What we write is what we read."""
    assert parse_pointer(pointer_bytes(SHA, 7)) == Pointer(SHA, 7)


def test_a_pointer_is_written_as_git_lfs_writes_it():
    """Same bytes, same git blob: a file committed here and one pushed with git-lfs are the same file."""
    assert pointer_bytes(SHA, 7) == f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 7\n".encode()


@pytest.mark.parametrize(
    "text",
    [
        f"version https://git-lfs.github.com/spec/v1\r\noid sha256:{SHA}\r\nsize 7\r\n",
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 7",
        f"version https://hawser.github.com/spec/v1\noid sha256:{SHA}\nsize 7\n",
        f"version https://git-lfs.github.com/spec/v1\next-0-case sha256:{SHA}\noid sha256:{SHA}\nsize 7\n",
    ],
)
def test_pointers_of_other_writers_are_read(text):
    """Line ends of Windows, the program's old name and extensions are pointers too."""
    assert parse_pointer(text.encode()) == Pointer(SHA, 7)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"version 2\n",
        b"version https://git-lfs.github.com/spec/v1\n",
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA.upper()}\nsize 7\n".encode(),
        f"version https://git-lfs.github.com/spec/v1\noid md5:{SHA}\nsize 7\n".encode(),
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize -7\n".encode(),
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 7\nsize 8\n".encode(),
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize {'9' * 40}\n".encode(),
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 7\nhello there\n".encode(),
        b"version https://git-lfs.github.com/spec/v1\n\xff\xfe",
        pointer_bytes(SHA, 7) + b" " * 1024,
    ],
)
def test_what_is_not_a_pointer_is_a_file(data):
    """A text that only looks like a pointer is kept as what it is."""
    assert parse_pointer(data) is None


def test_a_sha256_has_one_spelling():
    """Names of stored files are lower case, full length, and nothing that could be a path."""
    assert is_sha256(SHA)
    assert not any(is_sha256(text) for text in (SHA.upper(), SHA[:-1], SHA + "0", "../" + SHA[3:], SHA + "\n"))
