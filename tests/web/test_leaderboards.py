"""Boards over HTTP: the Hub's list, kept bytes that are never stale, filters that say what they hide."""

import csv
import io

import pytest

from evalcommons.core.ids import RepoId, RepoKind
from evaluation_files import commit_lines, eval_yaml, results_yaml

BOARD = "/api/datasets/alice/bench/leaderboard"
RULES = b"""defaults:
  unit: fraction
  bounds: [0, 1]
  variants:
    - {id: tools, label: With tools, aliases: [w/ tools]}
"""


@pytest.fixture
def put(hub, actor_of):
    """put("alice/tiny", {path: bytes}, kind="model", by=None, pr=False): commit through the service."""

    def commit(name, files, kind="model", by=None, **given):
        repo_id = RepoId.parse(RepoKind(kind), name)
        return hub.commits.commit(actor_of(by or repo_id.namespace), repo_id, "main", commit_lines(files), **given)

    return commit


@pytest.fixture
def report(put):
    def make(name, value, **given):
        return put(name, {".eval_results/bench.yaml": results_yaml(value, **given)})

    return make


@pytest.fixture
def models(make_repo, put, report):
    """Five models on alice/bench, two of them equal, one tuned from another, one with tools."""
    make_repo("alice/bench", "dataset")
    put("alice/bench", {"eval.yaml": eval_yaml("main", "hard"), "leaderboard.yaml": RULES}, "dataset")
    for name, value in {"a": 0.9, "b": 0.8, "c": 0.8, "d": 0.1, "e": 0.5}.items():
        make_repo(f"alice/{name}")
        report(f"alice/{name}", value, **({"notes": "w/ tools"} if name == "e" else {}))
    put("alice/d", {"README.md": b"---\nbase_model: alice/a\nparameters: 7B\n---\n"})


def shown(answer) -> list[tuple[int, str]]:
    # Equal rows that came in the same second stand in the order of their ids, which are random.
    return sorted((row["rank"], row["modelId"]) for row in answer.json())


def test_the_board_has_what_the_hubs_client_reads(client, models):
    """rank, modelId, value, filename, verified and author are required; models with a base model are left out."""
    answer = client().get(BOARD)
    assert shown(answer) == [(1, "alice/a"), (2, "alice/b"), (2, "alice/c"), (4, "alice/e")]
    first = answer.json()[0]
    assert first["filename"] == ".eval_results/bench.yaml"
    assert first["verified"] is False
    assert first["author"]["type"] == "user"
    assert first["author"]["name"] == "alice"
    assert answer.headers["x-left-out"] == "base_model=1"
    assert answer.headers["x-total-count"] == "4"
    assert answer.headers["x-request-id"]


def test_base_model_false_shows_every_model(client, models):
    """The Hub's parameter."""
    answer = client().get(BOARD, params={"base_model": "false"})
    assert shown(answer)[-1] == (5, "alice/d")
    assert "x-left-out" not in answer.headers


def test_pages_join_to_the_whole_board(client, models):
    """Each Link leads to the next page, on the address the client used; ranks go on."""
    rows, url = [], BOARD + "?limit=2&base_model=false"
    while url:
        answer = client().get(url)
        rows += [(row["rank"], row["modelId"]) for row in answer.json()]
        url = answer.links.get("next", {}).get("url")
        assert url is None or url.startswith("http://hub.test/api/")
    assert [rank for rank, _ in rows] == [1, 2, 2, 4, 5]
    assert sorted(rows) == [(1, "alice/a"), (2, "alice/b"), (2, "alice/c"), (4, "alice/e"), (5, "alice/d")]


@pytest.mark.parametrize(
    ("query", "left", "hidden"),
    [
        ("variant=tools", [(1, "alice/e")], "base_model=1, variant=3"),
        ("min_evidence=sourced", [], "base_model=1, min_evidence=4"),
        ("max_params=8B&base_model=false", [(1, "alice/d")], "max_params=4"),
    ],
)
def test_a_filter_says_how_many_rows_it_hides(client, models, query, left, hidden):
    """A row that a filter hides must not look like one that is missing."""
    answer = client().get(f"{BOARD}?{query}")
    assert shown(answer) == left
    assert answer.headers["x-left-out"] == hidden


