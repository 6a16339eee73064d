"""Results follow git: onto the boards, off them, and back after a rebuild with the same history."""

import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalcommons.core.access import ANONYMOUS
from evalcommons.core.errors import EvalCommonsError, NotFound
from evalcommons.core.ids import MAIN, RepoId, RepoKind, pull_ref
from evalcommons.services.leaderboards import Wanted
from evalcommons.services.repos import person
from evalcommons.storage.index.boards import Filters, Listing
from evaluation_files import eval_yaml, results_yaml
from pictures import picture

RESULTS = ".eval_results/bench.yaml"


def model(name: str) -> RepoId:
    return RepoId.parse(RepoKind.MODEL, name)


def dataset(name: str) -> RepoId:
    return RepoId.parse(RepoKind.DATASET, name)


@pytest.fixture
def bench(make_repo, push):
    """alice/bench with the task main, and alice/tiny."""
    make_repo("alice/bench", "dataset")
    make_repo("alice/tiny")
    push("alice/bench", {"eval.yaml": eval_yaml()}, kind="dataset")


@pytest.fixture
def history(hub):
    """history("alice/tiny") -> every version: (pull, value, ended because)."""

    def read(name: str):
        with hub.index.read() as db:
            repo = db.repos.find(model(name))
            standing = [(r.pull, r.value, "") for r in db.results.of_repos([repo.id])[repo.id]]
            ended = db.results.ended(repo.id, limit=10_000)
            return standing + [(r.pull, r.value, r.until_why) for r in reversed(ended)]

    return read


# --- the stories ----------------------------------------------------------------------------------------------------


def test_an_authors_push_is_on_the_board_when_it_returns(bench, push, board):
    """Reporting needs no worker."""
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    assert board("alice/bench") == [(1, "alice/tiny", 0.5)]


def test_a_community_result_stands_without_a_merge(hub, bench, push, board, actor_of, history):
    """Closing withdraws it, reopening brings it back, merging makes it the author's; each leaves its tombstone."""
    num = push("alice/tiny", {RESULTS: results_yaml(0.61)}, by="bob", pr=True).num
    assert board("alice/bench") == [(1, "alice/tiny", 0.61)]
    hub.discussions.set_status(actor_of("alice"), model("alice/tiny"), num, "closed")
    assert board("alice/bench") == []
    assert history("alice/tiny") == [(num, 0.61, f"pull request {num} was closed by alice")]
    hub.discussions.set_status(actor_of("alice"), model("alice/tiny"), num, "open")
    assert board("alice/bench") == [(1, "alice/tiny", 0.61)]
    hub.discussions.merge(actor_of("alice"), model("alice/tiny"), num)
    assert board("alice/bench") == [(1, "alice/tiny", 0.61)]
    assert history("alice/tiny")[0] == (0, 0.61, "")
    assert history("alice/tiny")[-1] == (num, 0.61, f"pull request {num} was merged by alice")


def test_a_pull_request_reports_only_what_it_adds(bench, push, history):
    """What stands on main already is not reported a second time by everybody who branches off."""
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    num = push("alice/tiny", {RESULTS: results_yaml(0.5, 0.7)}, by="bob", pr=True).num
    assert history("alice/tiny") == [(0, 0.5, ""), (num, 0.7, "")]


def test_a_squashed_pull_request_still_reports_only_what_it_adds(hub, bench, push, history, actor_of):
    """A squash cuts it off from main's history, not from what it was built on."""
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    num = push("alice/tiny", {".eval_results/more.yaml": results_yaml(0.7)}, by="bob", pr=True).num
    hub.commits.super_squash(actor_of("bob"), model("alice/tiny"), pull_ref(num), "squashed")
    assert history("alice/tiny") == [(0, 0.5, ""), (num, 0.7, "")]


def test_a_removed_file_leaves_a_tombstone(bench, push, board, history):
    """Withdrawn, by whom, and still to be seen."""
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    push("alice/tiny", {RESULTS: None})
    assert board("alice/bench") == []
    assert history("alice/tiny") == [(0, 0.5, "removed from main by alice")]


def test_results_reported_before_their_benchmark_existed_appear_when_it_does(make_repo, push, board):
    """Nobody has to report again."""
    make_repo("alice/tiny")
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    make_repo("alice/bench", "dataset")
    with pytest.raises(NotFound, match="no leaderboard"):
        board("alice/bench")
    push("alice/bench", {"eval.yaml": eval_yaml()}, kind="dataset")
    assert board("alice/bench") == [(1, "alice/tiny", 0.5)]


