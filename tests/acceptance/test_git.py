"""The real git against a live hub: what lands, what is refused and how the person is told, and what is left behind."""

import base64
import gzip
import hashlib
import itertools
import os
import re
import socket
import subprocess
import time
from urllib.parse import urlsplit

import httpx2
import pytest

from evalcommons.config import Settings
from evalcommons.core.access import Need, Scope, TokenRole
from evalcommons.core.ids import MAIN, RepoId, RepoKind
from evalcommons.core.lfs import pointer_bytes
from evalcommons.hub import open_hub
from evalcommons.web.server import running
from evaluation_files import eval_yaml, results_yaml
from git_clients import ZERO, Copy, children_of, commands, left_behind, pack, packet, wait_for

_NUMBERS = itertools.count(1)


@pytest.fixture
def clone(server):
    """clone("alice/tiny", token, *options) -> a working copy; `token` None: anonymous."""

    def make(path, token=None, *options, ok=True, user="hf_user"):
        folder = server.home / f"copy{len(list(server.home.iterdir()))}"
        env = server.env()
        copy = Copy(server.home, env)
        url = server.git_url(path, token, user) if token != "" else server.git_url(path).replace("//", f"//{user}@")
        copy.said = copy.git("clone", *options, url, folder, ok=ok)
        copy.folder = folder
        return copy

    return make


@pytest.fixture
def repo(server):
    """repo("alice", kind="model", private=False, gated="") -> a new repo of hers with a name of its own."""

    def make(owner, kind="model", **settings):
        server.user(owner)
        actor = server.hub.accounts.actor(owner)
        row = server.hub.repos.create(actor, RepoId(RepoKind(kind), owner, f"repo-{next(_NUMBERS)}"))
        return server.hub.repos.configure(actor, row.repo_id, **settings) if settings else row

    return make


@pytest.fixture
def git_of(server):
    """git_of(row) -> the repo as the hub has it."""
    return lambda row: server.hub.repos.git.open_once(row.uid)


# --- clone and fetch ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0", "1", "2"])
@pytest.mark.parametrize("suffix", ["", ".git"])
def test_anybody_clones_a_public_repo(repo, clone, version, suffix):
    """In every version of the protocol, with `.git` or without."""
    row = repo("alice")
    copy = clone(row.repo_id.path + suffix, None, "-c", f"protocol.version={version}")
    assert (copy.folder / ".gitattributes").exists()


def test_a_dataset_lives_below_datasets(repo, clone, server):
    """A dataset is cloned from, and pushed to, its own address."""
    row = repo("alice", "dataset")
    copy = clone(f"datasets/{row.repo_id}", server.user("alice"))
    copy.commit({"data.csv": "a,b\n"})
    copy.git("push", "-q")
    again = clone(f"datasets/{row.repo_id}")
    assert (again.folder / "data.csv").read_text() == "a,b\n"
    clone(str(row.repo_id), ok=False)


def test_shallow_and_partial_clones_get_less_and_grow(repo, clone, server):
    """`--depth` brings one commit, `--filter` leaves the files for later; both can fetch the rest and push."""
    row, token = repo("alice"), server.user("alice")
    copy = clone(str(row.repo_id), token)
    for number in range(5):
        copy.commit({"README.md": f"{number}\n" * 100})
    copy.git("push", "-q")
    shallow = clone(str(row.repo_id), token, "--depth=1")
    assert shallow.git("rev-list", "--count", "HEAD").strip() == "1"
    shallow.commit({"from-shallow.txt": "x"})
    shallow.git("push", "-q")
    shallow.git("fetch", "-q", "--unshallow")
    assert shallow.git("rev-list", "--count", "HEAD").strip() == "7"
    partial = clone(str(row.repo_id), token, "--filter=blob:none", "--no-checkout")
    assert partial.git("rev-list", "--objects", "--missing=print", "HEAD").count("?") > 0
    partial.git("checkout", "-q", "main")
    assert (partial.folder / "README.md").read_text().startswith("4\n")


