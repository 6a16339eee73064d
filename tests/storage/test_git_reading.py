import random
import subprocess

import pytest

from evalcommons.core.errors import RevisionNotFound
from evalcommons.core.ids import MAIN
from evalcommons.storage.git import Git, Person

WHO = Person("alice", "alice@example.org")


@pytest.fixture
def repo(tmp_path):
    return Git(tmp_path / "repos").create("a" * 24)


def commit(repo, files):
    tree = repo.write_tree(None, {path: (repo.write_blob(data), 0o100644) for path, data in files.items()})
    oid = repo.write_commit(tree, [], WHO, 0, "files")
    repo.move_ref(MAIN, oid, expected=None, who=WHO, why="files")
    return oid


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("size", [0, 1, 4095, 5000, 3_000_000])
def test_any_range_of_a_file_is_the_same_as_cutting_the_whole(repo, size, packed):
    """Loose objects are inflated piece by piece, packed ones read whole; nobody sees a difference."""
    data = random.Random(size).randbytes(size // 2) + b"x" * (size - size // 2)
    oid = repo.write_blob(data)
    if packed:
        commit(repo, {"a": data})
        subprocess.run(["git", "-C", repo.path, "repack", "-adq"], check=True)
    for start, end in [(0, size), (0, 1), (size // 2, size), (size // 3, size // 2), (size - 1, size), (0, 0)]:
        if 0 <= start <= end:
            assert b"".join(repo.stream(oid, start, end)) == data[start:end]


def test_a_listing_goes_on_after_any_entry(repo):
    """Pages of a tree put together are the tree, wherever they are cut."""
    names = ["a", "b/c", "b/d/e", "b/d/f", "b.x", "b0", "c/z", "d"]
    oid = commit(repo, dict.fromkeys(names, b"x"))
    for recursive in (True, False):
        for folder in ("", "b"):
            paths = [entry.path for entry in repo.entries(oid, folder, recursive=recursive)]
            for count, path in enumerate(paths):
                rest = [entry.path for entry in repo.entries(oid, folder, recursive=recursive, after=path)]
                assert rest == paths[count + 1 :], path


def test_a_nul_does_not_cut_a_name_short(repo):
    """libgit2 reads names up to the first NUL: README.md%00.html must not be README.md."""
    oid = commit(repo, {"README.md": b"x"})
    assert repo.entry(oid, "README.md\0.html") is None
    with pytest.raises(RevisionNotFound):
        repo.resolve("main\0x")
