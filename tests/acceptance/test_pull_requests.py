"""Pull requests and discussions as huggingface_hub, `hf` and git see them, with the boards that follow."""

import subprocess

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.community import DiscussionComment, DiscussionCommit, DiscussionStatusChange, DiscussionTitleChange
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RevisionNotFoundError

from evalcommons.core.ids import RepoId, RepoKind

EVAL_YAML = b"""\
name: Tiny products
description: Products of two digits
evaluation_framework: lighteval
tasks:
  - id: products
"""


def result(value: object) -> bytes:
    return f"- dataset:\n    id: prod-lab/products\n    task_id: products\n  value: {value}\n".encode()


@pytest.fixture(scope="module")
def benchmark(server):
    """prod-lab/products, a benchmark on this hub."""
    api = server.api(server.user("prod-lab"))
    api.create_repo("prod-lab/products", repo_type="dataset")
    api.upload_file(
        path_or_fileobj=EVAL_YAML, path_in_repo="eval.yaml", repo_id="prod-lab/products", repo_type="dataset"
    )
    return "prod-lab/products"


@pytest.fixture
def board(server, benchmark):
    """board("ann/tiny") -> [(value, pull request)] of that model's rows."""

    def rows(model: str):
        found = server.api().get_dataset_leaderboard(benchmark)
        return [(e.value, getattr(e, "pull_request", None)) for e in found if e.model_id == model]

    return rows


def test_a_community_report_lives_and_dies_with_its_pull_request(server, board):
    """Open: on the board, marked with its number. Closed: off. Reopened: back. Merged: the author's."""
    ann, bob = server.api(server.user("ann")), server.api(server.user("bob"))
    ann.create_repo("ann/tiny")
    opened = bob.create_commit(
        "ann/tiny",
        [CommitOperationAdd(".eval_results/products.yaml", result(0.61))],
        commit_message="Report products",
        commit_description="Measured on one GPU",
        create_pr=True,
    )
    assert opened.pr_url == f"{server.url}/ann/tiny/discussions/1"
    assert opened.pr_num == 1
    assert board("ann/tiny") == [(0.61, 1)]
    assert ann.model_info("ann/tiny").sha != opened.oid

    ann.change_discussion_status("ann/tiny", 1, new_status="closed", comment="Which settings?")
    assert board("ann/tiny") == []
    bob.change_discussion_status("ann/tiny", 1, new_status="open")
    assert board("ann/tiny") == [(0.61, 1)]

    bob.create_commit(
        "ann/tiny",
        [CommitOperationAdd(".eval_results/products.yaml", result(0.62))],
        commit_message="Correct the value",
        revision="refs/pr/1",
    )
    assert board("ann/tiny") == [(0.62, 1)]

    ann.merge_pull_request("ann/tiny", 1, comment="Thank you")
    assert board("ann/tiny") == [(0.62, None)]
    details = ann.get_discussion_details("ann/tiny", 1)
    assert details.status == "merged"
    assert details.merge_commit_oid == ann.model_info("ann/tiny").sha
    assert details.target_branch == "refs/heads/main"
    history = ann.list_repo_commits("ann/tiny")
    assert [(c.title, c.authors) for c in history[:1]] == [("Report products (#1)", ["bob"])]
    told = [type(e) for e in details.events]
    assert told == [
        DiscussionComment,
        DiscussionCommit,
        DiscussionComment,
        DiscussionStatusChange,
        DiscussionStatusChange,
        DiscussionCommit,
        DiscussionComment,
        DiscussionStatusChange,
    ]
    assert details.events[0].content == "Measured on one GPU"
    assert "+  value: 0.62" in details.diff
    with pytest.raises(BadRequestError, match="merged"):
        ann.change_discussion_status("ann/tiny", 1, new_status="open")


def test_hf_upload_opens_a_draft_that_counts_and_can_be_merged_once_it_is_open(server, board, tmp_path):
    """`hf upload --create-pr` reports a score; the draft has to be opened before it is merged."""
    ann, token = server.api(server.user("ann")), server.user("cleo")
    ann.create_repo("ann/draft")
    (tmp_path / "products.yaml").write_bytes(result(0.4))
    done = server.run("hf", "upload", "ann/draft", tmp_path, ".eval_results", "--create-pr", token=token)
    assert done.returncode == 0, done.stderr
    assert board("ann/draft") == [(0.4, 1)]
    details = ann.get_discussion_details("ann/draft", 1)
    if details.status == "draft":
        with pytest.raises(BadRequestError, match="draft: change its status to open"):
            ann.merge_pull_request("ann/draft", 1)
        ann.change_discussion_status("ann/draft", 1, new_status="open")
    ann.merge_pull_request("ann/draft", 1)
    assert board("ann/draft") == [(0.4, None)]


