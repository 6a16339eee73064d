"""Trees, refs, history and files over HTTP."""

import hashlib
import random

import pytest

from evalcommons.core.ids import MAIN
from evalcommons.storage.git import Person

WHO = Person("alice", "alice@example.org")
BIG = random.Random(1).randbytes(2_500_000)


@pytest.fixture
def tiny(make_repo, commit_files):
    row = make_repo("alice/tiny")
    commit_files(
        row, {"README.md": b"# Tiny\n", "d/ä b.txt": b"0123456789", "page.html": b"<script>"}, large={"w.bin": BIG}
    )
    return row


# --- trees ------------------------------------------------------------------------------------------------------------


def test_a_tree_says_git_ids_and_real_sizes(client, tiny):
    """For a large file the pointer's id, the file's size, and both under lfs."""
    items = {item["path"]: item for item in client().get("/api/models/alice/tiny/tree/main?recursive=true").json()}
    assert list(items) == [".gitattributes", "README.md", "d", "d/ä b.txt", "page.html", "w.bin"]
    assert items["d"].keys() == {"type", "oid", "size", "path"}
    assert (items["d"]["type"], items["d"]["size"]) == ("directory", 0)
    assert items["README.md"]["oid"] == hashlib.sha1(b"blob 7\0# Tiny\n").hexdigest()
    large = items["w.bin"]
    assert large["size"] == large["lfs"]["size"] == len(BIG)
    assert large["lfs"]["oid"] == hashlib.sha256(BIG).hexdigest()
    assert large["lfs"]["pointerSize"] < 200
    assert "lastCommit" not in large


def test_a_folder_s_path_is_one_encoded_segment_or_many(client, tiny):
    """And a missing one is EntryNotFound with the commit."""
    for path in ("d", "d/", "%64"):
        found = client().get(f"/api/models/alice/tiny/tree/main/{path}").json()
        assert [item["path"] for item in found] == ["d/ä b.txt"]
    for path in ("nope", "d%2Fnope", "README.md", "%2e%2e", "%2e%2e%2f%2e%2e", "d%00"):
        answer = client().get(f"/api/models/alice/tiny/tree/main/{path}")
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "EntryNotFound"), path
        assert len(answer.headers["X-Repo-Commit"]) == 40
    assert client().get("/api/models/alice/tiny/tree/nope").headers["X-Error-Code"] == "RevisionNotFound"


def test_pages_of_a_tree_stay_on_their_commit(client, tiny, commit_files):
    """The next address leads on in the same commit, whatever was pushed meanwhile."""
    answer = client().get("/api/models/alice/tiny/tree/main?recursive=true&limit=2")
    paths = [item["path"] for item in answer.json()]
    commit_files(tiny, {"README.md": None, "a": b"a"})
    while "Link" in answer.headers:
        answer = client().get(answer.headers["Link"][1:].partition(">")[0])
        paths += [item["path"] for item in answer.json()]
    assert paths == [".gitattributes", "README.md", "d", "d/ä b.txt", "page.html", "w.bin"]
    for cursor in ("x", "x:y", f"{'0' * 40}:a"):
        assert client().get(f"/api/models/alice/tiny/tree/main?cursor={cursor}").status_code in (400, 404)


def test_last_commits_come_with_expand(client, tiny):
    """Id, title and date of each."""
    for item in client().get("/api/models/alice/tiny/tree/main?recursive=true&expand=true").json():
        assert item["lastCommit"].keys() == {"id", "title", "date"}


def test_paths_info_leaves_out_what_is_not_there(client, tiny):
    """As a form or as JSON; files and folders."""
    url = "/api/models/alice/tiny/paths-info/main"
    form = client().post(url, data={"paths": ["w.bin", "d", "nope"], "expand": "true"})
    assert [(item["path"], item["type"]) for item in form.json()] == [("w.bin", "file"), ("d", "directory")]
    assert all("lastCommit" in item for item in form.json())
    plain = client().post(url, json={"paths": ["d/ä b.txt"], "expand": False}).json()
    assert [item["path"] for item in plain] == ["d/ä b.txt"]
    assert "lastCommit" not in plain[0]
    for body in ({}, {"paths": 7}, {"paths": [7]}, {"paths": ["x"] * 3000}, []):
        assert client().post(url, json=body).status_code == 400
    assert client().post(url, content=b"\xff\xfe").status_code == 400
    assert client().post(url, content=b"paths=" + b"x" * 5_000_000).status_code == 413
    missing = client().post("/api/models/alice/tiny/paths-info/nope", data={"paths": "a"})
    assert missing.headers["X-Error-Code"] == "RevisionNotFound"


