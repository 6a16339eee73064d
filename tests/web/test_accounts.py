"""Who am I and who are they, as the Hub's clients read it."""

from xml.etree import ElementTree as ET

import pytest

from evalcommons.core.access import Role, TokenRole


def test_whoami_tells_the_account_its_organisations_and_the_token(client, make_user, make_org):
    """Every field that the Hub's clients read, and the token's own name and role."""
    alice, token = make_user("alice", fullname="Alice A.", email="a@example.org")
    make_org("acme", fullname="Acme Labs", alice=Role.CONTRIBUTOR)
    answer = client(token).get("/api/whoami-v2")
    assert answer.status_code == 200
    assert answer.json() == {
        "type": "user",
        "id": alice.uid,
        "name": "alice",
        "fullname": "Alice A.",
        "email": "a@example.org",
        "emailVerified": True,
        "isPro": False,
        "canPay": False,
        "avatarUrl": "http://hub.test/avatars/alice.svg",
        "orgs": [
            {
                "type": "org",
                "id": answer.json()["orgs"][0]["id"],
                "name": "acme",
                "fullname": "Acme Labs",
                "avatarUrl": "http://hub.test/avatars/acme.svg",
                "roleInOrg": "contributor",
                "isEnterprise": False,
            }
        ],
        "auth": {"type": "access_token", "accessToken": {"displayName": "default", "role": "write"}},
    }


@pytest.mark.parametrize(
    ("role", "word"),
    [(TokenRole.READ, "read"), (TokenRole.WRITE, "write"), (TokenRole.FINE_GRAINED, "fineGrained")],
)
def test_the_token_s_role_is_the_wire_s_word(client, hub, make_user, role, word):
    """Clients switch on these three words."""
    make_user("alice")
    token = hub.accounts.create_token("alice", "laptop", role)
    auth = client(token).get("/api/whoami-v2").json()["auth"]
    assert auth["accessToken"] == {"displayName": "laptop", "role": word}


def test_a_bad_token_is_told_apart_by_its_message(client):
    """401 without a code, with the message that clients turn into "Invalid user token"."""
    answer = client("hf_nobody").get("/api/whoami-v2")
    assert answer.status_code == 401
    assert answer.headers["X-Error-Message"] == "Invalid credentials in Authorization header"
    assert "X-Error-Code" not in answer.headers
    assert client().get("/api/whoami-v2").status_code == 401
    for header in ("Basic", "Basic !!!", "Digest x", "Bearer ", "Basic Og=="):
        answer = client().get("/api/whoami-v2", headers={"Authorization": header})
        assert (answer.status_code, header) == (401, header)


def test_a_suspended_account_is_told_the_reason(client, hub, make_user):
    """403 with the reason on every call, public ones too: the token is refused, not the page."""
    _, token = make_user("alice")
    hub.accounts.suspend("alice", "spam reports")
    for path in ("/api/whoami-v2", "/api/users/alice/overview"):
        answer = client(token).get(path)
        assert answer.status_code == 403
        assert "spam reports" in answer.json()["error"]
    assert client().get("/api/users/alice/overview").status_code == 200


def test_git_s_basic_credentials_work_too(client, make_user):
    """The token as the password, whatever the user name."""
    _, token = make_user("alice")
    assert client().get("/api/whoami-v2", auth=("anything", token)).json()["name"] == "alice"


def test_a_user_s_overview_has_no_address(client, make_user, make_org, make_repo):
    """An e-mail address is shown to its owner in whoami and to nobody anywhere else."""
    _, token = make_user("alice", fullname="Alice A.", email="a@example.org")
    make_org("acme", alice=Role.READ)
    make_repo("alice/tiny")
    make_repo("alice/secret", private=True)
    answer = client().get("/api/users/ALICE/overview").json()
    assert (answer["user"], answer["fullname"], answer["type"]) == ("alice", "Alice A.", "user")
    assert (answer["numModels"], answer["numDatasets"], answer["numLikes"]) == (1, 0, 0)
    assert [org["name"] for org in answer["orgs"]] == ["acme"]
    mine = client(token).get("/api/users/alice/overview")
    assert mine.json()["numModels"] == 2
    for path in ("/api/users/alice/overview", "/api/organizations/acme/members", "/api/organizations/acme/overview"):
        assert "example.org" not in client(token).get(path).text


