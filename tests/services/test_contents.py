"""Reading folders, files, refs and history."""

import subprocess

import pytest

from evalcommons.core.access import ANONYMOUS
from evalcommons.core.errors import EntryNotFound, GatedRepo, RepoNotFound, RevisionNotFound
from evalcommons.core.ids import MAIN
from evalcommons.core.lfs import pointer_bytes
from evalcommons.services.contents import Location
from evalcommons.storage.git import Person

WHO = Person("alice", "alice@example.org")


@pytest.fixture
def tiny(make_repo, commit_files):
    """alice/tiny with a few files, one of them large."""
    row = make_repo("alice/tiny")
    commit_files(
        row, {"README.md": b"# Tiny\n", "data/a.txt": b"aaa", "data/deep/b.txt": b"b"}, large={"w.bin": b"w" * 999}
    )
    return row


def test_a_large_file_stands_in_place_of_its_pointer(hub, tiny):
    """Size and id are those of the file; git's own are kept beside them."""
    items = hub.contents.paths(ANONYMOUS, tiny.repo_id, Location("main"), ["w.bin", "README.md", "nothing", "data/"])
    assert [(item.entry.path, item.size, item.large is not None) for item in items] == [
        ("w.bin", 999, True),
        ("README.md", 7, False),
        ("data", 0, False),
    ]
    file = hub.contents.file(ANONYMOUS, tiny.repo_id, Location("main", "w.bin"))
    assert b"".join(file.read(990, 999)) == b"w" * 9
    pointer = hub.contents.file(ANONYMOUS, tiny.repo_id, Location("main", "w.bin"), raw=True)
    assert b"".join(pointer.read(0, pointer.size)).startswith(b"version https://git-lfs")


def test_a_pointer_to_somebody_else_s_file_is_just_text(hub, make_repo, commit_files, tiny):
    """Knowing a sha256 gives no right to the bytes: a copied pointer is served as the text it is."""
    file = hub.contents.file(ANONYMOUS, tiny.repo_id, Location("main", "w.bin"))
    thief = make_repo("mallory/copy")
    git = hub.repos.git.open(thief.uid)
    text = pointer_bytes(file.etag, file.size)
    tree = git.write_tree(thief.sha, {"w.bin": (git.write_blob(text), 0o100644)})
    commit = git.write_commit(tree, [thief.sha], WHO, 0, "copy")
    git.move_ref(MAIN, commit, expected=thief.sha, who=WHO, why="copy")
    found = hub.contents.file(ANONYMOUS, thief.repo_id, Location("main", "w.bin"))
    assert not found.is_large
    assert b"".join(found.read(0, found.size)) == text


def test_pages_of_a_tree_are_of_one_commit(hub, tiny, commit_files):
    """What is pushed between two pages does not tear the list."""
    first = hub.contents.tree(ANONYMOUS, tiny.repo_id, Location("main"), recursive=True, limit=3)
    commit_files(tiny, {"data/0.txt": b"new"})
    paths = [item.entry.path for item in first.items]
    page = first
    while page.more:
        page = hub.contents.tree(
            ANONYMOUS, tiny.repo_id, Location(first.commit), recursive=True, after=page.last_path, limit=3
        )
        paths += [item.entry.path for item in page.items]
    assert paths == [".gitattributes", "README.md", "data", "data/a.txt", "data/deep", "data/deep/b.txt", "w.bin"]


def test_each_entry_can_name_the_commit_that_changed_it_last(hub, tiny, commit_files):
    """Folders too: theirs is the newest commit below them."""
    before = hub.contents.at(ANONYMOUS, tiny.repo_id, Location("main")).commit
    after = commit_files(tiny, {"data/deep/b.txt": b"bb"})
    page = hub.contents.tree(ANONYMOUS, tiny.repo_id, Location("main"), recursive=True, with_last=True)
    last = {item.entry.path: item.last.oid for item in page.items if item.last}
    assert last["data"] == last["data/deep"] == last["data/deep/b.txt"] == after
    assert last["README.md"] == last["data/a.txt"] == last["w.bin"] == before
    assert len(last) == 7