def test_an_empty_draft_stands_where_main_stands(server):
    """create_pull_request gives a draft whose ref is main's head; commits to it show in its diff."""
    ann, bob = server.api(server.user("ann")), server.api(server.user("bob"))
    ann.create_repo("ann/empty", repo_type="dataset")
    pull = bob.create_pull_request("ann/empty", "Add a file", repo_type="dataset", description="soon")
    assert (pull.status, pull.git_reference, pull.conflicting_files) == ("draft", "refs/pr/1", [])
    assert pull.diff == ""
    assert bob.get_discussion_details("ann/empty", 1, repo_type="dataset") == pull
    bob.upload_file(
        path_or_fileobj=b"hello\n", path_in_repo="a.txt", repo_id="ann/empty", repo_type="dataset", revision="refs/pr/1"
    )
    assert "+hello" in bob.get_discussion_details("ann/empty", 1, repo_type="dataset").diff
    assert bob.list_repo_files("ann/empty", repo_type="dataset", revision="refs/pr/1") == [".gitattributes", "a.txt"]
    ann.change_discussion_status("ann/empty", 1, new_status="open", repo_type="dataset")
    ann.merge_pull_request("ann/empty", 1, repo_type="dataset")
    assert ann.list_repo_files("ann/empty", repo_type="dataset") == [".gitattributes", "a.txt"]


def test_a_conflict_is_named_and_not_merged(server):
    """Two changes of one line: the details list the file, the merge is a 400 that says what to do."""
    ann, bob = server.api(server.user("ann")), server.api(server.user("bob"))
    ann.create_repo("ann/conflict")
    ann.upload_file(path_or_fileobj=b"one\n", path_in_repo="a.txt", repo_id="ann/conflict")
    for who, text in ((bob, b"bob's\n"), (bob, b"another\n")):
        who.upload_file(path_or_fileobj=text, path_in_repo="a.txt", repo_id="ann/conflict", create_pr=True)
    ann.upload_file(path_or_fileobj=b"x\n", path_in_repo="b.txt", repo_id="ann/conflict")
    ann.merge_pull_request("ann/conflict", 1)
    assert ann.list_repo_files("ann/conflict") == [".gitattributes", "a.txt", "b.txt"]
    assert ann.get_discussion_details("ann/conflict", 2).conflicting_files == ["a.txt"]
    with pytest.raises(BadRequestError, match=r'"a.txt" changed on both sides'):
        ann.merge_pull_request("ann/conflict", 2)
    with pytest.raises(BadRequestError, match="merged"):
        ann.merge_pull_request("ann/conflict", 1)