def test_refs_are_sorted_into_their_kinds(client, hub, tiny):
    """Pull requests only when asked for, in the order of their numbers."""
    git = hub.repos.git.open(tiny.uid)
    head = git.resolve("main")
    for name in ("refs/pr/2", "refs/pr/10", "refs/tags/v1", "refs/heads/a/b", "refs/convert/parquet"):
        git.move_ref(name, head, expected=None, who=WHO, why="test")
    found = client().get("/api/models/alice/tiny/refs").json()
    assert found["branches"] == [
        {"name": "a/b", "ref": "refs/heads/a/b", "targetCommit": head},
        {"name": "main", "ref": MAIN, "targetCommit": head},
    ]
    assert [ref["name"] for ref in found["tags"]] == ["v1"]
    assert [ref["name"] for ref in found["converts"]] == ["parquet"]
    assert "pullRequests" not in found
    pulls = client().get("/api/models/alice/tiny/refs?include_prs=1").json()["pullRequests"]
    assert [ref["name"] for ref in pulls] == ["2", "10"]


def test_history_is_listed_in_pages(client, tiny, commit_files):
    """Newest first; HTML only in what is meant to be shown as such."""
    for number in range(3):
        commit_files(tiny, {"n": str(number).encode()})
    whole = client().get("/api/models/alice/tiny/commits/main").json()
    assert len(whole) == 5
    assert whole[-1]["title"] == "initial commit"
    assert whole[0].keys() == {"id", "title", "message", "authors", "date"}
    answer = client().get("/api/models/alice/tiny/commits/main?limit=2")
    paged = answer.json()
    while "Link" in answer.headers:
        answer = client().get(answer.headers["Link"][1:].partition(">")[0])
        paged += answer.json()
    assert paged == whole
    shown = client().get("/api/models/alice/tiny/commits/main?expand[]=formatted").json()
    assert shown[0]["formatted"] == {"title": "Files", "message": ""}
    for cursor in ("x", f"{'0' * 40}:-1", f"{whole[0]['id']}:1e9"):
        assert client().get(f"/api/models/alice/tiny/commits/main?cursor={cursor}").status_code == 400


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_comes_with_what_caches_need(client, tiny):
    """The id in the tree is the ETag, for large files the sha256; HEAD says the same without the bytes."""
    sha = client().get("/api/models/alice/tiny").json()["sha"]
    items = {item["path"]: item for item in client().get("/api/models/alice/tiny/tree/main").json()}
    for path, etag, data in (
        ("README.md", items["README.md"]["oid"], b"# Tiny\n"),
        ("w.bin", items["w.bin"]["lfs"]["oid"], BIG),
    ):
        answer = client().get(f"/alice/tiny/resolve/main/{path}")
        head = client().head(f"/alice/tiny/resolve/main/{path}")
        assert (answer.status_code, answer.content) == (200, data)
        assert (head.status_code, head.content) == (200, b"")
        for one in (answer, head):
            assert one.headers["ETag"] == f'"{etag}"'
            assert one.headers["X-Repo-Commit"] == sha
            assert one.headers["Content-Length"] == str(len(data))
            assert one.headers["Accept-Ranges"] == "bytes"
            assert "Content-Encoding" not in one.headers
    assert client().head("/alice/tiny/resolve/main/w.bin").headers["X-Linked-Size"] == str(len(BIG))
    assert "X-Linked-Etag" not in client().head("/alice/tiny/resolve/main/README.md").headers


