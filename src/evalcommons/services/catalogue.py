"""What there is to find: facts of a repo, and lists of repos by filter."""

import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, NamedTuple

import orjson

from evalcommons.core.access import Actor, Need, RepoFacts, allows, private_view
from evalcommons.core.clock import timestamp
from evalcommons.core.errors import BadRequest, Forbidden, NotFound, NotSignedIn, RevisionNotFound
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.services.contents import Contents, Item
from evalcommons.services.evals import Evals
from evalcommons.services.repo_facts import read_commit
from evalcommons.services.repos import Repos
from evalcommons.storage.git import GitRepo
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.repos import Listing, RepoRow
from evalcommons.storage.index.session import Session

PAGE_MAX: Final = 1000
"""Repos in one page of a list, at most."""

OFFICIAL: Final = "benchmark:official"
"""The tag of datasets that an operator approved as benchmarks."""

SORTS: Final[Mapping[str, str]] = {
    "createdAt": "created_at",
    "lastModified": "modified_at",
    "downloads": "downloads",
    "likes": "likes",
    "trendingScore": "likes",
}
"""What lists can be sorted by -> the column. A trending score needs views over time, which a hub of this size does not
have: it is the number of likes."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which repos a list wants, and what of each.

    tags        all of them must be there
    parameters  at least and at most so many weights
    cursor      where the page before ended; "" for the first
    names       properties of each item, besides its id
    """

    kind: RepoKind
    names: frozenset[str]
    tags: tuple[str, ...] = ()
    author: str | None = None
    search: tuple[str, ...] = ()
    gated: bool | None = None
    parameters: tuple[int | None, int | None] = (None, None)
    sort: str = "lastModified"
    ascending: bool = False
    limit: int = PAGE_MAX
    cursor: str = ""


class Page(NamedTuple):
    """Part of a list.

    items  objects ready to be written as JSON
    next   cursor of the next page; None after the last
    """

    items: list[dict[str, Any]]
    next: str | None


# --- what can be said of a repo ---------------------------------------------------------------------------------------


@dataclass
class _Subject:
    """A repo, with what was looked up for a whole page at once."""

    row: RepoRow
    siblings: list[dict[str, Any]] | None = None
    stored_bytes: int | None = None
    eval_results: Any = None
    children: int | None = None

    @cached_property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.row.facts)
        return found

    @cached_property
    def card(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.row.card)
        return found

    def tags(self) -> Any:
        if self.row.official_at is None:
            return orjson.Fragment(self.row.tags)
        return [*orjson.loads(self.row.tags), OFFICIAL]

    def base_models(self) -> dict[str, Any] | None:
        names = orjson.loads(self.row.base_models)
        if not names:
            return None
        relation = self.facts.get("base_relation")
        said = {"models": [{"id": name} for name in names]}
        return {"relation": relation, **said} if relation else said


_GIVERS: Final[Mapping[str, Callable[[_Subject], Any]]] = {
    "author": lambda s: s.row.namespace,
    "baseModels": _Subject.base_models,
    "cardData": lambda s: orjson.Fragment(s.row.card) if s.row.card != "{}" else None,
    "childrenModelCount": lambda s: s.children,
    "citation": lambda s: s.card.get("citation"),
    "config": lambda s: s.facts.get("config"),
    "createdAt": lambda s: timestamp(s.row.created_at),
    "description": lambda s: s.card.get("description"),
    "disabled": lambda _: False,
    "downloads": lambda s: s.row.downloads,
    "downloadsAllTime": lambda s: s.row.downloads,
    "evalResults": lambda s: s.eval_results,
    "gated": lambda s: s.row.gated or False,
    "lastModified": lambda s: timestamp(s.row.modified_at),
    "library_name": lambda s: s.facts.get("library_name"),
    "likes": lambda s: s.row.likes,
    "model-index": lambda s: s.card.get("model-index"),
    "modelId": lambda s: str(s.row.repo_id),
    "paperswithcode_id": lambda s: s.card.get("paperswithcode_id"),
    "pipeline_tag": lambda s: s.facts.get("pipeline_tag"),
    "private": lambda s: s.row.private,
    "safetensors": lambda s: s.facts.get("safetensors"),
    "sha": lambda s: s.row.sha,
    "siblings": lambda s: s.siblings,
    "spaces": lambda _: [],
    "tags": _Subject.tags,
    "trendingScore": lambda s: s.row.likes,
    "usedStorage": lambda s: s.stored_bytes,
    "widgetData": lambda s: s.card.get("widget"),
}
"""Property -> what to say; a property of which nothing is known is left out."""

