"""The card and the facts of a repo at one commit, read from its files."""

import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from evalcommons.core import cards
from evalcommons.core.errors import EntryNotFound, Unavailable
from evalcommons.core.ids import RepoKind
from evalcommons.core.lfs import MAX_POINTER, parse_pointer
from evalcommons.core.model_facts import Facts, read_facts
from evalcommons.services.large_files import LargeFiles
from evalcommons.storage.git import Entry, GitRepo
from evalcommons.storage.index.repos import RepoRow

log = logging.getLogger("evalcommons.repo_facts")

MAX_README = 4 << 20
"""Bytes of a README whose metadata is read."""


@dataclass(frozen=True, slots=True)
class CardColumns:
    """What the index keeps of one commit, as the columns of its table. The texts are JSON."""

    sha: str
    card: str
    tags: str
    base_models: str
    parameters: int | None
    facts: str

    def as_dict(self) -> dict[str, Any]:
        """The columns by name."""
        return asdict(self)


def read_commit(row: RepoRow, git: GitRepo, commit: str, large_files: LargeFiles) -> tuple[CardColumns, Facts]:
    """The card and the facts of `row` at this commit. Files that say nothing sensible say nothing."""
    files = {entry.path: entry for entry in git.entries(commit) if entry.is_file}
    readme = files.get("README.md")
    metadata = (
        cards.split(git.read(readme.oid)).metadata if readme is not None and readme.size <= MAX_README else None
    ) or {}

    def read(path: str, start: int, end: int) -> bytes | None:
        entry = files.get(path)
        return _part(row, git, entry, start, end, large_files) if entry is not None else None

    facts = read_facts(row.kind, metadata, files.keys() if row.kind is RepoKind.MODEL else (), read)
    columns = CardColumns(
        sha=commit,
        card=json.dumps(metadata),
        tags=json.dumps(facts.tags),
        base_models=json.dumps(facts.base_models),
        parameters=facts.parameters,
        facts=json.dumps(facts.as_dict()),
    )
    return columns, facts


def _part(row: RepoRow, git: GitRepo, entry: Entry, start: int, end: int, large_files: LargeFiles) -> bytes:
    if entry.size <= MAX_POINTER and (pointer := parse_pointer(git.read(entry.oid))) is not None:
        try:
            return b"".join(large_files.read(row, pointer.sha256, start, min(end, pointer.size)))
        except EntryNotFound:
            return b""
        except Unavailable as error:
            # A push must not fail, nor a hub refuse to start, because the count of weights cannot be told now.
            log.warning("%s %s: %s cannot be read: %s", row.kind, row.repo_id, entry.path, error)
            return b""
    return b"".join(git.stream(entry.oid, start, end))
