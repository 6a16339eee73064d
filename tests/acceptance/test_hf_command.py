"""The `hf` command, unmodified, against this hub: whoami, repos, upload, download, boards, discussions."""

import json
import subprocess
from pathlib import Path

import pytest

from evalcommons.core.access import Role
from evalcommons.core.ids import RepoId, RepoKind
from evaluation_files import eval_yaml, results_yaml

FILE = ".eval_results/scores.yaml"


@pytest.fixture
def hf(server):
    """hf("datasets", "ls", by="ann", code=0) -> what it printed; by=None: not signed in."""

    def run(*words: str | Path, by: str | None = None, code: int = 0) -> str:
        done = server.run("hf", *words, token=server.user(by) if by else None)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def benchmark(server) -> str:
    """lab/sums, a benchmark with an alphabet of models on its board."""
    api = server.api(server.user("lab"))
    api.create_repo("lab/sums", repo_type="dataset")
    api.upload_file(path_or_fileobj=eval_yaml(), path_in_repo="eval.yaml", repo_id="lab/sums", repo_type="dataset")
    for name, value in (("a", 0.1), ("b", 0.3), ("c", 0.2)):
        api.create_repo(f"lab/{name}")
        source = "{url: https://example.org/paper, name: A paper}"
        api.upload_file(
            path_or_fileobj=results_yaml(value, dataset="lab/sums", source=source),
            path_in_repo=FILE,
            repo_id=f"lab/{name}",
        )
    return "lab/sums"


def test_whoami_names_the_tokens_owner_and_refuses_a_wrong_one(server, hf):
    """`hf auth whoami` says who and in which organisations; a made-up token is an error with a reason."""
    server.org("acme", ann=Role.ADMIN)
    said = hf("auth", "whoami", by="ann")
    assert "ann" in said
    assert "acme" in said
    done = server.run("hf", "auth", "whoami", token="hf_" + "x" * 34)
    assert done.returncode == 1
    assert "nvalid" in done.stdout + done.stderr


def test_a_login_is_kept_and_used(server):
    """`hf auth login --token` asks the hub who that is, and later commands need no token."""
    env = server.env()
    token = server.user("ann")
    words = ["hf", "auth", "login", "--token", token]
    done = subprocess.run(words, env=env, cwd=server.home, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        ["hf", "auth", "whoami", "--format", "json"], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout)["user"] == "ann"


def test_a_repo_is_made_set_moved_tagged_and_deleted(server, hf):
    """`hf repos create|settings|branch|tag|move|delete`, as somebody without Python would do it."""
    hf("repos", "create", "ann/by-command", "--private", by="ann")
    assert server.api(server.user("ann")).model_info("ann/by-command").private
    hf("repos", "create", "ann/by-command", by="ann", code=1)
    hf("repos", "create", "ann/by-command", "--exist-ok", by="ann")
    hf("repos", "settings", "ann/by-command", "--public", by="ann")
    assert not server.api().model_info("ann/by-command").private
    hf("repos", "branch", "create", "ann/by-command", "dev", by="ann")
    hf("repos", "tag", "create", "ann/by-command", "v1", "-m", "One", by="ann")
    assert "v1" in hf("repos", "tag", "list", "ann/by-command")
    assert "ann/by-command" in hf("repos", "ls", by="ann")
    hf("repos", "move", "ann/by-command", "ann/moved", by="ann")
    assert server.api().model_info("ann/by-command").id == "ann/moved"
    hf("repos", "delete", "ann/moved", "--yes", by="ann")
    assert not server.api().repo_exists("ann/moved")


def test_a_folder_goes_up_and_comes_down_the_same(server, hf, tmp_path):
    """`hf upload` of a folder, `hf download` of it: the same bytes, under the revision that was asked for."""
    up, down = tmp_path / "up", tmp_path / "down"
    (up / "data").mkdir(parents=True)
    contents = {"README.md": b"---\nlicense: mit\n---\n# Up\n", "data/a.bin": bytes(range(256)) * 2000, "ü b.txt": b"u"}
    for name, data in contents.items():
        (up / name).write_bytes(data)
    hf("upload", "ann/folder", up, ".", "--type", "dataset", by="ann")
    sha = server.api().dataset_info("ann/folder").sha
    hf("upload", "ann/folder", up / "README.md", "later.md", "--type", "dataset", by="ann")
    hf("download", "ann/folder", "--type", "dataset", "--revision", sha, "--local-dir", down)
    found = {p.relative_to(down).as_posix(): p.read_bytes() for p in down.rglob("*") if p.is_file()}
    found = {name: data for name, data in found.items() if not name.startswith((".cache", ".gitattributes"))}
    assert found == contents
    one = hf("download", "ann/folder", "later.md", "--type", "dataset", "--quiet").strip()
    assert Path(one).read_bytes() == contents["README.md"]


