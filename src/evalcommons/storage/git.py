"""Bare git repos on disk: reading, and writing commits and refs, through libgit2."""

import os
import re
import shutil
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pygit2
from pygit2.enums import (
    DiffOption,
    FileMode,
    MergeFileFlag,
    MergeFlag,
    ObjectType,
    Option,
    RepositoryOpenFlag,
    SortMode,
)

from evalcommons.core.errors import BadRequest, Conflict, EntryNotFound, RevisionNotFound, StaleParent, TooLarge
from evalcommons.core.ids import MAIN, may_be_commit

ZERO = "0" * 40
"""The commit id that stands for "no commit" in logs and pushes."""

MAX_COMPARED = 8_000_000
"""Bytes of files that one diff compares line by line."""
PIECE = 1 << 20
"""Bytes of a file that are handed on at once."""

_OPEN = RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH
_KEPT_OPEN = 128
_TREE_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_RawTree = dict[bytes, tuple[bytes, bytes]]
_KEPT_NAMES = 50_000  # of folders, while a push is looked at: some 10 MB
_TREE_MODES = (b"40000", b"040000")  # some old programs write the zero
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tlogAllRefUpdates = always
[gc]
\tauto = 0
\treflogExpire = never
\treflogExpireUnreachable = never
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[receive]
\tautogc = false
"""

# Objects of one repo never come from another, and what is written is made durable by one sync a batch.
pygit2.option(Option.ENABLE_FSYNC_GITDIR, False)
pygit2.option(Option.ENABLE_STRICT_HASH_VERIFICATION, False)
# Trees and commits are made of ids that were just written or read here: looking each up again costs 60 µs a commit.
pygit2.option(Option.ENABLE_STRICT_OBJECT_CREATION, False)


class Person(NamedTuple):
    """Who makes a commit or moves a ref."""

    name: str
    email: str


class Update(NamedTuple):
    """One line of a ref's log.

    old, new  commit ids; ZERO when the ref began or ended
    who       account name of whoever moved the ref
    at        when the hub did it, in ms
    message   why, as whoever moved it wrote down
    """

    old: str
    new: str
    who: str
    at: int
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in a tree.

    oid   git object id
    size  bytes of a file; 0 for a folder
    mode  git's file mode: 0o100644, 0o100755, 0o120000 (link), 0o160000 (submodule), 0o040000 (folder)
    """

    path: str
    oid: str
    size: int
    mode: int

    @property
    def is_folder(self) -> bool:
        """Is this a folder?"""
        return self.mode == FileMode.TREE

    @property
    def is_file(self) -> bool:
        """Is this a plain file, not a link or a submodule?"""
        return self.mode in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)

    @property
    def is_submodule(self) -> bool:
        """Does a commit of another repo belong here?"""
        return self.mode == FileMode.COMMIT


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit's facts. `at` is when its author claims to have made it, in ms."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    at: int
    message: str

    @property
    def title(self) -> str:
        """The message's first line."""
        return self.message.partition("\n")[0]

    @property
    def body(self) -> str:
        """What follows the title."""
        return self.message.partition("\n")[2].strip("\n")