def test_private_models_are_ranked_for_their_readers_only(hub, bench, make_repo, push, board, actor_of):
    """Neither rows, nor counts, nor ranks tell others of them."""
    make_repo("bob/secret", private=True)
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    push("bob/secret", {RESULTS: results_yaml(0.9)})
    assert board("alice/bench") == board("alice/bench", actor=actor_of("alice")) == [(1, "alice/tiny", 0.5)]
    assert board("alice/bench", actor=actor_of("bob")) == [(1, "bob/secret", 0.9), (2, "alice/tiny", 0.5)]
    assert hub.leaderboards.page(ANONYMOUS, dataset("alice/bench"), Wanted(listing=Listing.ALL)).total == 1
    hub.repos.configure(actor_of("bob"), model("bob/secret"), private=False)
    assert board("alice/bench")[0] == (1, "bob/secret", 0.9)
    hub.repos.configure(actor_of("bob"), model("bob/secret"), private=True)
    assert board("alice/bench") == [(1, "alice/tiny", 0.5)]


def test_models_with_a_base_model_are_left_out_and_counted(hub, bench, make_repo, push, board):
    """The Hub's default, and a page that hides rows says how many."""
    make_repo("alice/tuned")
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    push("alice/tuned", {RESULTS: results_yaml(0.9), "README.md": b"---\nbase_model: alice/tiny\n---\n"})
    page = hub.leaderboards.page(ANONYMOUS, dataset("alice/bench"), Wanted())
    assert [row.rank for row in page.rows] == [1]
    assert page.left_out == {"base_model": 1}
    assert board("alice/bench") == [(1, "alice/tuned", 0.9), (2, "alice/tiny", 0.5)]
    push("alice/tuned", {"README.md": b"# Not tuned after all\n"})
    assert len(board("alice/bench", listing=Listing.BASE)) == 2


def test_the_rules_of_a_board_rule_at_once(bench, make_repo, push, board):
    """Direction, variants and the rest follow leaderboard.yaml in the push that changes it."""
    make_repo("alice/other")
    push("alice/tiny", {RESULTS: results_yaml(5.0, notes="w/ tools")})
    push("alice/other", {RESULTS: results_yaml(7.0)})
    assert [row[1] for row in board("alice/bench")] == ["alice/other", "alice/tiny"]
    variants = b"  variants:\n    - {id: tools, label: With tools, aliases: [w/ tools]}\n"
    rules = b"defaults:\n  higher_is_better: false\n" + variants
    push("alice/bench", {"leaderboard.yaml": rules}, kind="dataset")
    assert [row[1] for row in board("alice/bench")] == ["alice/tiny", "alice/other"]
    assert board("alice/bench", filters=Filters(variant="tools")) == [(1, "alice/tiny", 5.0)]


def test_a_task_that_leaves_the_benchmark_takes_its_board_with_it(bench, push, board, history):
    """Its results stay in the models' repos, and come back with the task."""
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    push("alice/bench", {"eval.yaml": eval_yaml("other")}, kind="dataset")
    with pytest.raises(NotFound, match="no task 'main': its tasks are other"):
        board("alice/bench", task="main")
    assert history("alice/tiny") == [(0, 0.5, "")]
    push("alice/bench", {"eval.yaml": eval_yaml("other", "main")}, kind="dataset")
    assert board("alice/bench", task="main") == [(1, "alice/tiny", 0.5)]


def test_a_renamed_benchmark_keeps_its_results(hub, bench, push, board, actor_of):
    """Results name it by its old id, which still leads there."""
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    hub.repos.move(actor_of("alice"), dataset("alice/bench"), dataset("alice/gauge"))
    assert board("alice/gauge") == [(1, "alice/tiny", 0.5)]
    push("alice/tiny", {RESULTS: results_yaml(0.6)})
    push("alice/tiny", {".eval_results/new.yaml": results_yaml(0.7, dataset="alice/gauge")})
    assert board("alice/gauge") == [(1, "alice/tiny", 0.7)]


def test_a_renamed_model_has_its_new_name_on_the_board(hub, bench, push, board, actor_of):
    """And its history."""
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    hub.repos.move(actor_of("alice"), model("alice/tiny"), model("alice/small"))
    assert board("alice/bench") == [(1, "alice/small", 0.5)]


def test_a_deleted_model_leaves_the_boards(hub, bench, push, board, actor_of):
    """Its results stay as withdrawn, also over a rebuild, since its repo cannot tell any more."""
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    with hub.index.read() as db:
        repo = db.repos.find(model("alice/tiny"))
    hub.repos.delete(actor_of("alice"), model("alice/tiny"))
    assert board("alice/bench") == []
    hub.indexing.rebuild()
    with hub.index.read() as db:
        assert [r.until_why for r in db.results.ended(repo.id, limit=10_000)] == ["the model repo was deleted"]


