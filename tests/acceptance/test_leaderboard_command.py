"""`evalcommons leaderboard` reads a board from a hub that it only knows by its address."""

import json
import subprocess
import sys

import pytest

from evalcommons.core.access import Role

SPEC = b"""
name: Sums
description: Addition.
evaluation_framework: lm-evaluation-harness
tasks:
  - {id: easy, config: default, split: test}
  - {id: hard, config: default, split: test}
"""
EVALCOMMONS = [sys.executable, "-m", "evalcommons.cli.main"]


def result(value: float, task: str = "easy", more: str = "") -> bytes:
    return f"- dataset: {{id: lab/sums, task_id: {task}}}\n  value: {value}\n{more}".encode()


@pytest.fixture(scope="module")
def board(server):
    """lab/sums with three models: one by its author with a source, one by pull request, one with a base model."""
    server.org("lab", ann=Role.ADMIN)
    ann, ben = server.api(server.user("ann")), server.api(server.user("ben"))
    ann.create_repo("lab/sums", repo_type="dataset")
    ann.upload_file(path_or_fileobj=SPEC, path_in_repo="eval.yaml", repo_id="lab/sums", repo_type="dataset")
    source = "  source: {url: 'https://example.org/p', name: A paper}\n"
    for name, value, more in (("one", 0.5, source), ("two", 0.25, ""), ("tuned", 0.75, "")):
        ann.create_repo(f"lab/{name}")
        if name == "tuned":
            card = b"---\nbase_model: lab/one\n---\n# tuned\n"
            ann.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id="lab/tuned")
        who, extra = (ben, {"create_pr": True}) if name == "two" else (ann, {})
        who.upload_file(
            path_or_fileobj=result(value, more=more),
            path_in_repo=".eval_results/r.yaml",
            repo_id=f"lab/{name}",
            **extra,
        )
    return server


def run(server, *words: str, code: int = 0, endpoint: str | None = None):
    env = server.env() | ({"HF_ENDPOINT": endpoint} if endpoint else {})
    done = subprocess.run(
        [*EVALCOMMONS, "leaderboard", *words], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def test_a_board_is_a_table_with_badges_sources_and_what_is_left_out(board):
    """Who reported it, where it says so, and how many rows are not shown and why."""
    lines = run(board, "lab/sums").splitlines()
    one, two = (next(line for line in lines if f"lab/{name}" in line) for name in ("one", "two"))
    assert one.split()[:3] == ["1", "lab/one", "0.5"]
    assert "author" in one
    assert "A paper (https://example.org/p)" in one
    assert "community (pull request 1)" in two
    assert "task easy" in lines[-1]
    assert "1 left out by base_model; --derived shows them" in lines[-1]


def test_programs_get_json_with_the_hub_s_own_fields(board):
    """What `--json` prints is what the hub answered."""
    rows = json.loads(run(board, "lab/sums", "--json", "--derived"))
    assert [(row["rank"], row["modelId"], row["value"]) for row in rows] == [
        (1, "lab/tuned", 0.75),
        (2, "lab/one", 0.5),
        (3, "lab/two", 0.25),
    ]
    assert rows[2]["pullRequest"] == 1
    assert len(json.loads(run(board, "lab/sums", "--json", "--limit", "1"))) == 1


def test_a_board_without_rows_says_so(board):
    """The other task has no results yet."""
    assert "Nothing is on this board" in run(board, "lab/sums", "--task", "hard")
    assert json.loads(run(board, "lab/sums", "--task", "hard", "--json")) == []


def test_what_cannot_be_shown_is_explained(board):
    """An unknown dataset or task, a wrong address and no hub at all: a sentence and its exit code."""
    assert "lab/none" in run(board, "lab/none", code=3)
    assert "nothing" in run(board, "lab/sums", "--task", "nothing", code=4)
    assert "namespace/name" in run(board, "sums", code=1)
    assert "No hub answers at http://127.0.0.1:1" in run(board, "lab/sums", "--endpoint", "http://127.0.0.1:1", code=6)
    assert "not-an-address" in run(board, "lab/sums", endpoint="not-an-address", code=6)
