"""Discussions over HTTP, as the Hub's clients read them."""

import re

import pytest

from evaluation_files import commit_lines

BASE = "/api/models/alice/tiny/discussions"


@pytest.fixture
def people(make_user, make_repo, client):
    """Clients of alice, who owns alice/tiny, and of bob."""
    tokens = [make_user(name)[1] for name in ("alice", "bob")]
    make_repo("alice/tiny")
    return [client(token) for token in tokens]


def test_a_discussion_has_the_hubs_shape(people, client):
    """The list's item, and with its events the details; two reads are equal."""
    _, bob = people
    made = bob.post(BASE, json={"title": " A question ", "description": "**Why?**", "pullRequest": False})
    assert (made.status_code, made.json()["num"]) == (200, 1)
    listed = client().get(BASE).json()
    item = listed["discussions"][0]
    assert (listed["count"], listed["start"]) == (1, 0)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item["createdAt"])
    assert item == {
        "num": 1,
        "title": "A question",
        "status": "open",
        "author": {"name": "bob", "fullname": "bob", "type": "user"},
        "createdAt": item["createdAt"],
        "isPullRequest": False,
        "repo": {"name": "alice/tiny", "type": "model"},
    }
    details = client().get(f"{BASE}/1?diff=1").json()
    assert details == client().get(f"{BASE}/1?diff=1").json()
    event = details["events"][0]
    assert event == {
        "id": event["id"],
        "type": "comment",
        "createdAt": item["createdAt"],
        "author": {"name": "bob", "type": "user"},
        "data": {
            "edited": False,
            "hidden": False,
            "latest": {
                "raw": "**Why?**",
                "html": "<p><strong>Why?</strong></p>\n",
                "updatedAt": item["createdAt"],
                "author": {"name": "bob", "type": "user"},
            },
            "history": [],
        },
    }
    assert "changes" not in details


def test_a_pull_request_has_its_changes_conflicts_and_diff(people):
    """`changes` and `filesWithConflicts` are always there; the diff when it is asked for."""
    alice, bob = people
    lines = b"\n".join(commit_lines({"a.txt": b"hello\n"}))
    bob.post("/api/models/alice/tiny/commit/main?create_pr=1", content=lines)
    details = alice.get(f"{BASE}/1?diff=1").json()
    assert (details["changes"], details["filesWithConflicts"]) == ({"base": "refs/heads/main"}, [])
    assert "+hello" in details["diff"]
    assert "diff" not in alice.get(f"{BASE}/1").json()
    assert details["events"][1]["data"].keys() == {"subject", "oid"}
    merged = alice.post(f"{BASE}/1/merge")  # an empty body without a type, as huggingface_hub sends it
    assert merged.status_code == 200
    details = alice.get(f"{BASE}/1").json()
    assert details["changes"]["mergeCommitId"] == merged.json()["mergeCommitId"]
    assert details["events"][-1]["data"] == {"status": "merged"}


def test_each_change_answers_with_its_event(people):
    """newMessage, updatedComment, newTitle, newStatus."""
    alice, bob = people
    bob.post(BASE, json={"title": "A question", "description": "Why?"})
    said = bob.post(f"{BASE}/1/comment", json={"comment": "More"}).json()["newMessage"]
    edited = bob.post(f"{BASE}/1/comment/{said['id']}/edit", json={"content": "Less"}).json()["updatedComment"]
    assert (edited["id"], edited["data"]["latest"]["raw"]) == (said["id"], "Less")
    assert [v["raw"] for v in edited["data"]["history"]] == ["More"]
    hidden = alice.post(f"{BASE}/1/comment/{said['id']}/hide").json()["updatedComment"]
    assert (hidden["data"]["hidden"], hidden["data"]["history"]) == (True, [])
    assert "Less" not in str(hidden)
    assert bob.post(f"{BASE}/1/title", json={"title": "Other"}).json()["newTitle"]["data"]["to"] == "Other"
    closed = bob.post(f"{BASE}/1/status", json={"status": "closed", "comment": "Done"}).json()["newStatus"]
    assert closed["data"] == {"status": "closed"}
    texts = [e["data"]["latest"]["raw"] for e in bob.get(f"{BASE}/1").json()["events"] if e["type"] == "comment"]
    assert texts[-1] == "Done"


@pytest.mark.parametrize(
    ("call", "sent", "status"),
    [
        ("", {"title": "No", "description": "x"}, 400),
        ("", {"description": "x"}, 400),
        ("/1/comment", {"comment": ""}, 400),
        ("/1/comment", {"comment": ["x"]}, 400),
        ("/1/status", {"status": "merged"}, 400),
        ("/1/merge", {}, 403),
        ("/9/comment", {"comment": "x"}, 404),
        ("/x/comment", {"comment": "x"}, 400),
        ("/0/comment", {"comment": "x"}, 400),
        ("/1/comment/abc/edit", {"content": "x"}, 404),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(people, call, sent, status):
    """No 500, and always an error text."""
    _, bob = people
    bob.post(BASE, json={"title": "A question", "description": "Why?"})
    answer = bob.post(BASE + call, json=sent)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert answer.headers["x-error-message"]


def test_lists_refuse_words_they_do_not_know(people):
    """A typo in a filter must not look like an empty list."""
    for query in ("type=issue", "status=done", "p=-1", "p=x"):
        assert people[0].get(f"{BASE}?{query}").status_code == 400
    assert people[0].get(f"{BASE}?p=7").json() == {"discussions": [], "count": 0, "start": 350}
