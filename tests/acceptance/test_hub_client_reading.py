"""What huggingface_hub, `hf` and datasets read: info, lists, trees, files, ranges, and the errors in between."""

import importlib.util
import json
import struct
import textwrap

import pytest
from huggingface_hub import HfApi, HfFileSystem, ModelCard, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

CARD = b"""---
license: mit
language: en
tags: [chat]
pipeline_tag: text-generation
base_model: acme/base
---
# Tiny
"""
RESULT = b"""- dataset:
    id: acme/sums
    task_id: sums
  value: 0.5
  source:
    url: https://example.org/paper
"""
WEIGHTS_HEADER = json.dumps({"w": {"dtype": "BF16", "shape": [3, 4], "data_offsets": [0, 24]}}).encode()
WEIGHTS = struct.pack("<Q", len(WEIGHTS_HEADER)) + WEIGHTS_HEADER + b"\0" * 24


@pytest.fixture(scope="module")
def tiny(server) -> HfApi:
    """acme/tiny, a model with a card, results, weights and folders; a client of its owner."""
    api = server.api(server.user("acme"))
    api.create_repo("acme/tiny")
    for path, data in {
        "README.md": CARD,
        "config.json": b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}',
        "data/one.txt": b"one",
        "data/deep/two.txt": b"0123456789" * 100,
        "ünï côdé.txt": b"u",
        ".eval_results/sums.yaml": RESULT,
        "model.safetensors": WEIGHTS,
    }.items():
        api.upload_file(path_or_fileobj=data, path_in_repo=path, repo_id="acme/tiny")
    return api


@pytest.fixture
def large(server, tiny) -> bytes:
    """big.bin in acme/tiny, kept as a large file."""
    import hashlib

    data = bytes(range(256)) * 20_000
    row = server.hub.repos.open(server.hub.accounts.actor("acme"), _model("acme/tiny")).row
    sha256 = hashlib.sha256(data).hexdigest()
    server.hub.large_files.add(row, sha256, [data])
    lines = [
        {"key": "header", "value": {"summary": "Large", "description": ""}},
        {"key": "lfsFile", "value": {"path": "big.bin", "algo": "sha256", "oid": sha256, "size": len(data)}},
    ]
    server.hub.commits.commit(
        server.hub.accounts.actor("acme"), row.repo_id, "main", [json.dumps(line).encode() for line in lines]
    )
    return data


def _model(name: str):
    from evalcommons.core.ids import RepoId, RepoKind

    return RepoId.parse(RepoKind.MODEL, name)


# --- info -------------------------------------------------------------------------------------------------------------


