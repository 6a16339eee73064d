"""Commits, branches, tags and squashes: what lands, what is refused, and what two writers at once get."""

import hashlib
import json
import threading

import pytest

from evalcommons.core.access import ANONYMOUS, Role
from evalcommons.core.errors import (
    AlreadyExists,
    BadRequest,
    EntryNotFound,
    Forbidden,
    InvalidPath,
    NotSignedIn,
    Refused,
    RepoNotFound,
    RevisionNotFound,
    StaleParent,
)
from evalcommons.core.ids import MAIN, RepoId, RepoKind
from evalcommons.core.lfs import parse_pointer, pointer_bytes
from evalcommons.services.commits import Sent
from evaluation_files import commit_lines, eval_yaml, results_yaml

TINY = RepoId.parse(RepoKind.MODEL, "alice/tiny")


@pytest.fixture
def git(hub, make_repo):
    """alice/tiny's git."""
    row = make_repo("alice/tiny")
    return hub.repos.git.open(row.uid)


@pytest.fixture
def commit(hub, actor_of, git):
    """commit(line, …, by="alice", to="main", pr=False, **header) -> what the service answers."""

    def send(*operations, by="alice", to="main", pr=False, summary="Change", **header):
        head = {"key": "header", "value": {"summary": summary, "description": "", **header}}
        lines = [json.dumps(line).encode() for line in (head, *operations)]
        return hub.commits.commit(actor_of(by), TINY, to, lines, create_pr=pr)

    return send


def put(path, content="x"):
    return {"key": "file", "value": {"path": path, "content": content, "encoding": "utf-8"}}


def drop(path):
    return {"key": "deletedFolder" if path.endswith("/") else "deletedFile", "value": {"path": path}}


