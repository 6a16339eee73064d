"""Writing over HTTP: the shapes, statuses and headers that clients read."""

import base64
import json

import pytest

from evalcommons.config import Settings
from evalcommons.hub import open_hub
from evaluation_files import commit_lines, results_yaml


def body(files, **header):
    first, *rest = commit_lines(files)
    if header:
        first = json.dumps({"key": "header", "value": {"summary": "Change", "description": "", **header}}).encode()
    return b"\n".join([first, *rest]) + b"\n"


@pytest.fixture
def tiny(make_user, make_repo, client):
    """A client of alice, who owns alice/tiny, and one of bob."""
    tokens = [make_user(name)[1] for name in ("alice", "bob")]
    make_repo("alice/tiny")
    return [client(token) for token in tokens]


def test_a_commit_answers_with_addresses_on_the_clients_host(tiny):
    """commitUrl, commitOid, and with create_pr pullRequestUrl; ids keep the repo's letters."""
    alice, bob = tiny
    done = alice.post("/api/models/ALICE/Tiny/commit/main", content=body({"a": b"1"})).json()
    assert done["success"] is True
    assert done["commitUrl"] == f"http://hub.test/alice/tiny/commit/{done['commitOid']}"
    assert "pullRequestUrl" not in done
    done = bob.post("/api/models/alice/tiny/commit/main?create_pr=1", content=body({"b": b"1"})).json()
    assert done["pullRequestUrl"] == "http://hub.test/alice/tiny/discussions/1"
    done = bob.post("/api/models/alice/tiny/commit/refs%2Fpr%2F1", content=body({"c": b"1"}))
    assert done.status_code == 200


@pytest.mark.parametrize(
    ("path", "content", "status", "code", "says"),
    [
        ("main", body({"a": b"1"}, parentCommit="1234567"), 412, None, "The branch was updated since you opened this"),
        ("nowhere", body({"a": b"1"}), 404, "RevisionNotFound", "Invalid rev id: nowhere"),
        ("main", body({"a": None}), 404, "EntryNotFound", "A file with this name doesn't exist"),
        ("main", body({"..\\ddd": b"1"}), 422, None, 'use "/" between folders'),
        ("main", body({".git/config": b"1"}), 422, None, ".git"),
        ("main", b"", 400, None, "must be its header"),
        ("main", b"\xff\xfe", 400, None, "is not JSON"),
        ("main", body({".eval_results/x.yaml": b"- 1"}), 400, None, ".eval_results/x.yaml:1:3: error:"),
    ],
)
def test_a_refusal_has_its_status_its_code_and_a_sentence(tiny, path, content, status, code, says):
    """In the body and, unless it is a list of problems, in ASCII in X-Error-Message."""
    answer = tiny[0].post(f"/api/models/alice/tiny/commit/{path}", content=content)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert answer.headers.get("x-error-code") == code
    assert ("x-error-message" in answer.headers) == ("problems" not in answer.json())


def test_refused_evaluation_files_come_as_a_list_too(tiny):
    """Editors can point at the line."""
    answer = tiny[0].post("/api/models/alice/tiny/commit/main", content=body({".eval_results/x.yaml": b"- 1"}))
    assert {"path", "line", "column", "code", "severity", "message", "hint"} == answer.json()["problems"][0].keys()


def test_warnings_reach_the_clients_terminal(tiny):
    """X-HF-Warning is what huggingface_hub prints; the body has the whole list."""
    content = body({".eval_results/x.yaml": results_yaml(0.5, dataset="some/where")})
    answer = tiny[0].post("/api/models/alice/tiny/commit/main", content=content)
    assert answer.headers["x-hf-warning"].startswith("evaluation files; .eval_results/x.yaml:")
    assert answer.json()["warnings"][0]["code"] == "unknown-benchmark"


def test_rights_are_told_by_status(tiny, client, make_repo):
    """401 without a token, 403 with too few rights, 404 for what is hidden."""
    _, bob = tiny
    make_repo("alice/secret", private=True)
    post = "/api/models/alice/tiny/commit/main"
    assert client().post(post, content=body({"a": b"1"})).status_code == 401
    assert client().post(f"{post}?create_pr=1", content=body({"a": b"1"})).status_code == 401
    assert bob.post(post, content=body({"a": b"1"})).status_code == 403
    hidden = bob.post("/api/models/alice/secret/commit/main", content=body({"a": b"1"}))
    missing = bob.post("/api/models/alice/missing/commit/main", content=body({"a": b"1"}))
    assert (hidden.status_code, hidden.headers["x-error-code"]) == (404, "RepoNotFound")
    assert hidden.json()["error"].replace("secret", "missing") == missing.json()["error"]
    assert bob.post("/api/spaces/alice/app/commit/main", content=body({})).headers["x-error-code"] == "RepoNotFound"