def test_model_info_says_what_the_repo_holds(server, tiny):
    """Card, tags, weights, files and the pinned commit, as the client's own classes."""
    info = server.api().model_info("acme/tiny", files_metadata=True)
    assert (info.id, info.author, info.private, info.gated) == ("acme/tiny", "acme", False, False)
    assert info.card_data.license == "mit"
    assert {"chat", "en", "license:mit", "base_model:acme/base", "safetensors"} <= set(info.tags)
    assert (info.pipeline_tag, info.library_name) == ("text-generation", "transformers")
    assert info.config == {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
    assert (info.safetensors.total, info.safetensors.parameters) == (12, {"BF16": 12})
    assert info.used_storage > 1000
    assert info.last_modified >= info.created_at
    sizes = {sibling.rfilename: sibling.size for sibling in info.siblings}
    assert sizes["data/deep/two.txt"] == 1000
    assert server.api().model_info("acme/tiny", revision=info.sha).sha == info.sha
    assert server.api().repo_info("acme/tiny").sha == info.sha
    assert ModelCard.load(hf_hub_download("acme/tiny", "README.md", endpoint=server.url)).data.license == "mit"


def test_expand_gives_results_and_only_what_was_asked_for(server, tiny):
    """`evalResults` parse into the client's EvalResultEntry."""
    info = server.api().model_info("acme/tiny", expand=["evalResults", "baseModels", "childrenModelCount", "likes"])
    assert [(e.dataset_id, e.task_id, e.value) for e in info.eval_results] == [("acme/sums", "sums", 0.5)]
    assert info.base_models == {"models": [{"id": "acme/base"}]}
    assert info.children_model_count == 0
    assert info.sha is None
    assert info.siblings is None
    with pytest.raises(BadRequestError, match='expected one of "author"'):
        server.api().model_info("acme/tiny", expand=["nonsense"])


def test_every_property_the_client_knows_can_be_asked_for(server, tiny):
    """None of the names in its type answers an error."""
    from typing import get_args

    from huggingface_hub import hf_api

    tiny.create_repo("acme/words", repo_type="dataset", exist_ok=True)
    assert server.api().model_info("acme/tiny", expand=list(get_args(hf_api.ExpandModelProperty_T))).tags
    info = server.api().dataset_info("acme/words", expand=list(get_args(hf_api.ExpandDatasetProperty_T)))
    assert info.private is False
    assert next(iter(server.api().list_models(expand=list(get_args(hf_api.ExpandModelProperty_T))))).tags is not None


def test_a_revision_that_is_not_there_is_told_as_such(server, tiny):
    """RevisionNotFoundError, for info, trees, files and downloads."""
    api = server.api()
    for ask in (
        lambda: api.model_info("acme/tiny", revision="nope"),
        lambda: list(api.list_repo_tree("acme/tiny", revision="nope")),
        lambda: api.get_paths_info("acme/tiny", ["a"], revision="refs/pr/99"),
        lambda: api.list_repo_commits("acme/tiny", revision="nope"),
        lambda: hf_hub_download("acme/tiny", "README.md", revision="nope", endpoint=server.url),
        lambda: snapshot_download("acme/tiny", revision="nope", endpoint=server.url),
    ):
        with pytest.raises(RevisionNotFoundError):
            ask()
    assert not api.revision_exists("acme/tiny", "nope")
    assert api.revision_exists("acme/tiny", "main")


def test_a_missing_repo_and_a_hidden_one_are_the_same_error(server, tiny):
    """RepositoryNotFoundError; `repo_exists` says no."""
    owner = server.api(server.user("hide"))
    owner.create_repo("hide/secret", private=True)
    stranger = server.api(server.user("stranger"))
    for api in (server.api(), stranger):
        for name in ("hide/secret", "hide/none", "gpt2"):
            with pytest.raises(RepositoryNotFoundError):
                api.model_info(name)
            with pytest.raises(RepositoryNotFoundError):
                api.auth_check(name)
            assert not api.repo_exists(name)
            assert not api.file_exists(name, "README.md")
        with pytest.raises(RepositoryNotFoundError):
            hf_hub_download("hide/secret", "README.md", endpoint=server.url, token=api.token)
    assert owner.repo_exists("hide/secret")
    assert owner.model_info("hide/secret").private


# --- lists ------------------------------------------------------------------------------------------------------------


def test_lists_are_filtered_sorted_and_followed_over_pages(server):
    """Every filter the client has a word for."""
    api = server.api(server.user("lister"))
    for number in range(5):
        name = f"lister/m{number}"
        api.create_repo(name)
        card = f"---\ntags: [batch]\npipeline_tag: fill-mask\ndatasets: [acme/sums]\nnum_parameters: {number}B\n---\n"
        api.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md", repo_id=name)

    def names(**given) -> list[str]:
        return [model.id for model in api.list_models(author="lister", **given)]

    assert names(sort="created_at") == [f"lister/m{n}" for n in (4, 3, 2, 1, 0)]
    assert len(names(filter=["batch", "dataset:acme/sums"])) == 5
    assert len(names(trained_dataset="acme/sums", pipeline_tag="fill-mask")) == 5
    assert names(filter="nothing") == []
    assert names(search="M3") == ["lister/m3"]
    assert set(names(num_parameters="min:2B,max:3B")) == {"lister/m2", "lister/m3"}
    assert names(gated=True) == []
    assert len(names(limit=2)) == 2
    from huggingface_hub.utils import paginate

    paged = [m["id"] for m in paginate(f"{server.url}/api/models", {"author": "lister", "limit": 2}, {})]
    assert sorted(paged) == [f"lister/m{n}" for n in range(5)]
    plain, full = (next(iter(api.list_models(author="lister", **kw))) for kw in ({}, {"full": True, "cardData": True}))
    assert plain.card_data is None
    assert plain.siblings is None
    assert full.card_data.pipeline_tag == "fill-mask"
    assert full.siblings
    assert next(iter(api.list_models(sort="trending_score"))).trending_score is not None
    with pytest.raises(HfHubHTTPError, match="cannot be filtered"):
        list(api.list_models(inference="warm"))


def test_official_benchmarks_are_listed(server):
    """`list_datasets(benchmark="official")` and `hf datasets ls --filter benchmark:official`."""
    api = server.api(server.user("bench"))
    api.create_repo("bench/sums", repo_type="dataset")
    eval_yaml = b"name: Sums\ndescription: d\nevaluation_framework: lighteval\ntasks:\n  - id: sums\n"
    api.upload_file(path_or_fileobj=eval_yaml, path_in_repo="eval.yaml", repo_id="bench/sums", repo_type="dataset")
    assert list(api.list_datasets(benchmark="official")) == []
    from evalcommons.core.ids import RepoId, RepoKind

    server.hub.evals.approve(RepoId.parse(RepoKind.DATASET, "bench/sums"), official=True)
    found = list(api.list_datasets(benchmark=True))
    assert [dataset.id for dataset in found] == ["bench/sums"]
    assert "benchmark:official" in found[0].tags
    run = server.run("hf", "datasets", "ls", "--filter", "benchmark:official", "--no-truncate")
    assert "bench/sums" in run.stdout, run.stderr


def test_results_of_many_models_come_in_one_list(server, tiny):
    """`list_models(expand=["evalResults"])` parses for every model, with results or without."""
    found = {model.id: model.eval_results for model in server.api().list_models(expand=["evalResults"])}
    assert [entry.value for entry in found["acme/tiny"]] == [0.5]


def test_spaces_are_not_kept_here(server):
    """An empty list, no info, and a sentence when somebody wants to make one."""
    api = server.api(server.user("spacer"))
    assert list(api.list_spaces()) == []
    with pytest.raises(RepositoryNotFoundError):
        api.space_info("spacer/app")
    with pytest.raises(HfHubHTTPError, match="Spaces are not supported on this hub"):
        api.create_repo("spacer/app", repo_type="space", space_sdk="gradio")


def test_own_repos_are_listed_with_their_sizes(server):
    """`hf repos ls`."""
    api = server.api(server.user("sizer"))
    api.create_repo("sizer/a")
    api.create_repo("sizer/b", repo_type="dataset", private=True)
    found = {repo.id: repo for repo in api.list_user_repos()}
    assert found.keys() == {"sizer/a", "sizer/b"}
    assert found["sizer/b"].visibility == "private"


# --- trees, refs, history ---------------------------------------------------------------------------------------------


def test_trees_and_paths_are_read(server, tiny, large):
    """Files, folders, large files, last commits; recursive and not."""
    api = server.api()
    top = {item.path: item for item in api.list_repo_tree("acme/tiny")}
    assert top.keys() >= {"README.md", "data", "ünï côdé.txt"}
    assert "data/one.txt" not in top
    every = {item.path: item for item in api.list_repo_tree("acme/tiny", recursive=True, expand=True)}
    assert {"data", "data/deep", "data/deep/two.txt"} <= every.keys()
    assert every["data/deep/two.txt"].last_commit.title
    assert every["big.bin"].lfs.size == every["big.bin"].size == len(large)
    assert [item.path for item in api.list_repo_tree("acme/tiny", "data/deep")] == ["data/deep/two.txt"]
    found = api.get_paths_info("acme/tiny", ["data", "README.md", "ünï côdé.txt", "nope"], expand=True)
    assert [item.path for item in found] == ["data", "README.md", "ünï côdé.txt"]
    assert "data/one.txt" in api.list_repo_files("acme/tiny")
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree("acme/tiny", "nope"))