_MODEL_NAMES = (
    "author baseModels cardData childrenModelCount config createdAt disabled downloads downloadsAllTime evalResults "
    "gated gguf inference inferenceProviderMapping lastModified library_name likes mask_token model-index pipeline_tag "
    "private resourceGroup safetensors sha siblings spaces tags transformersInfo trendingScore usedStorage widgetData"
)
_DATASET_NAMES = (
    "author cardData citation createdAt description disabled downloads downloadsAllTime gated lastModified likes "
    "mainSize paperswithcode_id private resourceGroup sha siblings tags trendingScore usedStorage"
)
_SPACE_NAMES = (
    "author cardData createdAt datasets disabled lastModified likes models private region resourceGroup runtime sdk "
    "sha siblings subdomain tags trendingScore usedStorage"
)
EXPANDABLE: Final[Mapping[RepoKind, tuple[str, ...]]] = {
    RepoKind.MODEL: tuple(_MODEL_NAMES.split()),
    RepoKind.DATASET: tuple(_DATASET_NAMES.split()),
    RepoKind.SPACE: tuple(_SPACE_NAMES.split()),
}
"""Properties a client may ask for by name, in the order in which an error lists them.

source  huggingface_hub 2.4 `hf_api.py:ExpandModelProperty_T` and its neighbours
"""

_COMMON = "createdAt downloads likes private tags"
INFO: Final[Mapping[RepoKind, frozenset[str]]] = {
    RepoKind.MODEL: frozenset(
        f"{_COMMON} author cardData config disabled gated lastModified library_name model-index modelId pipeline_tag "
        "safetensors sha siblings spaces usedStorage widgetData".split()
    ),
    RepoKind.DATASET: frozenset(
        f"{_COMMON} author cardData citation description disabled gated lastModified paperswithcode_id sha siblings "
        "usedStorage".split()
    ),
    RepoKind.SPACE: frozenset(),
}
"""What the info of one repo has when nothing is asked for by name."""
LISTED: Final[Mapping[RepoKind, frozenset[str]]] = {
    RepoKind.MODEL: frozenset(f"{_COMMON} library_name modelId pipeline_tag".split()),
    RepoKind.DATASET: frozenset(f"{_COMMON} author description disabled gated lastModified sha".split()),
    RepoKind.SPACE: frozenset(),
}
"""What the items of a list have."""
FULL: Final[Mapping[RepoKind, frozenset[str]]] = {
    RepoKind.MODEL: LISTED[RepoKind.MODEL] | {"author", "disabled", "gated", "lastModified", "sha", "siblings"},
    RepoKind.DATASET: LISTED[RepoKind.DATASET] | {"cardData", "citation", "paperswithcode_id", "siblings"},
    RepoKind.SPACE: frozenset(),
}
"""What they have with `full=true`."""

FROM_GIT: Final = frozenset({"siblings", "usedStorage"})
"""Properties that need a look into git, and therefore time."""
_FROM_CARD: Final = frozenset({"cardData", "citation", "description", "model-index", "paperswithcode_id", "widgetData"})