class Git:
    """All repos of a hub, each in a folder named by its uid."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._base = str(root)
        self._local = threading.local()

    def path(self, uid: str) -> Path:
        """The folder of the repo."""
        return self.root / uid[-2:] / f"{uid}.git"

    def create(self, uid: str) -> "GitRepo":
        """A new, empty bare repo whose HEAD is main."""
        path = self.path(uid)
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "refs/pr", "info"):
            (path / folder).mkdir(parents=True)
        (path / "config").write_text(_CONFIG)
        (path / "HEAD").write_text(f"ref: {MAIN}\n")
        return self.open(uid)

    def open(self, uid: str) -> "GitRepo":
        """The repo, for use by this thread.

        raises  FileNotFoundError when the folder is not there
        """
        kept: OrderedDict[str, GitRepo] | None = getattr(self._local, "repos", None)
        if kept is None:
            kept = self._local.repos = OrderedDict()
        if (repo := kept.get(uid)) is not None:
            kept.move_to_end(uid)
            return repo
        path = self.path(uid)
        try:
            repo = GitRepo(path, pygit2.Repository(str(path), _OPEN))
        except pygit2.GitError:
            raise FileNotFoundError(f"no git repo at {path}") from None
        kept[uid] = repo
        if len(kept) > _KEPT_OPEN:
            kept.popitem(last=False)
        return repo

    def open_once(self, uid: str) -> "GitRepo":
        """The repo, not kept open afterwards: for walks over many repos."""
        path = self.path(uid)
        try:
            return GitRepo(path, pygit2.Repository(str(path), _OPEN))
        except pygit2.GitError:
            raise FileNotFoundError(f"no git repo at {path}") from None

    def open_with(self, uid: str, objects: Path) -> "GitRepo":
        """The repo with the objects that a push has brought and that are not accepted yet; not kept open afterwards.

        objects  git's quarantine, a folder among the repo's own objects
        raises   FileNotFoundError when either is not there
        """
        path = self.path(uid)
        if not objects.is_dir() or not objects.resolve().is_relative_to((path / "objects").resolve()):
            raise FileNotFoundError(f"{objects} holds no objects pushed to {path}")
        repo = self.open_once(uid)
        repo.see(objects)
        return repo

    def delete(self, uid: str) -> None:
        """Remove the repo and everything in it, if it is there."""
        if (kept := getattr(self._local, "repos", None)) is not None:
            kept.pop(uid, None)
        shutil.rmtree(self.path(uid), ignore_errors=True)

    def uids(self) -> Iterator[str]:
        """The uid of every repo on disk."""
        with suppress(FileNotFoundError):
            for shelf in os.scandir(self.root):
                for folder in os.scandir(shelf.path):
                    if folder.name.endswith(".git"):
                        yield folder.name[:-4]

    def stamp(self, uid: str) -> str:
        """A text that changes whenever a branch or a pull request's ref does; one stat a folder, nothing is read."""
        base = f"{self._base}/{uid[-2:]}/{uid}.git"  # as `path`; a start of the hub does this for every repo
        parts = []
        for name in ("/refs/heads", "/refs/pr", "/packed-refs"):
            try:
                parts.append(format(os.stat(base + name).st_mtime_ns, "x"))  # noqa: PTH116  (three times as fast)
            except FileNotFoundError:
                parts.append("-")
        return ":".join(parts)


