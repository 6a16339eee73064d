"""Brings the index up to what the repos' refs say: after each change, after a crash, and from nothing.

Each ref's log in git is the journal that is followed: the index remembers how many updates of a ref it has read, so
that a live change, the repair after a crash and a rebuild are the same steps and tell the same history.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from evalcommons.core import evidence, results
from evalcommons.core.clock import Clock
from evalcommons.core.discussions import EventKind, Status
from evalcommons.core.evaluation_files import (
    BENCHMARK_PATH,
    EVIDENCE_SUFFIX,
    MAX_BYTES,
    RESULTS_FOLDER,
    RULES_PATH,
    evidence_path,
    kind_of,
    results_path,
)
from evalcommons.core.ids import MAIN, RepoKind, pull_number, pull_ref
from evalcommons.core.problems import Problem
from evalcommons.core.reports import InvalidFile, Moment, Report, ReportKey, Standing, Version, reports_of, result_uid
from evalcommons.services.boards import Boards
from evalcommons.services.large_files import LargeFiles
from evalcommons.services.pull_recovery import recover
from evalcommons.services.repo_facts import read_commit
from evalcommons.services.specs import read_spec
from evalcommons.storage.git import ZERO, Git, GitRepo, Update
from evalcommons.storage.index.benchmarks import BenchmarkRow
from evalcommons.storage.index.discussions import Discussion, Event
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import RepoRow
from evalcommons.storage.index.results import Position, ResultRow
from evalcommons.storage.index.session import Session
from evalcommons.storage.journal import Journal

log = logging.getLogger("evalcommons.indexing")

Progress = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and how far it goes."""

_BATCH = 200
"""Repos whose rows a rebuild writes at once."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The evaluation files of a model at one commit.

    tree  id of the folder `.eval_results`; "" without one
    oids  path -> blob id
    """

    tree: str
    oids: dict[str, str]


_NO_FILES = _Files("", {})


@dataclass(frozen=True, slots=True)
class _Read:
    """What results files say: reports, and the files that do not validate, by path."""

    reports: dict[ReportKey, Report] = field(default_factory=dict)
    invalid: dict[str, InvalidFile] = field(default_factory=dict)


_Opened = tuple[RepoRow, GitRepo]


class _Noted(NamedTuple):
    """What the database alone knows of pull requests.

    bases   (repo, pull request, update) -> the commit of main it built on
    events  pull request's id -> its changes of status, oldest first
    """

    bases: dict[tuple[int, int, int], str]
    events: dict[int, list[Event]]


@dataclass(slots=True)
class _Source:
    """Main (pull 0) or a pull request while its changes are followed."""

    pull: int
    reports: Standing[ReportKey, Report]
    invalid: Standing[str, InvalidFile]
    position: Position | None = None

    @property
    def changed(self) -> bool:
        """Did anything begin or end?"""
        return bool(self.reports.begun or self.reports.ended or self.invalid.begun or self.invalid.ended)

    def show(self, read: _Read, moment: Moment, why_gone: str, paths: set[str] | None = None) -> None:
        """From `moment` on the source says `read`; `paths`: the results files that can have changed."""
        among = None if paths is None else [key for key in self.reports.versions if key.path in paths]
        self.reports.show(read.reports, moment, why_gone, among)
        self.invalid.show(read.invalid, moment, why_gone, paths)

    def end_all(self, at: int, why: str) -> None:
        """The source says nothing any more."""
        self.reports.end_all(at, why)
        self.invalid.end_all(at, why)