def test_a_fetch_with_much_to_say_is_understood(repo, clone, server, git_of):
    """A long negotiation comes gzipped and in several rounds."""
    row, token = repo("alice"), server.user("alice")
    copy, other = clone(str(row.repo_id), token), clone(str(row.repo_id), token)
    copy.commit({"README.md": "new on the hub"})
    copy.git("push", "-q")
    for number in range(300):
        other.git("commit", "-q", "--allow-empty", "-m", f"local {number}")
    said = other.git("-c", "core.compression=0", "fetch", "origin")
    assert "main" in said
    other.git("merge", "-q", "origin/main")
    other.git("push", "-q")
    assert git_of(row).ref(MAIN) == other.head()


def test_a_private_repo_asks_who_is_there(repo, clone, server):
    """A challenge for nobody, its files for its owner, and for everybody else the answer of a missing repo."""
    row = repo("alice", private=True)
    assert "could not read Username" in clone(str(row.repo_id), ok=False).said
    for path in (row.repo_id, "alice/no-such-repo", "a..b/--"):
        asked = httpx2.get(f"{server.url}/{path}/info/refs?service=git-upload-pack")
        assert asked.status_code == 401
        assert asked.headers["www-authenticate"] == 'Basic realm="evalcommons"'
    clone(str(row.repo_id), server.user("alice"))
    clone(str(row.repo_id), "x", user=server.user("alice"), ok=False)
    stranger = clone(str(row.repo_id), server.user("bob"), ok=False).said
    missing = clone("alice/no-such-repo", server.user("bob"), ok=False).said
    assert "Repository not found: there is no model" in stranger
    assert stranger.replace(row.name, "no-such-repo").split("remote:")[1] == missing.split("remote:")[1]
    assert "Invalid credentials" in clone(str(row.repo_id), "hf_wrong_token", ok=False).said


def test_credentials_travel_as_basic_or_bearer(repo, clone, server):
    """The token may be password, user name, or a Bearer header."""
    row, token = repo("alice", private=True), server.user("alice")
    clone(str(row.repo_id), "", user=token)
    clone(str(row.repo_id), None, "-c", f"http.extraHeader=Authorization: Bearer {token}")


def test_a_gate_keeps_files_from_strangers(repo, clone, server):
    """A gated repo is cloned by its members and by nobody else, who are told to ask."""
    row = repo("alice", gated="manual")
    assert "could not read Username" in clone(str(row.repo_id), ok=False).said
    assert "Ask for access on its page" in clone(str(row.repo_id), server.user("bob"), ok=False).said
    clone(str(row.repo_id), server.user("alice"))


def test_a_moved_repo_is_found_under_its_old_name(repo, clone, server):
    """git is led to the new address, for clones and for pushes."""
    row, token = repo("alice"), server.user("alice")
    copy = clone(f"{row.repo_id}.git", token)
    server.hub.repos.move(
        server.hub.accounts.actor("alice"), row.repo_id, RepoId(RepoKind.MODEL, "alice", "moved-away")
    )
    clone(f"{row.repo_id}.git", token)
    clone(str(row.repo_id))
    copy.commit({"README.md": "still here"})
    copy.git("push", "-q")
    assert (clone("alice/moved-away").folder / "README.md").exists()


# --- pushes that land ---------------------------------------------------------------------------------------------


