"""Discussions and pull requests: who may say, change and decide what, and what a merge leaves."""

import threading

import pytest

from evalcommons.core.access import ANONYMOUS
from evalcommons.core.discussions import EventKind, Status
from evalcommons.core.errors import BadRequest, Forbidden, NotFound, NotSignedIn, Refused, RepoNotFound
from evalcommons.core.ids import MAIN, RepoId, RepoKind
from evalcommons.services.pull_recovery import recover
from evaluation_files import eval_yaml, results_yaml

TINY = RepoId.parse(RepoKind.MODEL, "alice/tiny")


@pytest.fixture
def row(make_repo):
    return make_repo("alice/tiny")


@pytest.fixture
def git(hub, row):
    return hub.repos.git.open(row.uid)


@pytest.fixture
def people(actor_of):
    """alice owns the repo, bob and eve come by."""
    return actor_of("alice"), actor_of("bob"), actor_of("eve")


def test_everybody_who_can_read_may_talk_and_nobody_else(hub, row, people, make_repo, client):
    """A private repo is not there for strangers; somebody not signed in is asked to sign in."""
    alice, bob, _ = people
    num = hub.discussions.create(bob, TINY, "A question", "Why?")
    hub.discussions.comment(alice, TINY, num, "Because")
    with pytest.raises(NotSignedIn):
        hub.discussions.comment(ANONYMOUS, TINY, num, "Hello")
    assert [e.author for e in hub.discussions.details(ANONYMOUS, TINY, num).events] == ["bob", "alice"]
    make_repo("alice/secret", private=True)
    secret = RepoId.parse(RepoKind.MODEL, "alice/secret")
    hub.discussions.create(alice, secret, "Mine alone", "Yes")
    for ask in (
        lambda: hub.discussions.listed(bob, secret),
        lambda: hub.discussions.details(bob, secret, 1),
        lambda: hub.discussions.comment(bob, secret, 1, "Hi"),
        lambda: hub.discussions.merge(bob, secret, 1),
    ):
        with pytest.raises(RepoNotFound):
            ask()


@pytest.mark.parametrize(
    ("title", "text", "says"),
    [
        ("No", "text", "3 to 200"),
        ("   ", "text", "3 to 200"),
        ("x" * 201, "text", "3 to 200"),
        ("\u202e\u202e\u202eab", "text", "3 to 200"),
        ("Title", " \n\0", "empty"),
        ("Title", "x" * 65_537, "at most 65,536"),
    ],
)
def test_titles_and_comments_have_bounds(hub, row, people, title, text, says):
    """What is outside is refused with the bounds."""
    with pytest.raises(BadRequest, match=says):
        hub.discussions.create(people[1], TINY, title, text)


def test_a_title_cannot_disguise_itself(hub, row, people):
    """Direction overrides and line breaks do not reach the lists where other people's titles stand."""
    num = hub.discussions.create(people[1], TINY, "evil\u202e\n\ttitle  \U0001f469\u200d\U0001f52c", "text")
    assert hub.discussions.details(people[0], TINY, num).discussion.title == "evil title \U0001f469\u200d\U0001f52c"


def test_who_may_edit_hide_rename_and_close(hub, row, people):
    """One edits one's own words; the author and the writers hide, rename and close; others do not."""
    alice, bob, eve = people
    talk = hub.discussions
    num = talk.create(bob, TINY, "A question", "Why?")
    opening = talk.details(bob, TINY, num).events[0]
    with pytest.raises(Forbidden, match="Only bob, who wrote the comment, can edit it"):
        talk.edit_comment(alice, TINY, num, opening.uid, "No")
    for change in (
        lambda: talk.hide_comment(eve, TINY, num, opening.uid),
        lambda: talk.rename(eve, TINY, num, "Another title"),
        lambda: talk.set_status(eve, TINY, num, "closed"),
    ):
        with pytest.raises(Forbidden, match="Only bob"):
            change()
    talk.edit_comment(bob, TINY, num, opening.uid.upper(), "Why not?")
    talk.rename(alice, TINY, num, "A better title")
    talk.set_status(bob, TINY, num, "closed", "Solved")
    talk.set_status(alice, TINY, num, "open")
    hidden = talk.hide_comment(alice, TINY, num, opening.uid)
    assert (hidden.data["hidden"], hidden.data["hiddenBy"]) == (True, "alice")
    with pytest.raises(BadRequest, match="hidden"):
        talk.edit_comment(bob, TINY, num, opening.uid, "Again")
    with pytest.raises(BadRequest, match="hidden already"):
        talk.hide_comment(alice, TINY, num, opening.uid)
    with pytest.raises(NotFound, match="no comment"):
        talk.edit_comment(bob, TINY, num, "0" * 24, "x")
    renamed = next(e for e in talk.details(bob, TINY, num).events if e.kind is EventKind.TITLE)
    with pytest.raises(NotFound):
        talk.hide_comment(alice, TINY, num, renamed.uid)
    assert renamed.data == {"from": "A question", "to": "A better title"}
    for bad in ("merged", "draft", "finished"):
        with pytest.raises(BadRequest, match="open"):
            talk.set_status(alice, TINY, num, bad)
    with pytest.raises(BadRequest, match="is open already"):
        talk.set_status(alice, TINY, num, "open")
    with pytest.raises(BadRequest, match="not a pull request"):
        talk.merge(alice, TINY, num)