@dataclass(frozen=True)
class Indexing:
    """Called inside the transaction of whatever moved a ref or changed a pull request's state."""

    index: Index
    git: Git
    journal: Journal
    clock: Clock
    boards: Boards
    large_files: LargeFiles
    frameworks: tuple[str, ...]
    # What results files say, by path and blob ids: a file in many pull requests is parsed once.
    _parsed: dict[tuple[str, str, str], tuple[list[Report], list[InvalidFile]]] = field(default_factory=dict)

    # --- following changes ------------------------------------------------------------------------------------------

    def follow(self, tx: Session, repo: RepoRow, git: GitRepo, refs: Iterable[str] | None = None) -> None:
        """Read what happened to `refs` (full names; None: all) since the index last looked."""
        names = list(refs) if refs is not None else [MAIN, *git.refs("refs/pr/")]
        tasks: set[tuple[str, str]] = set()
        main_moved = False
        for name in names:
            if name == MAIN:
                main_moved = self._follow_main(tx, repo, git, tasks)
            elif (num := pull_number(name)) is not None and repo.kind is RepoKind.MODEL:
                self._follow_pull(tx, repo, git, num, tasks)
        if main_moved:
            tasks |= self._read_mains(tx, [(repo, git)])
        if tasks:
            self.boards.refresh(tx, repo, sorted(tasks))
        tx.repos.stamp({repo.id: self.git.stamp(repo.uid)})

    def status_changed(self, tx: Session, repo: RepoRow, git: GitRepo, num: int) -> None:
        """A pull request was closed, reopened or merged: its results leave the boards or come back."""
        if repo.kind is not RepoKind.MODEL:
            return
        pull = tx.discussions.find(repo.id, num)
        if pull is None:
            return
        source = self._stored(tx, repo.id, num)
        events = [event for event in tx.discussions.events(pull.id) if event.kind is EventKind.STATUS]
        self._apply_status(git, pull, source, events[-1], lambda n, new: self._base(tx, repo.id, git, num, n, new))
        self.boards.refresh(tx, repo, sorted(self._store(tx, repo, source)))

    def visibility_changed(self, tx: Session, repo: RepoRow) -> None:
        """The repo became public or private."""
        if repo.kind is RepoKind.MODEL:
            self.boards.refresh(tx, repo, sorted(tx.results.tasks_reported(repo.id)))
        for board in tx.boards.of_dataset(repo.id):
            tx.boards.touch(board.id, self.clock())

    def renamed(self, tx: Session, old: RepoRow, new: RepoRow) -> None:
        """The repo has another id; results that name a dataset by its old one still count."""
        if new.kind is RepoKind.MODEL:
            self.boards.refresh(tx, new, sorted(tx.results.tasks_reported(new.id)))
        elif old.key != new.key and tx.benchmarks.find(new.id) is not None:
            self._make_boards(tx, new)

    def forget(self, tx: Session, repo: RepoRow, at: int) -> None:
        """The repo was deleted: its rows leave the boards; the results stay as withdrawn."""
        tasks = tx.results.tasks_reported(repo.id)
        tx.results.end_repo(repo.id, at, "the model repo was deleted")
        self.boards.refresh(tx, repo, sorted(tasks))
        for board in tx.boards.of_dataset(repo.id):
            tx.boards.remove(board.id)
        tx.benchmarks.remove(repo.id)

    # --- after a crash ----------------------------------------------------------------------------------------------

    def mend(self) -> int:
        """Catch up with every repo whose git moved without the index; returns how many there were.

        Named by the journal of a process that died, or seen by the modification times of the folders of refs.
        """
        mended = 0

        def repair(uids: set[str]) -> None:
            nonlocal mended
            for uid in sorted(uids):
                self._mend_one(uid)
                mended += 1

        self.journal.recover(repair)
        # A command beside a running server must not finish what the server is in the middle of.
        repair(set(self.moved()) - self.journal.busy())
        return mended

    def moved(self) -> list[str]:
        """The uids of repos whose refs changed since they were indexed. Reads three modification times a repo."""
        with self.index.read() as db:
            stamps = db.repos.stamps()
        return [uid for _, uid, stamp in stamps if self.git.stamp(uid) != stamp]

    def mend_after_failure(self, uid: str) -> None:
        """Catch up with a repo whose change failed, if git moved before it failed."""
        self._mend_one(uid, only_if_moved=True)

    def _mend_one(self, uid: str, *, only_if_moved: bool = False) -> None:
        with self.index.transaction() as tx:
            repo = tx.repos.by_uid(uid)
            if repo is None or repo.deleted_at is not None:
                self.git.delete(uid)
                return
            git = self._found(repo)
            if git is None or (only_if_moved and self._is_current(tx, repo, git)):
                return
            tasks = tx.results.tasks_reported(repo.id)
            tx.results.clear([repo.id])
            self._replay(tx, [(repo, git)])
            self._read_mains(tx, [(repo, git)])
            tasks |= tx.results.tasks_reported(repo.id)
            self.boards.refresh(tx, repo, sorted(tasks))
        self.journal.mended(uid)
        log.info("caught up with %s %s", repo.kind, repo.repo_id)

    def _is_current(self, tx: Session, repo: RepoRow, git: GitRepo) -> bool:
        """Has the index read every ref it follows to its end?"""
        refs = git.refs("refs/pr/") if repo.kind is RepoKind.MODEL else {}
        heads = {pull_number(ref): commit for ref, commit in refs.items()}
        return {0: git.ref(MAIN), **heads} == tx.results.heads(repo.id)

    # --- from nothing -----------------------------------------------------------------------------------------------

    def rebuild(self, progress: Progress | None = None) -> int:
        """Throw the evaluation index away and read it again from the repos and the pull requests' states.

        progress  told the phase and how far it is
        returns   versions of results read
        """
        tell = progress or (lambda _phase, _done, _total: None)
        with self.index.transaction() as tx:
            living = [repo_id for repo_id, _, _ in tx.repos.stamps()]
            before = tx.boards.marks()
            tx.results.clear(living)
            tx.boards.clear()
            tx.benchmarks.clear()
            datasets: list[RepoRow] = []
            count = 0
            for start in range(0, len(living), _BATCH):
                tell("Reading repos", start, len(living))
                rows = tx.repos.by_ids(living[start : start + _BATCH]).values()
                repos = [(repo, git) for repo in rows if (git := self._found(repo)) is not None]
                count += self._replay(tx, repos)
                self._read_mains(tx, repos, rebuild=True)
                datasets += [repo for repo, _ in repos if repo.kind is RepoKind.DATASET]
            for repo in datasets:
                self._make_boards(tx, repo, before, fill=False)
            boards = tx.boards.all()
            for done, board in enumerate(boards):
                tell("Filling boards", done, len(boards))
                self.boards.fill(tx, board, touch=False)
            tell("Filling boards", len(boards), len(boards))
        return count

    def _found(self, repo: RepoRow) -> GitRepo | None:
        """The repo's git; None when its folder is gone, which is logged."""
        try:
            return self.git.open_once(repo.uid)
        except FileNotFoundError:
            log.exception(
                "%s %s: its folder %s is missing; restore it from a backup",
                repo.kind,
                repo.repo_id,
                self.git.path(repo.uid),
            )
            return None

    def _replay(self, tx: Session, repos: Sequence[_Opened]) -> int:
        """Write everything that ever stood in these repos; returns how many versions of results."""
        stamps = {repo.id: self.git.stamp(repo.uid) for repo, _ in repos}
        known = tx.discussions.pulls(stamps)
        pulls = {repo.id: recover(tx, repo, git, self.clock, known[repo.id]) for repo, git in repos}
        noted = _Noted(tx.results.bases(stamps), tx.discussions.status_events(stamps))
        rows: list[dict[str, Any]] = []
        invalid: list[dict[str, Any]] = []
        positions: list[dict[str, Any]] = []
        for repo, git in repos:
            sources = [self._replay_main(repo, git)]
            if repo.kind is RepoKind.MODEL:
                sources += [self._replay_pull(tx, repo, git, pull, noted) for pull in pulls[repo.id]]
            for source in sources:
                rows += [_result_row(repo, source.pull, version) for version in source.reports.begun]
                invalid += [_invalid_row(repo, source.pull, version) for version in source.invalid.begun]
                if source.position is not None:
                    positions.append(_position_row(repo.id, source.pull, source.position))
        tx.results.begin(rows)
        tx.results.begin_invalid(invalid)
        tx.results.add_positions(positions)
        tx.repos.stamp(stamps)
        return len(rows)

    def _replay_main(self, repo: RepoRow, git: GitRepo) -> _Source:
        source = _Source(0, Standing(), Standing())
        for update in git.updates(MAIN):
            self._show_main(repo, git, source, update)
        return source

    def _replay_pull(self, tx: Session, repo: RepoRow, git: GitRepo, pull: Discussion, noted: _Noted) -> _Source:
        source = _Source(pull.num, Standing(), Standing())
        events = list(noted.events.get(pull.id, ()))

        def base_of(update_no: int, new: str) -> str:
            found = noted.bases.get((repo.id, pull.num, update_no))
            return self._base(tx, repo.id, git, pull.num, update_no, new) if found is None else found

        live, since = True, 0
        for number, update in enumerate(git.updates(pull_ref(pull.num))):
            while events and (events[0].ref_updates or 0) <= number:
                event = events.pop(0)
                self._apply_status(git, pull, source, event, base_of)
                live, since = Status(event.data["status"]).is_live, event.created_at
            self._show_pull(git, pull, source, update, base_of, live=live, since=since)
        for event in events:
            self._apply_status(git, pull, source, event, base_of)
        return source

    # --- main -------------------------------------------------------------------------------------------------------

    def _follow_main(self, tx: Session, repo: RepoRow, git: GitRepo, tasks: set[tuple[str, str]]) -> bool:
        """Fold what happened to main; returns whether it moved."""
        position = tx.results.position(repo.id, 0)
        updates = git.updates(MAIN, position.updates if position else 0)
        if not updates:
            return False
        files = position.files if position else ""
        if repo.kind is RepoKind.MODEL and any(self._files(git, update.new).tree != files for update in updates):
            source = self._stored(tx, repo.id, 0, position)
        else:
            source = _Source(0, Standing(), Standing(), position)
        for update in updates:
            self._show_main(repo, git, source, update)
        tasks |= self._store(tx, repo, source)
        self._keep_position(tx, repo, source, is_new=position is None)
        return True

    def _show_main(self, repo: RepoRow, git: GitRepo, source: _Source, update: Update) -> None:
        before = source.position
        number = before.updates + 1 if before else 1
        if repo.kind is not RepoKind.MODEL or update.new == ZERO:
            source.position = Position(update.new, number, before.files if before else "")
            return
        files = self._files(git, update.new)
        source.position = Position(update.new, number, files.tree)
        if before and before.files == files.tree:
            return
        old = _tree_files(git, before.files) if before else _NO_FILES
        paths = _changed_paths(old, files)
        moment = Moment(update.new, update.who, update.at)
        source.show(self._read(git, files, paths), moment, f"removed from main by {update.who}", paths)

    def _read_mains(self, tx: Session, repos: Sequence[_Opened], *, rebuild: bool = False) -> set[tuple[str, str]]:
        """Read cards, facts and benchmarks from main; returns the boards on which a model's row looks different now."""
        heads: list[dict[str, Any]] = []
        tags: dict[int, Iterable[str]] = {}
        benchmarks: list[tuple[RepoRow, GitRepo, str]] = []
        tasks: set[tuple[str, str]] = set()
        for repo, git in repos:
            sha = git.ref(MAIN)
            if sha is None:
                continue
            columns, facts = read_commit(repo, git, sha, self.large_files)
            modified_at = repo.modified_at if rebuild else self.clock()
            heads.append({"of_repo": repo.id, "modified_at": modified_at, **columns.as_dict()})
            tags[repo.id] = facts.tags
            if repo.kind is RepoKind.DATASET:
                benchmarks.append((repo, git, sha))
            elif repo.base_models != columns.base_models or repo.parameters != facts.parameters:
                tasks |= tx.results.tasks_reported(repo.id)
        tx.repos.set_heads(heads)
        tx.repos.set_tags(tags)
        for repo, git, sha in benchmarks:
            self._read_benchmark(tx, repo, git, git.blobs(sha), rebuild=rebuild)
        return tasks

    # --- benchmarks -------------------------------------------------------------------------------------------------

    def _read_benchmark(self, tx: Session, repo: RepoRow, git: GitRepo, oids: dict[str, str], *, rebuild: bool) -> None:
        held = tx.benchmarks.find(repo.id)
        spec_oid, rules_oid = oids.get(BENCHMARK_PATH, ""), oids.get(RULES_PATH, "")
        if not spec_oid:
            if held is not None:
                for board in tx.boards.of_dataset(repo.id):
                    tx.boards.remove(board.id)
                tx.benchmarks.remove(repo.id)
            return
        if held is not None and (held.spec_oid, held.rules_oid) == (spec_oid, rules_oid):
            return
        data = _bounded(git, spec_oid)
        rules = _bounded(git, rules_oid) if rules_oid else None
        spec = read_spec(data, rules, self.frameworks)
        found = spec.benchmark
        tx.benchmarks.put(
            BenchmarkRow(
                repo.id,
                spec_oid,
                rules_oid,
                data[:MAX_BYTES],
                rules[:MAX_BYTES] if rules is not None else None,
                found is not None,
                found.name if found else "",
                found.description if found else "",
                found.evaluation_framework if found else "",
                _problems(spec.problems),
            )
        )
        if not rebuild:
            self._make_boards(tx, repo)

    def _make_boards(
        self,
        tx: Session,
        repo: RepoRow,
        before: dict[tuple[int, str], tuple[int, int]] | None = None,
        *,
        fill: bool = True,
    ) -> None:
        """One board a task of the benchmark as it stands now; results that were waiting for it appear."""
        spec = self.boards.spec(tx, repo.id)
        tasks = spec.benchmark.tasks if spec and spec.benchmark else ()
        keys = [repo.key, *tx.repos.old_keys(repo.id)]
        held = {board.task: board for board in tx.boards.of_dataset(repo.id)}
        now = self.clock()
        for position, task in enumerate(tasks):
            higher = spec.rules.task(task.id).higher_is_better if spec else True
            old = held.pop(task.id, None)
            if old is None:
                version, changed_at = (before or {}).get((repo.id, task.id), (now, now))
                board = tx.boards.add(
                    repo.id, keys, task.id, position, higher_is_better=higher, version=version + 1, at=changed_at
                )
            else:
                board = tx.boards.configure(old, keys, position, higher_is_better=higher)
            if fill:
                self.boards.fill(tx, board)
        for board in held.values():
            tx.boards.remove(board.id)

    # --- pull requests ----------------------------------------------------------------------------------------------

    def _follow_pull(self, tx: Session, repo: RepoRow, git: GitRepo, num: int, tasks: set[tuple[str, str]]) -> None:
        position = tx.results.position(repo.id, num)
        first = position.updates if position else 0
        updates = git.updates(pull_ref(num), first)
        if not updates:
            return
        pull = tx.discussions.find(repo.id, num)
        if pull is None:
            return  # its row is made by `recover`, which runs before this when a crash came between
        source = self._stored(tx, repo.id, num, position) if position else _Source(num, Standing(), Standing())
        since = tx.discussions.last_status_at(pull.id) if position else 0
        for update in updates:
            self._show_pull(
                git,
                pull,
                source,
                update,
                lambda update_no, new: self._base(tx, repo.id, git, num, update_no, new),
                live=pull.status.is_live,
                since=since,
            )
        tasks |= self._store(tx, repo, source)
        self._keep_position(tx, repo, source, is_new=position is None)

    def _show_pull(
        self,
        git: GitRepo,
        pull: Discussion,
        source: _Source,
        update: Update,
        base_of: Callable[[int, str], str],
        *,
        live: bool,
        since: int,
    ) -> None:
        number = source.position.updates if source.position else 0
        if update.new == ZERO:
            source.position = Position(update.new, number + 1, "")
            source.end_all(max(update.at, since), f"removed by {update.who}")
            return
        base = base_of(number, update.new)
        files = self._files(git, update.new)
        source.position = Position(update.new, number + 1, files.tree)
        if live and pull.base == MAIN:
            moment = Moment(update.new, update.who, max(update.at, since))
            source.show(self._read_pull(git, files, base), moment, f"removed from the pull request by {update.who}")

    def _apply_status(
        self, git: GitRepo, pull: Discussion, source: _Source, event: Event, base_of: Callable[[int, str], str]
    ) -> None:
        """The pull request was opened, closed, reopened or merged."""
        status = Status(event.data["status"])
        began = [version.from_at for version in source.reports.versions.values()]
        at = max([event.created_at, *began])
        if not status.is_live:
            done = "merged" if status is Status.MERGED else "closed"
            source.end_all(at, f"pull request {pull.num} was {done} by {event.author}")
        elif source.position is not None and source.position.commit != ZERO and pull.base == MAIN:
            commit, number = source.position.commit, source.position.updates - 1
            updates = git.updates(pull_ref(pull.num), number)
            who = updates[0].who if updates else pull.author
            read = self._read_pull(git, self._files(git, commit), base_of(number, commit))
            source.show(read, Moment(commit, who, at), "removed from the pull request")

    def _read_pull(self, git: GitRepo, files: _Files, base: str) -> _Read:
        """What a pull request reports: the entries of its files that its base does not have."""
        old = self._files(git, base) if base else _NO_FILES
        if files.tree == old.tree:
            return _Read()
        paths = _changed_paths(old, files)
        found = self._read(git, files, paths)
        known = {report._replace(ordinal=0) for report in self._read(git, old, paths).reports.values()}
        new = {key: report for key, report in found.reports.items() if report._replace(ordinal=0) not in known}
        return _Read(new, found.invalid)

    def _base(self, tx: Session, repo_id: int, git: GitRepo, num: int, update_no: int, new: str) -> str:
        """The commit of main that an update builds on: as noted when it came, else found and noted now."""
        noted = tx.results.base(repo_id, num, update_no)
        if noted is not None:
            return noted
        main = git.ref(MAIN)
        if main is None:
            base = ""
        elif new == main or main in git.commit(new).parents:
            base = main
        else:
            # A squash cuts a pull request off from its history: what it built on before is still what it builds on.
            before = tx.results.base(repo_id, num, update_no - 1) if update_no else None
            base = git.merge_base(main, new) or before or ""
        tx.results.add_base(repo_id, num, update_no, base)
        return base

    # --- reading files ----------------------------------------------------------------------------------------------

    def _files(self, git: GitRepo, commit: str) -> _Files:
        folder = git.entry(commit, RESULTS_FOLDER)
        return _tree_files(git, folder.oid) if folder is not None and folder.is_folder else _NO_FILES

    def _read(self, git: GitRepo, files: _Files, paths: Iterable[str]) -> _Read:
        found = _Read()
        for path in sorted(paths):
            oid = files.oids.get(path)
            if oid is None:
                continue
            sidecar = files.oids.get(evidence_path(path))
            key = (path, oid, sidecar or "")
            parsed = self._parsed.get(key)
            if parsed is None:
                data = _bounded(git, oid)
                parsed = _parse(path, data, _bounded(git, sidecar) if sidecar else None)
                if len(self._parsed) >= 4096:
                    self._parsed.clear()
                self._parsed[key] = parsed
            reports, invalid = parsed
            found.reports.update((report.key, report) for report in reports)
            found.invalid.update((each.path, each) for each in invalid)
        return found

    # --- the index --------------------------------------------------------------------------------------------------

    def _stored(self, tx: Session, repo_id: int, pull: int, position: Position | None = None) -> _Source:
        """The source as the index has it."""
        invalid = {path: version for (_, path), version in tx.results.invalid(repo_id, pull).items()}
        found = position or tx.results.position(repo_id, pull)
        return _Source(pull, Standing(tx.results.standing(repo_id, pull)), Standing(invalid), found)

    def _store(self, tx: Session, repo: RepoRow, source: _Source) -> set[tuple[str, str]]:
        """Write what began and ended; returns the boards on which the model's row must be chosen anew."""
        if not source.changed:
            return set()
        reports = source.reports
        old = [version for version in reports.ended if version.row_id is not None]
        tx.results.end(old)
        begun = [_result_row(repo, source.pull, version) for version in reports.begun]
        tx.results.begin(begun)
        tx.results.end_invalid(version for version in source.invalid.ended if version.row_id is not None)
        tx.results.begin_invalid([_invalid_row(repo, source.pull, version) for version in source.invalid.begun])
        if not reports.ended:
            self.boards.add(tx, repo, [ResultRow(id=0, **row) for row in begun])
            return set()
        return {(v.content.dataset.lower(), v.content.task) for v in (*old, *reports.begun)}

    def _keep_position(self, tx: Session, repo: RepoRow, source: _Source, *, is_new: bool) -> None:
        if source.position is not None:
            tx.results.set_position(repo.id, source.pull, source.position, is_new=is_new)