def test_the_log_says_who_pushed(repo, clone, server, git_of):
    """Whatever the commit claims, the ref's log has the account that pushed."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    copy.env |= {"GIT_AUTHOR_NAME": "Somebody Else", "GIT_COMMITTER_NAME": "Somebody Else"}
    new = copy.commit({"README.md": "hello"})
    copy.git("push", "-q")
    last = git_of(row).updates(MAIN)[-1]
    assert (last.who, last.new) == ("alice", new)
    assert abs(last.at - server.hub.clock()) < 60_000


def test_a_pushed_result_is_on_the_board_when_git_returns(repo, clone, server):
    """Benchmark and results by git alone; the very next read shows each push."""
    bench, model, token = repo("alice", "dataset"), repo("alice"), server.user("alice")
    maintainer = clone(bench.repo_id.path, token)
    maintainer.commit({"eval.yaml": eval_yaml("main")})
    maintainer.git("push", "-q")
    author = clone(str(model.repo_id), token)
    for number in range(1, 11):
        value = number / 100
        author.commit({".eval_results/bench.yaml": results_yaml(value, dataset=str(bench.repo_id))})
        author.git("push", "-q")
        board = httpx2.get(f"{server.url}/api/datasets/{bench.repo_id}/leaderboard").json()
        assert [(row["modelId"], row["value"]) for row in board] == [(str(model.repo_id), value)]


def test_a_large_push_comes_back_as_it_went(repo, clone, server, git_of):
    """Several megabytes go chunked after a probe, and arrive whole."""
    row, token = repo("alice"), server.user("alice")
    copy = clone(str(row.repo_id), token)
    data = {f"part{number}.txt": os.urandom(1_500_000) for number in range(4)}
    copy.commit(data)
    copy.git("push", "-q")
    again = clone(str(row.repo_id))
    assert all((again.folder / path).read_bytes() == content for path, content in data.items())
    assert left_behind(git_of(row).path) == []


def test_a_long_history_is_pushed_in_one_go(repo, clone, server, git_of):
    """Two thousand commits are checked by what they change."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    stream = "".join(
        f"commit refs/heads/main\ncommitter a <a@b> {1_700_000_000 + number} +0000\ndata 1\nx\n"
        f"from {'refs/heads/main^0'}\nM 100644 inline d{number % 20}/f{number}\ndata 4\n{number:04}\n"
        for number in range(2000)
    )
    copy.git("fast-import", "--quiet", data=stream.encode())
    began = time.monotonic()
    copy.git("push", "-q", "origin", "main")
    assert time.monotonic() - began < 20
    assert git_of(row).ref(MAIN) == copy.git("rev-parse", "main").strip()


