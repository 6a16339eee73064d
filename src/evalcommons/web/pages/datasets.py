"""Datasets: the list, and the page of one with its board."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from evalcommons.core.access import Actor
from evalcommons.core.board_rules import BoardRules, TaskRules
from evalcommons.core.evidence import LEVELS as EVIDENCE
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub
from evalcommons.services.leaderboards import Page
from evalcommons.storage.index.boards import Listing
from evalcommons.web.boards import BoardQuery, read_query
from evalcommons.web.pages import catalogue, rules_text, text
from evalcommons.web.pages.badges import LEVELS, Badge
from evalcommons.web.pages.layout import kept_pages, page
from evalcommons.web.pages.repos import card_of, frame, readme, tags_of
from evalcommons.web.requests import CurrentActor, DatasetPath, TheHub, public_base

router = APIRouter()

ROWS: Final = 100
"""Rows of a board on one page."""
REPORTS: Final = 500
"""Reports, ranked or not, that one page lists."""
_KNOWN: Final = frozenset("task_id variant base_model max_params min_evidence as_of all cursor".split())
_KEPT: Final = ("task_id", "variant", "base_model")
"""What the form of filters leaves as it is."""
_HIDDEN: Final[Mapping[str, tuple[str, Mapping[str, str | None]]]] = {
    "base_model": ("of models with a base model", {"base_model": "false"}),
    "variant": ("of other variants", {"variant": None}),
    "min_evidence": ("with weaker evidence", {"min_evidence": None}),
    "max_params": ("of larger models, or of unknown size,", {"max_params": None}),
}
"""Filter -> which rows it hides, and what to change in the address to show them."""


Address = Callable[..., str]
"""This page's address with some parameters changed, from its first row on."""


class Hidden(NamedTuple):
    """Rows that a filter keeps from the reader, and where to see them."""

    rows: int
    what: str
    address: str


class Row(NamedTuple):
    """A report as the board writes it.

    rank    0 where reports are listed whether they rank or not; then `state` and `reason` say what they are
    pull    0 for the author's own
    url     of its source; "" without
    level   label of its evidence, and its badge
    """

    rank: int
    tied: bool
    owner: str
    name: str
    variant: str
    value: str
    pull: int
    url: str
    source: str
    level: str
    badge: Badge
    submitter: str
    at: str
    day: str
    state: str
    reason: str


class Tab(NamedTuple):
    """A link among several of which one is shown now."""

    label: str
    address: str
    is_current: bool


@router.api_route("/datasets", methods=["GET", "HEAD"])
async def datasets(request: Request, actor: CurrentActor, hub: TheHub) -> Response:
    """Every dataset that the reader may see."""
    return await catalogue.listing(request, hub, actor, RepoKind.DATASET)


@router.api_route("/datasets/{namespace}/{name}", methods=["GET", "HEAD"])
async def dataset(request: Request, repo_id: DatasetPath, actor: CurrentActor, hub: TheHub) -> Response:
    """A dataset: its board, if it is a benchmark, and its README."""
    if (kept := kept_pages(request).find(request, hub, actor)) is not None:
        return kept
    head = frame(hub, actor, repo_id)
    facts: dict[str, Any] = {"board": None}
    if head.declared is not None and head.declared.row.valid and head.declared.spec is not None:
        here = request.scope["path"]
        facts |= await _board(request, hub, actor, head.row.repo_id, head.declared.spec.rules, here)
    card = card_of(head.row, "license", "language", "size_categories")
    tags, more_tags = tags_of(head.row, card)
    declared = head.declared
    return page(
        request,
        hub,
        actor,
        "dataset.html",
        section="datasets",
        tab="card",
        repo=head,
        readme=await readme(hub, actor, head.row),
        tags=tags,
        more_tags=more_tags,
        card=card,
        problems=orjson.loads(declared.row.problems) if declared else [],
        spec=declared.spec.benchmark if declared and declared.spec else None,
        endpoint=public_base(request),
        **facts,
    )


# --- the board --------------------------------------------------------------------------------------------------------