def test_the_board_of_a_day_shows_what_stood_then(hub, bench, push, board, make_repo):
    """`as_of` is one query over versions with from and until."""
    make_repo("alice/other")
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    push("alice/other", {RESULTS: results_yaml(0.7)})
    push("alice/tiny", {RESULTS: results_yaml(0.9)})
    backdate(hub, "alice/tiny", 0, days=3)
    backdate(hub, "alice/tiny", 1, days=3)
    backdate(hub, "alice/other", 1, days=2)
    hub.indexing.rebuild()
    day = 86_400_000
    now = hub.clock() + 60_000
    assert board("alice/bench", as_of=now - 4 * day) == []
    assert board("alice/bench", as_of=now - 2 * day - 3_600_000) == [(1, "alice/tiny", 0.5)]
    assert board("alice/bench", as_of=now - day) == [(1, "alice/other", 0.7), (2, "alice/tiny", 0.5)]
    assert board("alice/bench", as_of=now) == board("alice/bench")


def backdate(hub, name: str, line: int, *, days: int) -> None:
    """Make the log of main say that an update came earlier; the only honest way to have a past in a test."""
    with hub.index.read() as db:
        uid = db.repos.find(model(name)).uid
    path = hub.indexing.git.path(uid) / "logs" / MAIN
    lines = path.read_text().splitlines(keepends=True)
    lines[line] = re.sub(r"> (\d+) ", lambda m: f"> {int(m[1]) - days * 86_400} ", lines[line])
    path.write_text("".join(lines))


def test_commit_dates_are_only_claims(hub, bench, push, actor_of):
    """A result's time is when the hub received it, whatever its commit says."""
    with hub.index.read() as db:
        repo = db.repos.find(model("alice/tiny"))
    git, alice = hub.indexing.git.open(repo.uid), actor_of("alice")
    head = git.ref(MAIN)
    tree = git.write_tree(head, {RESULTS: (git.write_blob(results_yaml(0.5)), 0o100644)})
    commit = git.write_commit(tree, [head], person(alice), 946_684_800_000, "from the year 2000")
    before = time.time() * 1000 - 1000
    with hub.journal.changing(repo.uid), hub.index.transaction() as tx:
        git.move_ref(MAIN, commit, expected=head, who=person(alice), why="push")
        hub.indexing.follow(tx, repo, git, [MAIN])
    with hub.index.read() as db:
        assert db.results.of_repos([repo.id])[repo.id][0].from_at >= before


def test_files_that_predate_a_rule_show_as_invalid_with_their_problems(hub, bench, actor_of):
    """They are neither lost nor ranked."""
    with hub.index.read() as db:
        repo = db.repos.find(model("alice/tiny"))
    git, alice = hub.indexing.git.open(repo.uid), actor_of("alice")
    head = git.ref(MAIN)
    tree = git.write_tree(head, {RESULTS: (git.write_blob(b"- value: lots\n"), 0o100644)})
    commit = git.write_commit(tree, [head], person(alice), 1000, "old")
    git.move_ref(MAIN, commit, expected=head, who=person(alice), why="mirror")
    assert hub.indexing.mend() == 1
    with hub.index.read() as db:
        (found,) = hub.evals.invalid_files(db, repo.id)
        assert hub.evals.eval_results(db, [repo.id]) == {repo.id: []}
    assert found["filename"] == RESULTS
    assert found["problems"][0]["line"] == 1


def test_a_ref_moved_behind_our_back_is_found_at_start(hub, bench, push, board, actor_of):
    """An operator who pushes into the folder, or a restored backup."""
    with hub.index.read() as db:
        repo = db.repos.find(model("alice/tiny"))
    git, alice = hub.indexing.git.open(repo.uid), actor_of("alice")
    head = git.ref(MAIN)
    tree = git.write_tree(head, {RESULTS: (git.write_blob(results_yaml(0.5)), 0o100644)})
    commit = git.write_commit(tree, [head], person(alice), 1000, "behind")
    git.move_ref(MAIN, commit, expected=head, who=person(alice), why="behind")
    assert board("alice/bench") == []
    assert hub.indexing.mend() == 1
    assert board("alice/bench") == [(1, "alice/tiny", 0.5)]
    assert hub.indexing.mend() == 0


# --- a rebuild ------------------------------------------------------------------------------------------------------


def test_a_rebuild_tells_the_same_history(hub, bench, push, actor_of, make_repo):
    """Boards, histories and times come back from the repos and the pull requests' states, byte for byte."""
    make_repo("bob/secret", private=True)
    push("bob/secret", {RESULTS: results_yaml(0.9)})
    push("alice/tiny", {RESULTS: results_yaml(0.5)})
    num = push("alice/tiny", {RESULTS: results_yaml(0.6)}, by="bob", pr=True).num
    push("alice/tiny", {RESULTS: results_yaml(0.62)}, by="bob", to=pull_ref(num))
    hub.discussions.set_status(actor_of("bob"), model("alice/tiny"), num, "closed")
    hub.discussions.set_status(actor_of("bob"), model("alice/tiny"), num, "open")
    hub.discussions.merge(actor_of("alice"), model("alice/tiny"), num)
    before = picture(hub)
    assert hub.indexing.rebuild() == 6
    assert picture(hub) == before