def test_an_organisation_shows_its_members_with_roles(client, make_user, make_org):
    """Who is in it, and as what."""
    for name in ("alice", "bob"):
        make_user(name)
    make_org("acme", fullname="Acme Labs", bob=Role.WRITE, alice=Role.ADMIN)
    overview = client().get("/api/organizations/acme/overview").json()
    assert (overview["name"], overview["fullname"], overview["numUsers"]) == ("acme", "Acme Labs", 2)
    members = client().get("/api/organizations/acme/members").json()
    assert [(m["user"], m["role"]) for m in members] == [("alice", "admin"), ("bob", "write")]


def test_long_lists_are_followed_by_their_link(client, make_user, make_org):
    """A page ends with the absolute address of the next, query kept, until there is none."""
    names = [f"user{n}" for n in range(5)]
    for name in names:
        make_user(name)
    make_org("acme", **dict.fromkeys(names, Role.READ))
    url, seen = "/api/organizations/acme/members?limit=2&x=a%26b", []
    while url:
        answer = client().get(url)
        seen += [m["user"] for m in answer.json()]
        assert "link" not in answer.headers or answer.headers["link"].startswith("<http://hub.test/api/org")
        url = answer.links.get("next", {}).get("url")
    assert seen == names
    for query in ("limit=x", "cursor=-1", "limit=1e3", "cursor=%00"):
        assert client().get(f"/api/organizations/acme/members?{query}").status_code == 400


@pytest.mark.parametrize("who", ["nobody", "%00", "%2E%2E", "a%2Fb", "%F0%9F%98%80", "acme"])
def test_unknown_users_are_not_found(client, make_org, who):
    """Also names that no account can have, and organisations where a user is asked for."""
    make_org("acme")
    for path in ("overview", "followers", "following", "likes"):
        answer = client().get(f"/api/users/{who}/{path}")
        assert (answer.status_code, path) == (404, path)
        assert answer.json()["error"]


def test_follower_lists_are_empty(client, make_user, make_org):
    """Clients find the lists, and nobody in them."""
    make_user("alice")
    make_org("acme")
    for path in ("/api/users/alice/followers", "/api/users/alice/following", "/api/organizations/acme/followers"):
        assert client().get(path).json() == []


