"""Creating, moving, configuring and deleting repos over HTTP."""

import pytest

from evalcommons.core.access import Role


@pytest.fixture
def alice(client, make_user):
    return client(make_user("alice")[1])


@pytest.fixture
def bob(client, make_user):
    return client(make_user("bob")[1])


def test_a_new_repo_answers_its_address(alice):
    """The address is on the host that the client used; names keep their letters."""
    answer = alice.post("/api/repos/create", json={"name": "Tiny", "organization": None, "visibility": "public"})
    assert answer.status_code == 200
    assert answer.json()["url"] == "http://hub.test/alice/Tiny"
    assert answer.json()["name"] == "alice/Tiny"
    dataset = alice.post("/api/repos/create", json={"name": "alice/d", "type": "dataset", "private": True}).json()
    assert dataset["url"] == "http://hub.test/datasets/alice/d"
    assert alice.get("/api/datasets/alice/d").json()["private"] is True
    commits = alice.get("/api/models/alice/tiny/commits/main").json()
    assert [(commit["title"], commit["authors"]) for commit in commits] == [("initial commit", [{"user": "alice"}])]
    assert [s["rfilename"] for s in alice.get("/api/models/alice/tiny").json()["siblings"]] == [".gitattributes"]


def test_a_taken_name_answers_409_with_the_address(alice, bob):
    """`exist_ok` reads the url from the error's body."""
    alice.post("/api/repos/create", json={"name": "x"})
    for name in ("x", "X"):
        answer = alice.post("/api/repos/create", json={"name": name})
        assert answer.status_code == 409
        assert answer.json()["url"] == "http://hub.test/alice/x"
        assert "another conflicting operation" not in answer.json()["error"]
    assert bob.post("/api/repos/create", json={"name": "x", "organization": "alice"}).status_code in (403, 409)


def test_a_hidden_name_is_not_told_to_strangers(alice, bob):
    """Creating in a foreign namespace says the same whether the repo is there or not."""
    alice.post("/api/repos/create", json={"name": "secret", "visibility": "private"})
    answers = [
        bob.post("/api/repos/create", json={"name": name, "organization": "alice"}) for name in ("secret", "nothing")
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].text == answers[1].text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "a/b/c"}, 422),
        ({"name": "..", "organization": "alice"}, 422),
        ({"name": "a--b"}, 422),
        ({"name": "x" * 97}, 422),
        ({"name": "x" * 10_000}, 400),
        ({"name": ""}, 422),
        ({}, 400),
        ({"name": 7}, 400),
        ({"name": "a", "type": "space"}, 501),
        ({"name": "a", "type": "kernel"}, 400),
        ({"name": "a", "visibility": "protected"}, 400),
        ({"name": "a", "organization": "nobody"}, 403),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_sentence(alice, body, status):
    """Each refusal names what was wrong."""
    answer = alice.post("/api/repos/create", json=body)
    assert answer.status_code == status, answer.text
    assert len(answer.json()["error"]) > 10
    assert answer.headers["X-Error-Message"].isascii()


def test_nobody_creates_or_deletes_without_signing_in(client):
    """401 before anything else is said."""
    for method, path in (("POST", "create"), ("DELETE", "delete")):
        assert client().request(method, f"/api/repos/{path}", json={"name": "x"}).status_code == 401


def test_an_organisation_s_default_decides_where_nothing_is_said(client, make_user, make_org):
    """Private by default for organisations that want it so."""
    _, token = make_user("alice")
    make_org("acme", private_by_default=True, alice=Role.ADMIN)
    alice = client(token)
    alice.post("/api/repos/create", json={"name": "quiet", "organization": "acme"})
    alice.post("/api/repos/create", json={"name": "loud", "organization": "acme", "visibility": "public"})
    assert alice.get("/api/models/acme/quiet").json()["private"] is True
    assert alice.get("/api/models/acme/loud").json()["private"] is False


def test_a_deleted_repo_is_gone(alice, bob):
    """Only its owner can; afterwards its name is free."""
    alice.post("/api/repos/create", json={"name": "x"})
    assert bob.request("DELETE", "/api/repos/delete", json={"name": "x", "organization": "alice"}).status_code == 403
    assert alice.request("DELETE", "/api/repos/delete", json={"name": "x"}).status_code == 200
    gone = alice.request("DELETE", "/api/repos/delete", json={"name": "x"})
    assert (gone.status_code, gone.headers["X-Error-Code"]) == (404, "RepoNotFound")
    assert alice.post("/api/repos/create", json={"name": "x"}).status_code == 200