def _tree_files(git: GitRepo, tree: str) -> _Files:
    """The evaluation files in the folder with this tree id."""
    if not tree:
        return _NO_FILES
    paths = {f"{RESULTS_FOLDER}/{name}": oid for name, oid in git.blobs(tree).items()}
    return _Files(tree, {path: oid for path, oid in paths.items() if kind_of(RepoKind.MODEL, path) is not None})


def _changed_paths(old: _Files, new: _Files) -> set[str]:
    """The results files that differ, by themselves or by their evidence."""
    changed = {path for path in old.oids.keys() | new.oids.keys() if old.oids.get(path) != new.oids.get(path)}
    return {results_path(path) if path.endswith(EVIDENCE_SUFFIX) else path for path in changed}


def _parse(path: str, data: bytes, sidecar: bytes | None) -> tuple[list[Report], list[InvalidFile]]:
    """The reports in a results file and its evidence; files that do not validate with their problems."""
    invalid: list[InvalidFile] = []
    entries, problems = results.parse(path, data)
    if entries is None:
        return [], [InvalidFile(path, _problems(problems))]
    matched: Sequence[evidence.Evidence | None] = [None] * len(entries)
    if sidecar is not None:
        beside = evidence_path(path)
        proofs, problems = evidence.parse(beside, sidecar)
        if proofs is None:
            invalid.append(InvalidFile(beside, _problems(problems)))
        else:
            matched, _ = evidence.match(beside, entries, proofs)
    return reports_of(path, entries, matched), invalid


