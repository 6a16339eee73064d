"""Pushes through git: what may land, and the index brought up to what landed."""

import posixpath
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evalcommons.core.access import Actor, Need, RepoFacts, allows
from evalcommons.core.clock import Clock
from evalcommons.core.commits import MAX_PATH, check_path
from evalcommons.core.discussions import check_commit
from evalcommons.core.errors import BadRequest, InvalidPath, Refused, TooLarge, Unavailable
from evalcommons.core.ids import MAIN, RepoId, RepoKind, check_ref_name, pull_number
from evalcommons.core.lfs import MAX_POINTER, Pointer, parse_pointer
from evalcommons.core.problems import printable, show
from evalcommons.services.evals import Evals
from evalcommons.services.indexing import Indexing
from evalcommons.services.large_files import LargeFiles
from evalcommons.services.pull_records import note_commits
from evalcommons.services.repos import OpenRepo, Repos, user_of
from evalcommons.storage.git import ZERO, Entry, Git, GitRepo
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.session import Session
from evalcommons.storage.journal import Journal
from evalcommons.storage.push_hook import can_run

MAX_REFS = 1_000
"""Branches and tags that one push may move."""

MAX_OBJECT = 4 * 1024 * 1024
"""Bytes of a commit, a folder (some 100,000 files) or a tag: they are read whole."""
MAX_CHANGES = 1_000_000
"""Files and folders that one push may change."""

_LISTED = 20
_LINK, _SUBMODULE = 0o120000, 0o160000


class RefUpdate(NamedTuple):
    """One ref that a push wants to move.

    old, new  commit or tag ids as the client sent them; ZERO where the ref begins or ends
    """

    ref: str
    old: str
    new: str

    @property
    def deletes(self) -> bool:
        """Does the ref end?"""
        return self.new == ZERO


class Verdict(NamedTuple):
    """What the person who pushes reads.

    refusals  why nothing of the push lands; empty when it may
    warnings  what is odd about files that may land
    """

    refusals: list[str]
    warnings: list[str]