def test_writers_shape_branches_and_tags(repo, clone, server, git_of):
    """New branches, forced pushes, tags light and annotated, deletions: the repo is its writers' own."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    copy.commit({"README.md": "one"})
    copy.git("tag", "light")
    copy.git("tag", "-a", "annotated", "-m", "a tag")
    copy.git("push", "-q", "origin", "main", "main:refs/heads/feature/a", "light", "annotated")
    assert set(git_of(row).refs()) == {MAIN, "refs/heads/feature/a", "refs/tags/light", "refs/tags/annotated"}
    copy.git("commit", "-q", "--amend", "-m", "rewritten")
    copy.git("push", "-q", ok=False)
    copy.git("push", "-q", "--force")
    assert git_of(row).ref(MAIN) == copy.head()
    copy.git("push", "-q", "origin", ":feature/a", ":annotated")
    assert set(git_of(row).refs()) == {MAIN, "refs/tags/light"}
    assert "everything up-to-date" in copy.git("push").lower()


def test_two_people_push_at_once_and_one_is_told_to_fetch(repo, clone, server, git_of):
    """A ref moves from where the pusher saw it, or not at all."""
    row, token = repo("alice"), server.user("alice")
    first, second = clone(str(row.repo_id), token), clone(str(row.repo_id), token)
    first.commit({"a": "1"})
    second.commit({"b": "2"})
    first.git("push", "-q")
    assert "fetch first" in second.git("push", ok=False)
    assert git_of(row).ref(MAIN) == first.head()


# --- pull requests ------------------------------------------------------------------------------------------------


@pytest.fixture
def pull(server):
    """pull(row, "bob") -> the number of a new draft pull request by bob."""

    def make(row, author):
        server.user(author)
        return server.hub.discussions.create(
            server.hub.accounts.actor(author), row.repo_id, "Report", "From git", pull_request=True
        )

    return make


def test_a_pull_request_is_pushed_by_its_author_and_by_writers(repo, clone, server, git_of, pull):
    """Both move refs/pr/N, its conversation lists the commits, and its results count at once."""
    bench, row = repo("alice", "dataset"), repo("alice")
    maintainer = clone(bench.repo_id.path, server.user("alice"))
    maintainer.commit({"eval.yaml": eval_yaml("main")})
    maintainer.git("push", "-q")
    num = pull(row, "bob")
    bob = clone(str(row.repo_id), server.user("bob"))
    first = bob.commit({".eval_results/bench.yaml": results_yaml(0.5, dataset=str(bench.repo_id))}, "Report 0.5")
    bob.git("push", "-q", "origin", f"main:refs/pr/{num}")
    board = httpx2.get(f"{server.url}/api/datasets/{bench.repo_id}/leaderboard").json()
    assert [(r["value"], r["pullRequest"]) for r in board] == [(0.5, num)]
    alice = clone(str(row.repo_id), server.user("alice"))
    alice.git("fetch", "-q", "origin", f"refs/pr/{num}:pr")
    assert alice.git("rev-parse", "pr").strip() == first
    alice.git("checkout", "-q", "pr")
    second = alice.commit({"NOTES.md": "thanks"}, "Thank")
    alice.git("push", "-q", "origin", f"pr:refs/pr/{num}")
    details = server.api().get_discussion_details(str(row.repo_id), num)
    assert [(e.summary, e.oid, e.author) for e in details.events if e.type == "commit"] == [
        ("Report 0.5", first, "bob"),
        ("Thank", second, "alice"),
    ]
    assert [u.who for u in git_of(row).updates(f"refs/pr/{num}")] == ["bob", "bob", "alice"]


def test_a_pull_request_is_closed_to_everybody_else(repo, clone, server, git_of, pull):
    """Not by strangers, not when there is none, not once it is closed, and it never goes away."""
    row = repo("alice")
    num = pull(row, "bob")
    before = git_of(row).refs()
    carol = clone(str(row.repo_id), server.user("carol"))
    carol.commit({"README.md": "mine"})
    assert "only bob, who opened it" in carol.git("push", "origin", f"main:refs/pr/{num}", ok=False)
    assert f"has no pull request {num + 7}" in carol.git("push", "origin", f"main:refs/pr/{num + 7}", ok=False)
    bob = clone(str(row.repo_id), server.user("bob"))
    assert "stay on record" in bob.git("push", "origin", f":refs/pr/{num}", ok=False)
    alice = clone(str(row.repo_id), server.user("alice"))
    assert "stay on record" in alice.git("push", "origin", f":refs/pr/{num}", ok=False)
    server.hub.discussions.set_status(server.hub.accounts.actor("bob"), row.repo_id, num, "closed")
    bob.commit({"README.md": "late"})
    assert "is closed: reopen it" in bob.git("push", "origin", f"main:refs/pr/{num}", ok=False)
    assert git_of(row).refs() == before


# --- pushes that are refused --------------------------------------------------------------------------------------


def test_a_broken_result_is_refused_with_its_place_and_remedy(repo, clone, server, git_of):
    """The terminal shows path:line:column, what is wrong and what to do; nothing of the push stays."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    before = git_of(row).ref(MAIN)
    objects = {path for path in git_of(row).path.rglob("*") if path.is_file()}
    copy.commit({".eval_results/a.yaml": "- dataset:\n    id: x/y\n  value: 0.5\n  wert: 1\n"})
    said = copy.git("push", ok=False)
    assert re.search(r"remote: \.eval_results/a\.yaml:2:5: error: .*task_id", said)
    assert "pre-receive hook declined" in said
    assert git_of(row).ref(MAIN) == before
    assert {path for path in git_of(row).path.rglob("*") if path.is_file()} == objects


def test_a_warning_lands_and_is_shown(repo, clone, server, git_of):
    """A result for a dataset of another hub is odd, not wrong."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    new = copy.commit({".eval_results/a.yaml": results_yaml(0.5, dataset="other-hub/unknown")})
    said = copy.git("push")
    assert "remote: Accepted, with warnings:" in said
    assert "remote: .eval_results/a.yaml:1:3: warning: this hub has no dataset" in said
    assert git_of(row).ref(MAIN) == new


def test_who_may_not_write_is_told_how_to_propose(repo, clone, server, git_of):
    """A stranger's push to main is refused with the way that is open to them."""
    row = repo("alice")
    bob = clone(str(row.repo_id), server.user("bob"))
    bob.commit({"README.md": "mine"})
    said = bob.git("push", ok=False)
    assert "you may not change the branches" in said
    assert "refs/pr/N" in said
    assert "you may not change the tags" in bob.git("push", "origin", "main:refs/tags/x", ok=False)
    assert set(git_of(row).refs()) == {MAIN}


def test_nobody_pushes_without_saying_who(repo, clone, server):
    """An anonymous push is asked for credentials."""
    copy = clone(str(repo("alice").repo_id))
    copy.commit({"README.md": "hello"})
    assert "could not read Username" in copy.git("push", ok=False)


