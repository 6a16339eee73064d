"""Commits and boards in a few words."""

import json

import pytest

from evalcommons.core.access import ANONYMOUS
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.services.leaderboards import Wanted
from evalcommons.storage.index.boards import Listing
from evaluation_files import commit_lines


@pytest.fixture
def push(hub, actor_of):
    """push("alice/tiny", {path: bytes}, by="alice", to="main", pr=False) -> what the commit service answers."""

    def commit(name, files, *, by=None, kind="model", to="main", pr=False):
        repo_id = RepoId.parse(RepoKind(kind), name)
        actor = actor_of(by or repo_id.namespace)
        return hub.commits.commit(actor, repo_id, to, commit_lines(files), create_pr=pr)

    return commit


@pytest.fixture
def board(hub):
    """board("alice/bench", actor=ANONYMOUS, listing=ALL, **wanted) -> [(rank, model, value), …]"""

    def read(name, *, actor=ANONYMOUS, listing=Listing.ALL, **wanted):
        page = hub.leaderboards.page(actor, RepoId.parse(RepoKind.DATASET, name), Wanted(listing=listing, **wanted))
        rows = [json.loads(row.as_json()) for row in page.rows]
        return [(row["rank"], row["modelId"], row["value"]) for row in rows]

    return read