class GitRepo:
    """One bare repo. Commits and trees are named by hex ids; paths are `a/b/c`, folders without a slash at the end."""

    def __init__(self, path: Path, repo: pygit2.Repository) -> None:
        self.path = path
        self._repo = repo

    # --- refs and revisions -----------------------------------------------------------------------------------

    def see(self, objects: Path) -> None:
        """Read objects from this folder too."""
        self._repo.odb.add_disk_alternate(str(objects))

    def ref(self, name: str) -> str | None:
        """The commit a full ref name (`refs/…`) points at, tags peeled; None if there is no such ref."""
        if "\0" in name:  # libgit2 would stop reading there
            return None
        try:
            return str(self._repo.references[name].peel(pygit2.Commit).id)
        except (KeyError, ValueError, pygit2.GitError, pygit2.InvalidSpecError):
            return None

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Every ref below `prefix`, which ends with a slash, with its commit, in name order."""
        found: dict[str, str] = {}
        if not self._may_have(prefix):
            return found
        for name in sorted(self._repo.raw_listall_references()):
            text = name.decode("utf-8", "replace")
            if text.startswith(prefix) and (oid := self.ref(text)) is not None:
                found[text] = oid
        return found

    def resolve(self, revision: str) -> str:
        """The commit that a branch, tag, full ref, or full or short (7+) commit id names.

        raises  RevisionNotFound
        """
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision if revision[:5] == "refs/" else ""):
            if name and (oid := self.ref(name)) is not None:
                return oid
        if may_be_commit(revision):
            with suppress(KeyError, ValueError, pygit2.GitError):
                found: Any = self._repo[revision]
                if isinstance(found, pygit2.Commit):
                    return str(found.id)
        raise RevisionNotFound(revision)

    def split_revision(self, text: str) -> tuple[str, str]:
        """`REVISION/PATH` cut at the longest known revision: (revision, path).

        The first part decides unless a ref with slashes in its name (`refs/pr/1`, a branch `a/b`) fits better.
        raises  RevisionNotFound
        """
        parts = text.split("/")
        for count in range(min(len(parts), 8), 1, -1):
            name = "/".join(parts[:count])
            if any(self.ref(ref) for ref in (f"refs/heads/{name}", f"refs/tags/{name}", name)):
                return name, "/".join(parts[count:])
        self.resolve(parts[0])
        return parts[0], "/".join(parts[1:])

    def peel(self, oid: str) -> str | None:
        """The commit that a commit id or the id of an annotated tag stands for; None for anything else."""
        try:
            return str(self._repo[oid].peel(pygit2.Commit).id)
        except (KeyError, ValueError, pygit2.GitError, pygit2.InvalidSpecError):
            return None

    def move_ref(self, name: str, new: str, *, expected: str | None, who: Person, why: str) -> None:
        """Point `name` at `new`, if it still points at `expected` (None: if it does not exist), and log it.

        raises  StaleParent when somebody else moved it meanwhile
        """
        self._repo.set_ident(who.name, who.email)
        try:
            if expected is None:
                self._repo.create_reference_direct(name, pygit2.Oid(hex=new), False, message=why)
                return
            reference = self._repo.references[name]
            if str(reference.target) != expected:
                raise StaleParent
            reference.set_target(pygit2.Oid(hex=new), why)
        except (KeyError, pygit2.AlreadyExistsError):
            raise StaleParent from None
        except pygit2.InvalidSpecError:
            raise BadRequest(f"{name!r} is not a name that git allows for a branch or tag") from None
        except (pygit2.GitError, OSError) as error:
            # libgit2 reports a lock held by another process, and a value changed under it, as plain errors.
            if "lock" in str(error) or "match" in str(error) or "modified" in str(error):
                raise StaleParent from None
            if "conflict" in str(error) or "exists" in str(error):
                raise Conflict(f"{name} cannot be made beside the branches that exist: {error}") from None
            raise

    def delete_ref(self, name: str) -> None:
        """Remove the ref, if it is there."""
        with suppress(KeyError):
            self._repo.references.delete(name)

    def updates(self, name: str, after: int = 0) -> list[Update]:
        """The ref's log, oldest first, without its first `after` lines."""
        try:
            reference = self._repo.references[name]
        except (KeyError, pygit2.InvalidSpecError):
            return []
        lines = [
            Update(
                str(line.oid_old),
                str(line.oid_new),
                line.committer.name,
                line.committer.time * 1000,
                line.message or "",
            )
            for line in reference.log()
        ]
        lines.reverse()
        return lines[after:]

    # --- reading ----------------------------------------------------------------------------------------------

    def commit(self, oid: str) -> Commit:
        """The commit's facts.

        raises  RevisionNotFound
        """
        try:
            found: Any = self._repo[oid]
        except (KeyError, ValueError):
            raise RevisionNotFound(oid) from None
        if not isinstance(found, pygit2.Commit):
            raise RevisionNotFound(oid)
        return _commit(found)

    def history(self, oid: str, path: str = "", *, without: Iterable[str] = ()) -> Iterator[Commit]:
        """The commit and its ancestors, newest first; with `path`, those that changed it.

        without  commits that are left out with all their ancestors
        """
        walker = self._repo.walk(pygit2.Oid(hex=oid), SortMode.TOPOLOGICAL | SortMode.TIME)
        for left_out in without:
            walker.hide(pygit2.Oid(hex=left_out))
        for found in walker:
            if not path or self._touched(found, path):
                yield _commit(found)

    def last_commits(self, oid: str, folder: str, names: Iterable[str], limit: int = 5000) -> dict[str, Commit]:
        """For each name in `folder`, the newest commit that changed it; at most `limit` commits are looked at."""
        open_names = set(names)
        found: dict[str, Commit] = {}
        walker = self._repo.walk(pygit2.Oid(hex=oid), SortMode.TOPOLOGICAL | SortMode.TIME)
        for count, commit in enumerate(walker):
            if not open_names or count >= limit:
                break
            here = self._folder_ids(commit, folder)
            before = [self._folder_ids(parent, folder) for parent in commit.parents]
            changed = {name for name in open_names if name in here and all(b.get(name) != here[name] for b in before)}
            for name in changed:
                found[name] = _commit(commit)
            open_names -= changed
        return found

    def entry(self, oid: str, path: str) -> Entry | None:
        """What stands at `path` in the commit or tree `oid`; None if nothing does."""
        tree = self._tree(oid)
        if not path:
            return Entry("", str(tree.id), 0, FileMode.TREE)
        if "\0" in path:  # libgit2 would stop reading there
            return None
        try:
            found = tree[path]
        except (KeyError, ValueError):
            return None
        return self._entry(path, found)

    def entries(self, oid: str, path: str = "", *, recursive: bool = False, after: str = "") -> Iterator[Entry]:
        """What the folder `path` holds, in path order; with `recursive`, everything below it, folders included.

        after   path of an entry, as an earlier call gave it: only what follows
        raises  EntryNotFound when there is no such folder
        """
        tree = self._tree(oid)
        if path:
            if "\0" in path:
                raise EntryNotFound(path)
            try:
                found = tree[path]
            except (KeyError, ValueError):
                raise EntryNotFound(path) from None
            if not isinstance(found, pygit2.Tree):
                raise EntryNotFound(path)
            tree = found
        prefix = f"{path}/" if path else ""
        yield from self._walk(tree, prefix, recursive=recursive, after=after.removeprefix(prefix))

    def blobs(self, oid: str) -> dict[str, str]:
        """The plain files right in commit or tree `oid`, without what is in folders: name -> blob id. Reads no file."""
        return {
            found.name or "": str(found.id)
            for found in self._tree(oid)
            if found.filemode in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)
        }

    def read(self, oid: str) -> bytes:
        """The bytes of a blob."""
        kind, data = self._repo.odb.read(pygit2.Oid(hex=oid))
        if kind != ObjectType.BLOB:
            raise EntryNotFound(oid)
        return data

    def stream(self, oid: str, start: int, end: int) -> Iterator[bytes]:
        """Bytes `start` to `end` (not included) of a blob, in pieces.

        A blob in a file of its own is inflated as it is read, so that memory does not grow with its size; one in a
        pack is read whole.
        """
        try:
            file = (self.path / "objects" / oid[:2] / oid[2:]).open("rb")
        except FileNotFoundError:
            data = memoryview(self.read(oid))[start:end]
            for at in range(0, len(data), PIECE):
                yield bytes(data[at : at + PIECE])
            return
        with file:
            inflate = zlib.decompressobj()
            head, _, rest = inflate.decompress(file.read(4096), 4096).partition(b"\0")
            if not head.startswith(b"blob "):
                raise EntryNotFound(oid)
            at = 0
            while True:
                if at + len(rest) > start:
                    yield rest[max(start - at, 0) : end - at]
                at += len(rest)
                deflated = inflate.unconsumed_tail or file.read(PIECE // 4)
                if at >= end or not deflated or inflate.eof:
                    return
                rest = inflate.decompress(deflated, PIECE)

    def size(self, oid: str) -> int:
        """Bytes of a blob, without reading it."""
        return int(self._repo.odb.read_header(pygit2.Oid(hex=oid))[1])

    def read_path(self, oid: str, path: str) -> bytes | None:
        """The bytes of the file at `path` in commit or tree `oid`; None if there is no plain file."""
        entry = self.entry(oid, path)
        return self.read(entry.oid) if entry is not None and entry.is_file else None

    # --- writing ----------------------------------------------------------------------------------------------

    def write_blob(self, data: bytes) -> str:
        """Store the bytes; returns the blob's id."""
        return str(self._repo.create_blob(data))

    def write_tree(self, base: str | None, changes: Mapping[str, tuple[str, int] | None]) -> str:
        """The tree of commit or tree `base` (None: empty) after `changes`: path -> (blob id, mode), or None to remove.

        raises  BadRequest when a path goes through a file
        """
        root: dict[str, object] = {}
        for path, change in changes.items():
            node = root
            *folders, name = path.split("/")
            for folder in folders:
                inner = node.setdefault(folder, {})
                if not isinstance(inner, dict):
                    raise BadRequest(f"{path}: {folder!r} is changed as a file in the same commit")
                node = inner
            if isinstance(node.get(name), dict):
                raise BadRequest(f"{path}: changed both as a file and as a folder in the same commit")
            node[name] = change
        tree = self._tree(base) if base is not None else None
        written = self._write_tree(tree, root, "")
        return written or str(self._repo.TreeBuilder().write())

    def write_commit(self, tree: str, parents: Iterable[str], who: Person, at: int, message: str) -> str:
        """A commit object that no ref knows yet; returns its id. `at` in ms."""
        sign = pygit2.Signature(who.name, who.email, at // 1000, 0)
        return str(
            self._repo.create_commit(
                None, sign, sign, message, pygit2.Oid(hex=tree), [pygit2.Oid(hex=p) for p in parents]
            )
        )

    def write_tag(self, name: str, oid: str, who: Person, at: int, message: str) -> str:
        """An annotated tag object, not yet a ref; returns its id."""
        sign = pygit2.Signature(who.name, who.email, at // 1000, 0)
        return str(self._repo.odb.write(ObjectType.TAG, _tag_bytes(name, oid, sign, message)))

    # --- comparing and merging ----------------------------------------------------------------------------------

    def merge_base(self, one: str, other: str) -> str | None:
        """The newest common ancestor; None if histories are unrelated."""
        found = self._repo.merge_base(pygit2.Oid(hex=one), pygit2.Oid(hex=other))
        return str(found) if found is not None else None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Is `old` the same as `new` or one of its ancestors?"""
        return old == new or self._repo.descendant_of(pygit2.Oid(hex=new), pygit2.Oid(hex=old))

    def merge_trees(self, ours: str, theirs: str, ancestor: str | None = None) -> tuple[str | None, list[str]]:
        """Three-way merge of commits: (tree id, []) or (None, paths in conflict).

        ancestor  the commit both sides come from; None finds it in their histories
        """
        how: dict[str, Any] = {"flags": MergeFlag.FIND_RENAMES, "file_flags": MergeFileFlag.DEFAULT}
        if ancestor is None:
            found = self._repo.merge_commits(pygit2.Oid(hex=ours), pygit2.Oid(hex=theirs), **how)
        else:
            found = self._repo.merge_trees(self._tree(ancestor), self._tree(ours), self._tree(theirs), **how)
        if found.conflicts is not None:
            paths = {side.path for conflict in found.conflicts for side in conflict if side is not None}
            return None, sorted(paths)
        return str(found.write_tree(self._repo)), []

    def changed_paths(self, old: str | None, new: str) -> dict[str, tuple[Entry | None, Entry | None]]:
        """Files that differ between two commits or trees: path -> (before, after)."""
        before = self._tree(old) if old is not None else self._tree(str(self._repo.TreeBuilder().write()))
        diff = self._tree(new).diff_to_tree(before, flags=DiffOption.INCLUDE_TYPECHANGE, swap=True)
        found: dict[str, tuple[Entry | None, Entry | None]] = {}
        for delta in diff.deltas:
            path = delta.new_file.path or delta.old_file.path
            found[path] = (_side(delta.old_file), _side(delta.new_file))
        return found

    def oversized(self, objects: Path, limit: int) -> tuple[str, int] | None:
        """The id and bytes of a commit, folder or tag in the folder `objects` that has more than `limit` bytes."""
        odb = pygit2.Odb(str(objects))
        for oid in odb:
            kind, size = odb.read_header(oid)
            if size > limit and kind != ObjectType.BLOB:
                return str(oid), int(size)
        return None

    def arrivals(self, tips: Iterable[str], known: Iterable[str], limit: int) -> Iterator[Entry]:
        """Every file, link and submodule that a commit which leads to `tips`, but not to `known`, adds or changes.

        The same content at the same path comes once. Bytes of a path that are no UTF-8 come as lone surrogates.
        raises  TooLarge once more than `limit` entries were looked at: a dozen small folders, each ten times in the
                next, make ten billion paths
        """
        walker = self._repo.walk(None, SortMode.TOPOLOGICAL | SortMode.REVERSE)
        for oid in known:
            walker.hide(pygit2.Oid(hex=oid))
        for oid in tips:
            walker.push(pygit2.Oid(hex=oid))
        odb = self._repo.odb
        seen: set[tuple[bytes, bytes, bytes]] = set()
        left = limit
        kept: dict[bytes, _RawTree] = {}  # a commit's folders are the next one's "before"
        held = 0

        def read(tree: bytes) -> _RawTree:
            nonlocal held
            if (found := kept.get(tree)) is None:
                found = self._raw_tree(tree)
                held += len(found)
                if held > _KEPT_NAMES:
                    kept.clear()
                    held = len(found)
                kept[tree] = found
            return found

        for commit in walker:
            # What a merge takes over from its second parent differs from the first: it comes with that side too.
            before = self._repo[commit.parent_ids[0]].peel(pygit2.Commit).tree_id.raw if commit.parent_ids else None
            folders: list[tuple[bytes, bytes, bytes | None]] = [(b"", commit.tree_id.raw, before)]
            while folders:
                prefix, new, old = folders.pop()
                if new == old:
                    continue
                known_here = read(old) if old is not None else {}
                for name, entry in read(new).items():
                    there = known_here.get(name)
                    if there == entry:
                        continue
                    if left == 0:
                        raise TooLarge(
                            f"More than {limit} files would change in one push: push fewer commits at a time"
                        )
                    left -= 1
                    mode, raw = entry
                    path = prefix + name
                    if mode in _TREE_MODES:
                        same = there is not None and there[0] in _TREE_MODES
                        folders.append((path + b"/", raw, there[1] if same and there is not None else None))
                    elif (path, raw, mode) not in seen:
                        seen.add((path, raw, mode))
                        number = int(mode, 8)
                        oid_here = pygit2.Oid(raw=raw)
                        size = 0 if number == FileMode.COMMIT else int(odb.read_header(oid_here)[1])
                        yield Entry(path.decode("utf-8", "surrogateescape"), str(oid_here), size, number)

    def diff(self, old: str | None, new: str, *, context: int = 3, most: int = MAX_COMPARED) -> str:
        """Unified diff between two commits, as `git diff` prints it.

        most  bytes of files, before and after, that are compared; of files beyond it says only that they differ
        """
        before = self._tree(old) if old is not None else self._tree(str(self._repo.TreeBuilder().write()))
        diff = self._tree(new).diff_to_tree(before, context_lines=context, swap=True)
        parts = []
        for number, delta in enumerate(diff.deltas):
            sides = [side for side in (delta.old_file, delta.new_file) if int(side.mode) not in (0, FileMode.COMMIT)]
            size = sum(self.size(str(side.id)) for side in sides)
            if size <= most:
                most -= size
                patch = diff[number]
                parts.append((patch.text or "") if patch is not None else "")
            else:
                names = [side.raw_path.decode("utf-8", "replace") for side in (delta.old_file, delta.new_file)]
                parts.append(f"diff --git a/{names[0]} b/{names[1]}\nLarge files differ\n")
        return "".join(parts)

    # --- inside -------------------------------------------------------------------------------------------------

    def _may_have(self, prefix: str) -> bool:
        """Can there be refs below this folder? Most repos have no pull request, and listing all refs takes 170 µs."""
        with suppress(FileNotFoundError), os.scandir(self.path / prefix) as names:
            if next(names, None) is not None:
                return True
        return (self.path / "packed-refs").exists()

    def _tree(self, oid: str) -> pygit2.Tree:
        try:
            return self._repo[oid].peel(pygit2.Tree)
        except (KeyError, ValueError, pygit2.InvalidSpecError):
            raise RevisionNotFound(oid) from None

    def _raw_tree(self, oid: bytes) -> _RawTree:
        """Name -> (mode, id) of a folder, read from its bytes: four times as fast as asking for each entry."""
        _, data = self._repo.odb.read(pygit2.Oid(raw=oid))
        return {name: (mode, raw) for mode, name, raw in _TREE_ENTRY.findall(data)}

    def _entry(self, path: str, found: pygit2.Object) -> Entry:
        # Asking the object for its size would read all of it.
        size = self._repo.odb.read_header(found.id)[1] if isinstance(found, pygit2.Blob) else 0
        return Entry(path, str(found.id), int(size), int(found.filemode or 0))

    def _walk(self, tree: pygit2.Tree, prefix: str, *, recursive: bool, after: str = "") -> Iterator[Entry]:
        odb = self._repo.odb
        skip_to, _, inside = after.partition("/")
        for found in tree:
            path = prefix + (found.name or "")
            mode = int(found.filemode or 0)
            if skip_to:
                if found.name != skip_to:
                    continue
                skip_to = ""
                if recursive and mode == FileMode.TREE:
                    folder = self._repo[found.id].peel(pygit2.Tree)
                    yield from self._walk(folder, f"{path}/", recursive=True, after=inside)
                continue
            if mode == FileMode.TREE:
                yield Entry(path, str(found.id), 0, mode)
                if recursive:
                    yield from self._walk(self._repo[found.id].peel(pygit2.Tree), f"{path}/", recursive=True)
            elif mode == FileMode.COMMIT:  # a submodule: its commit is in another repo
                yield Entry(path, str(found.id), 0, mode)
            else:
                yield Entry(path, str(found.id), int(odb.read_header(found.id)[1]), mode)

    def _folder_ids(self, commit: pygit2.Commit, folder: str) -> dict[str, pygit2.Oid]:
        tree: pygit2.Object = commit.tree
        if folder:
            try:
                tree = commit.tree[folder]
            except KeyError:
                return {}
        return {e.name or "": e.id for e in tree} if isinstance(tree, pygit2.Tree) else {}

    def _touched(self, commit: pygit2.Commit, path: str) -> bool:
        def at(one: pygit2.Commit) -> pygit2.Oid | None:
            try:
                return one.tree[path].id
            except KeyError:
                return None

        here = at(commit)
        if not commit.parents:
            return here is not None
        return all(at(parent) != here for parent in commit.parents)

    def _write_tree(self, tree: pygit2.Tree | None, changes: Mapping[str, Any], where: str) -> str | None:
        builder = self._repo.TreeBuilder(tree) if tree is not None else self._repo.TreeBuilder()
        for name, change in changes.items():
            old = builder.get(name)
            if isinstance(change, dict):
                inner = old if isinstance(old, pygit2.Tree) else None
                if old is not None and inner is None and any(_adds(c) for c in change.values()):
                    raise BadRequest(f"{where}{name} is a file: nothing can be put inside it")
                written = self._write_tree(inner, change, f"{where}{name}/")
                if written is not None:
                    builder.insert(name, pygit2.Oid(hex=written), FileMode.TREE)
                elif old is not None:
                    builder.remove(name)
            elif change is None:
                if old is not None:
                    builder.remove(name)
            else:
                oid, mode = change
                builder.insert(name, pygit2.Oid(hex=oid), mode)
        return str(builder.write()) if len(builder) else None


def _adds(change: object) -> bool:
    return any(_adds(c) for c in change.values()) if isinstance(change, dict) else change is not None


def _commit(found: pygit2.Commit) -> Commit:
    return Commit(
        oid=str(found.id),
        tree=str(found.tree_id),
        parents=tuple(str(p) for p in found.parent_ids),
        author=Person(found.author.name, found.author.email),
        at=found.author.time * 1000,
        message=found.message,
    )


def _side(found: pygit2.DiffFile) -> Entry | None:
    if int(found.mode) == 0:
        return None
    return Entry(found.path, str(found.id), int(found.size), int(found.mode))


def _tag_bytes(name: str, oid: str, sign: pygit2.Signature, message: str) -> bytes:
    head = f"object {oid}\ntype commit\ntag {name}\ntagger {sign.name} <{sign.email}> {sign.time} +0000\n\n{message}\n"
    return head.encode()
