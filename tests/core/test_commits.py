"""Commit requests: their lines, paths, ignore rules, and what a ref's log says."""

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.commits import (
    MAX_REASON,
    Copy,
    Deletion,
    File,
    Header,
    LargeFile,
    check_path,
    ignored,
    read_commit,
    read_reason,
    reason,
)
from evalcommons.core.errors import BadRequest, InvalidPath, TooLarge

SHA = "a" * 64
HEADER = {"key": "header", "value": {"summary": "Add things", "description": "Because"}}


def lines(*objects: object) -> list[bytes]:
    return [json.dumps(each).encode() for each in objects]


def file(path: str, content: bytes = b"x") -> dict:
    return {
        "key": "file",
        "value": {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"},
    }


def test_every_kind_of_line_is_understood():
    """Header first, then the operations in order; blank lines count for nothing."""
    request = lines(
        HEADER,
        file("a.txt", b"\x00\xff"),
        {"key": "file", "value": {"path": "b.txt", "content": "plain ünï text"}},
        {"key": "lfsFile", "value": {"path": "c.bin", "algo": "sha256", "oid": SHA, "size": 5}},
        {"key": "lfsFile", "value": {"path": "d.bin", "algo": "sha256", "oid": SHA}},
        {"key": "deletedFile", "value": {"path": "old"}},
        {"key": "deletedFolder", "value": {"path": "dir/"}},
        {"key": "copyFile", "value": {"path": "to", "srcPath": "from", "srcRevision": "v1"}},
    )
    header, operations = read_commit([b"", *request, b"\n"], 100)
    assert header == Header("Add things", "Because", "")
    assert header.message == "Add things\n\nBecause"
    assert list(operations) == [
        File("a.txt", b"\x00\xff"),
        File("b.txt", "plain ünï text".encode()),
        LargeFile("c.bin", SHA, 5),
        LargeFile("d.bin", SHA, None),
        Deletion("old", is_folder=False),
        Deletion("dir", is_folder=True),
        Copy("to", "from", "v1"),
    ]


@pytest.mark.parametrize(
    ("request_lines", "says"),
    [
        ([], "must be its header"),
        (lines(file("a")), "must be its header"),
        ([b"{"], "Line 1 of the commit is not JSON"),
        ([b'["header"]'], '"key" and "value"'),
        (lines({"key": "header", "value": {"summary": " \n "}}), "needs a message"),
        (lines({"key": "header", "value": {"summary": 5}}), '"summary" must be text, not 5'),
        (lines({"key": "header", "value": {"summary": "x" * 70_000}}), "longer than"),
        (lines({"key": "header", "value": {"summary": "x", "parentCommit": "main"}}), "7 to 40 hex digits"),
        (lines(HEADER, {"key": "rename", "value": {"path": "a"}}), '"rename" is not an operation'),
        (lines(HEADER, {"key": "file", "value": {"path": "a"}}), 'a has no "content"'),
        (lines(HEADER, {"key": "file", "value": {"path": "a", "content": "*", "encoding": "base64"}}), "not base64"),
        (
            lines(HEADER, {"key": "file", "value": {"path": "a", "content": "", "encoding": "utf-16"}}),
            "base64 or utf-8",
        ),
        (lines(HEADER, {"key": "lfsFile", "value": {"path": "a", "oid": "1"}}), "64 hex digits"),
        (lines(HEADER, {"key": "lfsFile", "value": {"path": "a", "oid": SHA, "size": -1}}), "must be its bytes"),
        ([lines(HEADER)[0], b'{"key": "file", "value": {"path": "a", "content": NaN}}'], "Line 2"),
        ([lines(HEADER)[0], b'{"key": "file", "value": {"path": "\\ud800"}}'], "Line 2"),
    ],
)
def test_a_line_that_is_wrong_is_named(request_lines, says):
    """The message says which line and what to send instead."""
    with pytest.raises(BadRequest, match=says):
        list(read_commit(request_lines, 100)[1])


@pytest.mark.parametrize("encoding", ["base64", "utf-8"])
def test_a_file_over_the_limit_is_told_the_way_through_lfs(encoding):
    """The limit counts the file's bytes, not their encoding."""

    def sent(size: int) -> list[bytes]:
        content = "x" * size if encoding == "utf-8" else base64.b64encode(b"x" * size).decode()
        return lines(HEADER, {"key": "file", "value": {"path": "a", "content": content, "encoding": encoding}})

    assert list(read_commit(sent(100), 100)[1]) == [File("a", b"x" * 100)]
    with pytest.raises(TooLarge, match=r"larger than 100 bytes.*LFS"):
        list(read_commit(sent(101), 100)[1])


def test_a_title_is_one_line_without_control_characters():
    """A commit's title stands in lists and terminals."""
    header, _ = read_commit(
        lines({"key": "header", "value": {"summary": "a\n\x1b[31mb\x00 c", "description": "d\x00"}}), 1
    )
    assert header == Header("a [31mb c", "d", "")


@pytest.mark.parametrize(
    "path",
    [
        "a", "a/b/c.txt", ".gitattributes", ".eval_results/gsm8k.yaml", "ünï/日本.md", "a b/c d", "x" * 255, "a..b",
        ".github/x", "git", "a.git/x", "~", "-", "c:d",
    ],
)  # fmt: skip
def test_ordinary_paths_are_taken(path):
    """Spaces, dots and other scripts are names like any other."""
    check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../x", "a/../b", "a/..", ".", "./a", "a//b", "a/", "..\\ddd", "a\\b", "C:\\x",
        ".git/config", "a/.git/hooks/x", ".GIT/config", ".Git", ".git./x", ".git /x", "git~1/x", "GIT~1",
        ".git::$INDEX/x",
        ".g\u200cit/config", "a\x00b", "a\nb", "a\x7fb", "\u202egnp.exe", "a\u200bb", "a\u2066b", "\ufeffa", "a\u2028b",
        "\u3164", "x" * 256, "ü" * 128, "a/" * 2049 + "b", "\ud800",
    ],
)  # fmt: skip
def test_paths_that_escape_deceive_or_break_checkouts_are_refused(path):
    """Absolute, upwards, git's own folder in any spelling, invisible characters, endless names."""
    with pytest.raises(InvalidPath, match="cannot be used: "):
        check_path(path)