def test_an_edit_keeps_what_was_said_before(hub, row, people):
    """Nothing disappears silently."""
    _, bob, _ = people
    num = hub.discussions.create(bob, TINY, "A question", "one")
    uid = hub.discussions.details(bob, TINY, num).events[0].uid
    for text in ("two", "three"):
        hub.discussions.edit_comment(bob, TINY, num, uid, text)
    data = hub.discussions.details(bob, TINY, num).events[0].data
    assert (data["latest"]["raw"], [v["raw"] for v in data["history"]]) == ("three", ["one", "two"])


def test_a_suspended_account_can_say_nothing(hub, row, make_user, client):
    """Its token is refused at the door."""
    _, token = make_user("mallory")
    hub.accounts.suspend("mallory", "spam")
    answer = client(token).post("/api/models/alice/tiny/discussions", json={"title": "Buy this", "description": "now"})
    assert answer.status_code == 403
    assert "suspended" in answer.json()["error"]


def test_a_gate_closes_the_diff_and_not_the_conversation(hub, make_repo, push, people):
    """Who was not let in may discuss a gated repo, but does not see its files."""
    alice, _, eve = people
    make_repo("alice/gated", gated="manual")
    gated = RepoId.parse(RepoKind.MODEL, "alice/gated")
    push("alice/gated", {"secret.txt": b"secret"}, pr=True)
    assert hub.discussions.details(eve, gated, 1, diff=True).diff is None
    assert "secret" in hub.discussions.details(alice, gated, 1, diff=True).diff


# --- merging ----------------------------------------------------------------------------------------------------------


def test_a_merge_is_one_commit_by_the_pull_requests_author(hub, push, git, people, row):
    """Whatever happened on the ref, the base gets one commit with one parent; the log says who merged."""
    alice, bob, _ = people
    push("alice/tiny", {"a.txt": b"1\n2\n3\n"})
    push("alice/tiny", {"a.txt": b"one\n2\n3\n"}, by="bob", pr=True)
    push("alice/tiny", {"b.txt": b"new"}, by="bob", to="refs/pr/1")
    push("alice/tiny", {"a.txt": b"1\n2\nthree\n"})
    base = git.ref(MAIN)
    merged = hub.discussions.merge(alice, TINY, 1, "Thanks")
    commit = git.commit(merged.oid)
    assert (commit.parents, commit.author.name, commit.title) == ((base,), "bob", "Add results (#1)")
    assert git.read_path(merged.oid, "a.txt") == b"one\n2\nthree\n"
    assert git.read_path(merged.oid, "b.txt") == b"new"
    last = git.updates(MAIN)[-1]
    assert (last.who, last.message) == ("alice", "merge pull request 1: Add results")
    details = hub.discussions.details(bob, TINY, 1, diff=True)
    assert (details.discussion.status, details.discussion.merge_commit) == (Status.MERGED, merged.oid)
    assert details.events[-1].ref_updates == 2
    assert "+new" in details.diff
    assert "three" not in details.diff
    with pytest.raises(BadRequest, match="is merged"):
        hub.discussions.merge(alice, TINY, 1)


