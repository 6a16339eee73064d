"""The page of a user or an organisation."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.core.errors import NotFound
from evalcommons.core.ids import RepoKind
from evalcommons.services.catalogue import Query
from evalcommons.web.pages import catalogue
from evalcommons.web.pages.layout import page
from evalcommons.web.requests import CurrentActor, TheHub, decoded

router = APIRouter()

REPOS: Final = 50
"""Repos of each kind that the page lists."""
MEMBERS: Final = 200
"""Members, or organisations, that it lists."""


@router.api_route("/{account}", methods=["GET", "HEAD"])
async def account(request: Request, account: str, actor: CurrentActor, hub: TheHub) -> Response:
    """Who somebody is and what they have here."""
    name = decoded(account)
    found = hub.accounts.find(name)
    if found is None:
        raise NotFound(f"There is no page {name[:100]!r}, and no user or organisation of that name")
    profile = (hub.accounts.org_profile if found.is_org else hub.accounts.user_profile)(actor, found.name)
    repos = {}
    for kind in (RepoKind.MODEL, RepoKind.DATASET):
        listed = hub.catalogue.listed(actor, Query(kind, catalogue.NAMES, author=found.name, limit=REPOS))
        known = catalogue.benchmarks(hub, actor) if kind is RepoKind.DATASET and listed.items else {}
        repos[kind.plural] = (catalogue.described(listed.items, known), profile.repos[kind])
    return page(
        request,
        hub,
        actor,
        "account.html",
        account=found,
        profile=profile,
        repos=repos,
        kinds={kind.plural: kind for kind in RepoKind},
        memberships=profile.memberships[:MEMBERS],
        more_memberships=max(0, len(profile.memberships) - MEMBERS),
    )