def test_a_read_token_reads(repo, clone, server):
    """A leaked read token changes nothing."""
    row = repo("alice")
    token = server.hub.accounts.create_token("alice", f"reader {row.name}", TokenRole.READ)
    copy = clone(str(row.repo_id), token)
    copy.commit({"README.md": "hello"})
    assert "(read) does not allow this" in copy.git("push", ok=False)


def test_a_fine_grained_token_pushes_where_it_may(repo, clone, server):
    """A token for one repo opens no other."""
    mine, other = repo("alice"), repo("alice")
    scope = Scope(f"model:{mine.repo_id}".lower(), Need.WRITE)
    token = server.hub.accounts.create_token("alice", f"one {mine.name}", TokenRole.FINE_GRAINED, (scope,))
    for row, ok in ((mine, True), (other, False)):
        copy = clone(str(row.repo_id), token)
        copy.commit({"README.md": "hello"})
        copy.git("push", "-q", ok=ok)


def test_a_suspended_account_is_told_why(repo, clone, server):
    """The reason stands in git's output; the account neither pushes nor reads."""
    row, token = repo("mallory", private=True), server.user("mallory")
    copy = clone(str(row.repo_id), token)
    copy.commit({"README.md": "spam"})
    server.hub.accounts.suspend("mallory", "spam")
    try:
        assert "remote: The account mallory is suspended: spam" in copy.git("push", ok=False)
        assert "suspended: spam" in clone(str(row.repo_id), token, ok=False).said
    finally:
        server.hub.accounts.suspend("mallory", None)


@pytest.mark.parametrize(
    ("refspec", "why"),
    [
        (":main", "cannot be deleted"),
        ("main:refs/notes/x", "keeps no other refs"),
        ("main:refs/convert/parquet", "keeps no other refs"),
        ("main:refs/pr/1/head", "keeps no other refs"),
        ("main:refs/pr/01", "keeps no other refs"),
        ("main:refs/hidden", "keeps no other refs"),
        ("main:refs/heads/refs/pr/1", "cannot name a branch"),
        (f"main:refs/heads/{'a' * 40}", "cannot name a branch"),
        (f"main:refs/tags/{'b' * 40}", "cannot name a branch or tag"),
        ("main^{tree}:refs/tags/a-tree", "is not a commit"),
    ],
)
def test_a_ref_that_would_mislead_is_refused(repo, clone, server, git_of, refspec, why):
    """Nothing hides in other namespaces, takes the place of a commit or a pull request, or removes main."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    copy.commit({"README.md": "hello"})
    before = git_of(row).refs()
    said = copy.git("push", "origin", refspec, ok=False)
    assert why in said
    assert git_of(row).refs() == before


@pytest.mark.parametrize(
    ("mode", "name", "content", "why"),
    [
        ("100644", ".git", b"x", '".git" folder'),
        ("100644", ".GIT", b"x", '".git" folder'),
        ("100644", "git~1", b"x", '".git" folder'),
        ("100644", ".git. ", b"x", '".git" folder'),
        ("100644", "..", b"x", "write the path from the repo's root"),
        ("100644", "a\\b", b"x", 'never "\\"'),
        ("100644", "a\nb", b"x", "control, direction or invisible"),
        ("100644", "a\u202eb", b"x", "control, direction or invisible"),
        ("120000", "link", b"/etc/passwd", "outside the repo"),
        ("120000", "link", b"../../outside", "outside the repo"),
        ("120000", "link", b".git/config", "outside the repo"),
        ("120000", "link", b"C:\\Windows", "outside the repo"),
        ("160000", "module", None, "is a submodule"),
    ],
)
def test_a_path_that_would_harm_a_checkout_is_refused(repo, clone, server, git_of, mode, name, content, why):
    """The path is named, escaped, with what is wrong with it."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    oid = bytes.fromhex(copy.head()) if content is None else copy.blob(content)
    hostile = copy.commit_tree([(mode, name, oid)])
    said = copy.git("push", "origin", f"{hostile}:refs/heads/main", ok=False)
    assert why in said
    assert "\u202e" not in said
    assert git_of(row).ref(MAIN) == copy.head()
    assert left_behind(git_of(row).path) == []


