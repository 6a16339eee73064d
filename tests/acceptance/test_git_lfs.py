"""git-lfs and huggingface_hub move large files in and out of a live hub."""

import hashlib
import io
import os
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd

from evalcommons.core.access import TokenRole
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.core.lfs import Pointer, pointer_bytes
from evalcommons.services import large_files
from git_clients import Copy, wait_for

needs_git_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")

DATA = os.urandom(300_000)
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def repo(server, request):
    """repo("alice", kind="model", private=False, gated="") -> a new repo of hers."""

    def make(owner, kind="model", **settings):
        server.user(owner)
        actor = server.hub.accounts.actor(owner)
        with server.hub.index.read() as db:
            count = len(db.repos.all())
        row = server.hub.repos.create(actor, RepoId(RepoKind(kind), owner, f"repo-{count}"))
        return server.hub.repos.configure(actor, row.repo_id, **settings) if settings else row

    return make


@pytest.fixture
def clone(server):
    """clone("alice/tiny", token, ok=True) -> a working copy in which git-lfs is at work."""

    def make(path, token=None, *, ok=True):
        env = server.env()
        copy = Copy(server.home, env)
        copy.git("lfs", "install", "--skip-repo")
        folder = server.home / f"{env['HOME']}-copy"
        copy.said = copy.git("clone", server.git_url(path, token), folder, ok=ok)
        copy.folder = folder
        return copy

    return make