async def _board(
    request: Request, hub: Hub, actor: Actor, repo_id: RepoId, rules: BoardRules, here: str
) -> dict[str, Any]:
    given = [
        (name, value)
        for name, value in parse_qsl(request.url.query, keep_blank_values=True)
        if name in _KNOWN and (value or name == "variant")
    ]
    query = read_query(urlencode([*given, ("limit", str(ROWS))]))
    boards = hub.leaderboards.tasks(actor, repo_id)
    asked: dict[str, str | None] = {**dict.fromkeys(_KNOWN), **dict(given)}

    def to(**changes: str | None) -> str:
        """This page with other filters, from its first row on."""
        wanted = {name: value for name, value in {**asked, "cursor": None, **changes}.items() if value is not None}
        return f"{here}?{urlencode(wanted)}" if wanted else here

    if query.everything:
        board, reports = await run_in_threadpool(hub.leaderboards.reports, actor, repo_id, query.page)
        found = _all_reports(reports, _labels(rules.task(board.task)))
    else:
        # A page of the board as it is now is an index range; a day gone by, or a filter, may read all of it.
        slow = query.page.as_of is not None or not query.page.filters.is_empty
        read = hub.leaderboards.page
        shown = await run_in_threadpool(read, actor, repo_id, query.page) if slow else read(actor, repo_id, query.page)
        board, found = shown.board, _page_facts(shown, to, _labels(shown.rules))
    task_rules = rules.task(board.task)
    tasks = [Tab(each.task, to(task_id=each.task, variant=None, all=None), each.id == board.id) for each in boards]
    return {
        **found,
        "asked": asked,
        "board": board,
        "everything": query.everything,
        "downloads": _downloads(repo_id, asked),
        "all_reports": to(all="true"),
        "first_page": to() if asked["cursor"] else "",
        "rules": task_rules,
        "column": rules_text.column(task_rules),
        "sentences": rules_text.sentences(task_rules, board.higher_is_better),
        "tasks": tasks if len(tasks) > 1 else [],
        "evidence_choices": [level for level in EVIDENCE if level != "reported"],
        "to_board": to(all=None),
        "base_only": "" if query.page.listing is Listing.BASE else to(base_model=None),
        "variants": _variants(task_rules, query, to),
        "kept": [(name, value) for name, value in asked.items() if value is not None and name in _KEPT],
        "unfiltered": to(**dict.fromkeys(_KNOWN - {"task_id"})) if {name for name, _ in given} - {"task_id"} else "",
    }


def _page_facts(shown: Page, to: Address, labels: Mapping[str, str]) -> dict[str, Any]:
    entries = [orjson.loads(row.entry) for row in shown.rows]
    ranks = [row.rank for row in shown.rows]
    ties = [rank in ranks[max(i - 1, 0) : i] + ranks[i + 1 : i + 2] for i, rank in enumerate(ranks)]
    return {
        "rows": _rows(entries, labels, ranks, ties),
        "total": shown.total,
        "hidden": [_hidden(name, count, to) for name, count in shown.left_out.items()],
        "next_page": to(cursor=shown.cursor) if shown.cursor else "",
    }


def _all_reports(reports: list[dict[str, Any]], labels: Mapping[str, str]) -> dict[str, Any]:
    shown = reports[:REPORTS]
    none = [0] * len(shown)
    return {"rows": _rows(shown, labels, none, none), "total": len(reports), "hidden": [], "next_page": ""}


def _rows(
    entries: Sequence[Mapping[str, Any]], labels: Mapping[str, str], ranks: Sequence[int], ties: Sequence[int]
) -> list[Row]:
    return [
        _row(entry, labels, rank, is_tied=bool(tied)) for entry, rank, tied in zip(entries, ranks, ties, strict=True)
    ]


def _row(entry: Mapping[str, Any], labels: Mapping[str, str], rank: int, *, is_tied: bool) -> Row:
    owner, _, name = entry["modelId"].partition("/")
    source = entry.get("source", {})
    url = text.link_of(source.get("url"))
    variant = entry.get("variant", "")
    return Row(
        rank=rank,
        tied=is_tied,
        owner=owner,
        name=name,
        variant=text.cut(labels.get(variant, variant), 60),
        value=text.number(entry["value"]),
        pull=entry.get("pullRequest", 0),
        url=url,
        source=text.cut(source.get("name") or text.host_of(url), 32) if url else "",
        level=entry["evidence"],
        badge=LEVELS[entry["evidence"]],
        submitter=entry["submitter"],
        at=entry["reportedAt"],
        day=entry["reportedAt"][:10],
        state=entry.get("state", ""),
        reason=text.cut(entry.get("reason", ""), 300),
    )


def _hidden(names: str, count: int, to: Address) -> Hidden:
    """Several filters may hide rows together: then nobody counted for which each is to blame."""
    known = [_HIDDEN[name] for name in names.split("+") if name in _HIDDEN]
    changes: dict[str, str | None] = {}
    for _, change in known:
        changes |= change
    return Hidden(count, " or ".join(what for what, _ in known), to(**changes))


def _labels(rules: TaskRules) -> dict[str, str]:
    return {variant.id: variant.label for variant in rules.variants}


def _variants(rules: TaskRules, query: BoardQuery, to: Address) -> list[Tab]:
    if not rules.variants:
        return []
    now = query.page.filters.variant
    choices = [(None, "All variants"), ("", "Plain"), *((variant.id, variant.label) for variant in rules.variants)]
    return [Tab(label, to(variant=variant), now == variant) for variant, label in choices]


def _downloads(repo_id: RepoId, asked: dict[str, str | None]) -> dict[str, str]:
    """The same rows, all of them, as files."""
    rest = [(name, value) for name, value in asked.items() if value is not None and name != "cursor"]
    api = f"/api/datasets/{repo_id}/leaderboard?"
    return {"CSV": api + urlencode([*rest, ("format", "csv")]), "JSON": api + urlencode([*rest, ("format", "json")])}