def large(path, sha256, **more):
    return {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": sha256, **more}}


def files(git, revision=MAIN):
    found = [e.path for e in git.entries(git.ref(revision), recursive=True) if not e.is_folder]
    return [path for path in found if path != ".gitattributes"]


def test_lines_apply_in_order_as_one_commit(commit, git):
    """Delete and add of one path in one request leaves the new file; a copy takes its mode along."""
    commit(put("a", "1"), put("d/b", "1"), put("d/e/c", "1"))
    done = commit(drop("a"), put("a", "2"), drop("d/e/"), {"key": "copyFile", "value": {"path": "f", "srcPath": "d/b"}})
    assert files(git) == ["a", "d/b", "f"]
    assert git.read_path(done.oid, "a") == b"2"
    assert len(git.commit(done.oid).parents) == 1
    assert git.commit(done.oid).author.name == "alice"
    assert [u.message for u in git.updates(MAIN)] == ["initial commit", "commit: Change", "commit: Change"]


def test_a_folder_may_be_deleted_either_way_and_takes_everything_below_it(commit, git):
    """deletedFile on a folder is accepted, as on the Hub; the whole repo can be emptied."""
    commit(put("d/a"), put("d/e/b"), put("dd"))
    commit(drop("d"))
    assert files(git) == ["dd"]
    commit(drop("/"))
    assert list(git.entries(git.ref(MAIN))) == []


def test_what_is_not_there_cannot_be_deleted_or_copied(commit):
    """The client recognises the sentence about the file."""
    commit(put("d/a"))
    for line in (drop("b"), drop("b/"), drop("d/a/"), drop("d/a/x")):
        with pytest.raises(EntryNotFound, match="with this name doesn't exist"):
            commit(line)
    with pytest.raises(EntryNotFound, match="Cannot copy"):
        commit({"key": "copyFile", "value": {"path": "x", "srcPath": "nothing"}})


def test_a_commit_that_changes_nothing_moves_nothing(commit, git):
    """It answers with the head; as a pull request it is refused."""
    first = commit(put("a"))
    assert commit(put("a")).oid == first.oid
    assert len(git.updates(MAIN)) == 2
    with pytest.raises(BadRequest, match="Nothing would change"):
        commit(put("a"), by="bob", pr=True)
    assert commit(put("b"), by="bob", pr=True).num == 1


def test_a_file_cannot_be_put_inside_a_file(commit, git):
    """The refusal names both; nothing is committed."""
    first = commit(put("a"))
    with pytest.raises(BadRequest, match="a is a file"):
        commit(put("a/b"))
    with pytest.raises(BadRequest, match="as a file"):
        commit(put("n"), put("n/m"))
    with pytest.raises(InvalidPath):
        commit(put("ok"), put("../up"))
    assert git.ref(MAIN) == first.oid


def test_a_stale_parent_is_refused_and_a_current_one_lands(commit):
    """The parent may be shortened; a new pull request may start below the head."""
    first, second = commit(put("a", "1")), commit(put("a", "2"))
    with pytest.raises(StaleParent):
        commit(put("b"), parentCommit=first.oid)
    with pytest.raises(StaleParent):
        commit(put("b"), parentCommit="1234567")
    commit(put("b"), parentCommit=second.oid[:7])
    assert commit(put("c"), parentCommit=first.oid, by="bob", pr=True).num == 1
    with pytest.raises(StaleParent):
        commit(put("c"), parentCommit="1234567", by="bob", pr=True)


def test_writers_at_once_all_land(hub, actor_of, git):
    """Without a parent each commit goes on top of whatever is there: none is lost, none fails."""
    alice = actor_of("alice")
    failed = []

    def work(number):
        for turn in range(5):
            try:
                hub.commits.commit(alice, TINY, "main", commit_lines({f"f{number}-{turn}": b"x"}))
            except Exception as error:  # noqa: BLE001
                failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(files(git)) == 30
    assert len(git.updates(MAIN)) == 31


def test_rights_decide_who_writes_where(hub, commit, make_repo, actor_of, git):
    """Writers to branches, anybody signed in to a new pull request, its author and writers to that."""
    with pytest.raises(Forbidden):
        commit(put("a"), by="bob")
    with pytest.raises(NotSignedIn):
        hub.commits.commit(ANONYMOUS, TINY, "main", commit_lines({"a": b"x"}), create_pr=True)
    commit(put("a"), by="bob", pr=True)
    commit(put("b"), by="bob", to="refs/pr/1")
    commit(put("c"), by="alice", to="refs/pr/1")
    with pytest.raises(Forbidden, match="Only bob"):
        commit(put("d"), by="eve", to="refs/pr/1")
    with pytest.raises(BadRequest, match="without create_pr"):
        commit(put("d"), by="eve", to="refs/pr/1", pr=True)
    for revision in ("nowhere", "refs/pr/9", git.ref(MAIN), "refs/tags/v1"):
        with pytest.raises(RevisionNotFound):
            commit(put("d"), to=revision)
    make_repo("alice/secret", private=True)
    with pytest.raises(RepoNotFound):
        hub.commits.commit(actor_of("bob"), RepoId.parse(RepoKind.MODEL, "alice/secret"), "main", commit_lines({}))
    with pytest.raises(RepoNotFound):
        hub.commits.commit(actor_of("bob"), RepoId.parse(RepoKind.SPACE, "alice/app"), "main", commit_lines({}))


def test_a_refused_evaluation_file_leaves_no_trace(hub, commit, git):
    """Neither the ref nor a pull request's number moves."""
    head = git.ref(MAIN)
    with pytest.raises(Refused, match=r"\.eval_results/x\.yaml:1"):
        commit(put(".eval_results/x.yaml", "nonsense"))
    with pytest.raises(Refused):
        commit(put(".eval_results/x.yaml", "nonsense"), by="bob", pr=True)
    assert git.ref(MAIN) == head
    assert git.refs("refs/pr/") == {}
    assert commit(put("b"), by="bob", pr=True).num == 1
    assert not list((hub.settings.data / "journal").glob("*.journal")) or all(
        not f.read_bytes().strip() for f in (hub.settings.data / "journal").glob("*.journal")
    )


def test_warnings_land_and_are_told(commit):
    """A benchmark that is not on this hub is odd, not wrong."""
    done = commit(put(".eval_results/x.yaml", results_yaml(0.5, dataset="some/where").decode()))
    assert [w.code for w in done.warnings] == ["unknown-benchmark"]


def test_a_report_is_on_the_board_when_the_commit_has_answered(push, board, make_repo):
    """Author and community alike."""
    make_repo("alice/bench", "dataset")
    make_repo("alice/tiny")
    push("alice/bench", {"eval.yaml": eval_yaml()}, kind="dataset")
    push("alice/tiny", {".eval_results/b.yaml": results_yaml(0.5)})
    assert board("alice/bench") == [(1, "alice/tiny", 0.5)]
    assert push("alice/tiny", {".eval_results/b.yaml": results_yaml(0.7)}, by="bob", pr=True).num == 1
    assert board("alice/bench") == [(1, "alice/tiny", 0.7)]


# --- large files ------------------------------------------------------------------------------------------------------


def test_a_large_file_must_have_been_uploaded_to_this_repo(hub, commit, git, make_repo):
    """The commit writes its pointer; a foreign or unknown one is refused with what to do."""
    content = b"weights" * 100
    sha256 = hashlib.sha256(content).hexdigest()
    with pytest.raises(BadRequest, match="not uploaded to this repo"):
        commit(large("w.bin", sha256, size=len(content)))
    hub.large_files.add(make_repo("alice/other"), sha256, [content])
    with pytest.raises(BadRequest, match="not uploaded to this repo"):
        commit(large("w.bin", sha256, size=len(content)))
    with hub.index.read() as db:
        row = db.repos.find(TINY)
    hub.large_files.add(row, sha256, [content])
    with pytest.raises(BadRequest, match=f"has {len(content)} bytes, not 5"):
        commit(large("w.bin", sha256, size=5))
    done = commit(large("w.bin", sha256))
    assert git.read_path(done.oid, "w.bin") == pointer_bytes(sha256, len(content))


def test_what_git_lfs_keeps_is_compared_by_content_and_stays_there(hub, commit, git, actor_of):
    """A client with hf_xet can only send it in the request: preupload says so, and knows unchanged bytes."""
    content = b"weights" * 100
    sha256 = hashlib.sha256(content).hexdigest()
    with hub.index.read() as db:
        row = db.repos.find(TINY)
    hub.large_files.add(row, sha256, [content])
    commit(large("w.bin", sha256))

    def plan(size):
        return hub.commits.preupload(actor_of("alice"), TINY, "main", [Sent("w.bin", size)])[0]

    assert (plan(len(content)).large, plan(len(content)).oid) == (False, git.write_blob(content))
    assert plan(5).oid is None
    assert (plan(10**12).large, plan(10**12).oid) == (True, sha256)
    done = commit(put("w.bin", "new weights"))
    pointer = parse_pointer(git.read_path(done.oid, "w.bin"))
    assert b"".join(hub.large_files.read(row, pointer.sha256)) == b"new weights"


def test_preupload_tells_what_stands_and_what_is_ignored(hub, commit, git, actor_of):
    """The repo's own .gitignore counts unless the request brings one."""
    commit(put("a.txt", "hello"), put(".gitignore", "*.log\n"))
    alice, bob = actor_of("alice"), actor_of("bob")
    sent = [Sent("a.txt", 5), Sent("x.log", 1), Sent("y.tmp", 1)]
    plans = hub.commits.preupload(alice, TINY, "main", sent)
    assert [(p.path, p.large, p.ignored, p.oid) for p in plans] == [
        ("a.txt", False, False, git.write_blob(b"hello")),
        ("x.log", False, True, None),
        ("y.tmp", False, False, None),
    ]
    plans = hub.commits.preupload(bob, TINY, "main", sent, git_ignore="*.tmp", create_pr=True)
    assert [p.ignored for p in plans] == [False, False, True]
    with pytest.raises(Forbidden):
        hub.commits.preupload(bob, TINY, "main", sent)
    with pytest.raises(InvalidPath):
        hub.commits.preupload(alice, TINY, "main", [Sent(".git/config", 1)])
    with pytest.raises(RevisionNotFound):
        hub.commits.preupload(alice, TINY, "nowhere", sent)


# --- branches, tags, squashes -----------------------------------------------------------------------------------------


def test_branches_and_tags_have_names_that_mean_one_thing(hub, actor_of, git):
    """A name that reads as a commit, a ref or an option is refused; a branch and a tag may share one."""
    alice, commits = actor_of("alice"), hub.commits
    commits.create_branch(alice, TINY, "dev/one")
    commits.create_tag(alice, TINY, "main", "dev/one", "annotated\n")
    assert git.ref("refs/heads/dev/one") == git.ref("refs/tags/dev/one") == git.ref(MAIN)
    for name in ("", "a..b", "refs/heads/x", "-x", "a" * 40, "x" * 300, "a\u202eb", "a b", "a.lock", "HEAD"):
        with pytest.raises(BadRequest):
            commits.create_branch(alice, TINY, name)
        with pytest.raises(BadRequest):
            commits.create_tag(alice, TINY, "main", name)
    with pytest.raises(AlreadyExists, match="Reference refs/heads/dev/one already exists"):
        commits.create_branch(alice, TINY, "dev/one")
    commits.delete_branch(alice, TINY, "dev/one")
    with pytest.raises(RevisionNotFound):
        commits.delete_branch(alice, TINY, "dev/one")
    with pytest.raises(Forbidden, match="Cannot delete refs/heads/main"):
        commits.delete_branch(alice, TINY, "main")
    for change in (
        lambda who: commits.create_branch(who, TINY, "x"),
        lambda who: commits.delete_branch(who, TINY, "main"),
        lambda who: commits.create_tag(who, TINY, "main", "x"),
        lambda who: commits.delete_tag(who, TINY, "dev/one"),
        lambda who: commits.super_squash(who, TINY, "main", "x"),
    ):
        with pytest.raises(Forbidden):
            change(actor_of("bob"))


def test_squashing_keeps_files_results_and_pull_requests(hub, push, board, make_repo, actor_of):
    """One commit is left; the board stays as it is, and an open pull request can still be merged."""
    make_repo("alice/bench", "dataset")
    push("alice/bench", {"eval.yaml": eval_yaml()}, kind="dataset")
    row = make_repo("alice/tiny")
    push("alice/tiny", {".eval_results/a.yaml": results_yaml(0.5)})
    push("alice/tiny", {"README.md": b"# Tiny"})
    proposed = {".eval_results/b.yaml": results_yaml(0.6), "README.md": b"# Tiny model"}
    push("alice/tiny", proposed, by="bob", pr=True)
    before = board("alice/bench")
    alice, git = actor_of("alice"), hub.repos.git.open(row.uid)
    oid = hub.commits.super_squash(alice, TINY, "main", "All in\none")
    assert (git.ref(MAIN), git.commit(oid).parents, git.commit(oid).title) == (oid, (), "All in one")
    assert board("alice/bench") == before
    shown = hub.discussions.details(alice, TINY, 1, diff=True)
    assert shown.conflicts == []
    assert ("+# Tiny model" in shown.diff, "a.yaml" in shown.diff) == (True, False)
    hub.commits.super_squash(actor_of("bob"), TINY, "refs/pr/1", "Mine in one")
    assert board("alice/bench") == before
    merged = hub.discussions.merge(alice, TINY, 1)
    assert git.read_path(merged.oid, "README.md") == b"# Tiny model"
    assert files(git) == [".eval_results/a.yaml", ".eval_results/b.yaml", "README.md"]


def test_a_member_with_write_commits_for_the_organisation(hub, make_org, make_repo, actor_of):
    """Roles: write may, contributor only to what they made, read may not."""
    for name in ("wendy", "carl", "rita"):
        actor_of(name)
    make_org("acme", wendy=Role.WRITE, carl=Role.CONTRIBUTOR, rita=Role.READ)
    make_repo("acme/model", by="wendy")
    acme = RepoId.parse(RepoKind.MODEL, "acme/model")
    hub.commits.commit(actor_of("wendy"), acme, "main", commit_lines({"a": b"1"}))
    for name in ("carl", "rita"):
        with pytest.raises(Forbidden):
            hub.commits.commit(actor_of(name), acme, "main", commit_lines({"a": b"2"}))
        hub.commits.commit(actor_of(name), acme, "main", commit_lines({"a": name.encode()}), create_pr=True)
