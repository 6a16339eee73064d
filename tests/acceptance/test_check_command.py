"""`evalcommons check`: a gate that runs anywhere, told by someone who has files on a disk and no hub."""

import json
import os
import subprocess
import sys
import time

import pytest

EVAL = """\
name: GSM8K
description: Grade-school mathematics.
evaluation_framework: inspect-ai
tasks:
  - id: main
    field_spec: {input: question, target: answer}
    solvers: [{name: generate}]
    scorers: [{name: model_graded_fact}]
"""
RESULT = "- dataset:\n    id: openai/gsm8k\n    task_id: main\n  value: 0.55\n"


@pytest.fixture
def run(tmp_path):
    """The command in the test's folder, as its user types it."""

    def run(*words, cwd=tmp_path, **more):
        command = [sys.executable, "-m", "evalcommons.cli.main", "check", *map(str, words)]
        environment = {**os.environ, "COLUMNS": "200", **more}
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def write(tmp_path):
    """Write a file below the test's folder."""

    def write(path, text=RESULT):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def test_clean_files_are_silent_and_exit_0(run, write):
    """A dataset and a model side by side; other files are nobody's business."""
    write("gsm8k/eval.yaml", EVAL)
    write("gsm8k/leaderboard.yaml", "tasks: {main: {bounds: [0, 1]}}\n")
    write("gsm8k/README.md", "# x")
    write("org/tiny/.eval_results/gsm8k.yaml")
    write("org/tiny/config.json", "{")
    done = run(".")
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 files checked: no problems\n", "")


def test_errors_name_path_line_column_and_remedy_and_exit_1(run, write):
    """What the terminal shows is what the push would show."""
    write("tiny/.eval_results/gsm8k.yaml", RESULT.replace("0.55", '"55%"'))
    done = run("tiny")
    assert done.returncode == 1
    assert done.stdout == (
        'tiny/.eval_results/gsm8k.yaml:4:10: error: value must be a number; here is the text "55%" (wrong-type)\n'
        "    Write the number alone, in the board's unit, without the sign: value: 55.\n"
        "1 file checked: 1 error\n"
    )


def test_warnings_only_exit_2(run, write):
    """A gate can tell "look at it" from "stop"."""
    write("tiny/.eval_results/gsm8k.yaml", RESULT + "  date: 2026-01-15\n")
    done = run("tiny")
    assert done.returncode == 2
    assert "4" not in done.stdout.split(":")[1]
    assert done.stdout.endswith("1 file checked: 1 warning\n")


def test_a_missing_path_is_said_and_exits_1(run, write):
    """A gate that looks at nothing must not pass; the paths that are there are still checked."""
    write("tiny/.eval_results/gsm8k.yaml")
    done = run("tiny", "tinny")
    assert done.returncode == 1
    assert done.stdout == "1 file checked: no problems\n"
    assert "tinny does not exist" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_evaluation_files_is_said(run, tmp_path):
    """Clean, but perhaps the wrong folder."""
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 files checked: no problems\n")
    assert "is it the right folder?" in done.stderr


def test_json_is_for_programs(run, write):
    """Counts and problems with their parts; nothing else on standard output."""
    write("d/eval.yaml", EVAL.replace("scorers", "scorer"))
    done = run("d", "nowhere", "--format", "json")
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert (answer["files"], answer["errors"], answer["warnings"]) == (1, 1, 0)
    assert answer["failures"][0].startswith("nowhere does not exist")
    assert answer["problems"] == [
        {
            "path": "d/eval.yaml",
            "line": 8,
            "column": 5,
            "code": "missing-field",
            "severity": "error",
            "message": 'scorers is missing; here stands "scorer", which is no field',
            "hint": 'Write "scorers" instead.',
        }
    ]


def test_github_shows_notes_at_the_lines_of_a_pull_request(run, write):
    """Workflow commands, with what would end them early escaped."""
    write("a,b/.eval_results/x.yaml", RESULT.replace("0.55", '"55%\\n::error::x"'))
    done = run("a,b", "--format", "github")
    assert done.returncode == 1
    command, summary = done.stdout.splitlines()
    assert command.startswith("::error file=a%2Cb/.eval_results/x.yaml,line=4,col=10,title=wrong-type::value must")
    assert "55%25\\n::error::x" in command
    assert command.count("::") == 4
    assert summary == "1 file checked: 1 error"


def test_evidence_is_checked_with_its_results(run, write):
    """By folder, by results file and by evidence file."""
    results = write("m/.eval_results/a.yaml")
    entries = [{"dataset": {"id": "openai/gsm8k", "task_id": "other"}}]
    evidence = write("m/.eval_results/a.evidence.json", json.dumps({"version": 1, "entries": entries}))
    for path in ("m", "m/.eval_results", evidence):
        done = run(path)
        assert done.returncode == 1, done.stdout
        assert "(unmatched-evidence)" in done.stdout
    assert run(results).returncode == 0


