"""What huggingface_hub and `hf` write: commits, folders, copies, branches, tags, squashes."""

import json
import textwrap

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

EVAL_YAML = b"""\
name: Tiny sums
description: Sums of two digits
evaluation_framework: lighteval
tasks:
  - id: sums
"""


def result(value: object, dataset: str = "acme-lab/sums", task: str = "sums") -> bytes:
    return f"- dataset:\n    id: {dataset}\n    task_id: {task}\n  value: {value}\n".encode()


@pytest.fixture(scope="module")
def benchmark(server):
    """acme-lab/sums, a benchmark on this hub."""
    api = server.api(server.user("acme-lab"))
    api.create_repo("acme-lab/sums", repo_type="dataset")
    api.upload_file(path_or_fileobj=EVAL_YAML, path_in_repo="eval.yaml", repo_id="acme-lab/sums", repo_type="dataset")
    return "acme-lab/sums"


def test_one_commit_adds_deletes_and_copies(server):
    """create_commit with every kind of operation makes one commit whose tree is what was asked for."""
    api = server.api(server.user("ann"))
    api.create_repo("ann/one")
    first = api.create_commit(
        "ann/one",
        [CommitOperationAdd("keep.txt", b"keep"), CommitOperationAdd("old/a.txt", b"a"), CommitOperationAdd("b", b"b")],
        commit_message="First files",
        commit_description="And why they are here",
    )
    assert first.commit_url == f"{server.url}/ann/one/commit/{first.oid}"
    second = api.create_commit(
        "ann/one",
        [
            CommitOperationDelete("old/"),
            CommitOperationDelete("b"),
            CommitOperationCopy("keep.txt", "copies/keep.txt"),
            CommitOperationAdd("new.txt", b"new"),
        ],
        commit_message="Second files",
        parent_commit=first.oid,
    )
    assert sorted(api.list_repo_files("ann/one")) == [".gitattributes", "copies/keep.txt", "keep.txt", "new.txt"]
    history = api.list_repo_commits("ann/one")
    assert [c.title for c in history] == ["Second files", "First files", "initial commit"]
    assert history[0].commit_id == second.oid
    assert history[0].authors == ["ann"]


def test_a_file_that_did_not_change_makes_no_commit(server):
    """An upload of the same bytes leaves the branch where it is, whatever kind of file it is."""
    api = server.api(server.user("ann"))
    api.create_repo("ann/same")
    binary = bytes(range(256)) * 400
    for path, content in (("text.md", b"# Same"), ("model.safetensors", binary), ("empty", b"")):
        made = api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id="ann/same")
        again = api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id="ann/same")
        assert again.oid == made.oid, path
    assert len(api.list_repo_commits("ann/same")) == 4


def test_a_folder_goes_up_with_hf_xet_installed_and_no_flag(server, tmp_path):
    """upload_folder commits text, binary and large-ish files, leaves out what .gitignore says, and can delete."""
    api = server.api(server.user("ann"))
    api.create_repo("ann/folder", repo_type="dataset")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.parquet").write_bytes(b"PAR1" + bytes(12_000_000))
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# Folder\n")
    (tmp_path / ".gitignore").write_text("*.tmp\n/cache/\n")
    (tmp_path / "a.tmp").write_text("not this")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "x").write_text("nor this")
    api.upload_folder(folder_path=tmp_path, repo_id="ann/folder", repo_type="dataset")
    files = api.list_repo_files("ann/folder", repo_type="dataset")
    assert sorted(files) == [".gitattributes", ".gitignore", "README.md", "data/train.parquet"]
    before = api.dataset_info("ann/folder").sha
    api.upload_folder(folder_path=tmp_path, repo_id="ann/folder", repo_type="dataset")
    assert api.dataset_info("ann/folder").sha == before
    api.upload_folder(
        folder_path=tmp_path / "data",
        path_in_repo="more",
        repo_id="ann/folder",
        repo_type="dataset",
        delete_patterns="*.parquet",
    )
    api.delete_folder("data", repo_id="ann/folder", repo_type="dataset")
    files = api.list_repo_files("ann/folder", repo_type="dataset")
    assert sorted(files) == [".gitattributes", ".gitignore", "README.md", "more/train.parquet"]


def test_files_and_folders_are_deleted(server):
    """delete_file and delete_folder; what is not there is named in the error."""
    api = server.api(server.user("ann"))
    api.create_repo("ann/gone")
    api.create_commit(
        "ann/gone", [CommitOperationAdd(p, b"x") for p in ("a", "d/b", "d/e/c")], commit_message="Put files"
    )
    api.delete_file("a", "ann/gone")
    api.delete_folder("d/e", "ann/gone")
    assert sorted(api.list_repo_files("ann/gone")) == [".gitattributes", "d/b"]
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        api.delete_file("a", "ann/gone")