def test_a_slash_inside_a_name_is_refused_by_git_itself(repo, clone, server, git_of):
    """A tree that no honest program writes does not get past the unpacking."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    hostile = copy.commit_tree([("100644", "a/../../x", copy.blob(b"x"))])
    assert "fullPathname" in copy.git("push", "origin", f"{hostile}:refs/heads/main", ok=False)
    assert left_behind(git_of(row).path) == []


def test_a_link_inside_the_repo_is_fine_until_its_folder_moves_up(repo, clone, server):
    """What a link points at is judged where the link stands, also when only a folder above it moved."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    (copy.folder / "a/b").mkdir(parents=True)
    (copy.folder / "a/b/link").symlink_to("../../.gitattributes")
    copy.commit({})
    copy.git("push", "-q")
    copy.git("mv", "a/b", "b")
    copy.git("commit", "-q", "-m", "move up")
    assert '"b/link" is a symbolic link' in copy.git("push", ok=False)


def test_a_hostile_file_in_the_middle_of_a_history_is_found(repo, clone, server):
    """Removing it in the next commit does not help: who fetches gets both."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    hostile = copy.commit_tree([("120000", "link", copy.blob(b"/etc/passwd"))])
    clean = copy.git("commit-tree", "HEAD^{tree}", "-p", hostile, "-m", "clean").strip()
    assert "outside the repo" in copy.git("push", "origin", f"{clean}:refs/heads/main", ok=False)


def test_a_pointer_without_its_file_is_refused(repo, clone, server):
    """A clone would break at checkout: the files and the remedy are named."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    sha256 = "ab" * 32
    copy.commit({"model.weights": pointer_bytes(sha256, 12345)})
    said = copy.git("push", ok=False)
    assert f'"model.weights" points to the large file {sha256} (12345 bytes)' in said
    assert "git lfs push --all" in said


def test_one_bad_ref_keeps_the_others_out(repo, clone, server, git_of):
    """A push is taken or refused as a whole, so that nobody finds half of it."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    before = git_of(row).refs()
    copy.commit({"README.md": "hello"})
    copy.git("push", "origin", "main", "main:refs/notes/x", ok=False)
    assert git_of(row).refs() == before


# --- hostile bytes ------------------------------------------------------------------------------------------------


@pytest.fixture
def post(server):
    """post(row, service, body, token=…, **headers) -> the answer to a POST that git never sends."""

    def send(row, service, body, token=None, **headers):
        url = f"{server.url}/{row.repo_id.path}.git/git-{service}"
        types = {"Content-Type": f"application/x-git-{service}-request"}
        return httpx2.post(
            url,
            content=body,
            headers=types | {name.replace("_", "-"): value for name, value in headers.items()},
            auth=("x", token or server.user("alice")),
            timeout=60,
        )

    return send


@pytest.mark.parametrize("service", ["upload-pack", "receive-pack"])
@pytest.mark.parametrize(
    "body", [b"", b"zzzz", b"\x00" * 5000, b"0004" * 10, b"ffff" + b"x" * 100, b"0009hello", os.urandom(70_000)]
)
def test_garbage_is_answered_and_forgotten(repo, post, git_of, service, body):
    """No body makes the hub fail or keep anything."""
    row = repo("alice")
    assert post(row, service, body).status_code in (200, 400)
    assert left_behind(git_of(row).path) == []
    assert children_of(git_of(row).path) == []


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"PACK",
        pack((3, b"x"))[:-5],
        pack((3, b"x"))[:-1] + b"\0",
        pack((3, b"x"), count=1_000_000),
        pack(extra=b"\xff" * 64, count=1),
        # a delta whose base nobody has
        pack(count=1, extra=bytes([0x70 | 5]) + b"\xab" * 20 + b"\x78\x9c\x03\x00\x00\x00\x00\x01"),
        # an object that claims more bytes than there are
        pack(count=1, extra=bytes([0x80 | (3 << 4) | 15]) + b"\xff\xff\xff\x7f" + b"\x78\x9c\x03\x00\x00\x00\x00\x01"),
        b"PK\x03\x04" + b"\0" * 200,
    ],
)
def test_a_broken_pack_is_refused_and_leaves_nothing(repo, post, git_of, broken):
    """Truncated, corrupt, thin without its base, or a zip file: git's own words, and no quarantine stays."""
    row = repo("alice")
    before = git_of(row).ref(MAIN)
    answer = post(row, "receive-pack", commands((before, "1" * 40, MAIN)) + broken)
    assert answer.status_code == 200
    assert b"unpack " in answer.content
    assert b"unpack ok" not in answer.content
    assert git_of(row).ref(MAIN) == before
    assert left_behind(git_of(row).path) == []