def test_a_merge_that_would_break_the_files_together_is_refused(hub, push, git, people, make_repo, row):
    """Each file was fine on its own; the board rules that came meanwhile make the report an error."""
    alice, _, _ = people
    make_repo("alice/bench", "dataset")
    push("alice/bench", {"eval.yaml": eval_yaml()}, kind="dataset")
    push("alice/tiny", {".eval_results/b.yaml": results_yaml(86.2)}, by="bob", pr=True)
    rules = b"tasks:\n  main:\n    bounds: [0, 1]\n"
    push("alice/bench", {"leaderboard.yaml": rules}, kind="dataset")
    head = git.ref(MAIN)
    with pytest.raises(Refused, match=r"86\.2"):
        hub.discussions.merge(alice, TINY, 1)
    assert git.ref(MAIN) == head
    assert hub.discussions.details(alice, TINY, 1).discussion.status is Status.OPEN


def test_two_who_merge_at_once_merge_once(hub, push, git, people, row):
    """The second is told that it is merged; main has one commit of it."""
    alice, _, _ = people
    push("alice/tiny", {"a.txt": b"1"}, by="bob", pr=True)
    told = []

    def work():
        try:
            told.append(hub.discussions.merge(alice, TINY, 1).oid)
        except BadRequest as error:
            told.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(t) == 40 for t in told) == [False, False, False, True]
    assert len(git.updates(MAIN)) == 2


def test_many_pull_requests_at_once_have_numbers_of_their_own(hub, push, git, people, row):
    """Numbers are taken in one line, without gaps."""
    nums = []

    def work(number):
        nums.extend(push("alice/tiny", {f"{number}-{n}.txt": b"x"}, by="bob", pr=True).num for n in range(5))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(nums) == list(range(1, 21))
    assert set(git.refs("refs/pr/")) == {f"refs/pr/{n}" for n in nums}


def test_a_withdrawn_report_stays_withdrawn_until_it_is_reopened(hub, push, board, make_repo, people, row):
    """Closed takes it off, a commit to the closed one is refused, reopened brings it back."""
    alice, bob, _ = people
    make_repo("alice/bench", "dataset")
    push("alice/bench", {"eval.yaml": eval_yaml()}, kind="dataset")
    push("alice/tiny", {".eval_results/b.yaml": results_yaml(0.6)}, by="bob", pr=True)
    hub.discussions.set_status(alice, TINY, 1, "closed")
    assert board("alice/bench") == []
    with pytest.raises(BadRequest, match="reopen it"):
        push("alice/tiny", {".eval_results/b.yaml": results_yaml(0.9)}, by="bob", to="refs/pr/1")
    hub.discussions.set_status(bob, TINY, 1, "open")
    assert board("alice/bench") == [(1, "alice/tiny", 0.6)]


# --- after a crash ----------------------------------------------------------------------------------------------------


def test_pull_requests_that_only_git_knows_are_completed_from_its_logs(hub, push, git, people, row):
    """Titles in any script, drafts, further commits and merges; twice is the same as once."""
    alice, bob, _ = people
    push("alice/tiny", {"a.txt": b"1"}, by="bob", pr=True)
    hub.discussions.create(bob, TINY, "Entwurf: größer — 日本語", "soon", pull_request=True)
    push("alice/tiny", {"b.txt": b"1"}, by="bob", to="refs/pr/2")
    hub.discussions.merge(alice, TINY, 1)
    from evalcommons.storage.index.schema import discussion_events, discussions, repos

    with hub.index.transaction() as tx:
        tx.connection.execute(discussion_events.delete())
        tx.connection.execute(discussions.delete())
        tx.connection.execute(repos.update().values(last_num=0))
    git.move_ref("refs/pr/7", git.ref(MAIN), expected=None, who=git.commit(git.ref(MAIN)).author, why="pushed by hand")
    pictures = []
    for _ in range(2):
        with hub.index.transaction() as tx:
            recover(tx, row, git, hub.clock, tx.discussions.pulls([row.id])[row.id])
        found = [hub.discussions.details(alice, TINY, num) for num in (1, 2)]
        pictures.append(
            [(d.discussion.title, d.discussion.status, [(e.kind, e.author) for e in d.events]) for d in found]
        )
    assert pictures[0] == pictures[1]
    assert pictures[0] == [
        (
            "Add results",
            Status.MERGED,
            [(EventKind.COMMENT, "bob"), (EventKind.COMMIT, "bob"), (EventKind.STATUS, "alice")],
        ),
        ("Entwurf: größer — 日本語", Status.DRAFT, [(EventKind.COMMENT, "bob"), (EventKind.COMMIT, "bob")]),
    ]
    with pytest.raises(NotFound):
        hub.discussions.details(alice, TINY, 7)
    assert hub.discussions.create(bob, TINY, "The next one", "text") == 3