def test_a_stale_parent_is_refused_and_no_parent_means_the_newest(server):
    """parent_commit guards against losing somebody else's change; without it the commit lands on top."""
    api = server.api(server.user("ann"))
    api.create_repo("ann/stale")
    first = api.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id="ann/stale")
    second = api.upload_file(path_or_fileobj=b"2", path_in_repo="a", repo_id="ann/stale")
    with pytest.raises(HfHubHTTPError, match="updated since you opened this page") as refused:
        api.upload_file(path_or_fileobj=b"3", path_in_repo="b", repo_id="ann/stale", parent_commit=first.oid)
    assert refused.value.response.status_code == 412
    third = api.upload_file(path_or_fileobj=b"3", path_in_repo="b", repo_id="ann/stale", parent_commit=second.oid[:8])
    assert api.model_info("ann/stale").sha == third.oid


def test_who_may_not_write_is_told_what_they_may_do(server):
    """A stranger gets 403 on a public repo, "not found" on a private one; nobody signed in gets 401."""
    api, bob = server.api(server.user("ann")), server.api(server.user("bob"))
    api.create_repo("ann/open")
    api.create_repo("ann/closed", private=True)
    with pytest.raises(HfHubHTTPError, match="rights required") as refused:
        bob.upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id="ann/open")
    assert refused.value.response.status_code == 403
    with pytest.raises(RepositoryNotFoundError):
        bob.upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id="ann/closed")
    with pytest.raises(HfHubHTTPError) as unknown:
        server.api().upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id="ann/open")
    assert unknown.value.response.status_code == 401


def test_an_evaluation_file_that_does_not_validate_is_refused_with_its_problems(server, benchmark):
    """The commit fails as a whole, the ref stays, and the message names file, line and remedy."""
    api = server.api(server.user("ann"))
    api.create_repo("ann/scores")
    before = api.model_info("ann/scores").sha
    with pytest.raises(BadRequestError, match=r"\.eval_results/sums\.yaml:3:.*smus.*unknown-task"):
        api.create_commit(
            "ann/scores",
            [
                CommitOperationAdd(".eval_results/sums.yaml", result(0.5, task="smus")),
                CommitOperationAdd("notes.md", b"# Scores"),
            ],
            commit_message="Report",
        )
    assert api.model_info("ann/scores").sha == before


def test_branches_and_tags_come_and_go(server):
    """create_branch, delete_branch, create_tag, delete_tag with their errors."""
    api = server.api(server.user("ann"))
    api.create_repo("ann/refs")
    first = api.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id="ann/refs")
    api.create_branch("ann/refs", branch="try/one")
    api.create_branch("ann/refs", branch="old", revision=first.oid[:7])
    api.create_branch("ann/refs", branch="old", exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="Reference refs/heads/old already exists"):
        api.create_branch("ann/refs", branch="old")
    api.upload_file(path_or_fileobj=b"2", path_in_repo="a", repo_id="ann/refs", revision="try/one")
    api.create_tag("ann/refs", tag="v1", tag_message="First")
    api.create_tag("ann/refs", tag="v2", revision="try/one")
    with pytest.raises(HfHubHTTPError) as taken:
        api.create_tag("ann/refs", tag="v1")
    assert taken.value.response.status_code == 409
    with pytest.raises(RevisionNotFoundError):
        api.create_tag("ann/refs", tag="v3", revision="nowhere")
    with pytest.raises(HfHubHTTPError) as bad:
        api.create_tag("ann/refs", tag="no..pe")
    assert bad.value.response.status_code == 400
    refs = api.list_repo_refs("ann/refs")
    assert {b.name for b in refs.branches} == {"main", "try/one", "old"}
    assert {t.name: t.target_commit for t in refs.tags}["v1"] == first.oid
    api.delete_tag("ann/refs", tag="v1")
    api.delete_branch("ann/refs", branch="try/one")
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag("ann/refs", tag="v1")
    with pytest.raises(HfHubHTTPError, match="Cannot delete refs/heads/main"):
        api.delete_branch("ann/refs", branch="main")
    with pytest.raises(HfHubHTTPError, match="Invalid rev id: v2"):
        api.delete_branch("ann/refs", branch="v2")


