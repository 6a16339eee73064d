"""kill -9 at every point of a change: the next start finds what git and the index do not agree on, and mends it."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from evalcommons.config import Settings
from evalcommons.core.access import ANONYMOUS
from evalcommons.core.errors import AlreadyExists
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub, open_hub
from evalcommons.services.leaderboards import Wanted
from evalcommons.storage import git as git_module
from evalcommons.storage.index import statements
from evaluation_files import commit_lines, eval_yaml, results_yaml
from pictures import picture

RESULTS = ".eval_results/bench.yaml"
BENCH = RepoId.parse(RepoKind.DATASET, "alice/bench")
TINY = RepoId.parse(RepoKind.MODEL, "alice/tiny")
NEW = RepoId.parse(RepoKind.MODEL, "bob/new")


def prepare(hub: Hub) -> None:
    for name in ("alice", "bob"):
        hub.accounts.create_user(name)
    alice, bob = hub.accounts.actor("alice"), hub.accounts.actor("bob")
    hub.repos.create(alice, BENCH)
    hub.repos.create(alice, TINY)
    hub.commits.commit(alice, BENCH, "main", commit_lines({"eval.yaml": eval_yaml()}))
    hub.commits.commit(alice, TINY, "main", commit_lines({RESULTS: results_yaml(0.5)}))
    hub.commits.commit(bob, TINY, "main", commit_lines({RESULTS: results_yaml(0.6)}, "Better"), create_pr=True)


def push(hub: Hub) -> None:
    hub.commits.commit(hub.accounts.actor("alice"), TINY, "main", commit_lines({RESULTS: results_yaml(0.7)}))


def report(hub: Hub) -> None:
    lines = commit_lines({".eval_results/more.yaml": results_yaml(0.8)}, "Report more")
    hub.commits.commit(hub.accounts.actor("bob"), TINY, "main", lines, create_pr=True)


def amend(hub: Hub) -> None:
    hub.commits.commit(hub.accounts.actor("bob"), TINY, "refs/pr/1", commit_lines({RESULTS: results_yaml(0.65)}))


def close(hub: Hub) -> None:
    hub.discussions.set_status(hub.accounts.actor("alice"), TINY, 1, "closed")


def merge(hub: Hub) -> None:
    hub.discussions.merge(hub.accounts.actor("alice"), TINY, 1)


def draft(hub: Hub) -> None:
    hub.discussions.create(hub.accounts.actor("bob"), TINY, "A draft", "", pull_request=True)


def create(hub: Hub) -> None:
    hub.repos.create(hub.accounts.actor("bob"), NEW)


def delete(hub: Hub) -> None:
    hub.repos.delete(hub.accounts.actor("alice"), TINY)


def benchmark(hub: Hub) -> None:
    lines = commit_lines({"leaderboard.yaml": b"defaults:\n  higher_is_better: false\n"})
    hub.commits.commit(hub.accounts.actor("alice"), BENCH, "main", lines)


def squash(hub: Hub) -> None:
    hub.commits.super_squash(hub.accounts.actor("alice"), TINY, "main", "squashed")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "hub"
    hub = open_hub(Settings(data=folder))
    prepare(hub)
    hub.close()
    return folder


@pytest.mark.parametrize(
    "change", [push, report, amend, close, merge, draft, create, delete, benchmark, squash], ids=lambda f: f.__name__
)
def test_a_kill_at_any_point_leaves_nothing_half_done(prepared, tmp_path, change):
    """After the restart everything is as before the change or as after it, and a rebuild finds nothing else."""
    whole = open_copy(prepared, tmp_path / "whole")
    before = told(whole)
    change(whole)
    after = told(whole)
    whole.close()
    point = 0
    while killed_at(point, prepared, tmp_path / f"at{point}", change):
        hub = open_hub(Settings(data=tmp_path / f"at{point}"))
        try:
            assert told(hub) in (before, after), f"neither before nor after, killed at point {point}"
            seen = picture(hub)
            hub.indexing.rebuild()
            assert picture(hub) == seen
            assert hub.indexing.mend() == 0
            with hub.index.read() as db:
                assert set(hub.indexing.git.uids()) == {repo.uid for repo in db.repos.all()}
            if told(hub) == before and change is not delete:
                change(hub)
        except AlreadyExists:
            assert change is create
        finally:
            hub.close()
        shutil.rmtree(tmp_path / f"at{point}")
        point += 1
    assert point > 5, "the change had hardly a point to be killed at"


def open_copy(prepared: Path, folder: Path) -> Hub:
    shutil.copytree(prepared, folder)
    return open_hub(Settings(data=folder))


def told(hub: Hub) -> dict[str, object]:
    """What a reader of the board, of the pull requests and of the list of models is told."""
    found: dict[str, object] = {}
    with hub.index.read() as db:
        for repo in db.repos.all():
            pulls = [
                (pull.num, pull.title, str(pull.status), pull.author)
                for pull in db.discussions.pulls([repo.id])[repo.id]
            ]
            results = [(r.pull, r.value) for r in db.results.of_repos([repo.id])[repo.id]]
            found[str(repo.repo_id)] = (pulls, results, repo.last_num)
    page = hub.leaderboards.page(ANONYMOUS, BENCH, Wanted())
    found["board"] = (page.board.higher_is_better, [row.rank for row in page.rows])
    return found


def killed_at(point: int, prepared: Path, folder: Path, change: Callable[[Hub], None]) -> bool:
    """Do the change in a process that is killed at its `point`-th write; False when it came to its end."""
    shutil.copytree(prepared, folder)
    child = os.fork()
    if child == 0:
        try:
            hub = open_hub(Settings(data=folder))
            kill_at(point, hub)
            change(hub)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def kill_at(point: int, hub: Hub) -> None:
    """Kill this process before its `point`-th statement, commit, sync, or change of a ref or repo folder."""
    left = point

    def step(*_: object, **__: object) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def stepping(owner: object, name: str) -> None:
        inner = getattr(owner, name)

        def outer(*args: object, **given: object) -> object:
            step()
            result = inner(*args, **given)
            step()
            return result

        setattr(owner, name, outer)

    stepping(git_module.GitRepo, "move_ref")
    stepping(git_module.Git, "create")
    stepping(git_module.Git, "delete")
    stepping(hub.index, "_sync")

    def statement(_connection, _cursor, text, *_rest) -> None:
        if not text.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")):
            step()

    run = statements._Prepared.run

    def run_prepared(prepared: statements._Prepared, *args: object) -> object:
        statement(None, None, prepared._sql)
        return run(prepared, *args)

    statements._Prepared.run = run_prepared
    sa.event.listen(hub.index.engine, "before_cursor_execute", statement)
    sa.event.listen(hub.index.engine, "commit", step)
