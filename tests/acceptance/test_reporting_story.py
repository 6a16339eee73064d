"""Scores from push to board: who reported what, what ranks, what was withdrawn, and who may see it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, EvalResultEntry
from huggingface_hub.errors import BadRequestError, HfHubHTTPError

from evalcommons.core.access import Role
from evalcommons.core.ids import RepoId, RepoKind
from evaluation_files import eval_yaml, results_yaml

FILE = ".eval_results/scores.yaml"


@pytest.fixture
def benchmark(server):
    """benchmark("lab/sums", rules=b"…") pushes a benchmark to this hub and returns its id."""

    def make(name: str, *tasks: str, rules: bytes = b"") -> str:
        api = server.api(server.user(name.partition("/")[0]))
        api.create_repo(name, repo_type="dataset", exist_ok=True)
        files = {"eval.yaml": eval_yaml(*tasks), **({"leaderboard.yaml": rules} if rules else {})}
        api.create_commit(
            name,
            [CommitOperationAdd(path, data) for path, data in files.items()],
            repo_type="dataset",
            commit_message="Make it a benchmark",
        )
        return name

    return make


@pytest.fixture
def report(server):
    """report("ann/tiny", 0.5, to="lab/sums") commits a result as the model's owner, or by=… opens a pull request."""

    def make(model: str, *values: float, to: str, by: str = "", file: str = FILE, **more) -> object:
        owner = model.partition("/")[0]
        server.api(server.user(owner)).create_repo(model, exist_ok=True)
        files = {file: results_yaml(*values, dataset=to, **{k: v for k, v in more.items() if k != "evidence"})}
        if "evidence" in more:
            entry = {"dataset": {"id": to, "task_id": more.get("task", "main")}, **more["evidence"]}
            files[file.replace(".yaml", ".evidence.json")] = json.dumps({"version": 1, "entries": [entry]}).encode()
        return server.api(server.user(by or owner)).create_commit(
            model,
            [CommitOperationAdd(path, data) for path, data in files.items()],
            commit_message="Report a score",
            create_pr=bool(by),
        )

    return make