def test_a_history_is_squashed_and_its_files_stay(server):
    """super_squash_history leaves one commit; tags keep what they name."""
    api = server.api(server.user("ann"))
    api.create_repo("ann/squash")
    for number in range(3):
        last = api.upload_file(path_or_fileobj=b"%d" % number, path_in_repo="a", repo_id="ann/squash")
    api.create_tag("ann/squash", tag="before")
    api.super_squash_history("ann/squash", commit_message="All in one")
    assert [c.title for c in api.list_repo_commits("ann/squash")] == ["All in one"]
    assert api.list_repo_commits("ann/squash", revision="before")[0].commit_id == last.oid
    assert sorted(api.list_repo_files("ann/squash")) == [".gitattributes", "a"]
    with pytest.raises(BadRequestError, match="tag"):
        api.super_squash_history("ann/squash", branch="before")
    with pytest.raises(RevisionNotFoundError):
        api.super_squash_history("ann/squash", branch="nowhere")


def test_hf_upload_reports_a_score_in_one_command(server, benchmark, tmp_path):
    """`hf upload` of one results file puts the model on the board at once."""
    token = server.user("cli-ann")
    server.api(token).create_repo("cli-ann/tiny")
    (tmp_path / "sums.yaml").write_bytes(result(0.71))
    done = server.run("hf", "upload", "cli-ann/tiny", tmp_path / "sums.yaml", ".eval_results/sums.yaml", token=token)
    assert done.returncode == 0, done.stderr
    board = server.api().get_dataset_leaderboard(benchmark)
    assert [(e.model_id, e.value) for e in board if e.model_id == "cli-ann/tiny"] == [("cli-ann/tiny", 0.71)]


OLD_CLIENT = """
import json, sys
import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.utils import HfHubHTTPError

assert huggingface_hub.__version__.split(".")[0] == "1", huggingface_hub.__version__
api = HfApi()
repo = "old-ann/old"
api.create_repo(repo)
files = [CommitOperationAdd("a/x.bin", bytes(300_000)), CommitOperationAdd("b", b"b")]
made = api.create_commit(repo, files, commit_message="Add")
again = api.upload_file(path_or_fileobj=bytes(300_000), path_in_repo="a/x.bin", repo_id=repo)
assert again.oid == made.oid
api.create_commit(repo, [CommitOperationCopy("b", "c"), CommitOperationDelete("a/")],
                  commit_message="Copy and delete")
api.upload_folder(folder_path=sys.argv[1], repo_id=repo, path_in_repo="folder")
api.delete_file("b", repo)
api.delete_folder("folder", repo)
api.create_branch(repo, branch="dev/x")
api.create_tag(repo, tag="v1", tag_message="one")
pull = api.upload_file(path_or_fileobj=b"pr", path_in_repo="pr.txt", repo_id=repo, create_pr=True)
assert pull.pr_num == 1, pull
second = api.upload_folder(folder_path=sys.argv[1], repo_id=repo, create_pr=True, commit_message="A folder")
assert second.pr_url, second
details = api.get_discussion_details(repo, 1)
assert details.status == "open" and "pr.txt" in details.diff
api.comment_discussion(repo, 1, comment="Looks **good**")
api.merge_pull_request(repo, 1, comment="Thanks")
assert api.get_discussion_details(repo, 1).status == "merged"
talk = api.create_discussion(repo, title="A question", description="Why?")
said = api.comment_discussion(repo, talk.num, comment="Because")
assert api.edit_discussion_comment(repo, talk.num, said.id, new_content="Because!").edited
assert api.hide_discussion_comment(repo, talk.num, said.id).hidden
api.rename_discussion(repo, talk.num, new_title="An answer")
api.change_discussion_status(repo, talk.num, new_status="closed", comment="Done")
api.super_squash_history(repo)
try:
    api.upload_file(path_or_fileobj=b"- nonsense", path_in_repo=".eval_results/x.yaml", repo_id=repo)
except HfHubHTTPError as error:
    refused = str(error)
print(json.dumps({"files": sorted(api.list_repo_files(repo)), "refused": refused,
                  "discussions": [[d.num, d.title, d.status] for d in api.get_repo_discussions(repo)]}))
"""


@pytest.mark.load
def test_huggingface_hub_1_writes_everything_too(server, old_python, tmp_path):
    """The newest 1.x does the same in one long story: commits, folders, refs, pull requests, discussions."""
    token = server.user("old-ann")
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "one.txt").write_text("1")
    (tmp_path / "up" / "two.bin").write_bytes(bytes(1000))
    script = tmp_path / "story.py"
    script.write_text(textwrap.dedent(OLD_CLIENT))
    done = server.run(old_python, script, tmp_path / "up", token=token, timeout_s=100)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["files"] == [".gitattributes", "c", "pr.txt"]
    assert told["discussions"][0] == [3, "An answer", "closed"]
    assert told["discussions"][1][0] == 2
    assert told["discussions"][2][2] == "merged"
    assert ".eval_results/x.yaml:1" in told["refused"]