def test_refs_and_history_are_read(server, tiny):
    """Branches, tags, pull requests; commits newest first."""
    tiny.create_branch("acme/tiny", branch="side/one", exist_ok=True)
    tiny.create_tag("acme/tiny", tag="v1", exist_ok=True)
    refs = server.api().list_repo_refs("acme/tiny", include_pull_requests=True)
    assert {"main", "side/one"} <= {ref.name for ref in refs.branches}
    assert [ref.name for ref in refs.tags] == ["v1"]
    assert refs.pull_requests == []
    commits = server.api().list_repo_commits("acme/tiny", formatted=True)
    assert commits[-1].title == "initial commit"
    assert commits[0].authors == ["acme"]
    assert commits[0].formatted_title
    assert server.api().model_info("acme/tiny", revision="side/one").sha
    assert server.api().model_info("acme/tiny", revision=commits[-1].commit_id[:7]).sha == commits[-1].commit_id


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_are_downloaded_and_cached(server, tiny, large, tmp_path):
    """Small, large, in folders, with strange names; a second time nothing is fetched."""
    given = {"endpoint": server.url, "cache_dir": tmp_path, "token": False}
    from pathlib import Path

    assert Path(hf_hub_download("acme/tiny", "data/deep/two.txt", **given)).read_bytes() == b"0123456789" * 100
    assert Path(hf_hub_download("acme/tiny", "ünï côdé.txt", **given)).read_bytes() == b"u"
    assert Path(hf_hub_download("acme/tiny", "big.bin", **given)).read_bytes() == large
    folder = Path(snapshot_download("acme/tiny", **given))
    assert (folder / "big.bin").read_bytes() == large
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(
        server.api().list_repo_files("acme/tiny")
    )
    local = tmp_path / "here"
    snapshot_download("acme/tiny", local_dir=local, allow_patterns=["data/*"], endpoint=server.url, token=False)
    assert sorted(path.name for path in (local / "data").rglob("*.txt")) == ["one.txt", "two.txt"]