@pytest.fixture
def batch(server):
    """batch(row, operation, objects, token=…, **more) -> the answer of the batch call."""

    def ask(row, operation, objects, token=None, base=None, **more):
        return httpx2.post(
            f"{base or server.url}/{row.repo_id.path}.git/info/lfs/objects/batch",
            json={"operation": operation, "objects": objects, **more},
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    return ask


# --- git-lfs ------------------------------------------------------------------------------------------------------


@needs_git_lfs
@pytest.mark.parametrize("kind", ["model", "dataset"])
@pytest.mark.parametrize("suffix", ["", ".git"])
def test_a_large_file_is_pushed_and_cloned(repo, clone, server, kind, suffix):
    """git-lfs sends the bytes, git the pointer; whoever clones gets the file, anonymous too."""
    row = repo("alice", kind)
    copy = clone(row.repo_id.path + suffix, server.user("alice"))
    copy.commit({"model.safetensors": DATA, "README.md": "small"})
    copy.git("push")
    git = server.hub.repos.git.open_once(row.uid)
    assert git.read_path(git.resolve("main"), "model.safetensors") == pointer_bytes(SHA, len(DATA))
    again = clone(row.repo_id.path + suffix)
    assert (again.folder / "model.safetensors").read_bytes() == DATA


@needs_git_lfs
def test_a_private_large_file_is_for_those_who_may_read(repo, clone, server):
    """The owner clones it; a stranger learns nothing."""
    row = repo("alice", private=True)
    copy = clone(str(row.repo_id), server.user("alice"))
    copy.commit({"model.bin": DATA})
    copy.git("push", "-q")
    assert (clone(str(row.repo_id), server.user("alice")).folder / "model.bin").read_bytes() == DATA
    clone(str(row.repo_id), server.user("bob"), ok=False)


@needs_git_lfs
def test_a_push_without_the_bytes_is_refused_until_they_come(repo, clone, server):
    """git without git-lfs's hook sends a pointer only: refused with the remedy, which works."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    copy.commit({"model.bin": os.urandom(5000)})
    said = copy.git("push", "--no-verify", ok=False)
    assert "A large file is missing: send with `git lfs push --all origin`" in said
    copy.git("lfs", "push", "--all", "origin")
    copy.git("push", "-q", "--no-verify")


@needs_git_lfs
def test_a_pull_request_brings_its_large_file(repo, clone, server):
    """Who may only propose sends large files with the proposal."""
    row = repo("alice")
    server.user("bob")
    bob = server.hub.accounts.actor("bob")
    num = server.hub.discussions.create(bob, row.repo_id, "Weights", "", pull_request=True)
    copy = clone(str(row.repo_id), server.user("bob"))
    data = os.urandom(10_000)
    new = copy.commit({"model.bin": data})
    copy.git("push", "-q", "origin", f"main:refs/pr/{num}")
    assert server.hub.repos.git.open_once(row.uid).ref(f"refs/pr/{num}") == new
    owner = clone(str(row.repo_id), server.user("alice"))
    owner.git("fetch", "-q", "origin", f"refs/pr/{num}:pr")
    owner.git("checkout", "-q", "pr")
    assert (owner.folder / "model.bin").read_bytes() == data


@needs_git_lfs
def test_who_may_not_push_sends_no_large_file(repo, clone, server):
    """A read token is told so before a byte moves."""
    row = repo("alice")
    token = server.hub.accounts.create_token("alice", f"reader {row.name}", TokenRole.READ)
    copy = clone(str(row.repo_id), token)
    data = os.urandom(2000)
    copy.commit({"model.bin": data})
    assert "does not allow this" in copy.git("push", ok=False)
    assert server.hub.large_files.blobs.size(hashlib.sha256(data).hexdigest()) is None


@needs_git_lfs
def test_locks_are_refused_politely(repo, clone, server):
    """`git lfs lock` gets a sentence, and pushes go on without locks."""
    copy = clone(str(repo("alice").repo_id), server.user("alice"))
    copy.commit({"model.bin": os.urandom(2000)})
    copy.git("push", "-q")
    assert "no file locks" in copy.git("lfs", "lock", "model.bin", ok=False)
    assert "no file locks" in copy.git("lfs", "locks", ok=False)


@needs_git_lfs
def test_git_lfs_sends_parts_through_the_hubs_own_agent(repo, clone, server, monkeypatch):
    """What `hf lfs-enable-largefiles` sets up: git-lfs offers multipart, the parts arrive, the file is whole."""
    monkeypatch.setattr(large_files, "_PART", 100_000)
    monkeypatch.setattr("evalcommons.web.lfs.IN_PARTS_FROM", 200_000)
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    copy.git("config", "lfs.customtransfer.multipart.path", shutil.which("hf", path=copy.env["PATH"]))
    copy.git("config", "lfs.customtransfer.multipart.args", "lfs-multipart-upload")
    data = os.urandom(450_000)
    copy.commit({"model.bin": data, "small.bin": b"small"})
    copy.git("push")
    again = clone(str(row.repo_id))
    assert (again.folder / "model.bin").read_bytes() == data
    assert (again.folder / "small.bin").read_bytes() == b"small"
    parts = server.hub.settings.data / "blobs" / "parts"
    assert not [path for path in parts.rglob("*") if path.is_file()]


# --- huggingface_hub ----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # huggingface_hub's own
@pytest.mark.parametrize("in_parts", [False, True])
def test_huggingface_hub_uploads_a_file_object(repo, server, monkeypatch, in_parts):
    """A file object over the commit request's limit goes through LFS, in parts when it is large."""
    monkeypatch.setattr(large_files, "_PART", 100_000)
    if in_parts:
        monkeypatch.setattr("evalcommons.web.lfs.IN_PARTS_FROM", 200_000)
    object.__setattr__(server.hub.commits, "file_limit", 1000)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    try:
        row, data = repo("alice"), os.urandom(350_000)
        api = server.api(server.user("alice"))
        api.create_commit(
            str(row.repo_id), [CommitOperationAdd("weights.bin", io.BytesIO(data))], commit_message="Add weights"
        )
    finally:
        object.__setattr__(server.hub.commits, "file_limit", server.hub.settings.regular_file_limit)
    path = api.hf_hub_download(str(row.repo_id), "weights.bin", cache_dir=server.home / "cache")
    assert Path(path).read_bytes() == data
    assert server.hub.large_files.missing(row, [Pointer(hashlib.sha256(data).hexdigest(), len(data))]) == []


def test_a_commit_cannot_point_at_what_was_never_sent(repo, server):
    """Knowing a sha256 does not put the file into one's repo."""

    row = repo("mallory")
    answer = httpx2.post(
        f"{server.url}/api/models/{row.repo_id}/commit/main",
        content=(
            '{"key":"header","value":{"summary":"steal"}}\n'
            f'{{"key":"lfsFile","value":{{"path":"m.bin","algo":"sha256","oid":"{SHA}","size":{len(DATA)}}}}}\n'
        ),
        headers={"Authorization": f"Bearer {server.user('mallory')}", "Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 400
    assert "was not uploaded to this repo" in answer.json()["error"]


# --- the calls themselves -----------------------------------------------------------------------------------------


@pytest.fixture
def sent(repo, batch, server):
    """A public repo that has DATA, sent by its owner."""
    row, token = repo("alice"), server.user("alice")
    answer = batch(row, "upload", [{"oid": SHA, "size": len(DATA)}], token).json()
    assert httpx2.put(answer["objects"][0]["actions"]["upload"]["href"], content=DATA).status_code == 200
    return row


def test_every_address_is_on_the_host_the_client_used(repo, batch, server):
    """A client on `localhost` gets addresses on `localhost`: clients refuse other hosts."""
    row, token = repo("alice"), server.user("alice")
    base = server.url.replace("127.0.0.1", "localhost")
    answer = batch(row, "upload", [{"oid": "ab" * 32, "size": 5}], token, base).json()
    actions = answer["objects"][0]["actions"]
    assert all(action["href"].startswith(f"{base}/{row.repo_id}.git/info/lfs/") for action in actions.values())
    assert answer["transfer"] == "basic"


def test_the_bytes_go_without_credentials_and_are_verified(repo, batch, server):
    """The upload's address carries its own leave; `verify` says whether the file came."""
    row, token = repo("alice"), server.user("alice")
    data = b"a model of some size"
    sha256 = hashlib.sha256(data).hexdigest()
    actions = batch(row, "upload", [{"oid": sha256, "size": len(data)}], token).json()["objects"][0]["actions"]
    verify = {"oid": sha256, "size": len(data)}
    assert httpx2.post(actions["verify"]["href"], json=verify).status_code == 404
    assert httpx2.put(actions["upload"]["href"], content=b"something else entirely").status_code == 400
    assert httpx2.post(actions["verify"]["href"], json=verify).status_code == 404
    assert httpx2.put(actions["upload"]["href"], content=data).status_code == 200
    assert httpx2.post(actions["verify"]["href"], json=verify).status_code == 200
    again = batch(row, "upload", [{"oid": sha256, "size": len(data)}], token).json()["objects"][0]
    assert "actions" not in again


def test_a_stored_file_is_asked_of_everybody_who_claims_to_have_it(repo, batch, sent, server):
    """The store has the bytes already; another repo gets them only from somebody who sends them."""
    other = repo("mallory")
    found = batch(other, "upload", [{"oid": SHA, "size": len(DATA)}], server.user("mallory")).json()["objects"][0]
    assert "upload" in found["actions"]
    down = batch(other, "download", [{"oid": SHA, "size": len(DATA)}], server.user("mallory")).json()["objects"][0]
    assert down["error"]["code"] == 404
    assert httpx2.get(f"{server.url}/{other.repo_id}.git/info/lfs/objects/{SHA}").status_code == 404


def test_ranges_resume_a_download(batch, sent, server):
    """Parts of a file, the whole, and a range past its end."""
    href = batch(sent, "download", [{"oid": SHA, "size": len(DATA)}]).json()["objects"][0]["actions"]["download"][
        "href"
    ]
    whole = httpx2.get(href)
    assert (whole.status_code, whole.content) == (200, DATA)
    part = httpx2.get(href, headers={"Range": "bytes=100000-"})
    assert (part.status_code, part.content) == (206, DATA[100_000:])
    assert part.headers["content-range"] == f"bytes 100000-{len(DATA) - 1}/{len(DATA)}"
    past = httpx2.get(href, headers={"Range": f"bytes={len(DATA)}-"})
    assert (past.status_code, past.headers["content-range"]) == (416, f"bytes */{len(DATA)}")
    assert httpx2.head(href).headers["content-length"] == str(len(DATA))
    plain = httpx2.get(f"{server.url}/{sent.repo_id}/info/lfs/objects/{SHA}")
    assert plain.content == DATA
    assert "sandbox" in plain.headers["content-security-policy"]


def test_a_closed_repo_gives_nothing(repo, batch, server):
    """Private: asked for credentials, then not found. Gated: told to ask. Neither gives an address."""
    wanted = [{"oid": SHA, "size": len(DATA)}]
    private, gated, bob = repo("alice", private=True), repo("alice", gated="auto"), server.user("bob")
    for row in (private, gated):
        asked = batch(row, "download", wanted)
        assert asked.status_code == 401
        assert asked.headers["lfs-authenticate"] == 'Basic realm="evalcommons"'
        assert set(asked.json()) >= {"message", "documentation_url", "request_id"}
        assert asked.json()["request_id"] == asked.headers["x-request-id"]
    assert batch(private, "download", wanted, bob).status_code == 404
    assert batch(gated, "download", wanted, bob).status_code == 403
    assert httpx2.get(f"{server.url}/{gated.repo_id}.git/info/lfs/objects/{SHA}", auth=("x", bob)).status_code == 403
    assert batch(repo("alice"), "upload", wanted).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"operation":"steal","objects":[]}', 400),
        (b'{"operation":"upload","objects":{}}', 400),
        (b'{"operation":"upload","objects":[],"hash_algo":"md5"}', 400),
        (b'{"operation":"upload","objects":[],"transfers":7}', 400),
        (b'{"operation":"upload","objects":[' + b"1," * 2000 + b"1]}", 413),
        (b'{"operation":"upload","objects":[' + b" " * 2_000_000 + b"]}", 413),
        (b"\xff\xfe", 400),
    ],
)
def test_nonsense_is_refused_with_a_sentence(repo, server, body, status):
    """Never a 500, always a message that git-lfs prints."""
    row = repo("alice")
    answer = httpx2.post(
        f"{server.url}/{row.repo_id}.git/info/lfs/objects/batch", content=body, auth=("x", server.user("alice"))
    )
    assert answer.status_code == status
    assert answer.json()["message"]


