"""Inspect runs a benchmark of this hub by name, at a commit, with nothing but HF_ENDPOINT set."""

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from huggingface_hub import CommitOperationAdd

from evalcommons.cli.demo_story import BENCHMARK, LARGE_VERIFIED, questions
from evalcommons.core import benchmark

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("inspect_ai") is None or importlib.util.find_spec("datasets") is None,
    reason="inspect-ai and datasets are not installed (pip install 'evalcommons[runner]')",
)

PROVIDER = Path(__file__).parent / "data" / "inspect_provider"


@pytest.fixture
def inspect_eval(server, tmp_path):
    """inspect_eval("hf/…", "--limit", "20") -> the log; homes and caches are fresh, so nothing old can answer."""
    answers = tmp_path / "answers.json"
    answers.write_text(
        json.dumps({row["question"]: row[LARGE_VERIFIED.key]["solution"] for row in questions()}), encoding="utf-8"
    )

    def run(task: str, *words: str, timeout_s: float = 100) -> dict:
        logs = tmp_path / "logs"
        done = subprocess.run(
            [
                *("inspect", "eval", task, "--model", "published/gpt3", "-M", f"answers={answers}"),
                *("--log-dir", str(logs), "--log-format", "json", "--display", "plain", *words),
            ],
            env={**server.env(), "PYTHONPATH": str(PROVIDER)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        [log] = logs.glob("*.json")
        return json.loads(log.read_text(encoding="utf-8"))

    return run


def accuracy(log: dict) -> float:
    """The one metric of the log that is a share of right answers."""
    [score] = log["results"]["scores"]
    return score["metrics"]["accuracy"]["value"]


def test_our_lists_of_words_are_those_of_inspect():
    """A solver, scorer or field that Inspect takes is refused by nobody here, and the other way round."""
    from dataclasses import fields

    from inspect_ai._eval.task.hf import HFFieldSpec, HFScorer, HFSolver, HFTask

    assert set(get_args(HFSolver.model_fields["name"].annotation)) == benchmark.SOLVERS
    assert set(get_args(HFScorer.model_fields["name"].annotation)) == benchmark.SCORERS
    assert set(HFTask.model_fields) == benchmark._INSPECT_TASK
    assert {field.name for field in fields(HFFieldSpec)} == benchmark._FIELD_SPEC


def test_inspect_runs_twenty_questions_at_a_commit(gsm8k, inspect_eval):
    """The published answers of the largest system score in Inspect what their authors say they score."""
    log = inspect_eval(f"hf/{BENCHMARK}@{gsm8k}", "--limit", "20")
    right = sum(row[LARGE_VERIFIED.key]["is_correct"] for row in questions()[:20])
    assert 0 < right < 20
    assert log["status"] == "success"
    assert accuracy(log) == right / 20
    # The commit stands in the log's task: that is how a result can name the data it was measured on.
    assert log["eval"]["task"].endswith(f"{BENCHMARK}@{gsm8k}")
    assert log["eval"]["dataset"]["samples"] == 1319


@pytest.mark.load
def test_inspect_finds_all_742_right_answers(gsm8k, inspect_eval):
    """Over the whole split the score is the paper's: 742 of 1,319."""
    log = inspect_eval(f"hf/{BENCHMARK}@{gsm8k}", timeout_s=110)
    assert accuracy(log) == pytest.approx(742 / 1319)


def test_a_commit_is_run_as_it_was_and_not_as_the_benchmark_is_now(server, gsm8k, inspect_eval):
    """After the maintainer changes eval.yaml, the old commit still runs with the old scorer."""
    api = server.api(server.user("maintainer"))
    api.create_repo("openai/changed", repo_type="dataset")
    lines = "".join(json.dumps({"q": row["question"], "a": "1"}) + "\n" for row in questions()[:4]).encode()
    spec = b"""\
name: Changed
description: Counts.
evaluation_framework: inspect-ai
tasks:
  - id: changed
    field_spec: {input: q, target: a}
    solvers: [{name: prompt_template, args: {template: "Answer.\\n\\n{prompt}"}}, {name: generate}]
    scorers: [{name: SCORER}]
"""
    commits = []
    for scorer in (b"includes", b"exact"):
        operations = [
            CommitOperationAdd("test.jsonl", lines),
            CommitOperationAdd("eval.yaml", spec.replace(b"SCORER", scorer)),
        ]
        done = api.create_commit("openai/changed", operations, repo_type="dataset", commit_message="Change")
        commits.append(done.oid)
    log = inspect_eval(f"hf/openai/changed@{commits[0]}")
    [score] = log["results"]["scores"]
    assert score["name"] == "includes"
