"""Diffs for readers: whole where they are small, and bounded where they are not."""

from evalcommons.storage.git import Git, Person

WHO = Person("alice", "alice@example.org")


def _commit(repo, parent, files):
    tree = repo.write_tree(parent, {path: (repo.write_blob(data), 0o100644) for path, data in files.items()})
    return repo.write_commit(tree, [parent] if parent else [], WHO, 0, "Change")


def test_a_diff_reads_like_git_s_own(tmp_path):
    """Headers, hunks and lines as every tool knows them."""
    repo = Git(tmp_path).create("0" * 24)
    first = _commit(repo, None, {"a.txt": b"one\ntwo\n"})
    second = _commit(repo, first, {"a.txt": b"one\n2\n", "b.bin": bytes(range(256))})
    text = repo.diff(first, second)
    assert "diff --git a/a.txt b/a.txt\n" in text
    assert "@@ -1,2 +1,2 @@\n one\n-two\n+2\n" in text
    assert "Binary files /dev/null and b/b.bin differ" in text
    assert repo.diff(None, first).startswith("diff --git a/a.txt b/a.txt\nnew file mode 100644\n")


def test_large_files_are_named_and_not_compared(tmp_path):
    """A pull request with a file of a gigabyte must not take the server's memory; small files beside it still show."""
    repo = Git(tmp_path).create("0" * 24)
    first = _commit(repo, None, {"z.txt": b"one\n"})
    second = _commit(repo, first, {"big.txt": b"x" * 1000, "z.txt": b"two\n"})
    text = repo.diff(first, second, most=100)
    assert "diff --git a/big.txt b/big.txt\nLarge files differ\n" in text
    assert "+two" in text
    assert "xxx" not in text