def test_a_commit_without_its_tree_is_refused(repo, post, git_of):
    """A ref never points into a hole."""
    row = repo("alice")
    before = git_of(row).ref(MAIN)
    text = f"tree {'ab' * 20}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n".encode()
    oid = hashlib.sha1(b"commit %d\0" % len(text) + text, usedforsecurity=False).hexdigest()
    answer = post(row, "receive-pack", commands((before, oid, MAIN)) + pack((1, text)))
    assert answer.status_code == 200
    assert f"ng {MAIN}".encode() in answer.content or b"unpack ok" not in answer.content
    assert git_of(row).ref(MAIN) == before


def test_no_name_of_a_ref_hides_the_next_one(repo, post, git_of):
    """A line end inside a ref's name must not make the hub overlook the ref that follows."""
    row = repo("alice")
    before = git_of(row).ref(MAIN)
    for trick in (
        "refs/heads/a\nend",
        "refs/heads/a\n",
        "refs/heads/a\n\n",
        f"refs/heads/a\n{before} {before} refs/heads/b",
    ):
        body = commands((ZERO, before, trick), (before, ZERO, MAIN))
        answer = post(row, "receive-pack", body)
        assert answer.status_code == 200
        assert git_of(row).refs() == {MAIN: before}


def test_a_gzip_bomb_is_cut_short(repo, post, git_of):
    """A megabyte that inflates to a gigabyte is refused, whoever sends it."""
    row = repo("alice")
    bomb = gzip.compress(b"0032want " * 30_000_000, 1)
    for service in ("upload-pack", "receive-pack"):
        answer = post(row, service, bomb, content_encoding="gzip")
        assert answer.status_code in (200, 400, 413)
        assert len(answer.content) < 10_000
    endless = gzip.compress(packet("0" * 1000 + "\n") * 100_000, 1)
    assert post(row, "upload-pack", endless, content_encoding="gzip").status_code in (400, 413)
    for wrong in (b"not gzip", gzip.compress(b"0000")[:-4], gzip.compress(b"0000") + b"more"):
        assert post(row, "upload-pack", wrong, content_encoding="gzip").status_code == 400
    assert post(row, "upload-pack", b"0000", content_encoding="br").status_code == 400
    assert children_of(git_of(row).path) == []


def test_a_browser_is_told_what_this_address_is_for(repo, server):
    """Wrong content types, the old protocol and nonsense services get a sentence."""
    row = repo("alice")
    base = f"{server.url}/{row.repo_id}"
    for asked in (
        httpx2.get(f"{base}/info/refs"),
        httpx2.get(f"{base}/info/refs?service=git-upload-archive"),
        httpx2.post(f"{base}/git-upload-pack", content=b"0000"),
    ):
        assert asked.status_code == 400
        assert asked.headers["content-type"].startswith("text/plain")
        assert "git" in asked.text
    assert httpx2.get(f"{base}/git-upload-pack").status_code == 405
    refs = httpx2.get(f"{base}/info/refs?service=git-upload-pack")
    assert refs.headers["content-type"] == "application/x-git-upload-pack-advertisement"
    assert refs.headers["cache-control"].startswith("no-cache")
    assert refs.content.startswith(b"001e# service=git-upload-pack\n0000")
    second = httpx2.get(f"{base}/info/refs?service=git-upload-pack", headers={"Git-Protocol": "version=2"})
    assert second.content.startswith(b"000eversion 2\n")
    odd = httpx2.get(f"{base}/info/refs?service=git-upload-pack", headers={"Git-Protocol": "version=2;rm -rf /"})
    assert odd.content.startswith(b"001e#")