def test_an_avatar_is_a_picture_that_can_do_no_harm(client, make_user):
    """SVG of our own, valid, without script, cacheable, and sandboxed where a browser opens it."""
    make_user("alice", fullname="<script>alert(1)</script>")
    answer = client().get("/avatars/alice.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "max-age" in answer.headers["cache-control"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script" not in answer.text
    assert ET.fromstring(answer.text).tag.endswith("svg")
    assert client().get("/avatars/nobody.svg").status_code == 404


def test_likes_travel_as_the_hub_s_clients_read_them(client, make_user, make_repo):
    """Like, likers, a user's likes, unlike."""
    make_repo("alice/tiny")
    make_repo("alice/data", "dataset")
    _, token = make_user("bob", fullname="Bob B.")
    bob = client(token)
    assert bob.post("/api/models/alice/tiny/like").status_code == 200
    assert bob.post("/api/datasets/alice/data/like").status_code == 200
    [liker] = client().get("/api/models/alice/tiny/likers").json()
    assert (liker["user"], liker["fullname"], liker["avatarUrl"]) == (
        "bob",
        "Bob B.",
        "http://hub.test/avatars/bob.svg",
    )
    likes = client().get("/api/users/bob/likes").json()
    assert sorted(like["repo"]["type"] for like in likes) == ["dataset", "model"]
    assert likes[0]["createdAt"].endswith("Z")
    assert bob.delete("/api/models/alice/tiny/like").status_code == 200
    assert client().get("/api/models/alice/tiny/likers").json() == []
    assert client().post("/api/models/alice/tiny/like").status_code == 401


def test_access_requests_travel_as_the_hub_s_clients_read_them(client, make_user, make_repo, hub):
    """Ask, list, handle, grant; the errors of the Hub's documentation."""
    _, owner = make_user("alice")
    _, asker = make_user("bob", email="b@example.org")
    make_user("carol", email="c@example.org")
    make_repo("alice/tiny", gated="manual")
    make_repo("alice/open")
    alice, bob = client(owner), client(asker)
    base = "/api/models/alice/tiny/user-access-request"
    asked = bob.post("/alice/tiny/ask-access", data={"purpose": "a paper"})
    assert (asked.status_code, asked.json()) == (200, {"status": "pending"})
    [request] = alice.get(f"{base}/pending").json()
    assert set(request) == {"requestId", "user", "status", "timestamp", "fields"}
    assert (request["user"]["user"], request["user"]["email"]) == ("bob", "b@example.org")
    assert request["fields"] == {"purpose": "a paper"}
    handled = alice.post(f"{base}/handle", json={"requestId": request["requestId"], "status": "accepted"})
    assert handled.status_code == 200
    assert alice.post(f"{base}/handle", json={"user": "bob", "status": "accepted"}).status_code == 404
    assert alice.post(f"{base}/grant", json={"user": "bob"}).status_code == 400
    assert alice.post(f"{base}/grant", json={"user": "nobody"}).status_code == 404
    assert alice.post(f"{base}/grant", json={"user": "carol"}).status_code == 200
    accepted = {r["user"]["user"]: r["user"] for r in alice.get(f"{base}/accepted").json()}
    assert "email" not in accepted["carol"]
    rejected = alice.post(f"{base}/handle", json={"user": "bob", "status": "rejected", "rejectionReason": "no"})
    assert rejected.status_code == 200
    assert alice.get(f"{base}/rejected").json()[0]["user"]["user"] == "bob"
    assert bob.get(f"{base}/pending").status_code == 403
    assert client().get(f"{base}/pending").status_code == 401
    assert alice.get("/api/models/alice/open/user-access-request/pending").status_code == 400
    for junk in ({}, {"status": "x", "user": "bob"}, {"user": 5, "status": "accepted"}, [], "x"):
        assert alice.post(f"{base}/handle", json=junk).status_code == 400


def test_a_private_gated_repo_answers_like_a_missing_one(client, make_user, make_repo):
    """Attack: find private repos through the calls about likes and gates."""
    _, token = make_user("bob")
    make_repo("alice/hidden", gated="manual", private=True)
    calls = (
        ("GET", "/api/models/alice/{}/likers"),
        ("POST", "/api/models/alice/{}/like"),
        ("DELETE", "/api/models/alice/{}/like"),
        ("GET", "/api/models/alice/{}/user-access-request/pending"),
        ("POST", "/api/models/alice/{}/user-access-request/grant"),
        ("POST", "/api/models/alice/{}/user-access-request/handle"),
        ("POST", "/api/models/alice/{}/ask-access"),
        ("POST", "/alice/{}/ask-access"),
    )
    for credentials in (token, None):
        for method, path in calls:
            body = {"user": "bob", "status": "accepted"}
            answers = [
                client(credentials).request(method, path.format(name), json=None if method == "GET" else body)
                for name in ("hidden", "absent")
            ]
            seen = [
                (a.status_code, a.headers.get("X-Error-Code"), a.json()["error"].replace("hidden", "absent"))
                for a in answers
            ]
            assert seen[0] == seen[1]
            assert seen[0][:2] == (404 if credentials else 401, "RepoNotFound")


def test_a_card_is_checked_in_both_forms(client):
    """JSON for the client's own check, text for `RepoCard.validate`; 400 only for errors."""
    fine = {"content": "---\nlicense: mit\n---\n# x\n", "repoType": "model"}
    answer = client().post("/api/validate-yaml", json=fine)
    assert (answer.status_code, answer.json()) == (200, {"errors": [], "warnings": []})
    bare = client().post("/api/validate-yaml", json={"content": "# x\n", "repoType": "dataset"})
    assert bare.status_code == 200
    assert bare.json()["warnings"] == [{"message": "empty or missing yaml metadata in repo card"}]
    wrong = {"content": "---\nlicense: not-a-licence\n---\n", "repoType": "model"}
    refused = client().post("/api/validate-yaml", json=wrong)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["message"].startswith('"license" must be one of')
    text = client().post("/api/validate-yaml", json=wrong, headers={"Accept": "text/plain"})
    assert text.status_code == 400
    assert text.text.startswith('- Error: "license" must be one of')
    assert client().post("/api/validate-yaml", json={"content": "x", "repoType": "table"}).status_code == 400
    assert client().post("/api/validate-yaml", content=b"x" * 6_000_000).status_code == 413