def test_people_talk(server):
    """Discussions: open, comment, edit, hide, rename, close; lists with filters; numbers shared with pull requests."""
    ann, bob = server.api(server.user("ann")), server.api(server.user("bob"))
    ann.create_repo("ann/talk")
    talk = bob.create_discussion("ann/talk", "  Is this a percentage?  ", description="The card does not **say**.")
    assert (talk.num, talk.title, talk.status, talk.is_pull_request) == (1, "Is this a percentage?", "open", False)
    assert talk.events[0].rendered == "<p>The card does not <strong>say</strong>.</p>\n"
    said = ann.comment_discussion("ann/talk", 1, comment="A fraction. <script>alert(1)</script>")
    assert "<script" not in said.rendered
    edited = ann.edit_discussion_comment("ann/talk", 1, said.id, new_content="A fraction.")
    assert (edited.content, edited.edited, edited.number_of_edits) == ("A fraction.", True, 1)
    with pytest.raises(HfHubHTTPError, match="can edit it") as refused:
        bob.edit_discussion_comment("ann/talk", 1, said.id, new_content="No")
    assert refused.value.response.status_code == 403
    rude = bob.comment_discussion("ann/talk", 1, comment="Rude words")
    with pytest.warns(UserWarning, match="irreversible"):
        hidden = ann.hide_discussion_comment("ann/talk", 1, rude.id)
    assert hidden.hidden
    assert "Rude" not in str(ann.get_discussion_details("ann/talk", 1))
    renamed = bob.rename_discussion("ann/talk", 1, new_title="Fraction or percentage?")
    assert isinstance(renamed, DiscussionTitleChange)
    assert (renamed.old_title, renamed.new_title) == ("Is this a percentage?", "Fraction or percentage?")
    closed = ann.change_discussion_status("ann/talk", 1, new_status="closed")
    assert closed.new_status == "closed"
    pull = bob.create_pull_request("ann/talk", "Say it in the card")
    assert pull.num == 2
    third = ann.create_discussion("ann/talk", "Another one")

    def nums(**filters):
        return [d.num for d in ann.get_repo_discussions("ann/talk", **filters)]

    assert nums() == [third.num, 2, 1]
    assert nums(discussion_type="pull_request") == [2]
    assert nums(discussion_type="discussion") == [3, 1]
    assert nums(discussion_status="open") == [3, 2]
    assert nums(discussion_status="closed") == [1]
    assert nums(author="bob") == [2, 1]
    with pytest.raises(HfHubHTTPError, match="no discussion or pull request 9"):
        ann.get_discussion_details("ann/talk", 9)
    with pytest.raises(BadRequestError, match="3 to 200 characters"):
        ann.create_discussion("ann/talk", "No")


def test_a_long_list_comes_in_pages(server):
    """More discussions than a page holds are all found, newest first."""
    ann = server.api(server.user("ann"))
    ann.create_repo("ann/many")
    owner, repo_id = server.hub.accounts.actor("ann"), RepoId.parse(RepoKind.MODEL, "ann/many")
    for number in range(53):
        server.hub.discussions.create(owner, repo_id, f"Question {number}", "Why?")
    assert [d.num for d in ann.get_repo_discussions("ann/many")] == list(range(53, 0, -1))


def test_only_its_author_and_the_writers_commit_to_a_pull_request(server):
    """Somebody else gets 403; nobody commits to a closed one; an unknown one is an unknown revision."""
    ann, bob, eve = (server.api(server.user(name)) for name in ("ann", "bob", "eve"))
    ann.create_repo("ann/theirs")
    bob.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id="ann/theirs", create_pr=True)
    with pytest.raises(HfHubHTTPError, match="Only bob"):
        eve.upload_file(path_or_fileobj=b"2", path_in_repo="a", repo_id="ann/theirs", revision="refs/pr/1")
    ann.upload_file(path_or_fileobj=b"3", path_in_repo="a", repo_id="ann/theirs", revision="refs/pr/1")
    with pytest.raises(HfHubHTTPError, match="Only bob"):
        eve.change_discussion_status("ann/theirs", 1, new_status="closed")
    with pytest.raises(HfHubHTTPError, match="rights required"):
        bob.merge_pull_request("ann/theirs", 1)
    bob.change_discussion_status("ann/theirs", 1, new_status="closed")
    with pytest.raises(BadRequestError, match="reopen it"):
        bob.upload_file(path_or_fileobj=b"4", path_in_repo="a", repo_id="ann/theirs", revision="refs/pr/1")
    with pytest.raises(RevisionNotFoundError):
        bob.upload_file(path_or_fileobj=b"4", path_in_repo="a", repo_id="ann/theirs", revision="refs/pr/7")


def test_git_fetches_what_a_pull_request_proposes(server, tmp_path):
    """`git fetch origin refs/pr/1` brings the pull request's commit."""
    ann, bob = server.api(server.user("ann")), server.api(server.user("bob"))
    ann.create_repo("ann/fetch")
    made = bob.upload_file(path_or_fileobj=b"pr", path_in_repo="a.txt", repo_id="ann/fetch", create_pr=True)
    clone = tmp_path / "clone"
    assert server.run("git", "clone", "-q", server.git_url("ann/fetch"), clone).returncode == 0
    fetched = server.run("git", "fetch", "-q", "origin", "refs/pr/1:pr", cwd=clone)
    assert fetched.returncode == 0, fetched.stderr
    tip = subprocess.run(["git", "rev-parse", "pr"], cwd=clone, capture_output=True, text=True, check=True)
    assert tip.stdout.strip() == made.oid
