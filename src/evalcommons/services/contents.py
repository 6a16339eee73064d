"""What a repo holds at a revision: folders, files, refs and history, to read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from evalcommons.core.access import Actor, Need
from evalcommons.core.errors import EntryNotFound
from evalcommons.core.ids import RepoId
from evalcommons.core.lfs import MAX_POINTER, Pointer, parse_pointer
from evalcommons.services.large_files import LargeFiles
from evalcommons.services.repos import OpenRepo, Repos
from evalcommons.storage.git import Commit, Entry, GitRepo
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow

MAX_CHANGED = 1000
"""Files of one commit that are named."""

MAX_README = 1 << 20
"""Bytes of a README that a page reads."""

_COMMITS_SEARCHED = 5000  # for "last changed by": older answers are left out rather than waited for
_POINTER_MIN = 100  # version line, oid and size


class Location(NamedTuple):
    """A revision and a path in it, as an address says them.

    exact  the address says where the revision ends; else a ref whose name has slashes may reach into the path
    """

    revision: str
    path: str = ""
    exact: bool = True


class Snapshot(NamedTuple):
    """A repo at one commit.

    path  what the address asked for there
    """

    row: RepoRow
    git: GitRepo
    commit: str
    path: str


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder as people mean it: where git has the pointer of a large file, the large file.

    entry  what git has
    large  the large file, if this is the pointer of one that the repo has
    last   the newest commit that changed it, where it was asked for and found
    """

    entry: Entry
    large: Pointer | None = None
    last: Commit | None = None

    @property
    def size(self) -> int:
        """Bytes of the file; 0 for a folder."""
        return self.large.size if self.large else self.entry.size


class TreePage(NamedTuple):
    """Part of a folder's listing.

    commit     the commit it is of: the next part must be asked of the same
    last_path  the entry after which the next part begins; items are fewer than entries where something is left out
    more       is there a next part?
    """

    commit: str
    items: list[Item]
    last_path: str
    more: bool


class HistoryPage(NamedTuple):
    """Part of a history, newest first; `head` is the commit it begins with."""

    head: str
    commits: list[Commit]
    more: bool


class ChangedFile(NamedTuple):
    """A file that a commit changed; None: it was not there before, or is not there any more."""

    path: str
    before: Entry | None
    after: Entry | None


class Change(NamedTuple):
    """What a commit changed against its first parent.

    files  the first `MAX_CHANGED`, in path order
    total  how many there are
    diff   as `git diff` prints it; None when there are more files
    """

    row: RepoRow
    commit: Commit
    files: list[ChangedFile]
    total: int
    diff: str | None