def _problems(problems: Iterable[Problem]) -> str:
    return json.dumps([problem.as_dict() for problem in problems], ensure_ascii=False)


def _bounded(git: GitRepo, oid: str) -> bytes:
    """The blob's bytes; of one that is too large for an evaluation file, as many zeros as say so."""
    return git.read(oid) if git.size(oid) <= MAX_BYTES else bytes(MAX_BYTES + 1)


def _result_row(repo: RepoRow, pull: int, version: Version[Report]) -> dict[str, Any]:
    content = version.content
    return {
        "uid": result_uid(repo.uid, pull, content.key),
        "repo_id": repo.id,
        "pull": pull,
        "dataset_key": content.dataset.lower(),
        **content._asdict(),
        "commit_oid": version.commit,
        "submitter": version.submitter,
        "from_at": version.from_at,
        "until_at": version.until_at,
        "until_why": version.until_why,
    }


def _position_row(repo_id: int, pull: int, position: Position) -> dict[str, Any]:
    return {
        "repo_id": repo_id,
        "pull": pull,
        "commit_oid": position.commit,
        "updates": position.updates,
        "files_oid": position.files,
    }


def _invalid_row(repo: RepoRow, pull: int, version: Version[InvalidFile]) -> dict[str, Any]:
    return {
        "repo_id": repo.id,
        "pull": pull,
        **version.content._asdict(),
        "commit_oid": version.commit,
        "from_at": version.from_at,
        "until_at": version.until_at,
    }