def test_one_file_is_checked_beside_its_partner(run, write):
    """leaderboard.yaml is held against the eval.yaml beside it, and only its own problems are shown."""
    write("d/eval.yaml", EVAL.replace("description", "descr"))
    rules = write("d/leaderboard.yaml", "tasks: {man: {}}\n")
    assert run(rules).returncode == 0
    write("d/eval.yaml", EVAL)
    done = run("leaderboard.yaml", cwd=rules.parent)
    assert done.returncode == 1
    assert done.stdout.startswith("leaderboard.yaml:1:9: error: eval.yaml has no task")
    done = run("x.yaml", cwd=write("m/.eval_results/x.yaml", "[").parent)
    assert done.stdout.startswith("x.yaml:1:1: error: ")


def test_a_file_of_any_name_is_checked_as_what_it_is_said_to_be(run, write):
    """Drafts have other names; without a word about their kind they are not guessed at."""
    write("draft.yaml")
    assert "--kind model" in run("draft.yaml").stderr
    assert run("draft.yaml").returncode == 1
    assert run("draft.yaml", "--kind", "model").returncode == 0
    assert run("draft.yaml", "--kind", "dataset").returncode == 1
    write("draft.json", '{"version": 1, "entries": [{"dataset": {"id": "a/b", "task_id": "m"}}]}')
    assert run("draft.json", "--kind", "model").returncode == 0


def test_results_in_files_that_nobody_reads_are_said(run, write):
    """`.yml`, and folders inside .eval_results."""
    write("m/.eval_results/a.yml")
    write("m/.eval_results/old/b.yaml")
    write("m/.eval_results/c.yaml")
    done = run("m")
    assert done.returncode == 2
    assert done.stdout.count("(not-read)") == 2
    assert done.stdout.endswith("1 file checked: 2 warnings\n")


def test_the_operator_s_frameworks_are_known_here_too(run, write):
    """The setting that the hub has."""
    write("d/eval.yaml", EVAL.replace("inspect-ai", "home-made"))
    assert run("d").returncode == 1
    assert run("d", EVALCOMMONS_FRAMEWORKS="other, home-made").returncode == 0


def test_links_pipes_and_huge_files_do_no_harm(run, write, tmp_path):
    """A loop of links ends, a pipe is not waited for, 100 MB are not read."""
    write("m/.eval_results/a.yaml")
    (tmp_path / "m" / "loop").symlink_to(tmp_path)
    (tmp_path / "n").symlink_to(tmp_path / "m")
    os.mkfifo(tmp_path / "m" / ".eval_results" / "pipe.yaml")
    with write("m/.eval_results/huge.yaml", b"").open("r+b") as huge:
        huge.truncate(100_000_000)
    (tmp_path / "m" / ".eval_results" / "gone.yaml").symlink_to("nowhere")
    start = time.perf_counter()
    done = run(".")
    assert time.perf_counter() - start < 5
    assert done.returncode == 1
    assert done.stdout.count("(too-large)") == 1
    assert done.stdout.endswith("2 files checked: 1 error\n")
    done = run("m/.eval_results/pipe.yaml")
    assert (done.returncode, "neither a file nor a folder" in done.stderr) == (1, True)


def test_names_from_other_systems_can_be_printed(run, tmp_path):
    """A file name that is not UTF-8, and one that would colour the terminal."""
    folder = tmp_path / "m" / ".eval_results"
    folder.mkdir(parents=True)
    for name in (b"\xff.yaml", b"\x1b[31m.yaml"):
        (folder / os.fsdecode(name)).write_text("[")
    for output in ("text", "json", "github"):
        done = run("m", "--format", output)
        assert (done.returncode, done.stderr) == (1, "")
        assert "\x1b" not in done.stdout


def test_many_files_are_shared_between_processes_and_told_in_order(run, write):
    """Two thousand results in one model and as many models: every problem once, in the order of the paths."""
    for n in range(2_000):
        write(f"one/.eval_results/r{n:04}.yaml", "[" if n % 100 == 0 else RESULT)
        write(f"many/m{n:04}/.eval_results/r.yaml", "[" if n % 100 == 0 else RESULT)
    for folder in ("one", "many"):
        answer = json.loads(run(folder, "--format", "json").stdout)
        paths = [problem["path"] for problem in answer["problems"]]
        assert (answer["files"], answer["errors"]) == (2_000, 20)
        assert paths == sorted(set(paths))


def test_the_command_imports_no_more_than_it_needs():
    """A gate starts in a blink: no web framework, database, client or validation library."""
    heavy = "pydantic huggingface_hub fastapi sqlalchemy pygit2 rich.console asyncio multiprocessing"
    code = f"import sys, evalcommons.cli.check; print(*sorted(set('{heavy}'.split()) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_help_says_what_the_exit_codes_mean(run):
    """Whoever writes the gate reads it here."""
    done = run("--help")
    assert done.returncode == 0
    assert "0 clean, 1 errors, 2 warnings only" in " ".join(done.stdout.split())