def test_a_download_goes_on_where_it_was_broken_off(server, tiny, large, tmp_path):
    """The client asks for the rest by Range."""
    from huggingface_hub.file_download import hf_hub_url, http_get

    target = tmp_path / "part"
    with target.open("wb") as file:
        file.write(large[:1_000_000])
        url = hf_hub_url("acme/tiny", "big.bin", endpoint=server.url)
        http_get(url, file, resume_size=1_000_000, headers={}, expected_size=len(large))
    assert target.read_bytes() == large


def test_a_missing_file_is_told_as_such(server, tiny, tmp_path):
    """RemoteEntryNotFoundError, remembered by the cache; `file_exists` says no."""
    given = {"endpoint": server.url, "cache_dir": tmp_path, "token": False}
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download("acme/tiny", "nope.txt", **given)
    assert list(tmp_path.rglob(".no_exist/*/nope.txt"))
    assert not server.api().file_exists("acme/tiny", "nope.txt")
    assert server.api().file_exists("acme/tiny", "data/one.txt")
    meta = server.api().get_hf_file_metadata(url=f"{server.url}/acme/tiny/resolve/main/README.md")
    assert (meta.size, meta.commit_hash) == (len(CARD), server.api().model_info("acme/tiny").sha)


def test_safetensors_metadata_is_read_by_ranges(server, tiny):
    """Only the header travels."""
    metadata = server.api().get_safetensors_metadata("acme/tiny")
    assert metadata.parameter_count == {"BF16": 12}


def test_the_file_system_reads_ranges(server, tiny, large, tmp_path):
    """fsspec over the hub: listing, walking, seeking."""
    fs = HfFileSystem(endpoint=server.url, token=False, skip_instance_cache=True)
    assert "acme/tiny/data/one.txt" in fs.find("acme/tiny")
    assert sorted(fs.glob("acme/tiny/data/**/*.txt")) == ["acme/tiny/data/deep/two.txt", "acme/tiny/data/one.txt"]
    with fs.open("acme/tiny/big.bin", "rb", block_size=1000) as file:
        file.seek(1_234_567)
        assert file.read(100) == large[1_234_567:1_234_667]
        file.seek(-5, 2)
        assert file.read() == large[-5:]
    assert fs.cat_file("acme/tiny@main/data/deep/two.txt", start=8, end=12) == b"8901"
    assert fs.info("acme/tiny/data")["type"] == "directory"
    assert not fs.exists("acme/tiny/none")
    with pytest.raises(FileNotFoundError):
        fs.open("acme/tiny/none", "rb")


def test_the_hf_command_downloads(server, tiny):
    """`hf download` of a file and of a repo, in a program of its own."""
    run = server.run("hf", "download", "acme/tiny", "data/one.txt")
    assert run.returncode == 0, run.stderr
    run = server.run("hf", "download", "acme/tiny", "--local-dir", "whole", cwd=server.home)
    assert run.returncode == 0, run.stderr
    assert (server.home / "whole" / "data" / "one.txt").read_bytes() == b"one"
    run = server.run("hf", "download", "acme/none")
    assert run.returncode != 0
    assert "Model 'acme/none' not found" in run.stderr


# --- gates and moves --------------------------------------------------------------------------------------------------