def test_one_bad_object_does_not_spoil_the_others(repo, batch, server):
    """Each object gets its own answer."""
    wanted = [{"oid": SHA.upper(), "size": 1}, 7, {"oid": SHA, "size": -1}, {"oid": SHA, "size": 1}]
    found = batch(repo("alice"), "upload", wanted, server.user("alice")).json()["objects"]
    assert [o.get("error", {}).get("code") for o in found] == [422, 422, 422, None]
    assert "sha256" in found[0]["error"]["message"]


def test_an_upload_that_breaks_off_leaves_nothing(repo, batch, server):
    """The connection goes in the middle of the bytes."""
    row, token = repo("alice"), server.user("alice")
    data = os.urandom(4_000_000)
    sha256 = hashlib.sha256(data).hexdigest()
    found = batch(row, "upload", [{"oid": sha256, "size": len(data)}], token).json()["objects"][0]
    href = found["actions"]["upload"]["href"]
    place = urlsplit(href)
    blobs = server.hub.settings.data / "blobs"
    head = f"PUT {place.path}?{place.query} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(data)}\r\n\r\n"
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head.encode() + data[:3_000_000])
        wait_for(lambda: bool(list(blobs.rglob(f"{sha256}*"))), "the upload to begin")
    wait_for(lambda: not list(blobs.rglob(f"{sha256}*")), "what came to be removed")
    assert server.hub.large_files.missing(row, [Pointer(sha256, len(data))])
    assert httpx2.put(href, content=data).status_code == 200


def test_an_address_is_good_for_one_thing_only(repo, batch, server):
    """Changed, used for another file or for another method, it opens nothing."""
    row, token = repo("alice"), server.user("alice")
    found = batch(row, "upload", [{"oid": SHA, "size": len(DATA)}], token).json()["objects"][0]["actions"]
    href = found["upload"]["href"]
    assert httpx2.get(href).status_code == 403
    assert httpx2.put(href.replace(SHA, "ab" * 32), content=b"x").status_code == 403
    assert httpx2.put(href.replace("size=", "size=1"), content=DATA).status_code == 403
    assert httpx2.put(href.partition("?")[0], content=DATA).status_code == 403
    assert httpx2.put(found["verify"]["href"], content=DATA).status_code in (403, 405)