def test_an_unencoded_ref_reaches_into_the_path_as_far_as_it_is_known(hub, tiny, commit_files):
    """Browsers and some clients write refs/pr/1 with plain slashes."""
    git = hub.repos.git.open(tiny.uid)
    head = git.resolve("main")
    for name in ("refs/pr/1", "refs/heads/feature/x"):
        git.move_ref(name, head, expected=None, who=WHO, why="test")
    for text in ("refs/pr/1", "feature/x", "refs/heads/main", head, "main", head[:9]):
        revision, _, rest = text.partition("/")
        where = Location(revision, f"{rest}/data/a.txt" if rest else "data/a.txt", exact=False)
        assert hub.contents.file(ANONYMOUS, tiny.repo_id, where).path == "data/a.txt"
    for revision in ("feature", "refs", "nope", "HEAD", "", "..", "refs/heads", "main\0", "a" * 5000):
        with pytest.raises(RevisionNotFound):
            hub.contents.file(ANONYMOUS, tiny.repo_id, Location(revision, "README.md"))


@pytest.mark.parametrize(
    "path", ["", "data", "nope", "README.md/x", "../x", "/etc/passwd", "a//b", ".", "data/", "README.md\0", "x" * 9000]
)
def test_what_is_no_file_is_not_found_at_that_commit(hub, tiny, path):
    """The error carries the commit, so that clients may remember the absence."""
    with pytest.raises(EntryNotFound) as error:
        hub.contents.file(ANONYMOUS, tiny.repo_id, Location("main", path))
    assert error.value.commit == hub.contents.at(ANONYMOUS, tiny.repo_id, Location("main")).commit


def test_links_are_text_and_submodules_are_not_there(hub, tiny):
    """Whatever history holds, reading never leaves the repo."""
    git = hub.repos.git.open(tiny.uid)
    head = git.resolve("main")
    link = git.write_blob(b"/etc/passwd")
    tree = git.write_tree(head, {"link": (link, 0o120000), "sub": (head, 0o160000)})
    commit = git.write_commit(tree, [head], WHO, 0, "odd")
    git.move_ref("refs/heads/odd", commit, expected=None, who=WHO, why="odd")
    file = hub.contents.file(ANONYMOUS, tiny.repo_id, Location("odd", "link"))
    assert b"".join(file.read(0, file.size)) == b"/etc/passwd"
    with pytest.raises(EntryNotFound):
        hub.contents.file(ANONYMOUS, tiny.repo_id, Location("odd", "sub"))
    names = [item.entry.path for item in hub.contents.tree(ANONYMOUS, tiny.repo_id, Location("odd")).items]
    assert "link" in names
    assert "sub" not in names


def test_history_comes_in_pages(hub, tiny, commit_files):
    """Newest first, nothing twice, nothing lost."""
    for number in range(5):
        commit_files(tiny, {"n": str(number).encode()})
    whole = hub.contents.history(ANONYMOUS, tiny.repo_id, Location("main"), start=0, limit=100)
    assert len(whole.commits) == 7
    assert not whole.more
    parts = [hub.contents.history(ANONYMOUS, tiny.repo_id, Location("main"), start=n, limit=3) for n in (0, 3, 6)]
    assert [commit for part in parts for commit in part.commits] == whole.commits
    assert [part.more for part in parts] == [True, True, False]


def test_a_gate_closes_the_files_and_not_the_listing(hub, make_repo, commit_files, actor_of):
    """Info, refs and trees stay readable; bytes do not."""
    row = make_repo("acme-user/gated", gated="manual")
    commit_files(row, {"a": b"secret"})
    bob = actor_of("bob")
    assert hub.contents.tree(bob, row.repo_id, Location("main")).items
    for raw in (False, True):
        with pytest.raises(GatedRepo):
            hub.contents.file(bob, row.repo_id, Location("main", "a"), raw=raw)
    assert hub.contents.file(hub.accounts.actor("acme-user"), row.repo_id, Location("main", "a")).size == 6


def test_a_hidden_repo_is_a_missing_repo_for_every_read(hub, make_repo, actor_of):
    """Every way in gives the same words."""
    hidden = make_repo("alice/hidden", private=True).repo_id
    where = Location("main", "README.md")
    bob = actor_of("bob")
    for read in (
        lambda: hub.contents.tree(bob, hidden, where),
        lambda: hub.contents.paths(bob, hidden, where, ["a"]),
        lambda: hub.contents.refs(bob, hidden),
        lambda: hub.contents.history(bob, hidden, where, start=0, limit=1),
        lambda: hub.contents.file(bob, hidden, where),
    ):
        with pytest.raises(RepoNotFound, match="there is no model alice/hidden that you may read"):
            read()


def test_a_file_in_a_pack_reads_as_before(hub, tiny):
    """Repacking by an operator changes nothing for readers."""
    subprocess.run(["git", "-C", hub.repos.git.path(tiny.uid), "repack", "-adq"], check=True)
    file = hub.contents.file(ANONYMOUS, tiny.repo_id, Location("main", "data/a.txt"))
    assert b"".join(file.read(1, 3)) == b"aa"