@dataclass(frozen=True)
class Pushes:
    """A push is checked while its objects wait in quarantine, and indexed before its client sees the end.

    hooks       folder with the hook through which git asks, for its `core.hooksPath`
    file_limit  bytes a file may have outside Git LFS
    """

    index: Index
    git: Git
    journal: Journal
    repos: Repos
    large_files: LargeFiles
    evals: Evals
    indexing: Indexing
    clock: Clock
    hooks: Path
    file_limit: int

    def begin(self, actor: Actor, repo_id: RepoId) -> OpenRepo:
        """The repo, for somebody who wants to push to it; what they may move is judged ref by ref.

        raises  as `Repos.open` with DISCUSS; Unavailable
        """
        opened = self.repos.open(actor, repo_id, Need.DISCUSS)
        if not can_run(self.hooks):  # git would skip the hook, and with it every check
            raise Unavailable(f"This hub takes no pushes now: its operator must let programs run from {self.hooks}")
        return opened

    def moving(self, repo: RepoRow) -> AbstractContextManager[None]:
        """Lasts from before git moves refs until `landed` is done: a crash meanwhile is found at the next start."""
        return self.journal.changing(repo.uid)

    # --- before -------------------------------------------------------------------------------------------------

    def check(self, actor: Actor, repo: RepoRow, quarantine: Path | None, updates: Sequence[RefUpdate]) -> Verdict:
        """May these refs move?

        quarantine  where git keeps what the push brought; None when it brought no objects
        """
        if len(updates) > MAX_REFS:
            return Verdict([f"one push can move {MAX_REFS} branches and tags, not {len(updates)}: push in parts"], [])
        refusals = self._check_refs(actor, repo, updates)
        if refusals:
            return Verdict(refusals, [])
        git = self.git.open_with(repo.uid, quarantine) if quarantine is not None else self.git.open_once(repo.uid)
        if quarantine is not None and (huge := git.oversized(quarantine, MAX_OBJECT)) is not None:
            name, size = huge
            return Verdict([f"{name} is a commit, folder or tag of {size:,} bytes; it may have {MAX_OBJECT:,}"], [])
        landing: list[tuple[RefUpdate, str]] = []
        for update in updates:
            if update.deletes:
                continue
            commit = git.peel(update.new)
            if commit is None:
                refusals.append(f"{update.ref}: {update.new} is not a commit; branches and tags can only name commits")
            else:
                landing.append((update, commit))
        if not refusals:
            refusals = self._check_files(repo, git, [commit for _, commit in landing])
        warnings: list[str] = []
        if not refusals:
            refusals, warnings = self._check_evaluations(actor, repo, git, landing)
        return Verdict(refusals, warnings)

    def _check_refs(self, actor: Actor, repo: RepoRow, updates: Sequence[RefUpdate]) -> list[str]:
        with self.index.read() as db:
            # The pack may have taken an hour to come: look again.
            now = db.repos.get(repo.id)
            if now.deleted_at is not None:
                return [f"{repo.repo_id} was deleted meanwhile"]
            if actor.user_id is None or db.accounts.get(actor.user_id).suspended_at is not None:
                return ["your account was suspended meanwhile"]
            facts = self.repos.facts(db, actor, now)
            found = (self._check_ref(db, actor, now, facts, update) for update in updates)
            return [refusal for refusal in found if refusal]

    def _check_ref(self, db: Session, actor: Actor, repo: RepoRow, facts: RepoFacts, update: RefUpdate) -> str:
        ref = show(update.ref, 200)
        can_write = allows(actor, facts, Need.WRITE)
        if (num := pull_number(update.ref)) is not None:
            pull = db.discussions.find(repo.id, num)
            if pull is None or not pull.is_pull:
                kind = "" if repo.kind is RepoKind.MODEL else f" --type {repo.kind}"
                return (
                    f"{ref}: {repo.repo_id} has no pull request {num}. Open one first (on its page, or with "
                    f"`hf discussions create {repo.repo_id}{kind} --title TITLE --pull-request`), then push to its ref"
                )
            if not can_write and (pull.author_id != actor.user_id or not allows(actor, facts, Need.DISCUSS)):
                return f"{ref}: only {pull.author}, who opened it, and who may write to {repo.repo_id} can push here"
            if update.deletes:
                return f"{ref}: a pull request's commits stay on record. Close it instead, which takes its results off"
            try:
                check_commit(num, pull.status)
            except BadRequest as error:
                return f"{ref}: {error.message}"
            return ""
        what, name = next(
            (
                (what, update.ref.removeprefix(prefix))
                for prefix, what in (("refs/heads/", "branch"), ("refs/tags/", "tag"))
                if update.ref.startswith(prefix)
            ),
            ("", ""),
        )
        if not what:
            return (
                f"{ref}: only branches (refs/heads/…), tags (refs/tags/…) and pull requests (refs/pr/N) can be "
                "pushed here; this hub keeps no other refs"
            )
        if not can_write:
            return (
                f"{ref}: you may not change the {'branches' if what == 'branch' else 'tags'} of {repo.repo_id}. Open a "
                "pull request and push to its ref: git push origin HEAD:refs/pr/N"
            )
        if update.deletes:
            return f"{ref}: main is what everybody reads and cannot be deleted" if update.ref == MAIN else ""
        try:
            check_ref_name(name)
        except BadRequest as error:
            return error.message
        return ""

    def _check_files(self, repo: RepoRow, git: GitRepo, tips: list[str]) -> list[str]:
        """What is wrong with files that the hub does not have yet."""
        refusals: list[str] = []
        pointers: dict[Pointer, str] = {}
        more = 0
        try:
            for entry in git.arrivals(tips, git.refs().values(), MAX_CHANGES):
                refusal = self._check_file(git, entry, pointers)
                if refusal and len(refusals) >= _LISTED:
                    more += 1
                elif refusal:
                    refusals.append(refusal)
        except TooLarge as error:
            return [error.message]
        if more:
            refusals.append(f"… and {more} more files like these")
        missing = self.large_files.missing(repo, pointers)
        for pointer in missing[:_LISTED]:
            path = show(pointers[pointer], 200)
            refusals.append(
                f"{path} points to the large file {pointer.sha256} ({pointer.size} bytes), which is not here"
            )
        if missing:
            left = f"{len(missing)} large files are missing" if len(missing) > 1 else "A large file is missing"
            refusals.append(
                f"{left}: send with `git lfs push --all origin`, then push again. A pointer that was copied from "
                "another repo needs its file fetched first (git lfs fetch)"
            )
        return refusals

    def _check_file(self, git: GitRepo, entry: Entry, pointers: dict[Pointer, str]) -> str:
        try:
            check_path(entry.path)
        except InvalidPath as error:
            return error.message
        path = show(entry.path, 200)
        if entry.mode == _SUBMODULE:
            return f"{path} is a submodule, which this hub cannot follow: add its files instead (git rm --cached PATH)"
        if entry.mode == _LINK:
            return _check_link(git, entry)
        if entry.size > self.file_limit:
            return (
                f"{path} has {entry.size:,} bytes; outside Git LFS a file may have {self.file_limit:,}. Track it: "
                f"git lfs migrate import --include={path}, then push again"
            )
        if entry.size <= MAX_POINTER and (pointer := parse_pointer(git.read(entry.oid))) is not None:
            pointers.setdefault(pointer, entry.path)
        return ""

    def _check_evaluations(
        self, actor: Actor, repo: RepoRow, git: GitRepo, landing: Iterable[tuple[RefUpdate, str]]
    ) -> Verdict:
        refusals: list[str] = []
        warnings: list[str] = []
        for update, commit in landing:
            try:
                old = git.peel(update.old) if update.old != ZERO else None
                found = self.evals.screen(actor, repo, git, update.ref, old, commit)
                warnings += [problem.text() for problem in found]
            except Refused as error:
                refusals += [problem.text() for problem in error.problems]
        return Verdict(list(dict.fromkeys(refusals)), list(dict.fromkeys(warnings)))

    # --- after --------------------------------------------------------------------------------------------------

    def landed(self, actor: Actor, repo: RepoRow, updates: Sequence[RefUpdate]) -> None:
        """Bring the index up to what git did with the updates; durable when it returns."""
        git = self.git.open(repo.uid)
        at = self.clock()
        user_id, user = user_of(actor)
        with self.index.transaction() as tx:
            row = tx.repos.get(repo.id)
            if row.deleted_at is not None:
                return
            for ref, old, new in updates:
                num = pull_number(ref)
                pull = tx.discussions.find(row.id, num) if num is not None else None
                # Somebody else may have been first: git then refused this one ref.
                if pull is not None and any((u.old, u.new) == (old, new) for u in git.updates(ref)[-_LISTED:]):
                    note_commits(tx, git, pull, None if old == ZERO else old, new, user_id, user, at)
            self.indexing.follow(tx, row, git, refs=[update.ref for update in updates])

    def is_indexed(self, repo: RepoRow) -> bool:
        """Has the index read where the repo's refs stand now? After a failure it is brought up to them at once."""
        with self.index.read() as db:
            return db.repos.get(repo.id).refs_stamp == self.git.stamp(repo.uid)


def _check_link(git: GitRepo, entry: Entry) -> str:
    path = show(entry.path, 200)
    if entry.size > MAX_PATH:
        return f"{path} is a symbolic link to a path of {entry.size} bytes: links may have {MAX_PATH}"
    target = git.read(entry.oid).decode("utf-8", "surrogateescape")
    lands = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), target))
    outside = target.startswith("/") or lands == ".." or lands.startswith("../")
    try:
        if lands != ".":
            check_path(lands)
    except InvalidPath:
        outside = True
    if outside or "\\" in target or target[1:2] == ":" or not target:
        return (
            f"{path} is a symbolic link to {show(target, 200)}, outside the repo: links may only lead to its own files"
        )
    return ""


def lines(verdict: Verdict) -> list[str]:
    """The verdict as the person who pushes reads it, harmless to their terminal."""
    said = [*(["This push was refused:"] if verdict.refusals else []), *verdict.refusals]
    if verdict.warnings and not verdict.refusals:
        said += ["Accepted, with warnings:", *verdict.warnings]
    return [printable(line) for text in said for line in text.splitlines()]
