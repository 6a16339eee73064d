"""The operator's command: it prepares and looks after a hub, with its server running or not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from evalcommons.core.ids import RepoId, RepoKind

PROGRAM = [sys.executable, "-m", "evalcommons.cli.main"]


@pytest.fixture
def evalcommons(tmp_path: Path):
    """evalcommons("admin", …, code=0) -> what it printed; runs in a folder of its own."""

    def run(*words: str, code: int = 0, given: str = "", env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            [*PROGRAM, *words],
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "*", **(env or {})},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr

    return run


def test_a_hub_is_prepared_before_its_server_first_starts(evalcommons):
    """Scripts can choose names and tokens, then start the server and sign in with them."""
    made = json.loads(
        evalcommons("admin", "user", "create", "alice", "--email", "a@example.org", "--token", "hf_chosen_for_alice",
                    "--json")
    )  # fmt: skip
    assert (made["name"], made["token"], made["admin"]) == ("alice", "hf_chosen_for_alice", False)
    evalcommons("admin", "org", "create", "acme", "--fullname", "Acme Labs", "--private-by-default")
    evalcommons("admin", "org", "add", "acme", "alice", "--role", "contributor")
    [org] = json.loads(evalcommons("admin", "org", "list", "--json"))
    assert org["members"] == [{"user": "alice", "role": "contributor"}]
    assert org["privateByDefault"] is True
    assert org["fullname"] == "Acme Labs"


def test_changes_reach_a_running_server_at_once(server, evalcommons):
    """Accounts made, suspended and given tokens beside a running server count on the next request."""
    from huggingface_hub.errors import HfHubHTTPError

    here = ("--data", str(server.hub.settings.data))
    evalcommons("admin", "user", "create", "beside", "--token", "hf_beside_token", *here)
    assert server.api("hf_beside_token").whoami()["name"] == "beside"
    evalcommons("admin", "user", "suspend", "beside", "--why", "spam reports", *here)
    with pytest.raises(HfHubHTTPError, match="spam reports") as refused:
        server.api("hf_beside_token").whoami()
    assert refused.value.response.status_code == 403
    evalcommons("admin", "user", "unsuspend", "beside", *here)
    assert server.api("hf_beside_token").whoami()["name"] == "beside"
    evalcommons("admin", "token", "revoke", "beside", "default", *here)
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        server.api("hf_beside_token").whoami()


def test_a_token_is_shown_once_and_never_kept_as_text(evalcommons, tmp_path):
    """Whoever reads the hub's folder, or lists tokens, finds no text that signs anybody in."""
    evalcommons("admin", "user", "create", "alice")
    text = json.loads(evalcommons("admin", "token", "create", "alice", "--name", "laptop", "--json"))["token"]
    assert text.startswith("hf_")
    listed = evalcommons("admin", "token", "list", "alice")
    assert "laptop" in listed
    assert text not in listed
    stored = b"".join(path.read_bytes() for path in (tmp_path / "evalcommons-data").rglob("*") if path.is_file())
    assert text.encode() not in stored
    assert "laptop" in json.loads(evalcommons("admin", "token", "list", "alice", "--json"))[0]["name"]


def test_a_fine_grained_token_says_what_it_may_do(evalcommons):
    """Scopes are given as words, and a scope that means nothing is refused with the form that does."""
    evalcommons("admin", "user", "create", "alice")
    scoped = ("admin", "token", "create", "alice", "--role", "fine-grained")
    evalcommons(*scoped, "--scope", "model:alice/tiny=write", "--scope", "org:acme=read")
    assert "model:NS/NAME" in evalcommons(*scoped, "--scope", "alice/tiny", code=1)
    assert "--scope" in evalcommons(*scoped, code=1)
    assert "fine-grained" in evalcommons("admin", "token", "create", "alice", "--scope", "org:a=read", code=1).lower()


