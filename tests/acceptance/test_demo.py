"""The demo tells its story to the end, and its data says what the paper says."""

import hashlib
import json
import lzma
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from evalcommons.cli import demo_story
from evalcommons.cli.demo_story import QUESTIONS, SYSTEMS, final_answer, questions
from evalcommons.core import benchmark, board_rules

DATA = files("evalcommons.demo_data")
EXPECTED = {"6b_finetuning": 286, "6b_verification": 515, "175b_finetuning": 458, "175b_verification": 742}


def run_demo(*words: str | Path, cwd: Path, timeout_s: float = 90, **env: str) -> subprocess.CompletedProcess[str]:
    """`evalcommons demo` to its end, with these variables changed."""
    return subprocess.run(
        [sys.executable, "-m", "evalcommons.cli.main", "demo", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def test_the_answers_that_ship_are_those_the_paper_counts():
    """286, 515, 458 and 742 of 1,319 are right: by the authors' own judgement, and by comparing the numbers again."""
    rows = questions()
    assert len(rows) == QUESTIONS == len({row["question"] for row in rows})
    judged, compared = Counter(), Counter()
    for row in rows:
        for system in EXPECTED:
            answered = row[system]["solution"].rpartition("A:")[2].strip().replace(",", "")
            judged[system] += row[system]["is_correct"]
            compared[system] += answered == final_answer(row["answer"])
    assert judged == compared == EXPECTED
    assert {system.key: system.correct for system in SYSTEMS} == EXPECTED


def test_the_data_is_the_file_that_its_readme_describes():
    """The sha256 in demo_data/README.md is that of the data, and the licence is beside it."""
    unpacked = lzma.decompress(DATA.joinpath("gsm8k.jsonl.xz").read_bytes())
    assert hashlib.sha256(unpacked).hexdigest() in DATA.joinpath("README.md").read_text()
    assert DATA.joinpath("LICENSE").read_text().startswith("MIT License\n\nCopyright (c) 2021 OpenAI")


def test_the_benchmark_of_the_demo_has_nothing_to_complain_about():
    """Its eval.yaml and leaderboard.yaml pass their own checks without a warning."""
    spec, problems = benchmark.parse("eval.yaml", DATA.joinpath("benchmark", "eval.yaml").read_bytes())
    assert problems == ()
    rules, problems = board_rules.parse(
        "leaderboard.yaml", DATA.joinpath("benchmark", "leaderboard.yaml").read_bytes(), task_ids=spec.task_ids
    )
    assert problems == ()
    task = rules.task(demo_story.TASK)
    assert (task.unit, task.bounds, task.samples, task.higher_is_better) == ("fraction", (0, 1), QUESTIONS, True)


def test_the_demo_ends_well_in_under_thirty_seconds(tmp_path):
    """`evalcommons demo --exit` tells every step, verifies it, and prints board, results and what was withdrawn."""
    started = time.monotonic()
    done = run_demo("--exit", cwd=tmp_path)
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert seconds < 30
    text = done.stdout
    assert re.search(r"All \d+ checks passed", text)
    for step in demo_story.STEPS:
        assert step.what in text
    assert "did you mean 0.55?" in text
    assert text.count("is outside 0..1") == 1, "the refusal is shown once, not once a line and once a list"
    rows = re.findall(r"^ *(\d+) +(openai/\S+) +([\d.]+) +author", text, re.MULTILINE)
    assert rows == [
        ("1", "openai/gpt3-175b-verification", "0.562547"),
        ("2", "openai/gpt3-6b-verification", "0.390447"),
        ("3", "openai/gpt3-175b-finetuning", "0.347233"),
        ("4", "openai/gpt3-6b-finetuning", "0.216831"),
    ]
    assert "pull request 1 was merged by gpt3-author" in text
    assert "pull request 1 was closed by gpt3-author" in text
    assert list(tmp_path.iterdir()) == []


def test_the_demo_tells_programs_the_same_in_json(tmp_path):
    """With --json the standard output is one JSON document, and a folder that was named stays."""
    done = run_demo("--exit", "--json", "--data", tmp_path / "hub", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["failures"] == []
    assert [row["rank"] for row in told["board"]] == [1, 2, 3, 4]
    assert {model: [row["data"]["value"] for row in rows] for model, rows in told["results"].items()} == {
        "openai/gpt3-175b-verification": [0.562547, 0.55],
        "openai/gpt3-6b-verification": [0.390447],
        "openai/gpt3-175b-finetuning": [0.347233],
        "openai/gpt3-6b-finetuning": [0.216831],
    }
    assert sorted(gone["why"] for gone in told["withdrawn"]) == [
        "pull request 1 was closed by gpt3-author",
        "pull request 1 was merged by gpt3-author",
        "replaced by a new version",
    ]
    assert (tmp_path / "hub" / "hub.sqlite").exists()


def test_the_demo_leaves_a_folder_with_something_in_it_alone(tmp_path):
    """A hub that somebody works with is not a place for a demo."""
    (tmp_path / "hub.sqlite").write_text("mine")
    done = run_demo("--exit", "--data", tmp_path, cwd=tmp_path)
    assert done.returncode == 5
    assert "serve --data" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["hub.sqlite"]


def test_the_demo_says_when_git_is_missing(tmp_path):
    """It pushes with the git program: without one it ends with what to install, and leaves nothing behind."""
    done = run_demo("--exit", cwd=tmp_path, PATH=str(tmp_path), TMPDIR=str(tmp_path))
    assert done.returncode == 6
    assert "install git" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_user_s_own_settings_do_not_reach_the_demo(tmp_path):
    """A token, endpoint, proxy, git identity or the hub's own variables of whoever types it change nothing."""
    done = run_demo(
        "--exit",
        "--json",
        cwd=tmp_path,
        HF_TOKEN="hf_wrong",
        HF_ENDPOINT="http://127.0.0.1:9",
        HF_HUB_OFFLINE="1",
        HTTP_PROXY="http://127.0.0.1:9",
        http_proxy="http://127.0.0.1:9",
        GIT_DIR="/nowhere",
        GIT_AUTHOR_DATE="yesterday",
        EVALCOMMONS_DATA=str(tmp_path / "mine"),
        EVALCOMMONS_PORT="9",
        EVALCOMMONS_PUBLIC_URL="https://hub.example",
        EVALCOMMONS_DATABASE_URL=f"sqlite:///{tmp_path}/mine.sqlite",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["failures"] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_stays_up_until_it_is_told_to_stop(tmp_path, number):
    """Without --exit the hub answers at the address it prints; Ctrl+C and SIGTERM end it, and its folder goes."""
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "evalcommons.cli.main", "demo", "--port", "0"]
    with subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as demo:
        printed: list[str] = []
        for line in demo.stdout:
            printed.append(line)
            if "hf auth whoami" in line:
                break
        url, token = re.search(r"HF_ENDPOINT=(\S+) HF_TOKEN=(\S+) hf auth whoami", printed[-1]).groups()
        with urllib.request.urlopen(f"{url}/api/datasets/openai/gsm8k/leaderboard") as answer:
            assert len(json.load(answer)) == 4
        asked = urllib.request.Request(f"{url}/api/whoami-v2", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asked) as answer:
            assert json.load(answer)["name"] == "evaluator"
        demo.send_signal(number)
        demo.stdout.read()
        assert demo.wait(20) == 0
    assert list(tmp_path.iterdir()) == []