@dataclass(frozen=True, slots=True)
class File:
    """A file to be sent.

    commit  the commit that the revision named
    size    its bytes
    etag    what identifies the bytes: sha256 of a large file, git's blob id of any other
    """

    row: RepoRow
    commit: str
    path: str
    size: int
    etag: str
    is_large: bool
    _git: GitRepo
    _large_files: LargeFiles

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`, in pieces."""
        if self.is_large:
            return self._large_files.read(self.row, self.etag, start, end)
        return self._git.stream(self.etag, start, end)


@dataclass(frozen=True)
class Contents:
    """Reading what repos hold. Takes as long as git needs: for threads, not for the event loop."""

    index: Index
    repos: Repos
    large_files: LargeFiles

    def at(self, actor: Actor, repo_id: RepoId, where: Location, need: Need = Need.READ) -> Snapshot:
        """The repo at this revision.

        raises  as `Repos.open`; RevisionNotFound
        """
        row, git = self.repos.open(actor, repo_id, need)
        return _locate(OpenRepo(row, git), where)

    def tree(
        self,
        actor: Actor,
        repo_id: RepoId,
        where: Location,
        *,
        recursive: bool = False,
        with_last: bool = False,
        after: str = "",
        limit: int = 1000,
    ) -> TreePage:
        """What a folder holds, in path order, from the entry `after` on.

        raises  as `at`; EntryNotFound when there is no such folder
        """
        here = self.at(actor, repo_id, where)
        try:
            found = list(islice(here.git.entries(here.commit, here.path, recursive=recursive, after=after), limit + 1))
        except EntryNotFound:
            raise EntryNotFound(here.path, here.commit) from None
        items = self._items(here, found[:limit])
        last_path = found[:limit][-1].path if found else ""
        return TreePage(here.commit, _with_last(here, items) if with_last else items, last_path, len(found) > limit)

    def paths(
        self, actor: Actor, repo_id: RepoId, where: Location, paths: Sequence[str], *, with_last: bool = False
    ) -> list[Item]:
        """The files and folders at these paths; those that do not exist are left out.

        raises  as `at`
        """
        here = self.at(actor, repo_id, where)
        clean = dict.fromkeys(path.strip("/") for path in paths)
        entries = (here.git.entry(here.commit, path) for path in clean if path)
        items = self._items(here, [entry for entry in entries if entry is not None])
        return _with_last(here, items) if with_last else items

    def files(self, row: RepoRow, git: GitRepo, commit: str, *, with_large: bool) -> list[Item]:
        """Every file of a commit. Large files show as their pointers unless `with_large`."""
        here = Snapshot(row, git, commit, "")
        entries = [entry for entry in git.entries(commit, recursive=True) if not entry.is_folder]
        return self._items(here, entries) if with_large else [Item(entry) for entry in entries]

    def stored_bytes(self, row: RepoRow, files: Iterable[Item]) -> int:
        """Bytes of these files of the repo as git has them, and of every large file the repo was given."""
        with self.index.read() as db:
            large = db.repos.large_files(row.id)
        return sum(file.entry.size for file in files) + sum(large.values())

    def refs(self, actor: Actor, repo_id: RepoId) -> dict[str, str]:
        """Every ref with its commit, in name order.

        raises  as `Repos.open`
        """
        return self.repos.open(actor, repo_id).git.refs()

    def history(self, actor: Actor, repo_id: RepoId, where: Location, *, start: int, limit: int) -> HistoryPage:
        """The commits that lead to a revision, newest first, without the first `start`.

        raises  as `at`
        """
        here = self.at(actor, repo_id, where)
        found = list(islice(here.git.history(here.commit), start, start + limit + 1))
        return HistoryPage(here.commit, found[:limit], len(found) > limit)

    def readme(self, actor: Actor, repo_id: RepoId) -> bytes:
        """The README on main, at most `MAX_README` bytes of it; empty without one.

        A gate does not hide it: it is what the repo says of itself, and where people learn how to get in.
        raises  as `at`
        """
        here = self.repos.open(actor, repo_id)
        entry = here.git.entry(here.row.sha, "README.md") if here.row.sha else None
        if entry is None or not entry.is_file:
            return b""
        return b"".join(here.git.stream(entry.oid, 0, MAX_README))

    def change(self, actor: Actor, repo_id: RepoId, commit: str) -> Change:
        """One commit and what it changed.

        raises  as `at` with CONTENT
        """
        row, git = self.repos.open(actor, repo_id, Need.CONTENT)
        found = git.commit(git.resolve(commit))
        parent = found.parents[0] if found.parents else None
        changed = git.changed_paths(parent, found.oid)
        files = [ChangedFile(path, *changed[path]) for path in sorted(changed)]
        diff = git.diff(parent, found.oid) if len(files) <= MAX_CHANGED else None
        return Change(row, found, files[:MAX_CHANGED], len(files), diff)

    def file(self, actor: Actor, repo_id: RepoId, where: Location, *, raw: bool = False) -> File:
        """A file's bytes; with `raw` as git has them, so that a large file is its pointer.

        raises  as `at` with CONTENT: GatedRepo for a gate that is closed; EntryNotFound
        """
        here = self.at(actor, repo_id, where, Need.CONTENT)
        entry = here.git.entry(here.commit, here.path)
        # A link is served as the text it is and never followed.
        if entry is None or entry.is_folder or entry.is_submodule:
            raise EntryNotFound(here.path, here.commit)
        large = None if raw else self._items(here, [entry])[0].large
        return File(
            here.row,
            here.commit,
            here.path,
            large.size if large else entry.size,
            large.sha256 if large else entry.oid,
            large is not None,
            here.git,
            self.large_files,
        )

    def _items(self, here: Snapshot, entries: Iterable[Entry]) -> list[Item]:
        """The entries, with large files in place of their pointers. Submodules are left out: they are elsewhere."""
        items: list[Item] = []
        sizes: dict[str, int] | None = None
        for entry in entries:
            if entry.is_submodule:
                continue
            pointer = None
            if entry.is_file and _POINTER_MIN <= entry.size <= MAX_POINTER:
                if sizes is None:
                    with self.index.read() as db:
                        sizes = db.repos.large_files(here.row.id)
                if sizes:
                    pointer = parse_pointer(here.git.read(entry.oid))
            has_it = pointer is not None and sizes is not None and sizes.get(pointer.sha256) == pointer.size
            items.append(Item(entry, pointer if has_it else None))
        return items


def _locate(repo: OpenRepo, where: Location) -> Snapshot:
    revision, path, exact = where
    if not exact:
        revision, path = repo.git.split_revision(f"{revision}/{path}" if path else revision)
    return Snapshot(repo.row, repo.git, repo.git.resolve(revision), path.strip("/"))


def _with_last(here: Snapshot, items: list[Item]) -> list[Item]:
    folders: dict[str, list[str]] = defaultdict(list)
    for item in items:
        folder, _, name = item.entry.path.rpartition("/")
        folders[folder].append(name)
    last: dict[str, Commit] = {}
    for folder, names in folders.items():
        found = here.git.last_commits(here.commit, folder, names, _COMMITS_SEARCHED // len(folders) + 1)
        last.update((f"{folder}/{name}" if folder else name, commit) for name, commit in found.items())
    return [replace(item, last=last.get(item.entry.path)) for item in items]