def test_a_gate_lets_in_who_was_granted_access(server, tmp_path):
    """Info stays readable; files raise GatedRepoError until access is granted."""
    owner, guest = server.api(server.user("gatekeeper")), server.api(server.user("guest"))
    given = {"endpoint": server.url, "cache_dir": tmp_path}
    owner.create_repo("gatekeeper/gated")
    owner.upload_file(path_or_fileobj=b"g", path_in_repo="g.txt", repo_id="gatekeeper/gated")
    owner.update_repo_settings("gatekeeper/gated", gated="manual")
    assert guest.model_info("gatekeeper/gated").gated == "manual"
    for api in (guest, server.api()):
        with pytest.raises(GatedRepoError):
            hf_hub_download("gatekeeper/gated", "g.txt", **given, token=api.token)
        with pytest.raises(GatedRepoError):
            api.auth_check("gatekeeper/gated")
    owner.grant_access("gatekeeper/gated", "guest")
    guest.auth_check("gatekeeper/gated")
    assert hf_hub_download("gatekeeper/gated", "g.txt", **given, token=guest.token)
    with pytest.raises(HfHubHTTPError, match="403"):
        guest.auth_check("gatekeeper/gated", write=True)
    owner.update_repo_settings("gatekeeper/gated", gated=False)
    server.api().auth_check("gatekeeper/gated")


def test_a_moved_repo_is_found_under_its_old_name(server, tmp_path):
    """Calls and files follow the redirect; a private one redirects nobody else."""
    api = server.api(server.user("mover"))
    api.create_repo("mover/old")
    api.upload_file(path_or_fileobj=b"m", path_in_repo="m.txt", repo_id="mover/old")
    api.create_repo("mover/other")
    with pytest.raises(HfHubHTTPError, match="A model repository called mover/other already exists"):
        api.move_repo("mover/old", "mover/other")
    api.move_repo("mover/old", "mover/new")
    assert server.api().model_info("mover/old").id == "mover/new"
    assert [item.path for item in server.api().list_repo_tree("mover/old")] == [".gitattributes", "m.txt"]
    assert server.api().get_paths_info("mover/old", ["m.txt"])[0].size == 1
    assert hf_hub_download("mover/old", "m.txt", endpoint=server.url, cache_dir=tmp_path, token=False)
    api.update_repo_settings("mover/new", private=True)
    with pytest.raises(RepositoryNotFoundError):
        server.api().model_info("mover/old")
    assert api.model_info("mover/old").id == "mover/new"


def test_creating_what_exists_is_fine_when_asked_to_be(server):
    """`exist_ok` and `missing_ok`."""
    api = server.api(server.user("again"))
    first = api.create_repo("again/x")
    assert api.create_repo("again/x", exist_ok=True) == first
    assert str(first) == f"{server.url}/again/x"
    with pytest.raises(HfHubHTTPError, match="You already created this model repo"):
        api.create_repo("again/x")
    stranger = server.api(server.user("other"))
    assert stranger.create_repo("again/x", exist_ok=True).repo_id == "again/x"
    with pytest.raises(HfHubHTTPError, match="403"):
        stranger.delete_repo("again/x")
    api.delete_repo("again/x")
    api.delete_repo("again/x", missing_ok=True)
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo("again/x")


# --- datasets ---------------------------------------------------------------------------------------------------------

LOAD = """
    from datasets import load_dataset, get_dataset_split_names
    from datasets.exceptions import DatasetNotFoundError
    data = load_dataset("words/numbers", split="test")
    assert data.num_rows == 3 and data[1] == {"n": 2, "word": "two"}, data[1]
    pinned = load_dataset("words/numbers", split="test", revision="main")
    assert pinned.num_rows == 3
    first = next(iter(load_dataset("words/numbers", split="train", streaming=True)))
    assert first == {"n": 1, "word": "one"}, first
    try:
        load_dataset("words/none")
    except DatasetNotFoundError:
        print("loaded")
"""


@pytest.mark.skipif(importlib.util.find_spec("datasets") is None, reason="needs the package datasets")
def test_datasets_loads_a_benchmark_s_questions(server):
    """`load_dataset`: whole, pinned and streamed; a missing one is DatasetNotFoundError."""
    api = server.api(server.user("words"))
    api.create_repo("words/numbers", repo_type="dataset")
    rows = "\n".join(json.dumps({"n": n, "word": word}) for n, word in ((1, "one"), (2, "two"), (3, "three")))
    for split in ("train", "test"):
        api.upload_file(
            path_or_fileobj=rows.encode(),
            path_in_repo=f"data/{split}.jsonl",
            repo_id="words/numbers",
            repo_type="dataset",
        )
    run = server.run("python", "-c", textwrap.dedent(LOAD), timeout_s=100)
    assert "loaded" in run.stdout, run.stderr[-3000:]
    assert server.api().dataset_info("words/numbers").siblings