@dataclass(frozen=True)
class Catalogue:
    """Info objects and lists, as the Hub's clients read them."""

    index: Index
    repos: Repos
    contents: Contents
    evals: Evals

    def info(
        self,
        actor: Actor,
        repo_id: RepoId,
        names: Collection[str] | None = None,
        *,
        revision: str | None = None,
        with_sizes: bool = False,
    ) -> dict[str, Any]:
        """The facts of one repo. `names` None: the usual ones.

        revision    the commit whose card and files they describe; None: main
        with_sizes  say the size and content id of each file
        raises      as `Repos.open`; RevisionNotFound
        """
        names = INFO[repo_id.kind] if names is None else names
        with self.index.read() as db:
            subject = _Subject(self.repos.admit(db, actor, repo_id))
            if "evalResults" in names:
                subject.eval_results = self.evals.eval_results(db, [subject.row.id])[subject.row.id]
            if "childrenModelCount" in names:
                name = str(subject.row.repo_id)
                subject.children = db.repos.children([name]).get(name, 0)
        if revision is not None or not FROM_GIT.isdisjoint(names):
            git = self.repos.git.open(subject.row.uid)
            commit = git.resolve(revision) if revision is not None else subject.row.sha
            if not commit:
                raise RevisionNotFound("main")
            if commit != subject.row.sha:
                columns, _ = read_commit(subject.row, git, commit, self.contents.large_files)
                subject.row = replace(subject.row, **columns.as_dict())
            self._look_into(subject, git, names, with_sizes=with_sizes)
        return _described(subject, _givers(names))

    def listed(self, actor: Actor, query: Query) -> Page:
        """The repos of the kind that match, without those that are hidden from the actor.

        raises  BadRequest for a cursor that no page gave out
        """
        wanted = Listing(
            kind=query.kind,
            private=private_view(actor, query.kind),
            search=query.search,
            tags=tuple(tag for tag in query.tags if tag != OFFICIAL),
            official=OFFICIAL in query.tags,
            gated=query.gated,
            parameters=query.parameters,
            sort=SORTS[query.sort],
            ascending=query.ascending,
            limit=query.limit,
            after=_place(query.cursor) if query.cursor else None,
            with_card=not _FROM_CARD.isdisjoint(query.names),
        )
        with self.index.read() as db:
            if query.author is not None:
                owner = db.accounts.find(query.author)
                if owner is None:
                    return Page([], None)
                wanted = replace(wanted, owner_id=owner.id)
            rows = db.repos.listed(wanted)
            more = len(rows) > query.limit
            rows = rows[: query.limit]
            subjects = self._subjects(db, rows, query.names)
        if not FROM_GIT.isdisjoint(query.names):
            for subject in subjects:
                git = self.repos.git.open_once(subject.row.uid)
                self._look_into(subject, git, query.names, with_sizes=False)
        givers = _givers(query.names)
        items = [_described(subject, givers) for subject in subjects]
        return Page(items, _cursor(rows[-1], wanted.sort) if more and rows else None)

    def owned(
        self, actor: Actor, namespace: str | None, *, after: int, limit: int
    ) -> tuple[list[tuple[RepoRow, int]], int | None]:
        """The repos of the actor, or of an organisation they are in, of any kind, oldest first, with their bytes.

        after    number of the last repo of the page before; 0 for the first page
        returns  the repos, and the number to go on after, None at the end
        raises   NotSignedIn, NotFound, Forbidden
        """
        if actor.is_anonymous:
            raise NotSignedIn("Sign in to list your repos: send an access token")
        name = namespace if namespace is not None else actor.name
        with self.index.read() as db:
            owner = db.accounts.find(name)
            if owner is None or (namespace is not None and not owner.is_org):
                raise NotFound(f"There is no organisation {name[:120]}")
            if not actor.is_admin and owner.name.lower() not in actor.roles:
                raise Forbidden(f"Only members of {owner.name} may list its repos with their sizes")
            rows = db.repos.owned(owner.id, after, limit + 1)
        shown = [row for row in rows[:limit] if not row.private or allows(actor, _facts(row), Need.READ)]
        return [(row, self._stored(row)) for row in shown], rows[limit - 1].id if len(rows) > limit else None

    def _stored(self, row: RepoRow) -> int:
        files = self.contents.files(row, self.repos.git.open_once(row.uid), row.sha, with_large=False)
        return self.contents.stored_bytes(row, files)

    def _subjects(self, db: Session, rows: Sequence[RepoRow], names: Collection[str]) -> list[_Subject]:
        subjects = [_Subject(row) for row in rows]
        if "evalResults" in names:
            results = self.evals.eval_results(db, [row.id for row in rows])
            for subject in subjects:
                subject.eval_results = results[subject.row.id]
        if "childrenModelCount" in names:
            counts = db.repos.children(str(row.repo_id) for row in rows)
            for subject in subjects:
                subject.children = counts.get(str(subject.row.repo_id), 0)
        return subjects

    def _look_into(self, subject: _Subject, git: GitRepo, names: Collection[str], *, with_sizes: bool) -> None:
        if FROM_GIT.isdisjoint(names):
            return
        files = self.contents.files(subject.row, git, subject.row.sha, with_large=with_sizes)
        if "siblings" in names:
            subject.siblings = [_sibling(file) if with_sizes else {"rfilename": file.entry.path} for file in files]
        if "usedStorage" in names:
            subject.stored_bytes = self.contents.stored_bytes(subject.row, files)


def _givers(names: Collection[str]) -> list[tuple[str, Callable[[_Subject], Any]]]:
    # In the table's order, so that equal questions are answered with equal bytes.
    return [(name, giver) for name, giver in _GIVERS.items() if name in names]


def _described(subject: _Subject, givers: Sequence[tuple[str, Callable[[_Subject], Any]]]) -> dict[str, Any]:
    said: dict[str, Any] = {"_id": subject.row.uid, "id": str(subject.row.repo_id)}
    for name, giver in givers:
        if (value := giver(subject)) is not None:
            said[name] = value
    return said


def _sibling(file: Item) -> dict[str, Any]:
    said: dict[str, Any] = {"rfilename": file.entry.path, "size": file.size, "blobId": file.entry.oid}
    if file.large:
        said["lfs"] = {"sha256": file.large.sha256, "size": file.large.size, "pointerSize": file.entry.size}
    return said


def _facts(row: RepoRow) -> RepoFacts:
    return RepoFacts(row.kind, row.namespace, row.name, row.private, bool(row.gated), row.creator_id)


def _cursor(row: RepoRow, sort: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([getattr(row, sort), row.id])).decode().rstrip("=")


def _place(cursor: str) -> tuple[int, int]:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        found = None
    if isinstance(found, list) and len(found) == 2 and all(type(n) is int and abs(n) < 1 << 62 for n in found):
        return found[0], found[1]
    raise BadRequest("This cursor was not given out by this hub: start the list again without it")