NAMES = ("alice/tiny", "bob/small", "alice/bench")
values = st.sampled_from([0.1, 0.2, 0.3, 0.4])
operations = st.one_of(
    st.tuples(st.just("push"), st.sampled_from(NAMES[:2]), values, st.sampled_from(["a", "b"])),
    st.tuples(st.just("remove"), st.sampled_from(NAMES[:2]), st.sampled_from(["a", "b"])),
    st.tuples(st.just("open"), st.sampled_from(NAMES[:2]), values, st.sampled_from(["a", "b"])),
    st.tuples(st.just("amend"), st.sampled_from(NAMES[:2]), st.integers(1, 3), values),
    st.tuples(st.just("status"), st.sampled_from(NAMES[:2]), st.integers(1, 3), st.sampled_from(["open", "closed"])),
    st.tuples(st.just("merge"), st.sampled_from(NAMES[:2]), st.integers(1, 3)),
    st.tuples(st.just("private"), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("card"), st.sampled_from(NAMES[:2]), st.booleans()),
    st.tuples(st.just("rules"), st.booleans()),
    st.tuples(st.just("tasks"), st.sampled_from([("main",), ("main", "hard"), ("hard",)])),
    st.tuples(st.just("squash"), st.sampled_from(NAMES[:2]), st.sampled_from(["main", "refs/pr/1"])),
    st.tuples(st.just("delete"), st.sampled_from(NAMES)),
    st.tuples(st.just("create"), st.sampled_from(NAMES)),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(operations, min_size=4, max_size=14))
def test_any_history_is_rebuilt_to_the_same_boards(tmp_path_factory, sequence):
    """Pushes, pull requests, closes, merges, squashes, visibility changes, deletions, in any order."""
    from evalcommons.config import Settings
    from evalcommons.hub import open_hub

    hub = open_hub(Settings(data=tmp_path_factory.mktemp("any")))
    try:
        play(hub, [("create", name) for name in NAMES] + [("tasks", ("main",))] + sequence)
        before = picture(hub)
        hub.indexing.rebuild()
        assert picture(hub) == before
        assert hub.indexing.mend() == 0
    finally:
        hub.close()


def play(hub, sequence) -> None:
    """Do what can be done of `sequence`; what the hub refuses is part of the game."""
    from evaluation_files import commit_lines

    for name in ("alice", "bob", "carol"):
        hub.accounts.create_user(name)
    owner = {name: hub.accounts.actor(name.split("/")[0]) for name in NAMES}
    carol = hub.accounts.actor("carol")
    bench = dataset("alice/bench")

    def repo_id(name: str) -> RepoId:
        return bench if name == "alice/bench" else model(name)

    def commit(actor, name, files, to="main", **given):
        hub.commits.commit(actor, repo_id(name), to, commit_lines(files), **given)

    def path(stem: str) -> str:
        return f".eval_results/{stem}.yaml"

    for step in sequence:
        try:
            match step:
                case "push", name, value, stem:
                    commit(owner[name], name, {path(stem): results_yaml(value)})
                case "remove", name, stem:
                    commit(owner[name], name, {path(stem): None})
                case "open", name, value, stem:
                    commit(carol, name, {path(stem): results_yaml(value)}, create_pr=True)
                case "amend", name, num, value:
                    commit(carol, name, {path("a"): results_yaml(value)}, to=pull_ref(num))
                case "status", name, num, status:
                    hub.discussions.set_status(owner[name], repo_id(name), num, status)
                case "merge", name, num:
                    hub.discussions.merge(owner[name], repo_id(name), num)
                case "private", name, private:
                    hub.repos.configure(owner[name], repo_id(name), private=private)
                case "card", name, tuned:
                    text = b"---\nbase_model: other/base\n---\n" if tuned else b"# Base\n"
                    commit(owner[name], name, {"README.md": text})
                case "rules", higher:
                    text = json.dumps({"defaults": {"higher_is_better": higher}}).encode()
                    commit(owner["alice/bench"], "alice/bench", {"leaderboard.yaml": text})
                case "tasks", tasks:
                    commit(owner["alice/bench"], "alice/bench", {"eval.yaml": eval_yaml(*tasks)})
                case "squash", name, ref:
                    hub.commits.super_squash(owner[name], repo_id(name), ref, "squashed")
                case "delete", name:
                    hub.repos.delete(owner[name], repo_id(name))
                case "create", name:
                    hub.repos.create(owner[name], repo_id(name))
        except EvalCommonsError:
            continue