def test_a_moved_repo_redirects_from_its_old_id(alice, bob, client):
    """307 with a relative address, for calls and files; to strangers a private one is not there."""
    alice.post("/api/repos/create", json={"name": "old"})
    alice.post("/api/repos/create", json={"name": "taken"})
    taken = alice.post("/api/repos/move", json={"fromRepo": "alice/old", "toRepo": "alice/taken", "type": "model"})
    assert taken.status_code == 409
    assert taken.json()["error"] == "A model repository called alice/taken already exists"
    moved = alice.post("/api/repos/move", json={"fromRepo": "alice/old", "toRepo": "alice/new", "type": "model"})
    assert moved.status_code == 200
    for path in (
        "/api/models/{}",
        "/api/models/{}/revision/main?blobs=true",
        "/api/models/{}/tree/main/a%2Fb?recursive=true",
        "/{}/resolve/refs%2Fpr%2F1/a.txt",
        "/api/models/{}/auth-check",
    ):
        answer = client().get(path.format("Alice/old"))
        assert (answer.status_code, answer.headers["Location"]) == (307, path.format("alice/new"))
    assert client().head("/alice/old/resolve/main/x").headers["Location"] == "/alice/new/resolve/main/x"
    alice.put("/api/models/alice/new/settings", json={"visibility": "private"})
    for who in (client(), bob):
        answer = who.get("/api/models/alice/old")
        assert answer.headers["X-Error-Code"] == "RepoNotFound"
        assert "Location" not in answer.headers
        assert "new" not in answer.text


def test_settings_show_in_the_info(alice, bob):
    """Private and gated, together or alone; only for who administers."""
    alice.post("/api/repos/create", json={"name": "x"})
    path = "/api/models/alice/x"
    assert alice.put(f"{path}/settings", json={"gated": "manual"}).json() == {"private": False, "gated": "manual"}
    assert alice.get(path).json()["gated"] == "manual"
    assert alice.put(f"{path}/settings", json={"gated": False, "private": True}).status_code == 200
    info = alice.get(path).json()
    assert (info["gated"], info["private"]) == (False, True)
    assert alice.put(f"{path}/settings", json={"visibility": "public"}).status_code == 200
    assert bob.put(f"{path}/settings", json={"private": True}).status_code == 403
    for body in ({"gated": "open"}, {"visibility": "protected"}, {"private": "maybe"}, [], "x"):
        assert alice.put(f"{path}/settings", json=body).status_code == 400, body


def test_auth_check_says_whether_files_may_be_read_or_written(client, alice, bob, make_repo):
    """200, or the error that the action itself would give."""
    make_repo("alice/open")
    make_repo("alice/closed", gated="auto")
    make_repo("alice/hidden", private=True)

    def said(who, repo, write=""):
        answer = who.get(f"/api/models/alice/{repo}/auth-check{write}")
        return answer.status_code, answer.headers.get("X-Error-Code")

    assert said(client(), "open") == (200, None)
    assert said(client(), "closed") == (401, "GatedRepo")
    assert said(bob, "closed") == (403, "GatedRepo")
    assert said(bob, "hidden") == (404, "RepoNotFound")
    assert said(client(), "hidden") == (401, "RepoNotFound")
    assert said(alice, "closed") == said(alice, "hidden") == said(alice, "open", "/write") == (200, None)
    assert said(bob, "open", "/write") == (403, None)
    assert said(client(), "open", "/write") == (401, None)


def test_the_list_of_own_repos_has_their_sizes(alice, client):
    """What `hf repos ls` prints."""
    alice.post("/api/repos/create", json={"name": "x"})
    alice.post("/api/repos/create", json={"name": "y", "type": "dataset", "private": True})
    found = alice.get("/api/settings/repositories").json()
    assert [(one["id"], one["type"], one["visibility"]) for one in found] == [
        ("alice/x", "model", "public"),
        ("alice/y", "dataset", "private"),
    ]
    assert all(one["storage"] > 0 and one["updatedAt"].endswith("Z") for one in found)
    page = alice.get("/api/settings/repositories?limit=1")
    following = page.headers["Link"].partition(">")[0].removeprefix("<http://hub.test")
    assert [one["id"] for one in [*page.json(), *alice.get(following).json()]] == ["alice/x", "alice/y"]
    assert client().get("/api/settings/repositories").status_code == 401
    assert alice.get("/api/organizations/nobody/settings/repositories").status_code == 404