def test_an_unchanged_board_is_answered_with_304(client, models):
    """Most readers have it already."""
    etag = client().get(BOARD).headers["etag"]
    again = client().get(BOARD, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


def test_a_report_is_seen_by_the_very_next_read(client, models, report):
    """Kept bytes are never stale, for anybody."""
    before = client().get(BOARD)
    report("alice/e", 0.95)
    after = client().get(BOARD, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert shown(after)[0] == (1, "alice/e")


def test_a_write_elsewhere_keeps_the_bytes(client, models, make_repo):
    """Another board's change does not make this one younger."""
    etag = client().get(BOARD).headers["etag"]
    make_repo("alice/unrelated")
    assert client().get(BOARD).headers["etag"] == etag


def test_kept_bytes_of_a_board_that_turned_private_are_gone(hub, client, models, actor_of, make_user):
    """Nor is it told that there ever was such a dataset."""
    repo_id = RepoId.parse(RepoKind.DATASET, "alice/bench")
    assert client().get(BOARD).status_code == 200
    hub.repos.configure(actor_of("alice"), repo_id, private=True)
    hidden = client().get(BOARD)
    missing = client().get("/api/datasets/alice/never/leaderboard")
    assert (hidden.status_code, hidden.headers["x-error-code"]) == (401, "RepoNotFound")
    assert hidden.text.replace("bench", "never") == missing.text
    _, token = make_user("mallory")
    assert client(token).get(BOARD).status_code == 404


def test_a_dataset_without_a_board_says_so(client, make_repo):
    """And what it lacks."""
    make_repo("alice/data", "dataset")
    answer = client().get("/api/datasets/alice/data/leaderboard")
    assert answer.status_code == 404
    assert "has no leaderboard: its main branch has no valid eval.yaml" in answer.json()["error"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "whole number from 1 to 10,000"),
        ("limit=x", "whole number"),
        ("as_of=yesterday", "write a date such as"),
        ("min_evidence=proved", "one of reported, sourced, logged, rescored, reproduced"),
        ("max_params=big", "write a count such as"),
        ("format=xml", "must be json or csv"),
        ("base_model=maybe", "must be true or false"),
        ("cursor=%00", "take it from the Link header"),
        ("cursor=W10", "take it from the Link header"),
        ("task=main", "There is no parameter 'task'"),
        ("as_of=0001-01-01", ""),
    ],
)
def test_a_wrong_parameter_is_named_with_its_remedy(client, models, query, said):
    """Never a silent default."""
    answer = client().get(f"{BOARD}?{query}")
    if not said:
        assert answer.json() == []
        return
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_an_unknown_task_names_those_that_exist(client, models):
    """404 with the list."""
    answer = client().get(f"{BOARD}?task_id=mian")
    assert answer.status_code == 404
    assert "its tasks are main, hard" in answer.json()["error"]
    assert client().get(f"{BOARD}?task_id=hard").json() == []


def test_the_board_as_a_file(client, models, report):
    """Comma-separated values that a spreadsheet does not run."""
    report("alice/a", 0.9, notes="'=1+1'")
    answer = client().get(f"{BOARD}?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (rows[0]["rank"], rows[0]["modelId"]) == ("1", "alice/a")
    assert rows[0]["notes"] == "'=1+1"
    assert "attachment" in answer.headers["content-disposition"]


def test_all_reports_show_with_their_state(client, models, put):
    """The rows behind the rows: also what does not rank, and why."""
    put("alice/a", {".eval_results/more.yaml": results_yaml(0.2)}, by="bob", create_pr=True)
    rows = client().get(f"{BOARD}?all=true").json()
    assert [(row["modelId"], row["value"], row["state"]) for row in rows if row["modelId"] == "alice/a"] == [
        ("alice/a", 0.9, "ranked"),
        ("alice/a", 0.2, "ranked"),
    ]
    assert rows[-2]["pullRequest"] == 1


def test_a_result_tells_its_whole_life(client, models, report):
    """Every version with who, when and which commit."""
    report("alice/a", 0.95)
    uid = client().get(BOARD).json()[0]["resultId"]
    found = client().get(f"/api/evals/results/{uid}").json()
    assert [version["value"] for version in found["versions"]] == [0.9, 0.95]
    assert found["versions"][0]["why"] == "replaced by a new version"
    assert found["modelId"] == "alice/a"
    assert client().get("/api/evals/results/nothing").status_code == 404


def test_benchmarks_are_listed_with_official_ones_first(hub, client, models, make_repo, put):
    """An operator's word, not something a push can set."""
    make_repo("bob/other", "dataset")
    put("bob/other", {"eval.yaml": eval_yaml()}, "dataset")
    hub.evals.approve(RepoId.parse(RepoKind.DATASET, "alice/bench"), official=True)
    found = client().get("/api/evals/benchmarks").json()
    assert [(b["id"], b["official"], b["tasks"], b["rows"]) for b in found] == [
        ("alice/bench", True, 2, 5),
        ("bob/other", False, 1, 0),
    ]


def test_a_check_answers_what_a_push_would(client, models):
    """The same problems, with line and column, and nothing is stored."""
    content = "- dataset:\n    id: alice/bench\n    task_id: mian\n  value: 55\n"
    answer = client().post("/api/evals/check", json={"files": [{"path": ".eval_results/x.yaml", "content": content}]})
    assert answer.status_code == 200
    assert answer.json()["ok"] is False
    problem = answer.json()["problems"][0]
    assert (problem["line"], problem["column"]) == (3, 14)
    assert "main" in problem["hint"]


def test_a_check_does_not_tell_of_private_benchmarks(hub, client, models, actor_of):
    """To somebody who may not read it, it is a dataset that is not here."""
    hub.repos.configure(actor_of("alice"), RepoId.parse(RepoKind.DATASET, "alice/bench"), private=True)

    def problems(dataset: str):
        content = results_yaml(55, dataset=dataset).decode()
        files = [{"path": ".eval_results/x.yaml", "content": content}]
        return client().post("/api/evals/check", json={"files": files}).text

    assert problems("alice/bench").replace("alice/bench", "alice/never") == problems("alice/never")
