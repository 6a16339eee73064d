"""Info objects and lists: what they say, and to whom."""

import json
import struct

import orjson
import pytest

from evalcommons.core.access import ANONYMOUS, Need, Role, Scope, TokenRole
from evalcommons.core.errors import BadRequest, Forbidden, NotFound, NotSignedIn, RepoNotFound, RevisionNotFound
from evalcommons.core.ids import RepoKind
from evalcommons.services.catalogue import FULL, LISTED, Query

MODELS = RepoKind.MODEL
CARD = b"""---
license: mit
language: en
tags: [chat]
pipeline_tag: text-generation
base_model: acme/base
---
# Tiny
"""


def weights(count):
    text = json.dumps({"w": {"dtype": "BF16", "shape": [count], "data_offsets": [0, 0]}}).encode()
    return struct.pack("<Q", len(text)) + text


def as_sent(info):
    return json.loads(orjson.dumps(info))


def ids(hub, actor=ANONYMOUS, **given):
    given.setdefault("kind", MODELS)
    given.setdefault("names", LISTED[given["kind"]])
    return [item["id"] for item in hub.catalogue.listed(actor, Query(**given)).items]


def test_a_model_s_facts_come_from_its_card_and_files(hub, make_repo, commit_files):
    """Large files count too: the number of weights is read from the header of the large file itself."""
    row = make_repo("alice/tiny")
    sha = commit_files(
        row, {"README.md": CARD, "config.json": b'{"model_type": "llama"}'}, large={"model.safetensors": weights(42)}
    )
    info = as_sent(hub.catalogue.info(ANONYMOUS, row.repo_id))
    assert info["sha"] == sha
    assert info["safetensors"] == {"parameters": {"BF16": 42}, "total": 42}
    assert info["library_name"] == "transformers"
    assert info["pipeline_tag"] == "text-generation"
    assert info["cardData"]["license"] == "mit"
    assert {"chat", "license:mit", "base_model:acme/base", "safetensors", "llama"} <= set(info["tags"])
    assert [sibling["rfilename"] for sibling in info["siblings"]] == [
        ".gitattributes",
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    assert info["usedStorage"] > len(CARD)
    assert "evalResults" not in info


def test_another_revision_is_described_by_its_own_files(hub, make_repo, commit_files):
    """Card, tags and files are those of the commit, not those of main."""
    row = make_repo("alice/tiny")
    old = commit_files(row, {"README.md": CARD})
    commit_files(row, {"README.md": b"---\nlicense: apache-2.0\n---\n"})
    info = hub.catalogue.info(ANONYMOUS, row.repo_id, revision=old[:10])
    assert info["sha"] == old
    assert "license:mit" in as_sent(info)["tags"]
    with pytest.raises(RevisionNotFound):
        hub.catalogue.info(ANONYMOUS, row.repo_id, revision="nope")


def test_sizes_and_ids_of_files_are_told_when_asked_for(hub, make_repo, commit_files):
    """Here a large file's id is called sha256."""
    row = make_repo("alice/tiny")
    commit_files(row, {"a.txt": b"aaa"}, large={"w.bin": b"w" * 500})
    files = {s["rfilename"]: s for s in hub.catalogue.info(ANONYMOUS, row.repo_id, with_sizes=True)["siblings"]}
    assert files["a.txt"]["size"] == 3
    assert "lfs" not in files["a.txt"]
    assert files["w.bin"]["size"] == files["w.bin"]["lfs"]["size"] == 500
    assert len(files["w.bin"]["lfs"]["sha256"]) == 64
    assert files["w.bin"]["lfs"]["pointerSize"] < 200


def test_only_what_is_asked_for_is_said(hub, make_repo):
    """With names, an item has these and its id."""
    row = make_repo("alice/tiny")
    info = hub.catalogue.info(ANONYMOUS, row.repo_id, {"likes", "evalResults", "childrenModelCount", "gguf"})
    assert info == {"_id": row.uid, "id": "alice/tiny", "likes": 0, "evalResults": [], "childrenModelCount": 0}


def test_lists_filter_by_everything_at_once(hub, make_repo, commit_files):
    """All filters must hold."""
    for name, card in {
        "alice/one": b"---\nlicense: mit\ntags: [chat]\nnum_parameters: 7B\n---\n",
        "alice/two": b"---\nlicense: mit\nnum_parameters: 70B\n---\n",
        "bob/one-b": b"---\ntags: [chat]\n---\n",
    }.items():
        commit_files(make_repo(name), {"README.md": card})
    make_repo("bob/locked", gated="auto")
    assert set(ids(hub)) == {"alice/one", "alice/two", "bob/one-b", "bob/locked"}
    assert ids(hub, tags=("license:mit", "chat")) == ["alice/one"]
    assert set(ids(hub, author="ALICE")) == {"alice/one", "alice/two"}
    assert ids(hub, author="nobody") == []
    assert set(ids(hub, search=("ONE",))) == {"alice/one", "bob/one-b"}
    assert ids(hub, search=("one", "bob")) == ["bob/one-b"]
    assert ids(hub, search=("%",)) == ids(hub, search=("o_e",)) == []
    assert ids(hub, gated=True) == ["bob/locked"]
    assert len(ids(hub, gated=False)) == 3
    assert ids(hub, parameters=(10**9, 10**10)) == ["alice/one"]
    assert ids(hub, parameters=(10**10, None)) == ["alice/two"]
    assert ids(hub, kind=RepoKind.DATASET) == ids(hub, kind=RepoKind.SPACE) == []


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("sort", ["createdAt", "lastModified", "downloads", "likes", "trendingScore"])
def test_pages_together_are_the_list(hub, make_repo, sort, ascending):
    """No row is lost or doubled where values are equal."""
    rows = [make_repo(f"alice/m{number}") for number in range(7)]
    with hub.index.transaction() as tx:
        for number, row in enumerate(rows):
            tx.repos.change(row.id, likes=number % 3, downloads=number % 2, created_at=5 + number // 3)
    whole = ids(hub, sort=sort, ascending=ascending)
    assert len(whole) == 7
    paged, cursor = [], ""
    while cursor is not None:
        page = hub.catalogue.listed(
            ANONYMOUS,
            Query(MODELS, LISTED[MODELS], sort=sort, ascending=ascending, limit=2, cursor=cursor),
        )
        paged += [item["id"] for item in page.items]
        cursor = page.next
    assert paged == whole


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WzEsMl0x", "eyJhIjoxfQ", "WyJhIiwxXQ", "\x00", "é", "WzFlOTk5LDFd", "==="]
)
def test_a_made_up_cursor_is_refused(hub, cursor):
    """With a sentence, not a crash."""
    with pytest.raises(BadRequest, match="start the list again"):
        hub.catalogue.listed(ANONYMOUS, Query(MODELS, LISTED[MODELS], cursor=cursor))


def test_private_repos_are_listed_for_those_who_may_read_them(hub, make_repo, make_org, make_user, actor_of):
    """A hidden repo is not in a list, not in a search and not in a count of children."""
    make_user("alice")
    make_user("bob")
    make_user("root", is_admin=True)
    make_org("acme", alice=Role.READ)
    make_repo("acme/open", by="root")
    make_repo("acme/secret", private=True, by="root")
    make_repo("bob/diary", private=True)
    assert set(ids(hub)) == {"acme/open"}
    assert set(ids(hub, actor_of("alice"))) == {"acme/open", "acme/secret"}
    assert set(ids(hub, actor_of("bob"))) == {"acme/open", "bob/diary"}
    assert set(ids(hub, actor_of("root"))) == {"acme/open", "acme/secret", "bob/diary"}
    assert ids(hub, actor_of("bob"), search=("secret",)) == []
    scopes = (Scope("model:acme/secret", Need.READ), Scope("user:bob", Need.READ))
    narrow = hub.accounts.authenticate(hub.accounts.create_token("alice", "ci", TokenRole.FINE_GRAINED, scopes))
    assert set(ids(hub, narrow)) == {"acme/open", "acme/secret"}
    none = hub.accounts.authenticate(hub.accounts.create_token("alice", "no", TokenRole.FINE_GRAINED))
    assert set(ids(hub, none)) == {"acme/open"}


def test_children_are_counted_without_the_private_ones(hub, make_repo, commit_files):
    """Nobody learns of a hidden model by a number."""
    base = make_repo("acme/base")
    for name, private in (("alice/a", False), ("alice/b", True), ("alice/c", False)):
        commit_files(make_repo(name, private=private), {"README.md": b"---\nbase_model: acme/base\n---\n"})
    hub.repos.delete(hub.accounts.actor("alice"), make_repo("alice/gone").repo_id)
    assert hub.catalogue.info(ANONYMOUS, base.repo_id, {"childrenModelCount"})["childrenModelCount"] == 1 + 1
    child = hub.catalogue.info(ANONYMOUS, make_repo("alice/d").repo_id, {"baseModels"})
    assert "baseModels" not in child


def test_official_benchmarks_are_those_the_operator_approved(hub, make_repo, commit_files):
    """The tag is found by and shown, and no card can claim it."""
    row = make_repo("acme/gsm", "dataset")
    liar = make_repo("acme/liar", "dataset")
    commit_files(liar, {"README.md": b"---\ntags: ['benchmark:official']\n---\n"})
    wanted = {"kind": RepoKind.DATASET, "tags": ("benchmark:official",)}
    assert ids(hub, **wanted) == []
    with hub.index.transaction() as tx:
        tx.repos.change(row.id, official_at=1)
    assert ids(hub, **wanted) == ["acme/gsm"]
    items = hub.catalogue.listed(ANONYMOUS, Query(names=LISTED[RepoKind.DATASET], **wanted)).items
    assert items[0]["tags"] == ["benchmark:official"]


def test_a_short_list_has_no_card_and_no_files(hub, make_repo, commit_files):
    """Both are long; they come when asked for."""
    commit_files(make_repo("alice/d", "dataset"), {"README.md": CARD})
    short = hub.catalogue.listed(ANONYMOUS, Query(RepoKind.DATASET, LISTED[RepoKind.DATASET])).items[0]
    assert not {"cardData", "siblings"} & short.keys()
    full = hub.catalogue.listed(ANONYMOUS, Query(RepoKind.DATASET, FULL[RepoKind.DATASET])).items[0]
    assert {"cardData", "siblings", "sha"} <= full.keys()


def test_a_hidden_repo_has_no_info(hub, make_repo, actor_of):
    """Not by name, not by revision, not by property."""
    hidden = make_repo("alice/hidden", private=True).repo_id
    for given in ({}, {"revision": "main"}, {"names": {"evalResults"}}):
        with pytest.raises(RepoNotFound):
            hub.catalogue.info(actor_of("bob"), hidden, **given)
    assert hub.catalogue.info(actor_of("alice"), hidden)["private"] is True


def test_owners_see_their_repos_with_sizes(hub, make_repo, make_org, make_user, actor_of, commit_files):
    """Members see an organisation's; others are refused."""
    make_user("alice")
    make_org("acme", alice=Role.WRITE)
    mine = make_repo("alice/a")
    make_repo("alice/b", "dataset", private=True)
    theirs = make_repo("acme/c", by="alice", private=True)
    commit_files(mine, {"x": b"x" * 10_000}, large={"w.bin": b"w" * 50_000})
    found, after = hub.catalogue.owned(actor_of("alice"), None, after=0, limit=10)
    assert [(str(row.repo_id), row.kind.value) for row, _ in found] == [("alice/a", "model"), ("alice/b", "dataset")]
    assert found[0][1] > 60_000
    assert after is None
    first, after = hub.catalogue.owned(actor_of("alice"), None, after=0, limit=1)
    rest, end = hub.catalogue.owned(actor_of("alice"), None, after=after, limit=1)
    assert [str(row.repo_id) for row, _ in [*first, *rest]] == ["alice/a", "alice/b"]
    assert end is None
    assert [row.id for row, _ in hub.catalogue.owned(actor_of("alice"), "Acme", after=0, limit=9)[0]] == [theirs.id]
    with pytest.raises(Forbidden):
        hub.catalogue.owned(actor_of("bob"), "acme", after=0, limit=9)
    with pytest.raises(NotFound):
        hub.catalogue.owned(actor_of("bob"), "nobody", after=0, limit=9)
    with pytest.raises(NotSignedIn):
        hub.catalogue.owned(ANONYMOUS, None, after=0, limit=9)


def test_downloads_are_counted_in_memory_and_written_together(hub, make_repo):
    """Readers never wait for a write; closing the hub writes the rest."""
    row = make_repo("alice/tiny")
    for _ in range(3):
        hub.downloads.add(row.id)
    assert hub.catalogue.info(ANONYMOUS, row.repo_id)["downloads"] == 0
    hub.downloads.flush()
    assert hub.catalogue.info(ANONYMOUS, row.repo_id)["downloads"] == 3
    for _ in range(1000):
        hub.downloads.add(row.id)
    assert hub.catalogue.info(ANONYMOUS, row.repo_id)["downloads"] == 1003