def test_a_password_is_read_from_standard_input_and_not_from_the_command_line(evalcommons, tmp_path):
    """Passwords stay out of shell histories and process lists."""
    from evalcommons.config import Settings
    from evalcommons.hub import open_hub

    assert "at least 10" in evalcommons("admin", "user", "create", "alice", "--password", given="short\n", code=1)
    evalcommons("admin", "user", "create", "alice", "--password", given="correct horse battery\n")
    evalcommons("admin", "user", "password", "alice", given="another horse battery\n")
    hub = open_hub(Settings(data=tmp_path / "evalcommons-data"))
    assert hub.accounts.sign_in("alice", "another horse battery").name == "alice"
    hub.close()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("admin", "user", "create", "alice"), 5, "taken"),
        (("admin", "user", "create", "datasets"), 1, "address of the hub itself"),
        (("admin", "user", "create", "a b"), 1, "cannot be an account name"),
        (("admin", "user", "suspend", "nobody", "--why", "x"), 4, "no user nobody"),
        (("admin", "org", "add", "acme", "nobody", "--role", "read"), 4, "nobody"),
        (("admin", "org", "add", "alice", "alice", "--role", "read"), 4, "no organisation alice"),
        (("admin", "token", "create", "alice", "--token", "short"), 1, "8 to 256"),
        (("admin", "token", "revoke", "alice", "none"), 4, "none"),
        (("admin", "benchmark", "approve", "nobody/nothing"), 4, "no dataset nobody/nothing"),
        (("admin", "benchmark", "approve", "nothing"), 1, "namespace/name"),
        (("admin", "repo", "path", "nobody/nothing"), 4, "no model nobody/nothing"),
        (("admin", "user", "list", "--data", "elsewhere"), 4, "--data"),
    ],
)
def test_a_refusal_says_what_was_wrong_and_what_to_do_next(evalcommons, words, code, said):
    """Two lines without a stack trace, and one exit code for each family of errors."""
    evalcommons("admin", "user", "create", "alice")
    evalcommons("admin", "org", "create", "acme")
    lines = evalcommons(*words, code=code).splitlines()
    assert said in lines[0]
    assert lines[0].startswith("evalcommons: ")
    assert lines[-1].endswith(".")
    assert len(lines) == 2


def test_repos_are_found_on_disk(server, evalcommons):
    """An operator can hand the folder of a repo to git."""
    here = ("--data", str(server.hub.settings.data))
    server.user("keeper")
    server.hub.repos.create(server.hub.accounts.actor("keeper"), RepoId(RepoKind.MODEL, "keeper", "tiny"))
    path = evalcommons("admin", "repo", "path", "keeper/tiny", *here).strip()
    log = subprocess.run(["git", "-C", path, "log", "--format=%s", "main"], capture_output=True, text=True, check=True)
    assert log.stdout == "initial commit\n"
    assert path in evalcommons("admin", "repo", "list", "--json", *here)


SPEC = b"""
name: Sums
description: Addition.
evaluation_framework: lm-evaluation-harness
tasks:
  - {id: easy, config: default, split: test}
"""
RESULT = b"- dataset: {id: judge/sums, task_id: easy}\n  value: 0.5\n"


@pytest.fixture
def benchmark(server):
    """judge/sums with a score of judge/tiny, made once for this file."""
    api = server.api(server.user("judge"))
    if not api.repo_exists("judge/sums", repo_type="dataset"):
        api.create_repo("judge/sums", repo_type="dataset")
        api.upload_file(path_or_fileobj=SPEC, path_in_repo="eval.yaml", repo_id="judge/sums", repo_type="dataset")
        api.create_repo("judge/tiny")
        api.upload_file(path_or_fileobj=RESULT, path_in_repo=".eval_results/r.yaml", repo_id="judge/tiny")
    return "judge/sums"


def test_which_benchmarks_are_official_is_the_operator_s_word(server, evalcommons, benchmark):
    """Approved and taken back beside the running server; nothing else changes."""
    here = ("--data", str(server.hub.settings.data))
    api = server.api()

    def official() -> list[str]:
        return [found.id for found in api.list_datasets(filter="benchmark:official")]

    assert official() == []
    evalcommons("admin", "benchmark", "approve", benchmark, *here)
    assert official() == [benchmark]
    [listed] = json.loads(evalcommons("admin", "benchmark", "list", "--json", *here))
    assert (listed["dataset"], listed["official"], listed["rows"]) == (benchmark, True, 1)
    assert "official" in evalcommons("admin", "benchmark", "list", *here)
    evalcommons("admin", "benchmark", "unapprove", benchmark, *here)
    assert official() == []