def test_gitignore_rules_leave_out_what_git_would():
    """Patterns, folders, anchors, negation; a line that is no rule is skipped."""
    rules = "# comment\n*.tmp\n/cache/\ndata/*\n!data/keep.csv\n!\n***\x00\n"
    paths = ["a.tmp", "b/c.tmp", "cache/x", "d/cache/x", "data/x.csv", "data/keep.csv", "README.md"]
    assert ignored("*.tmp\n/cache/\ndata/*\n!data/keep.csv\n", paths) == {"a.tmp", "b/c.tmp", "cache/x", "data/x.csv"}
    assert {"a.tmp", "b/c.tmp"} <= ignored("*.tmp\n!\n", paths)
    assert isinstance(ignored(rules, paths), set)


def test_hostile_ignore_rules_take_no_time():
    """Patterns of many stars against long names take hours in a backtracking engine."""
    start = time.perf_counter()
    ignored("\n".join(["*a*a*a*a*a*a*a*a*b", "**/a/**/a/**/a/**/b"] * 50), ["a" * 255, "a/" * 2000 + "c"])
    assert time.perf_counter() - start < 5


@given(st.text(max_size=300))
def test_what_a_log_line_says_can_be_read_back(title):
    """Titles in any script survive in printable ASCII, cut to the length of a line."""
    line = reason("open pull request", title)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= MAX_REASON
    what, told = read_reason(line)
    assert what == "open pull request"
    clean = title.encode("utf-8", "replace").decode()
    assert clean.startswith(told) or told == clean


@given(st.text(max_size=100))
def test_any_log_line_can_be_read(line):
    """People push with whatever message they like."""
    what, title = read_reason(line)
    title.encode()
    assert line.startswith(what)