def test_revisions_of_files_may_be_encoded_or_not(client, hub, tiny, make_repo, commit_files):
    """refs%2Fpr%2F1 and refs/pr/1 name the same."""
    git = hub.repos.git.open(tiny.uid)
    git.move_ref("refs/pr/1", git.resolve("main"), expected=None, who=WHO, why="test")
    for revision in ("main", "refs%2Fpr%2F1", "refs%2fpr%2f1", "refs/pr/1", "refs/heads/main", git.resolve("main")[:8]):
        for name in ("d/%C3%A4%20b.txt", "d%2F%C3%A4%20b.txt"):
            assert client().get(f"/alice/tiny/resolve/{revision}/{name}").content == b"0123456789", revision
    data = make_repo("alice/data", "dataset")
    commit_files(data, {"a.csv": b"a,b\n"})
    assert client().get("/datasets/alice/data/resolve/main/a.csv").content == b"a,b\n"


@pytest.mark.parametrize(
    ("asked", "status", "first", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=2-4", 206, 2, 5),
        ("bytes=5-", 206, 5, 10),
        ("bytes=-3", 206, 7, 10),
        ("bytes=-99", 206, 0, 10),
        ("bytes=0-99", 206, 0, 10),
        ("bytes = 2-4", 206, 2, 5),
        ("bytes=10-", 416, 0, 0),
        ("bytes=99-100", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=4-2", 200, 0, 10),
        ("bytes=0-1,3-4", 200, 0, 10),
        ("bytes=-", 200, 0, 10),
        ("bytes=a-b", 200, 0, 10),
        ("bytes=" + "9" * 400 + "-", 200, 0, 10),
        ("bytes=\u0663-", 200, 0, 10),
        ("items=0-1", 200, 0, 10),
        ("", 200, 0, 10),
    ],
)
def test_ranges_are_cut_exactly(client, tiny, asked, status, first, end):
    """206 with the range and the total, 416 past the end, the whole for what is not understood."""
    answer = client().get("/alice/tiny/resolve/main/d/%C3%A4%20b.txt", headers={"Range": asked.encode()})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["Content-Range"] == "bytes */10"
        return
    assert answer.content == b"0123456789"[first:end]
    assert answer.headers["Content-Length"] == str(end - first)
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/10"


def test_ranges_of_large_files_are_cut_exactly(client, tiny, commit_files):
    """From the store of large files, and from a file of the same size kept in git."""
    commit_files(tiny, {"git.dat": BIG})
    for name in ("w.bin", "git.dat"):
        for start, end in ((0, 1), (1_000_000, 1_000_010), (1, 2_400_000), (len(BIG) - 1, len(BIG))):
            answer = client().get(f"/alice/tiny/resolve/main/{name}", headers={"Range": f"bytes={start}-{end - 1}"})
            assert (answer.status_code, answer.content == BIG[start:end]) == (206, True)


def test_conditions_are_honoured(client, tiny):
    """304 for who has it; a range only of the version that the client has begun."""
    url = "/alice/tiny/resolve/main/README.md"
    etag = client().get(url).headers["ETag"]
    for tags in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        for method in ("GET", "HEAD"):
            answer = client().request(method, url, headers={"If-None-Match": tags})
            assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    assert client().get(url, headers={"If-None-Match": '"x"'}).status_code == 200
    assert client().get(url, headers={"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert client().get(url, headers={"Range": "bytes=0-1", "If-Range": '"x"'}).status_code == 200


def test_an_empty_file_is_sent(client, tiny, commit_files):
    """Nothing, with a length of 0."""
    commit_files(tiny, {"empty": b""})
    answer = client().get("/alice/tiny/resolve/main/empty")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")
    assert client().get("/alice/tiny/resolve/main/empty", headers={"Range": "bytes=0-"}).status_code == 416


@pytest.mark.parametrize("name", ["page.html", "x.svg", "x.xhtml", "x.js", "x.xml", "X.HTML", "x.htm", "x", "x.wasm"])
def test_a_hostile_file_is_inert(client, tiny, commit_files, name):
    """Nothing in a repo runs in the browser of somebody who opens it."""
    commit_files(tiny, {name: b"<script>alert(1)</script>"})
    for kind in ("resolve", "raw"):
        headers = client().get(f"/alice/tiny/{kind}/main/{name}").headers
        assert headers["Content-Type"] in ("text/plain; charset=utf-8", "application/octet-stream")
        assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ['a"b;c.txt', "ä.txt", "日本.txt", "a b.txt", "%0d%0a.txt", "'.txt", "\u202etxt.exe"])
def test_a_strange_name_makes_a_harmless_header(client, hub, tiny, name):
    """Header values stay ASCII, on one line, without blanks at their ends."""
    git = hub.repos.git.open(tiny.uid)
    head = git.resolve("main")
    tree = git.write_tree(
        head, {name: (git.write_blob(b"x"), 0o100644), "\r\nX-Evil: 1 ": (git.write_blob(b"y"), 0o100644)}
    )
    commit = git.write_commit(tree, [head], WHO, 0, "names")
    git.move_ref("refs/heads/names", commit, expected=None, who=WHO, why="names")
    from urllib.parse import quote

    for path in (name, "\r\nX-Evil: 1 "):
        answer = client().get(f"/alice/tiny/resolve/names/{quote(path)}")
        assert answer.status_code == 200
        value = answer.headers["Content-Disposition"]
        assert value.isascii()
        assert value == value.strip()
        assert not set("\r\n") & set(value)
        assert "X-Evil" not in answer.headers


def test_a_missing_file_names_the_commit_it_is_missing_from(client, tiny):
    """Clients remember the absence only with X-Repo-Commit."""
    sha = client().get("/api/models/alice/tiny").json()["sha"]
    for path in ("nope.txt", "d", "README.md/x", "..%2f..%2fetc%2fpasswd", "README.md%00.html"):
        for method in ("GET", "HEAD"):
            answer = client().request(method, f"/alice/tiny/resolve/main/{path}")
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "EntryNotFound"), path
            assert answer.headers["X-Repo-Commit"] == sha
    wrong = client().head("/alice/tiny/resolve/nope/README.md")
    assert (wrong.status_code, wrong.headers["X-Error-Code"]) == (404, "RevisionNotFound")


def test_a_gate_keeps_files_and_pointers(client, make_user, make_repo, commit_files):
    """The message is the one that clients show; large files are behind it too."""
    row = make_repo("alice/gated", gated="manual")
    commit_files(row, {"a.txt": b"a"}, large={"w.bin": b"w" * 300})
    _, token = make_user("bob")
    for path in ("resolve/main/a.txt", "resolve/main/w.bin", "raw/main/w.bin", "resolve/main/nope"):
        for who, status in ((client(), 401), (client(token), 403)):
            answer = who.get(f"/alice/gated/{path}")
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (status, "GatedRepo")
            assert "Access to model alice/gated is restricted" in answer.json()["error"]
    assert client().get("/api/models/alice/gated").json()["gated"] == "manual"


def test_raw_shows_the_pointer_of_a_large_file(client, tiny):
    """As text."""
    answer = client().get("/alice/tiny/raw/main/w.bin")
    assert answer.content.startswith(b"version https://git-lfs.github.com/spec/v1\noid sha256:")
    assert answer.headers["ETag"] != client().head("/alice/tiny/resolve/main/w.bin").headers["ETag"]


def test_downloads_are_counted_when_the_client_says_they_count(client, hub, tiny):
    """Whole files fetched by GET; not HEAD, not what is cached, not the rest of a resumed file."""
    url = "/alice/tiny/resolve/main/README.md"
    counting = {"X-HF-Download-Counter": "1"}
    etag = client().get(url).headers["ETag"]
    client().head(url, headers=counting)
    client().get(url, headers=counting | {"If-None-Match": etag})
    client().get(url, headers=counting | {"Range": "bytes=3-"})
    client().get("/alice/tiny/resolve/main/nope", headers=counting)
    hub.downloads.flush()
    assert client().get("/api/models/alice/tiny").json()["downloads"] == 0
    client().get(url, headers=counting)
    hub.downloads.flush()
    assert client().get("/api/models/alice/tiny").json()["downloads"] == 1