def test_a_dataset_without_a_benchmark_cannot_be_official(server, evalcommons, benchmark):
    """Approval is for what is there."""
    server.api(server.user("judge")).create_repo("judge/plain", repo_type="dataset", exist_ok=True)
    said = evalcommons("admin", "benchmark", "approve", "judge/plain", "--data", str(server.hub.settings.data), code=1)
    assert "no valid eval.yaml" in said


def test_reindex_gives_the_same_board_while_the_server_runs(server, evalcommons, benchmark):
    """The board's bytes before and after are equal, and so is what it says of time."""
    address = f"{server.url}/api/datasets/{benchmark}/leaderboard"
    before = httpx2.get(address)
    counted = json.loads(evalcommons("admin", "reindex", "--json", "--data", str(server.hub.settings.data)))
    assert counted == {"resultVersions": 1}
    after = httpx2.get(address)
    assert after.content == before.content
    assert json.loads(before.content)[0]["modelId"] == "judge/tiny"


def test_a_new_hub_has_nothing_to_list_and_says_how_to_begin(evalcommons):
    """Empty lists are sentences for people and empty lists for programs."""
    evalcommons("admin", "user", "create", "alice")
    for noun in ("org", "benchmark", "repo"):
        assert json.loads(evalcommons("admin", noun, "list", "--json")) == []
        assert evalcommons("admin", noun, "list").strip().endswith(("yet.", "NAME"))
    assert json.loads(evalcommons("admin", "reindex", "--json")) == {"resultVersions": 0}


def test_names_from_elsewhere_cannot_write_to_the_terminal(evalcommons):
    """Escape codes in a full name are shown, not obeyed."""
    evalcommons("admin", "user", "create", "alice", "--fullname", "A\x1b[31mlice [bold]x[/bold]")
    shown = evalcommons("admin", "user", "list")
    assert "\x1b" not in shown
    assert "[bold]x[/bold]" in shown


def test_the_server_starts_on_a_free_port_and_stops_cleanly(tmp_path):
    """`serve` prints its address when it takes connections, and ends with 0 on SIGTERM."""
    from huggingface_hub import HfApi

    command = [*PROGRAM, "serve", "--data", str(tmp_path / "hub"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            url = started.stdout.readline().split()[-1]
            assert url.startswith("http://127.0.0.1:")
            with pytest.raises(Exception, match="Invalid user token"):
                HfApi(url, token="hf_nobody_has_this").whoami()
            started.send_signal(signal.SIGTERM)
            _, errors = started.communicate(timeout=30)
        finally:
            started.kill()
        assert errors == ""
        assert started.returncode == 0


def test_a_taken_port_is_named_with_the_way_out(server, evalcommons, tmp_path):
    """Two hubs on one port: the second says so and how to choose another."""
    port = server.url.rpartition(":")[2]
    said = evalcommons("serve", "--data", str(tmp_path / "other"), "--port", port, code=6)
    assert f"Port {port}" in said
    assert "--port" in said


def test_a_bug_is_one_line_and_a_file(evalcommons, tmp_path):
    """Nobody is shown a stack trace unasked; it waits in a file for the report."""
    (tmp_path / "evalcommons-data").mkdir()
    (tmp_path / "evalcommons-data" / "hub.sqlite").write_bytes(b"this is no database" * 100)
    said = evalcommons("admin", "user", "list", code=70, env={"TMPDIR": str(tmp_path)})
    [log] = tmp_path.glob("evalcommons-*.log")
    assert str(log) in said
    assert "Traceback" in log.read_text()


def test_settings_of_the_wrong_type_are_named(evalcommons):
    """A number that is none is told by the variable it stands in."""
    said = evalcommons("admin", "user", "create", "x", code=1, env={"EVALCOMMONS_PORT": "many"})
    assert "EVALCOMMONS_PORT='many' is not a int" in said


def test_the_version_is_told(evalcommons):
    """For bug reports."""
    assert evalcommons("--version").startswith("evalcommons 0.")
