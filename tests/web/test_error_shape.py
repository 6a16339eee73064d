"""Every error of every route has the shape that clients read."""

import json
import re

import pytest
from starlette.testclient import TestClient

from evalcommons.config import Settings
from evalcommons.core import errors
from evalcommons.core.access import ANONYMOUS
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import open_hub
from evalcommons.web.app import ROUTERS, create_app
from evalcommons.web.errors import STATUS, status_of

ROUTES = sorted(
    {(method, route.path) for router in ROUTERS for route in router.routes for method in route.methods or ()}
)
NAMES = sorted({name for _, path in ROUTES for name in re.findall(r"\{(\w+)", path)})
JUNK = ["x", "%00", "..%2F..%2Fetc%2Fpasswd", "%FF%FE", "-1", "a" * 5000, "%E2%80%AE", "0", "99999999999999999999"]
BODIES = {
    "nothing": (b"", ""),
    "broken json": (b'{"a": ', "application/json"),
    "wrong json": (b'[1, null, {"name": {}}]', "application/json"),
    "wrong types": (
        json.dumps({name: ["x"] for name in ("name", "content", "status", "title")}).encode(),
        "application/json",
    ),
    "deep json": (b"[" * 3000, "application/json"),
    "surrogate": (
        b'{"name": "\\ud800", "title": "\\ud800", "content": "\\ud800", "user": "\\u0000"}',
        "application/json",
    ),
    "form": (b"paths=%FF&paths=&expand=maybe", "application/x-www-form-urlencoded"),
    "lines": (b'{"key":"header","value":{}}\n{"key":"file"}\nnot json\n', "application/x-ndjson"),
    "bytes": (bytes(range(256)), "application/octet-stream"),
}
QUERY = "?limit=x&cursor=%00&expand=nothing&sort=nothing&p=-1&status=x&type=x&create_pr=perhaps&service=nothing"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """One hub for all routes: nothing here may change it."""
    opened = open_hub(Settings(data=tmp_path_factory.mktemp("hub") / "hub"))
    opened.accounts.create_user("alice", token="hf_token_of_alice")
    opened.accounts.create_user("bob", token="hf_token_of_bob")
    alice = opened.accounts.actor("alice")
    for kind in (RepoKind.MODEL, RepoKind.DATASET):
        opened.repos.create(alice, RepoId(kind, "alice", "tiny"))
        opened.repos.create(alice, RepoId(kind, "alice", "hidden"), private=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def ask(hub):
    """ask(method, path, token, body, kind) -> answer; a crash answers 500, as it does on a server."""
    with TestClient(create_app(hub), raise_server_exceptions=False, follow_redirects=False) as http:

        def send(method, path, token=None, body=b"", kind=""):
            headers = {"X-Request-Id": "the-same"} | ({"Content-Type": kind} if kind else {})
            if token:
                headers["Authorization"] = f"Bearer {token}"
            return http.request(method, f"http://hub.test{path}", content=body, headers=headers)

        yield send


def filled(path: str, values: dict[str, str]) -> str:
    """The route's path with a value in each place."""

    def value(found: re.Match[str]) -> str:
        name, _, convertor = found[1].partition(":")
        return values.get(name, "models" if convertor == "kind" else "tiny")

    return re.sub(r"\{([^}]+)\}", value, path)


def check_shape(method: str, answer, where: str) -> None:
    """An error names itself in JSON and in headers; nothing is ever a crash."""
    assert answer.status_code != 500, f"{where}: {answer.text}"
    assert answer.headers.get("X-Request-Id"), where
    if answer.status_code < 400 or method == "HEAD":
        return
    kind = answer.headers["content-type"].split(";")[0]
    if re.search(r"/(info/refs|git-(upload|receive)-pack)\b", where):
        assert kind == "text/plain", where  # what git shows to the person, behind "remote: "
        said = answer.text
    else:
        assert kind in ("application/json", "application/vnd.git-lfs+json"), where
        body = answer.json()
        said = body.get("error") or body.get("message")
    assert isinstance(said, str), where
    assert len(said) > 8, where
    message = answer.headers.get("X-Error-Message", "")
    assert message.isascii(), where
    assert message == message.strip(), where


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_answers_strangers_and_junk_with_a_proper_error(ask, method, path):
    """Anonymous and signed in, existing and absent repos, junk in every place: JSON, a request id, never a 500."""
    for token in (None, "hf_token_of_bob", "hf_wrong_token"):
        for name in ("tiny", "hidden", "absent"):
            address = filled(path, {"namespace": "alice", "name": name})
            check_shape(method, ask(method, address, token), f"{method} {address} as {token}")
            check_shape(method, ask(method, address + QUERY, token), f"{method} {address}{QUERY} as {token}")
    for place in re.findall(r"\{(\w+)(?::raw)?\}", path):
        for junk in JUNK:
            address = filled(path, {"namespace": "alice", place: junk})
            check_shape(method, ask(method, address, "hf_token_of_bob"), f"{method} {path} with {place}={junk[:30]}")


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize(
    ("method", "path"), [route for route in ROUTES if route[0] in ("POST", "PUT", "PATCH", "DELETE")]
)
def test_every_route_refuses_bodies_it_cannot_read(ask, method, path, what):
    """Broken, wrong, deep, binary: a sentence, not a crash, also for somebody who may write."""
    body, kind = BODIES[what]
    for name in ("absent", "tiny"):
        address = filled(path, {"namespace": "bob" if name == "absent" else "alice", "name": name})
        check_shape(method, ask(method, address, "hf_token_of_bob", body, kind), f"{method} {address} with {what}")


def test_a_request_id_is_the_client_s_own_or_a_fresh_one(ask, hub):
    """What the client prints and what the log says are the same text; junk is not echoed."""
    with TestClient(create_app(hub)) as http:
        for name in ("X-Request-Id", "X-Amzn-Trace-Id"):
            assert http.get("/api/nothing", headers={name: "abc-123"}).headers["X-Request-Id"] == "abc-123"
        fresh = http.get("/api/nothing", headers={"X-Request-Id": "a b"}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", fresh)
    assert ask("GET", "/no/such/page/at/all").headers["X-Request-Id"]


def test_a_private_repo_answers_like_a_missing_one_everywhere(ask):
    """Attack: find one route that tells a private repo from none."""
    for method, path in ROUTES:
        if "{name" not in path or "{namespace" not in path:
            continue
        for kind in ("models", "datasets"):
            for token in (None, "hf_token_of_bob"):
                seen = set()
                for name in ("hidden", "absent"):
                    answer = ask(method, filled(path, {"namespace": "alice", "name": name, "kind": kind}), token)
                    seen.add(
                        (
                            answer.status_code,
                            answer.headers.get("X-Error-Code"),
                            answer.headers.get("X-Error-Message", "").replace("hidden", "absent"),
                            answer.text.replace("hidden", "absent"),
                        )
                    )
                assert len(seen) == 1, f"{method} {path} as {token}: {seen}"


def test_every_family_of_errors_has_a_status():
    """A new error class gets its number from its family, so that none is a 500 by oversight."""

    def below(family):
        for child in family.__subclasses__():
            yield child
            yield from below(child)

    for error in below(errors.EvalCommonsError):
        if error is not errors.RepoMoved:  # a redirect of its own
            assert any(base in STATUS for base in error.__mro__), error
    assert status_of(errors.RepoNotFound("model", "a/b", anonymous=True)) == 401
    assert status_of(errors.RepoNotFound("model", "a/b")) == 404
    assert ANONYMOUS.is_anonymous