@pytest.mark.parametrize("service", ["upload-pack", "receive-pack"])
def test_a_client_that_goes_away_takes_its_git_along(repo, server, git_of, service):
    """A connection that breaks in the middle leaves no program, no quarantine and no moved ref."""
    row, token = repo("alice"), server.user("alice")
    git = git_of(row)
    before = git.ref(MAIN)
    place = urlsplit(server.url)
    auth = base64.b64encode(f"x:{token}".encode()).decode()
    head = (
        f"POST /{row.repo_id}.git/git-{service} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Basic {auth}\r\n"
        f"Content-Type: application/x-git-{service}-request\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    start = commands((before, "1" * 40, MAIN)) + pack(count=5, extra=b"")[:12] if service == "receive-pack" else b"0032"
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head + f"{len(start):x}\r\n".encode() + start + b"\r\n")
        wait_for(lambda: bool(children_of(git.path)), "git to start")
    wait_for(lambda: not children_of(git.path), "git to end")
    wait_for(lambda: not left_behind(git.path), "the quarantine to go")
    assert git.ref(MAIN) == before


def test_a_clone_that_is_broken_off_ends_its_git(repo, clone, server, git_of):
    """Also when git is writing and nobody reads."""
    row, token = repo("alice"), server.user("alice")
    copy = clone(str(row.repo_id), token)
    copy.commit({f"{number}.txt": os.urandom(3_000_000) for number in range(10)})
    copy.git("push", "-q")
    path = git_of(row).path
    place = urlsplit(server.url)
    want = packet(f"want {copy.head()} ofs-delta\n") + b"0000" + packet("done\n")
    head = (
        f"POST /{row.repo_id}.git/git-upload-pack HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Content-Type: application/x-git-upload-pack-request\r\nContent-Length: {len(want)}\r\n\r\n"
    ).encode()
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head + want)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        wait_for(lambda: bool(children_of(path)), "git to write")
    wait_for(lambda: not children_of(path), "git to end")


def test_nothing_is_left_after_all_of_this(server):
    """No program, no quarantine, no lock, no repo waiting to be mended."""
    repos = server.hub.settings.data / "repos"
    wait_for(lambda: not children_of(repos), "every git to end")
    assert left_behind(repos) == []
    assert server.hub.journal.busy() == set()


def test_fsck_finds_nothing_wrong(repo, clone, server, git_of):
    """What lands is whole by git's own judgement."""
    row = repo("alice")
    copy = clone(str(row.repo_id), server.user("alice"))
    for number in range(5):
        copy.commit({f"{number}.txt": f"{number}"})
        copy.git("push", "-q")
    found = subprocess.run(
        ["git", "-C", git_of(row).path, "fsck", "--strict"],
        env=server.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr


def test_a_push_that_could_not_be_indexed_is_mended_at_the_next_start(tmp_path):
    """git has it, the database failed: the client is told, the push is not lost, and the next start reads it."""
    settings = Settings(data=tmp_path / "hub", port=0)
    hub = open_hub(settings)
    _, token = hub.accounts.create_user("alice", token="")
    alice = hub.accounts.actor("alice")
    bench = hub.repos.create(alice, RepoId(RepoKind.DATASET, "alice", "bench"))

    class Broken:
        def follow(self, *_, **__):
            raise OSError("the disk is full")

    def no_help(_uid):
        raise OSError("the disk is still full")

    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    copy = Copy(tmp_path, env)
    with running(hub) as url:
        copy.git("clone", "-q", f"{url}/datasets/alice/bench".replace("//", f"//x:{token}@"), "work")
        copy.folder = tmp_path / "work"
        object.__setattr__(hub.pushes, "indexing", Broken())
        copy.commit({"README.md": "mended at once, and not worth a word"})
        assert "remote:" not in copy.git("push")
        hub.journal.after_failure = no_help
        copy.commit({"eval.yaml": eval_yaml("main")})
        said = copy.git("push")
        assert "remote: The push landed, but this hub could not read it" in said
        assert hub.repos.git.open_once(bench.uid).ref(MAIN) == copy.head()
        with hub.index.read() as db:
            assert db.benchmarks.find(bench.id) is None
    hub.close()
    again = open_hub(settings)
    with again.index.read() as db:
        assert db.benchmarks.find(bench.id).valid
        assert db.repos.get(bench.id).sha == copy.head()
    again.close()
    assert not any((tmp_path / "hub" / "journal").iterdir())
