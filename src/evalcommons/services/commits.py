"""Changing repos through the API: commits, branches, tags, and squashing."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evalcommons.core.access import Actor, Need, allows
from evalcommons.core.clock import Clock
from evalcommons.core.commits import (
    Copy,
    Deletion,
    File,
    Header,
    LargeFile,
    Operation,
    check_path,
    ignored,
    read_commit,
    reason,
)
from evalcommons.core.discussions import Status, check_commit, clean_title
from evalcommons.core.errors import (
    AlreadyExists,
    BadRequest,
    EntryNotFound,
    Forbidden,
    NotFound,
    RevisionNotFound,
    StaleParent,
)
from evalcommons.core.ids import MAIN, RepoId, check_ref_name, pull_number, pull_ref
from evalcommons.core.lfs import MAX_POINTER, Pointer, parse_pointer, pointer_bytes
from evalcommons.core.problems import Problem, show
from evalcommons.services.evals import Evals
from evalcommons.services.indexing import Indexing
from evalcommons.services.large_files import LargeFiles
from evalcommons.services.pull_records import Opening, note_commits, note_opened, take_number
from evalcommons.services.repos import OpenRepo, Repos, person, user_of
from evalcommons.storage.git import GitRepo
from evalcommons.storage.index.discussions import Discussion
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.session import Session
from evalcommons.storage.journal import Journal

MAX_PREUPLOAD = 1_000
"""Files one preupload call may ask about; huggingface_hub asks about 256."""

_ATTEMPTS = 20
_PLAIN, _EXECUTABLE = 0o100644, 0o100755


class Sent(NamedTuple):
    """A file that a client wants to upload. `size` in bytes."""

    path: str
    size: int


class UploadPlan(NamedTuple):
    """How a client should send a file.

    large    through Git LFS, not in the commit request
    ignored  not at all: a .gitignore leaves it out
    oid      id of what stands there now, so that an unchanged file is not sent again: the git blob id of its content,
             with `large` its sha256; None if nothing stands there
    """

    path: str
    large: bool
    ignored: bool
    oid: str | None


class Committed(NamedTuple):
    """What a commit request did.

    repo_id   with its letters as the repo has them
    oid       the new commit; the branch's head when there was nothing to change
    num       the pull request it opened; None if it opened none
    warnings  what is odd about its evaluation files
    """

    repo_id: RepoId
    oid: str
    num: int | None
    warnings: tuple[Problem, ...]


class _Blob(NamedTuple):
    """A file whose bytes are in git already, but in no tree yet."""

    path: str
    oid: str


_Staged = _Blob | Deletion | Copy


@dataclass(frozen=True)
class Commits:
    """What writers, and authors of pull requests, do to the files and refs of a repo.

    file_limit  bytes a file may have whose content stands in a commit request
    """

    index: Index
    repos: Repos
    journal: Journal
    indexing: Indexing
    evals: Evals
    large_files: LargeFiles
    clock: Clock
    file_limit: int

    # --- commits ------------------------------------------------------------------------------------------------

    def preupload(
        self,
        actor: Actor,
        repo_id: RepoId,
        revision: str,
        files: Sequence[Sent],
        *,
        git_ignore: str | None = None,
        create_pr: bool = False,
    ) -> list[UploadPlan]:
        """How each file should be sent. `git_ignore` None: the revision's own .gitignore counts.

        raises  as `commit`
        """
        if len(files) > MAX_PREUPLOAD:
            raise BadRequest(f"Ask about at most {MAX_PREUPLOAD} files at a time")
        for file in files:
            check_path(file.path)
        opened, ref = self._target(actor, repo_id, revision, create_pr=create_pr)
        git, head = opened.git, _head(opened.git, ref, revision)
        if git_ignore is None:
            git_ignore = (git.read_path(head, ".gitignore") or b"").decode("utf-8", "replace")
        left_out = ignored(git_ignore, [file.path for file in files]) if git_ignore.strip() else set()
        return [self._plan(opened, head, file, is_ignored=file.path in left_out) for file in files]

    def commit(
        self, actor: Actor, repo_id: RepoId, revision: str, lines: Iterable[bytes], *, create_pr: bool = False
    ) -> Committed:
        """Commit what the request's lines say to a branch or pull request, or with `create_pr` open a new one.

        Without a parent in its header the commit is made on whatever the branch's head is by then.
        raises  BadRequest, InvalidPath, TooLarge for the request; EntryNotFound for what it deletes or copies;
                RevisionNotFound unless `revision` is a branch or pull request; StaleParent; Refused for evaluation
                files that do not validate; as `Repos.open`
        """
        opened, ref = self._target(actor, repo_id, revision, create_pr=create_pr)
        header, operations = read_commit(lines, self.file_limit)
        staged = self._stage(opened, _head(opened.git, ref, revision), operations)
        for _ in range(_ATTEMPTS):
            head = _head(opened.git, ref, revision)
            parent = _parent(opened.git, header, head, create_pr=create_pr)
            tree = opened.git.write_tree(parent, _changes(opened.git, parent, staged))
            if tree == opened.git.commit(parent).tree:
                if create_pr:
                    raise BadRequest("Nothing would change: no pull request was opened")
                return Committed(opened.id, head, None, ())
            commit = opened.git.write_commit(tree, [parent], person(actor), self.clock(), header.message)
            if create_pr:
                # Checked as if it were on its base already: that is where it wants to go.
                warnings = self.evals.screen(actor, opened.row, opened.git, ref, parent, commit)
                num = self._open_pull(actor, opened, ref, header, commit)
                return Committed(opened.id, commit, num, warnings)
            warnings = self.evals.screen(actor, opened.row, opened.git, ref, parent, commit)
            why = reason("commit", header.summary)
            if self._move(actor, opened, ref, commit, expected=parent, why=why):
                return Committed(opened.id, commit, None, warnings)
            if header.parent:
                break
        raise StaleParent

    def _target(self, actor: Actor, repo_id: RepoId, revision: str, *, create_pr: bool) -> tuple[OpenRepo, str]:
        """The repo, opened for what is wanted, and the full name of the branch or pull request."""
        num = pull_number(revision)
        if num is None:
            opened = self.repos.open(actor, repo_id, Need.DISCUSS if create_pr else Need.WRITE)
            return opened, revision if revision.startswith("refs/heads/") else f"refs/heads/{revision}"
        if create_pr:
            raise BadRequest(f"{revision} is a pull request: commit to it without create_pr")
        with self.index.read() as db:
            row = self.repos.admit(db, actor, repo_id, Need.DISCUSS)
            self._check_pull(db, actor, row, num)
        return OpenRepo(row, self.repos.git.open(row.uid)), revision

    def _check_pull(self, db: Session, actor: Actor, row: RepoRow, num: int) -> Discussion:
        pull = db.discussions.find(row.id, num)
        if pull is None or not pull.is_pull:
            raise RevisionNotFound(pull_ref(num))
        if pull.author_id != actor.user_id and not allows(actor, self.repos.facts(db, actor, row), Need.WRITE):
            raise Forbidden(
                f"Only {pull.author}, who opened pull request {num}, and who may write to {row.repo_id} can commit "
                "to it"
            )
        check_commit(num, pull.status)
        return pull

    def _stage(self, opened: OpenRepo, head: str, operations: Iterable[Operation]) -> list[_Staged]:
        """The operations, with the bytes they bring stored as they come.

        What Git LFS keeps at `head` it keeps further on, whichever way new bytes come: a clone would otherwise show
        the file as changed, because .gitattributes asks for a pointer.
        """
        staged: list[_Staged] = []
        large: dict[str, int] | None = None
        for operation in operations:
            match operation:
                case File(path, content):
                    if _pointer_at(opened.git, head, path) is not None and content:
                        sha256 = hashlib.sha256(content).hexdigest()
                        self.large_files.add(opened.row, sha256, [content], len(content))
                        content = pointer_bytes(sha256, len(content))
                    staged.append(_Blob(path, opened.git.write_blob(content)))
                case LargeFile():
                    if large is None:
                        with self.index.read() as db:
                            large = db.repos.large_files(opened.row.id)
                    staged.append(_Blob(operation.path, opened.git.write_blob(_pointer(operation, large))))
                case _:
                    staged.append(operation)
        return staged

    def _plan(self, opened: OpenRepo, head: str, file: Sent, *, is_ignored: bool) -> UploadPlan:
        """Everything that fits goes into the commit request: a client with hf_xet cannot send it in any other way.

        So a small file that stands in the repo as an LFS pointer is compared by its content's blob id all the same.
        """
        row, git = opened
        large = file.size > self.file_limit
        entry = git.entry(head, file.path)
        if entry is None or not entry.is_file:
            return UploadPlan(file.path, large, is_ignored, None)
        pointer = _pointer_at(git, head, file.path)
        if pointer is None:
            return UploadPlan(file.path, large, is_ignored, None if large else entry.oid)
        if large:
            return UploadPlan(file.path, True, is_ignored, pointer.sha256)
        same = self._blob_id(row, pointer) if pointer.size == file.size else None
        return UploadPlan(file.path, False, is_ignored, same)

    def _blob_id(self, row: RepoRow, pointer: Pointer) -> str | None:
        """The git blob id that a large file would have if it stood in git; None when its bytes are not here."""
        digest = hashlib.sha1(f"blob {pointer.size}\0".encode(), usedforsecurity=False)
        try:
            for chunk in self.large_files.read(row, pointer.sha256):
                digest.update(chunk)
        except NotFound:
            return None
        return digest.hexdigest()

    def _move(self, actor: Actor, opened: OpenRepo, ref: str, new: str, *, expected: str | None, why: str) -> bool:
        """Point a ref at `new` and bring the index up to it; False when somebody else moved the ref meanwhile."""
        row, git = opened
        num = pull_number(ref)
        try:
            with self.journal.changing(row.uid), self.index.transaction() as tx:
                pull = self._check_pull(tx, actor, row, num) if num is not None else None
                git.move_ref(ref, new, expected=expected, who=person(actor), why=why)
                if pull is not None:
                    user_id, user = user_of(actor)
                    note_commits(tx, git, pull, expected, new, user_id, user, self.clock())
                self.indexing.follow(tx, row, git, refs=[ref])
        except StaleParent:
            return False
        return True

    def _open_pull(self, actor: Actor, opened: OpenRepo, base: str, header: Header, commit: str) -> int:
        row, git = opened
        user_id, user = user_of(actor)
        title = clean_title(header.summary)
        why = reason("open pull request", title)
        with self.journal.changing(row.uid), self.index.transaction() as tx:
            num = take_number(tx, git, row.id, commit, person(actor), why)
            shown = (header.summary, commit)
            opening = Opening(title, header.description, Status.OPEN, user_id, user, base, shown, self.clock())
            note_opened(tx, row.id, num, opening)
            self.indexing.follow(tx, row, git, refs=[pull_ref(num)])
        return num

    # --- branches and tags --------------------------------------------------------------------------------------

    def create_branch(self, actor: Actor, repo_id: RepoId, name: str, start: str | None = None) -> None:
        """A new branch at `start` (None: main).

        raises  as `Repos.open` with WRITE; RevisionNotFound for `start`; BadRequest for the name; AlreadyExists
        """
        opened = self.repos.open(actor, repo_id, Need.WRITE)
        oid = opened.git.resolve(start) if start else _head(opened.git, MAIN, "main")
        check_ref_name(name)
        ref = f"refs/heads/{name}"
        self._create_ref(actor, opened, ref, oid, reason("create branch", f"from {start or 'main'}"))

    def delete_branch(self, actor: Actor, repo_id: RepoId, name: str) -> None:
        """Remove a branch.

        raises  as `Repos.open` with WRITE; Forbidden for main; RevisionNotFound
        """
        opened = self.repos.open(actor, repo_id, Need.WRITE)
        ref = f"refs/heads/{name}"
        if ref == MAIN:
            raise Forbidden(f"Cannot delete {MAIN}: every repo has it")
        self._delete_ref(opened, ref, name)

    def create_tag(self, actor: Actor, repo_id: RepoId, revision: str, name: str, message: str = "") -> None:
        """A new tag at `revision`, with a message an annotated one.

        raises  as `create_branch`
        """
        opened = self.repos.open(actor, repo_id, Need.WRITE)
        oid = opened.git.resolve(revision)
        check_ref_name(name)
        ref = f"refs/tags/{name}"
        if message:
            oid = opened.git.write_tag(name, oid, person(actor), self.clock(), message.replace("\0", ""))
        self._create_ref(actor, opened, ref, oid, reason("create tag", f"at {revision}"))

    def delete_tag(self, actor: Actor, repo_id: RepoId, name: str) -> None:
        """Remove a tag.

        raises  as `Repos.open` with WRITE; RevisionNotFound
        """
        opened = self.repos.open(actor, repo_id, Need.WRITE)
        self._delete_ref(opened, f"refs/tags/{name}", name)

    def super_squash(self, actor: Actor, repo_id: RepoId, revision: str, message: str) -> str:
        """Make a branch or pull request one commit without parents, with the same files; returns its id.

        raises  RevisionNotFound unless `revision` is a branch or pull request; as `commit`
        """
        opened, ref = self._target(actor, repo_id, revision, create_pr=False)
        if opened.git.ref(ref) is None and opened.git.ref(f"refs/tags/{revision}") is not None:
            raise BadRequest(f"{revision} is a tag: only a branch or a pull request can be squashed")
        title = clean_title(message) or f"Squash {revision}"
        for _ in range(_ATTEMPTS):
            head = _head(opened.git, ref, revision)
            tree = opened.git.commit(head).tree
            commit = opened.git.write_commit(tree, [], person(actor), self.clock(), title)
            if self._move(actor, opened, ref, commit, expected=head, why=reason("squash", title)):
                return commit
        raise StaleParent

    def _create_ref(self, actor: Actor, opened: OpenRepo, ref: str, oid: str, why: str) -> None:
        if opened.git.ref(ref) is not None or not self._move(actor, opened, ref, oid, expected=None, why=why):
            raise AlreadyExists(f"Reference {ref} already exists")

    def _delete_ref(self, opened: OpenRepo, ref: str, name: str) -> None:
        row, git = opened
        if git.ref(ref) is None:
            raise RevisionNotFound(name)
        with self.journal.changing(row.uid), self.index.transaction() as tx:
            git.delete_ref(ref)
            self.indexing.follow(tx, row, git, refs=[ref])


def _changes(git: GitRepo, head: str, staged: Sequence[_Staged]) -> Mapping[str, tuple[str, int] | None]:
    """What the operations, applied in order to `head`, put at each path; None removes."""
    changes: dict[str, tuple[str, int] | None] = {}
    for operation in staged:
        match operation:
            case _Blob(path, oid):
                before = git.entry(head, path)
                kept = before is not None and before.mode == _EXECUTABLE
                changes[path] = (oid, _EXECUTABLE if kept else _PLAIN)
            case Copy(path, source, revision):
                entry = git.entry(git.resolve(revision) if revision else head, source)
                if entry is None or not entry.is_file:
                    raise EntryNotFound(source, message=f"Cannot copy {show(source, 200)}: there is no such file")
                changes[path] = (entry.oid, entry.mode)
            case Deletion(path, is_folder):
                _delete(git, head, path, changes, is_folder=is_folder)
    return changes


def _delete(git: GitRepo, head: str, path: str, changes: dict[str, tuple[str, int] | None], *, is_folder: bool) -> None:
    below = f"{path}/" if path else ""
    gone = [added for added, change in changes.items() if change is not None and (added + "/").startswith(below)]
    entry = git.entry(head, path)
    if entry is not None and entry.is_folder:
        gone += [inner.path for inner in git.entries(head, path, recursive=True) if not inner.is_folder]
    elif entry is not None and not is_folder:
        gone.append(path)
    if not gone:
        what = "folder" if is_folder else "file"
        raise EntryNotFound(path, message=f"A {what} with this name doesn't exist: {show(path, 200)}")
    changes.update(dict.fromkeys(gone))


def _pointer(file: LargeFile, stored: Mapping[str, int]) -> bytes:
    size = stored.get(file.sha256)
    if size is None:
        raise BadRequest(
            f"{file.path}: the large file {file.sha256} was not uploaded to this repo. Upload it through Git LFS "
            "first; huggingface_hub needs HF_HUB_DISABLE_XET=1 for files over the commit request's limit"
        )
    if file.size not in (None, size):
        raise BadRequest(f"{file.path}: the large file {file.sha256} has {size} bytes, not {file.size}")
    return pointer_bytes(file.sha256, size)


def _pointer_at(git: GitRepo, commit: str, path: str) -> Pointer | None:
    """The LFS pointer that stands at `path`, or None."""
    entry = git.entry(commit, path)
    if entry is None or not entry.is_file or entry.size > MAX_POINTER:
        return None
    return parse_pointer(git.read(entry.oid))


def _head(git: GitRepo, ref: str, revision: str) -> str:
    head = git.ref(ref)
    if head is None:
        raise RevisionNotFound(revision)
    return head


def _parent(git: GitRepo, header: Header, head: str, *, create_pr: bool) -> str:
    """The commit to build on: the head, or for a new pull request the parent that the client chose below it."""
    if not header.parent or head.startswith(header.parent):
        return head
    if create_pr:
        try:
            chosen = git.resolve(header.parent)
        except NotFound:
            raise StaleParent from None
        if git.is_ancestor(chosen, head):
            return chosen
    raise StaleParent
