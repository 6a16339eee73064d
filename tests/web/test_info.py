"""The facts of one repo over HTTP, and what is answered where there is none."""

import pytest


def test_info_has_the_shape_that_clients_read(client, make_repo, commit_files):
    """Names, types and formats as on the Hub."""
    row = make_repo("alice/tiny")
    sha = commit_files(row, {"README.md": b"---\nlicense: mit\nmodel-index: []\n---\n"})
    info = client().get("/api/models/alice/tiny").json()
    assert info["_id"] == row.uid
    assert info["id"] == info["modelId"] == "alice/tiny"
    assert (info["author"], info["sha"], info["private"], info["gated"]) == ("alice", sha, False, False)
    assert (info["disabled"], info["downloads"], info["likes"], info["spaces"]) == (False, 0, 0, [])
    assert info["createdAt"].endswith("Z")
    assert info["lastModified"] >= info["createdAt"]
    assert info["cardData"] == {"license": "mit", "model-index": []}
    assert info["model-index"] == []
    assert info["tags"] == ["license:mit"]
    assert info["siblings"] == [{"rfilename": ".gitattributes"}, {"rfilename": "README.md"}]


def test_ids_ignore_case_and_keep_their_letters(client, make_repo):
    """Typing a name in capitals finds it."""
    make_repo("Alice/Tiny")
    assert client().get("/api/models/aLICE/tINY").json()["id"] == "Alice/Tiny"


def test_any_revision_has_an_info(client, make_repo, commit_files):
    """Branches, full refs, commits and short commits; the answer pins the commit."""
    row = make_repo("alice/tiny")
    old = row.sha
    new = commit_files(row, {"a": b"a"})
    for revision, sha in (("main", new), ("refs%2Fheads%2Fmain", new), (new, new), (old[:7], old), (old, old)):
        answer = client().get(f"/api/models/alice/tiny/revision/{revision}")
        assert answer.json()["sha"] == sha, revision
    for revision in ("nope", "refs%2Fpr%2F9", "0000000", "HEAD", "%2e%2e", "%00", "a" * 200):
        answer = client().get(f"/api/models/alice/tiny/revision/{revision}")
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "RevisionNotFound"), revision
    assert client().get("/api/models/alice/tiny/revision/%ff").status_code == 400


def test_expand_answers_what_was_asked_for(client, make_repo):
    """Once, repeated, or with brackets."""
    make_repo("alice/tiny")
    get = client().get
    for query in ("expand=likes&expand=sha", "expand[]=likes&expand[]=sha", "expand%5B%5D=sha&expand=likes"):
        assert get(f"/api/models/alice/tiny?{query}").json().keys() == {"_id", "id", "likes", "sha"}
    assert get("/api/models/alice/tiny/revision/main?expand=siblings").json().keys() == {"_id", "id", "siblings"}
    wrong = get("/api/models/alice/tiny?expand=likes&expand=secrets")
    assert wrong.status_code == 400
    assert 'expected one of "author"|"baseModels"|' in wrong.json()["error"]
    assert get("/api/datasets/alice/tiny?expand=safetensors").status_code == 400


def test_files_metadata_comes_with_blobs(client, make_repo, commit_files):
    """`files_metadata=True` of the clients."""
    row = make_repo("alice/tiny")
    commit_files(row, {}, large={"w.bin": b"w" * 700})
    files = {f["rfilename"]: f for f in client().get("/api/models/alice/tiny?blobs=true").json()["siblings"]}
    assert files["w.bin"]["lfs"].keys() == {"sha256", "size", "pointerSize"}
    assert files[".gitattributes"].keys() == {"rfilename", "size", "blobId"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/models/alice/none",
        "/api/models/alice/hidden",
        "/api/models/gpt2",
        "/api/models/gpt2/revision/main",
        "/api/datasets/squad/tree/main/a%2Fb",
        "/api/datasets/alice/hidden/refs",
        "/api/models/alice/hidden/commits/main",
        "/api/spaces/alice/app",
        "/api/models/%2e%2e/passwd",
        "/api/models/a%00b/c",
        "/api/models/alice/hidden%2Fmain",
        "/gpt2/resolve/main/config.json",
        "/datasets/squad/resolve/main/README.md",
        "/alice/hidden/resolve/main/README.md",
        "/alice/hidden/raw/main/README.md",
        "/datasets/alice/none/resolve/main/README.md",
    ],
)
def test_missing_and_hidden_repos_are_told_apart_by_nobody(client, make_user, make_repo, path):
    """404 to who is signed in, 401 to others, always with the code that clients switch on."""
    make_repo("alice/hidden", private=True)
    make_repo("alice/hidden", "dataset", private=True)
    _, token = make_user("bob")
    for who, status in ((client(), 401), (client(token), 404)):
        answer = who.get(path)
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (status, "RepoNotFound"), answer.text
        assert "Repository not found" in answer.json()["error"]


def test_calls_that_are_left_out_say_so(client):
    """501 with a sentence; the daily noise of clients is answered cheaply."""
    for method, path in (("GET", "/api/papers/1"), ("POST", "/api/models/a/b/nonsense"), ("PUT", "/api/jobs")):
        answer = client().request(method, path)
        assert answer.status_code == 501
        assert f"{method} {path} is not supported on this hub" in answer.json()["error"]
    assert client().get("/api/agent-harnesses").status_code == 404
    assert client().head("/api/telemetry/a/b").status_code == 204