def test_a_score_is_reported_with_upload_create_pr_and_the_board_prints_it(server, hf, benchmark, tmp_path):
    """`hf upload --create-pr` of a results file; `hf datasets leaderboard` shows it without a merge."""
    server.api(server.user("ann")).create_repo("ann/reported")
    file = tmp_path / "scores.yaml"
    file.write_bytes(results_yaml(0.9, dataset=benchmark))
    hf("upload", "ann/reported", file, FILE, "--create-pr", "--commit-message", "Report sums", by="bob")
    board = json.loads(hf("datasets", "leaderboard", benchmark, "--format", "json"))
    assert [(row["rank"], row["model_id"], row["value"]) for row in board] == [
        (1, "ann/reported", 0.9),
        (2, "lab/b", 0.3),
        (3, "lab/c", 0.2),
        (4, "lab/a", 0.1),
    ]
    shown = hf("datasets", "leaderboard", benchmark, "--limit", "2")
    assert "ann/reported" in shown
    assert "lab/c" not in shown

    listed = json.loads(hf("discussions", "list", "ann/reported", "--status", "all", "--format", "json"))
    assert [(one["num"], one["title"]) for one in listed] == [(1, "Report sums")]
    assert "+  value: 0.9" in hf("discussions", "diff", "ann/reported", "1")
    assert "Report sums" in hf("discussions", "info", "ann/reported", "1")
    hf("discussions", "close", "ann/reported", "1", "--comment", "Which settings?", "--yes", by="ann")
    assert "ann/reported" not in hf("datasets", "leaderboard", benchmark)
    hf("discussions", "reopen", "ann/reported", "1", "--yes", by="bob")
    hf("discussions", "merge", "ann/reported", "1", "--yes", by="ann")
    assert server.api().hf_hub_download("ann/reported", FILE, local_dir=tmp_path / "down")
    [row] = json.loads(hf("datasets", "leaderboard", benchmark, "--limit", "1", "--format", "json"))
    assert (row["model_id"], row.get("pull_request")) == ("ann/reported", None)


def test_a_refused_score_names_the_place_and_the_remedy(server, hf, benchmark, tmp_path):
    """The error of `hf upload` holds path, line, column, what is wrong and what to write."""
    server.api(server.user("ann")).create_repo("ann/mistaken")
    file = tmp_path / "scores.yaml"
    file.write_bytes(results_yaml(0.9, dataset=benchmark, task="mian"))
    said = hf("upload", "ann/mistaken", file, FILE, "--create-pr", by="bob", code=1)
    assert f"{FILE}:3:14: error: lab/sums has no task" in said
    assert 'Did you mean "main"?' in said
    assert json.loads(hf("discussions", "list", "ann/mistaken", "--status", "all", "--format", "json")) == []


def test_a_discussion_is_opened_answered_renamed_and_closed(server, hf):
    """`hf discussions create|comment|rename|close`, between two people."""
    server.api(server.user("ann")).create_repo("ann/talked-about")
    hf(
        "discussions",
        "create",
        "ann/talked-about",
        "--title",
        "How many shots?",
        "--body",
        "**Which** prompt?",
        by="bob",
    )
    hf("discussions", "comment", "ann/talked-about", "1", "--body", "Five", by="ann")
    hf("discussions", "rename", "ann/talked-about", "1", "Five shots", by="bob")
    hf("discussions", "close", "ann/talked-about", "1", "--yes", by="ann")
    [one] = json.loads(hf("discussions", "list", "ann/talked-about", "--status", "closed", "--format", "json"))
    assert one["title"] == "Five shots"


def test_official_benchmarks_are_listed_by_their_tag(server, hf, benchmark):
    """`hf datasets ls --filter benchmark:official` finds what the operator approved, and nothing else."""
    dataset = RepoId.parse(RepoKind.DATASET, benchmark)
    assert benchmark not in hf("datasets", "ls", "--filter", "benchmark:official", "--quiet")
    server.hub.evals.approve(dataset, official=True)
    assert benchmark in hf("datasets", "ls", "--filter", "benchmark:official", "--quiet")
    assert benchmark in hf("datasets", "info", benchmark)
    assert "eval.yaml" in hf("datasets", "ls", benchmark)