def test_a_body_over_the_limit_is_cut_off_with_a_sentence(tmp_path):
    """413, whether or not its length was announced."""
    from starlette.testclient import TestClient

    from evalcommons.core.ids import RepoId, RepoKind
    from evalcommons.web.app import create_app

    hub = open_hub(Settings(data=tmp_path / "hub", request_limit=100_000, regular_file_limit=50_000))
    _, token = hub.accounts.create_user("alice", token="")
    hub.repos.create(hub.accounts.actor("alice"), RepoId.parse(RepoKind.MODEL, "alice/tiny"))
    with TestClient(create_app(hub), headers={"Authorization": f"Bearer {token}"}) as alice:
        too_long = body({"a": bytes(40_000), "b": bytes(40_000)})
        for content in (too_long, iter([too_long[:50_000], too_long[50_000:]])):
            answer = alice.post("/api/models/alice/tiny/commit/main", content=content)
            assert answer.status_code == 413
            assert "more than 100,000 bytes" in answer.json()["error"]
        answer = alice.post("/api/models/alice/tiny/commit/main", content=body({"a": bytes(60_000)}))
        assert (answer.status_code, "LFS" in answer.json()["error"]) == (413, True)
        assert alice.post("/api/models/alice/tiny/commit/main", content=body({"a": bytes(40_000)})).status_code == 200
    hub.close()


def test_preupload_has_the_hubs_shape(tiny):
    """uploadMode, shouldIgnore and oid for each path; a new path has no oid."""
    alice, bob = tiny
    alice.post("/api/models/alice/tiny/commit/main", content=body({"a": b"1"}))
    sample = base64.b64encode(b"1").decode()
    files = [{"path": "a", "sample": sample, "size": 1}, {"path": "new.bin", "sample": sample, "size": 10**9}]
    answer = alice.post("/api/models/alice/tiny/preupload/main", json={"files": files, "gitIgnore": "*.bin\n"})
    assert answer.json() == {
        "files": [
            {
                "path": "a",
                "uploadMode": "regular",
                "shouldIgnore": False,
                "oid": "56a6051ca2b02b04ef92d5150c9ef600403cb1de",
            },
            {"path": "new.bin", "uploadMode": "lfs", "shouldIgnore": True, "oid": None},
        ]
    }
    ask = "/api/models/alice/tiny/preupload/main"
    assert bob.post(ask, json={"files": files}).status_code == 403
    assert bob.post(f"{ask}?create_pr=1", json={"files": files}).status_code == 200
    assert alice.post(ask, json={"files": [{"path": "/etc/passwd", "size": 1}]}).status_code == 422
    assert alice.post(ask, json={"files": [{"path": "a"}]}).status_code == 400
    assert alice.post(ask, json={"files": files * 600}).status_code == 400


def test_branches_and_tags_keep_their_slashes(tiny):
    """Names arrive percent-encoded; 409 names the reference, 403 protects main."""
    alice, _ = tiny
    base = "/api/models/alice/tiny"
    assert alice.post(f"{base}/branch/dev%2Fone", json={}).status_code == 200
    taken = alice.post(f"{base}/branch/dev%2Fone", json={"startingPoint": "main"})
    assert (taken.status_code, taken.json()["error"]) == (409, "Reference refs/heads/dev/one already exists")
    inside = alice.post(f"{base}/branch/dev", json={})
    assert inside.status_code == 409
    assert alice.post(f"{base}/tag/dev%2Fone", json={"tag": "v/1", "message": "m"}).status_code == 200
    assert alice.post(f"{base}/tag/nowhere", json={"tag": "a..b"}).headers["x-error-code"] == "RevisionNotFound"
    assert alice.post(f"{base}/tag/main", json={"tag": "a..b"}).status_code == 400
    assert alice.delete(f"{base}/tag/v%2F1").status_code == 200
    assert alice.delete(f"{base}/branch/main").status_code == 403
    assert alice.delete(f"{base}/branch/dev%2Fone").status_code == 200
    gone = alice.delete(f"{base}/branch/dev%2Fone")
    assert (gone.status_code, gone.headers["x-error-code"]) == (404, "RevisionNotFound")
    assert alice.post(f"{base}/super-squash/main", json={"message": "One"}).status_code == 200