@pytest.fixture
def board(server):
    """board("lab/sums", base_model="false") -> the answer of the leaderboard call to a stranger."""

    def read(dataset: str, token: str | None = None, **params: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx2.get(f"{server.url}/api/datasets/{dataset}/leaderboard", params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    return read


def rows(answer: httpx2.Response) -> list[tuple[int, str, float]]:
    return [(row["rank"], row["modelId"], row["value"]) for row in answer.json()]


# --- from report to tombstone -----------------------------------------------------------------------------------------


def test_an_author_pushes_a_score_and_the_board_shows_it_at_once(server, benchmark, board, tmp_path):
    """`git push` of .eval_results is all there is to do; the model's page says it is the author's."""
    sums = benchmark("lab/sums")
    token = server.user("ann")
    server.api(token).create_repo("ann/pushed")
    env = server.env()

    def git(*words: str, cwd: Path) -> None:
        subprocess.run(["git", *words], cwd=cwd, env=env, check=True, capture_output=True)

    git("clone", "-q", server.git_url("ann/pushed", token), "work", cwd=tmp_path)
    (tmp_path / "work" / ".eval_results").mkdir()
    (tmp_path / "work" / FILE).write_bytes(results_yaml(0.5, dataset=sums, source="{url: https://example.org/paper}"))
    git("add", "-A", cwd=tmp_path / "work")
    git("commit", "-q", "-m", "Report", cwd=tmp_path / "work")
    git("push", "-q", "origin", "main", cwd=tmp_path / "work")

    [row] = server.api().get_dataset_leaderboard(sums)
    assert (row.rank, row.model_id, row.value, row.filename, row.verified) == (1, "ann/pushed", 0.5, FILE, False)
    assert (row.author.username, row.pull_request, row.source) == ("ann", None, {"url": "https://example.org/paper"})
    [entry] = server.api().model_info("ann/pushed", expand=["evalResults"]).eval_results
    assert entry == EvalResultEntry(sums, "main", 0.5, source_url="https://example.org/paper")


def test_a_community_report_appears_at_once_and_every_change_of_it_leaves_a_trace(server, benchmark, report, board):
    """Open: shown. Closed: withdrawn. Reopened: back. Merged: the author's. Its history tells each with its reason."""
    dataset = benchmark("lab/traces")
    pull = report("ann/traced", 0.61, to=dataset, by="bob")
    [row] = board(dataset).json()
    assert (row["value"], row["pullRequest"], row["submitter"]) == (0.61, pull.pr_num, "bob")
    ann = server.api(server.user("ann"))

    ann.change_discussion_status("ann/traced", pull.pr_num, "closed", comment="Which settings?")
    assert board(dataset).json() == []
    assert not ann.model_info("ann/traced", expand=["evalResults"]).eval_results
    server.api(server.user("bob")).change_discussion_status("ann/traced", pull.pr_num, "open")
    assert [r["pullRequest"] for r in board(dataset).json()] == [pull.pr_num]
    ann.merge_pull_request("ann/traced", pull.pr_num)
    [merged] = board(dataset).json()
    assert (merged["value"], "pullRequest" in merged) == (0.61, False)
    assert merged["resultId"] != row["resultId"], "the author's report is another one than the community's"

    told = httpx2.get(f"{server.url}/api/evals/results/{row['resultId']}").json()
    assert (told["modelId"], told["state"], told["pullRequest"]) == ("ann/traced", "withdrawn", pull.pr_num)
    assert [version.get("why") for version in told["versions"]] == [
        f"pull request {pull.pr_num} was closed by ann",
        f"pull request {pull.pr_num} was merged by ann",
    ]
    times = [time for version in told["versions"] for time in (version["from"], version["until"])]
    assert times == sorted(times)


def test_removing_the_file_withdraws_the_score_and_says_who_did_it(server, benchmark, report, board):
    """An author can take a number back; that it stood there stays known."""
    dataset = benchmark("lab/removed")
    report("ann/removed", 0.7, to=dataset)
    [row] = board(dataset).json()
    server.api(server.user("ann")).delete_file(FILE, "ann/removed")
    assert board(dataset).json() == []
    [version] = httpx2.get(f"{server.url}/api/evals/results/{row['resultId']}").json()["versions"]
    assert (version["value"], version["why"]) == (0.7, "removed from main by ann")


def test_two_numbers_for_one_model_are_both_kept_and_the_better_one_ranks(server, benchmark, report, board):
    """One row a model on the board; `all=true` shows every standing report, each with its state."""
    dataset = benchmark("lab/both")
    report("ann/disputed", 0.5625, to=dataset)
    report("ann/disputed", 0.55, to=dataset, by="bob", file=".eval_results/cited.yaml")
    assert rows(board(dataset)) == [(1, "ann/disputed", 0.5625)]
    every = board(dataset, all="true").json()
    assert [(row["value"], row["submitter"], row["state"]) for row in every] == [
        (0.5625, "ann", "ranked"),
        (0.55, "bob", "ranked"),
    ]
    values = [e.value for e in server.api().model_info("ann/disputed", expand=["evalResults"]).eval_results]
    assert sorted(values) == [0.55, 0.5625]


def test_a_draft_of_another_file_than_results_reports_nothing(server, benchmark, report, board):
    """A pull request that only touches the card takes no row, even when main has a result."""
    dataset = benchmark("lab/card")
    report("ann/carded", 0.4, to=dataset)
    server.api(server.user("bob")).upload_file(
        path_or_fileobj=b"---\nlicense: mit\n---\n", path_in_repo="README.md", repo_id="ann/carded", create_pr=True
    )
    assert len(board(dataset, all="true").json()) == 1


# --- who sees what ----------------------------------------------------------------------------------------------------


def test_a_private_models_row_is_seen_by_its_readers_only(server, benchmark, report, board):
    """Strangers get the board without it, and nothing that hints at it; the ranks are right for each reader."""
    dataset = benchmark("lab/secrets")
    report("ann/open", 0.5, to=dataset)
    server.org("hidden-lab", ann=Role.ADMIN, carl=Role.READ)
    ann = server.api(server.user("ann"))
    ann.create_repo("hidden-lab/secret", private=True)
    ann.upload_file(path_or_fileobj=results_yaml(0.9, dataset=dataset), path_in_repo=FILE, repo_id="hidden-lab/secret")
    everything = [(1, "hidden-lab/secret", 0.9), (2, "ann/open", 0.5)]
    assert rows(board(dataset)) == [(1, "ann/open", 0.5)]
    assert rows(board(dataset, server.user("bob"))) == [(1, "ann/open", 0.5)]
    assert rows(board(dataset, server.user("carl"))) == everything
    assert "hidden-lab" not in board(dataset, all="true").text
    assert "hidden-lab" not in board(dataset, format="csv").text
    assert "hidden-lab" not in httpx2.get(f"{server.url}/api/models", params={"expand": "evalResults"}).text
    secret = board(dataset, server.user("carl")).json()[0]["resultId"]
    assert httpx2.get(f"{server.url}/api/evals/results/{secret}").status_code in (401, 404)

    ann.update_repo_settings("hidden-lab/secret", private=False)
    assert rows(board(dataset)) == everything
    ann.update_repo_settings("hidden-lab/secret", private=True)
    assert rows(board(dataset)) == [(1, "ann/open", 0.5)]


def test_models_with_a_base_model_are_left_out_and_counted(server, benchmark, report, board):
    """The Hub's default listing shows root models; the header says how many are hidden and by which filter."""
    dataset = benchmark("lab/roots")
    report("ann/root", 0.5, to=dataset)
    for name in ("quantised", "merged"):
        report(f"ann/{name}", 0.6, to=dataset)
        server.api(server.user("ann")).upload_file(
            path_or_fileobj=b"---\nbase_model: ann/root\n---\n", path_in_repo="README.md", repo_id=f"ann/{name}"
        )
    answer = board(dataset)
    assert rows(answer) == [(1, "ann/root", 0.5)]
    assert answer.headers["X-Left-Out"] == "base_model=2"
    whole = board(dataset, base_model="false")
    assert [row["rank"] for row in whole.json()] == [1, 1, 3]
    assert "X-Left-Out" not in whole.headers
    api = server.api()
    assert len(api.get_dataset_leaderboard(dataset)) == 1
    assert len(api.get_dataset_leaderboard(dataset, base_model_only=False)) == 3


def test_results_reported_before_their_benchmark_appear_when_it_does(server, benchmark, report, board):
    """A result may come first: it waits, and is on the board the moment there is one."""
    report("ann/early", 0.3, to="late-lab/late")
    [entry] = server.api().model_info("ann/early", expand=["evalResults"]).eval_results
    assert entry.value == 0.3
    answer = httpx2.get(f"{server.url}/api/datasets/late-lab/late/leaderboard")
    assert answer.status_code in (401, 404)
    assert answer.headers["X-Error-Code"] == "RepoNotFound"
    dataset = benchmark("late-lab/late")
    assert rows(board(dataset)) == [(1, "ann/early", 0.3)]


def test_a_deleted_model_leaves_the_board(server, benchmark, report, board):
    """Its rows go with it, and come back for nobody who makes a repo of the same name."""
    dataset = benchmark("lab/deleted")
    report("ann/short-lived", 0.3, to=dataset)
    api = server.api(server.user("ann"))
    api.delete_repo("ann/short-lived")
    assert board(dataset).json() == []
    api.create_repo("ann/short-lived")
    assert board(dataset).json() == []


# --- the rules of a board ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def systems(server) -> dict[str, tuple[float, float]]:
    """The 87 systems of the Open ASR leaderboard as models that report to asr-lab/open-asr: name -> WER, speed."""
    with (Path(__file__).parent / "data" / "open_asr" / "en_shortform.csv").open(encoding="utf-8") as file:
        found = {
            f"asr-lab/{row['model'].replace('/', '.')}": (float(row["Avg. WER"]), float(row["RTFx"]))
            for row in csv.DictReader(file)
        }
    api = server.api(server.user("asr-lab"))
    api.create_repo("asr-lab/open-asr", repo_type="dataset")
    rules = b"""\
tasks:
  wer: {metric: wer, unit: percent, higher_is_better: false, bounds: [0, null]}
  rtfx: {metric: rtfx, unit: times real time, bounds: [0, null]}
"""
    files = [CommitOperationAdd("eval.yaml", eval_yaml("wer", "rtfx")), CommitOperationAdd("leaderboard.yaml", rules)]
    api.create_commit("asr-lab/open-asr", files, repo_type="dataset", commit_message="Make it a benchmark")
    for model, (wer, speed) in found.items():
        api.create_repo(model)
        text = results_yaml(wer, dataset="asr-lab/open-asr", task="wer")
        if speed >= 0:  # -1 means missing in the source, and a missing number is not reported
            text += results_yaml(speed, dataset="asr-lab/open-asr", task="rtfx")
        api.upload_file(path_or_fileobj=text, path_in_repo=FILE, repo_id=model)
    return found


def test_a_real_board_where_lower_is_better_ranks_with_ties(systems, board):
    """Open ASR: 87 systems by word error rate, lowest first; equal rates share a rank, and the next one is skipped."""
    assert len(systems) == 87
    found = board("asr-lab/open-asr")
    assert found.headers["X-Task-Id"] == "wer"
    values = [row["value"] for row in found.json()]
    assert values == sorted(wer for wer, _ in systems.values())
    ranks = {row["modelId"]: row["rank"] for row in found.json()}
    assert ranks["asr-lab/CohereLabs.cohere-transcribe-03-2026"] == 1
    assert ranks["asr-lab/google.chirp_2"] == ranks["asr-lab/Qwen.Qwen3-ASR-0.6B"] == 16
    assert 17 not in ranks.values()
    assert list(ranks.values()) == [1 + sum(other < value for other in values) for value in values]


def test_another_task_of_the_benchmark_has_a_board_and_a_direction_of_its_own(server, systems, board):
    """Open ASR by speed, fastest first; the source's -1 for "missing" is no number that this board takes."""
    speeds = [row["value"] for row in board("asr-lab/open-asr", task_id="rtfx").json()]
    assert speeds == sorted((speed for _, speed in systems.values() if speed >= 0), reverse=True)
    assert 0 < len(speeds) < len(systems)
    with pytest.raises(BadRequestError, match=r"-1\.0 is not at least 0"):
        server.api(server.user("asr-lab")).upload_file(
            path_or_fileobj=results_yaml(-1, dataset="asr-lab/open-asr", task="rtfx"),
            path_in_repo=FILE,
            repo_id="asr-lab/zoom.scribe_v1",
        )


def test_the_pages_of_a_board_join_without_gap_or_repetition(server, systems, board):
    """Following the Link header reads the Open ASR board in tens: the same rows and ranks as in one piece."""
    whole = board("asr-lab/open-asr").json()
    read, url = [], f"{server.url}/api/datasets/asr-lab/open-asr/leaderboard?limit=10"
    while url:
        answer = httpx2.get(url)
        assert answer.headers["X-Total-Count"] == "87"
        read += answer.json()
        url = answer.links.get("next", {}).get("url")
    assert read == whole


def test_variants_have_rows_of_their_own_however_they_are_spelled(server, benchmark, report, board):
    """ "With tools", "w/ tools" and "tools" are one variant; a model has one row in each variant."""
    rules = b"tasks:\n  main:\n    variants: [{id: tools, label: With tools, aliases: [w/ tools]}]\n"
    dataset = benchmark("lab/variants", rules=rules)
    report("ann/plain", 0.4, to=dataset)
    for number, notes in enumerate(("With tools", "w/ tools", "tools")):
        report(f"ann/tooled-{number}", 0.5 + number / 10, to=dataset, notes=f'"{notes}"')
    report("ann/plain", 0.6, to=dataset, file=".eval_results/tools.yaml", notes="tools, high effort")
    shown = [(row["value"], row["modelId"], row.get("variant")) for row in board(dataset).json()]
    assert sorted(shown, reverse=True) == [
        (0.7, "ann/tooled-2", "tools"),
        (0.6, "ann/tooled-1", "tools"),
        (0.6, "ann/plain", "tools"),
        (0.5, "ann/tooled-0", "tools"),
        (0.4, "ann/plain", None),
    ]
    tools = board(dataset, variant="tools")
    assert [row["rank"] for row in tools.json()] == [1, 2, 2, 4]
    assert rows(board(dataset, variant="")) == [(1, "ann/plain", 0.4)]


def test_a_partial_run_is_kept_and_does_not_rank(server, benchmark, report, board):
    """Accuracy 1.0 on 5 of 100 samples must not top a board; it is listed with the reason."""
    dataset = benchmark("lab/partial", rules=b"tasks: {main: {samples: 100}}\n")
    report("ann/lucky", 1.0, to=dataset, evidence={"n": 5})
    report("ann/honest", 0.8, to=dataset, evidence={"n": 100})
    assert rows(board(dataset)) == [(1, "ann/honest", 0.8)]
    every = board(dataset, all="true").json()
    assert [(row["modelId"], row["state"], row.get("reason")) for row in every] == [
        ("ann/lucky", "unranked", "partial run: 5 of 100 samples"),
        ("ann/honest", "ranked", None),
    ]


def test_new_rules_rank_what_is_there_anew(server, benchmark, report, board):
    """The maintainer turns the direction round with one push: the board follows at once."""
    dataset = benchmark("lab/turned")
    report("ann/low", 1.0, to=dataset)
    report("ann/high", 2.0, to=dataset)
    assert rows(board(dataset)) == [(1, "ann/high", 2.0), (2, "ann/low", 1.0)]
    benchmark(dataset, rules=b"tasks: {main: {higher_is_better: false}}\n")
    assert rows(board(dataset)) == [(1, "ann/low", 1.0), (2, "ann/high", 2.0)]


def test_the_board_of_an_earlier_moment_can_be_read(server, benchmark, report, board):
    """`as_of` answers with what stood then, also for what was withdrawn since."""
    dataset = benchmark("lab/days")
    pull = report("ann/dated", 0.4, to=dataset, by="bob")
    [row] = board(dataset).json()
    server.api(server.user("ann")).change_discussion_status("ann/dated", pull.pr_num, "closed")
    assert board(dataset).json() == []
    assert rows(board(dataset, as_of=row["reportedAt"])) == [(1, "ann/dated", 0.4)]
    assert board(dataset, as_of="2020-01-01").json() == []


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_a_typo_in_a_task_is_refused_with_the_right_word_on_every_way_in(server, benchmark, report, tmp_path):
    """Commit API, git push and /api/evals/check say the same: where it is, what is wrong, what there is."""
    dataset = benchmark("lab/typos", "gpqa_diamond")
    wrong = results_yaml(0.5, dataset=dataset, task="gpqa_dimond")
    expected = f'{FILE}:3:14: error: {dataset} has no task "gpqa_dimond" (unknown-task)'
    hint = 'Did you mean "gpqa_diamond"? Its tasks: gpqa_diamond.'

    token = server.user("ann")
    api = server.api(token)
    api.create_repo("ann/typo")
    before = api.model_info("ann/typo").sha
    with pytest.raises(HfHubHTTPError) as refused:
        api.upload_file(path_or_fileobj=wrong, path_in_repo=FILE, repo_id="ann/typo")
    assert refused.value.response.status_code == 400
    assert expected in str(refused.value)
    assert hint in str(refused.value)

    done = server.run("git", "clone", "-q", server.git_url("ann/typo", token), tmp_path / "typo")
    assert done.returncode == 0, done.stderr
    (tmp_path / "typo" / ".eval_results").mkdir()
    (tmp_path / "typo" / FILE).write_bytes(wrong)
    for words in (("add", "-A"), ("commit", "-q", "-m", "Report")):
        assert server.run("git", *words, cwd=tmp_path / "typo").returncode == 0
    pushed = server.run("git", "push", "origin", "main", cwd=tmp_path / "typo")
    assert pushed.returncode != 0
    assert expected in pushed.stderr
    assert hint in pushed.stderr
    assert api.model_info("ann/typo").sha == before

    body = {"type": "model", "files": [{"path": FILE, "content": wrong.decode()}]}
    told = httpx2.post(f"{server.url}/api/evals/check", json=body).json()
    assert told["ok"] is False
    [problem] = told["problems"]
    assert (problem["line"], problem["column"], problem["code"], problem["hint"]) == (3, 14, "unknown-task", hint)


# --- official benchmarks, and the other client ------------------------------------------------------------------------


def test_only_an_operator_makes_a_benchmark_official(server, benchmark):
    """list_datasets(benchmark="official") finds what was approved; a tag in the card does not do it."""
    dataset, pretender = benchmark("lab/official"), benchmark("lab/pretender")
    server.api(server.user("lab")).upload_file(
        path_or_fileobj=b"---\ntags: [benchmark:official]\n---\n",
        path_in_repo="README.md",
        repo_id=pretender,
        repo_type="dataset",
    )
    server.hub.evals.approve(RepoId.parse(RepoKind.DATASET, dataset), official=True)
    api = server.api()
    for found in (api.list_datasets(benchmark="official"), api.list_datasets(benchmark=True)):
        listed = list(found)
        assert [one.id for one in listed] == [dataset]
        assert "benchmark:official" in listed[0].tags
    assert "benchmark:official" in api.dataset_info(dataset).tags
    assert "benchmark:official" not in api.dataset_info(pretender).tags
    server.hub.evals.approve(RepoId.parse(RepoKind.DATASET, dataset), official=False)
    assert list(api.list_datasets(benchmark="official")) == []


READER = """
import json, sys
from huggingface_hub import HfApi, __version__
api = HfApi()
board = api.get_dataset_leaderboard(sys.argv[1])
results = api.model_info(sys.argv[2], expand=["evalResults"]).eval_results
listed = [m for m in api.list_models(author="ann", expand=["evalResults"]) if m.id == sys.argv[2]]
print(json.dumps({
    "version": __version__,
    "board": [[e.rank, e.model_id, e.value, e.pull_request, type(e.author).__name__] for e in board],
    "results": sorted([e.value, e.source_url, e.notes] for e in results),
    "listed": sorted(e.value for e in listed[0].eval_results),
    "official": [d.id for d in api.list_datasets(benchmark="official")],
}))
"""


@pytest.mark.load
def test_huggingface_hub_1_reads_the_same_board_results_and_list(server, old_python, benchmark, report, tmp_path):
    """The newest 1.x and the 2.x beside it agree about get_dataset_leaderboard, evalResults and the official list."""
    dataset = benchmark("lab/versions")
    report("ann/versions", 0.5, to=dataset, notes="no tools", source="{url: https://example.org/a}")
    report("ann/versions", 0.6, to=dataset, by="bob", file=".eval_results/other.yaml")
    server.hub.evals.approve(RepoId.parse(RepoKind.DATASET, dataset), official=True)
    script = tmp_path / "read.py"
    script.write_text(READER)
    told = {}
    for python in (old_python, sys.executable):
        done = server.run(python, script, dataset, "ann/versions")
        assert done.returncode == 0, done.stderr[-3000:]
        answer = json.loads(done.stdout)
        told[answer.pop("version").partition(".")[0]] = answer
    assert set(told) == {"1", "2"}
    assert told["1"] == told["2"]
    assert told["1"] == {
        "board": [[1, "ann/versions", 0.6, 1, "User"]],
        "results": [[0.5, "https://example.org/a", "no tools"], [0.6, None, None]],
        "listed": [0.5, 0.6],
        "official": [dataset],
    }
    server.hub.evals.approve(RepoId.parse(RepoKind.DATASET, dataset), official=False)
