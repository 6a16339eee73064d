"""Who am I, and who are they: whoami, overviews, members, avatars."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.core.access import Token
from evalcommons.core.errors import NotFound, NotSignedIn
from evalcommons.core.ids import RepoKind
from evalcommons.services.accounts import Profile
from evalcommons.web.answers import json_answer
from evalcommons.web.avatars import avatar
from evalcommons.web.listing import page
from evalcommons.web.requests import CurrentActor, TheHub, decoded, public_base

router = APIRouter()


@router.get("/api/whoami-v2")
async def whoami(request: Request, actor: CurrentActor, hub: TheHub) -> Response:
    """The account and the token of this request."""
    if actor.is_anonymous:
        raise NotSignedIn("Sign in to see who you are: send an access token")
    profile = hub.accounts.user_profile(actor, actor.name)
    account = profile.account
    base = public_base(request)
    return json_answer(
        {
            "type": "user",
            "id": account.uid,
            "name": account.name,
            "fullname": account.fullname,
            "email": account.email,
            # An operator set the address and vouches for it; there is no other way to have one.
            "emailVerified": account.email is not None,
            "isPro": False,
            "canPay": False,
            "avatarUrl": avatar_url(base, account.name),
            "orgs": [
                {
                    "type": "org",
                    "id": m.org_uid,
                    "name": m.org,
                    "fullname": m.org_fullname,
                    "avatarUrl": avatar_url(base, m.org),
                    "roleInOrg": m.role.label,
                    "isEnterprise": False,
                }
                for m in profile.memberships
            ],
            "auth": _auth(actor.token),
        }
    )


@router.get("/api/users/{name}/overview")
async def user_overview(request: Request, name: str, actor: CurrentActor, hub: TheHub) -> Response:
    """What a user's page says."""
    profile = hub.accounts.user_profile(actor, decoded(name))
    base = public_base(request)
    account = profile.account
    return json_answer(
        {
            "_id": account.uid,
            "user": account.name,
            "fullname": account.fullname,
            "avatarUrl": avatar_url(base, account.name),
            "type": "user",
            "isPro": False,
            "isFollowing": False,
            "details": "",
            **_counts(profile),
            "numDiscussions": profile.discussions,
            "numPapers": 0,
            "numUpvotes": 0,
            "numLikes": profile.likes,
            "numFollowers": 0,
            "numFollowing": 0,
            "orgs": [
                {"name": m.org, "fullname": m.org_fullname, "avatarUrl": avatar_url(base, m.org)}
                for m in profile.memberships
            ],
        }
    )


@router.get("/api/organizations/{name}/overview")
async def org_overview(request: Request, name: str, actor: CurrentActor, hub: TheHub) -> Response:
    """What an organisation's page says."""
    profile = hub.accounts.org_profile(actor, decoded(name))
    account = profile.account
    return json_answer(
        {
            "_id": account.uid,
            "name": account.name,
            "fullname": account.fullname,
            "avatarUrl": avatar_url(public_base(request), account.name),
            "type": "org",
            "details": "",
            "isVerified": False,
            "isFollowing": False,
            "numUsers": len(profile.memberships),
            **_counts(profile),
            "numFollowers": 0,
        }
    )


@router.get("/api/organizations/{name}/members")
async def members(request: Request, name: str, hub: TheHub) -> Response:
    """The members of an organisation, with their roles."""
    base = public_base(request)
    part, headers = page(request, hub.accounts.members(decoded(name)))
    people = [{**person(base, m.user, m.user_fullname), "role": m.role.label} for m in part]
    return json_answer(people, headers=headers)


@router.get("/api/organizations/{name}/followers")
async def org_followers(name: str, actor: CurrentActor, hub: TheHub) -> Response:
    """Nobody: this hub has no following. The list exists so that clients find it."""
    hub.accounts.org_profile(actor, decoded(name))
    return json_answer([])


@router.get("/api/users/{name}/followers")
async def user_followers(name: str, actor: CurrentActor, hub: TheHub) -> Response:
    """Nobody: this hub has no following. The list exists so that clients find it."""
    hub.accounts.user_profile(actor, decoded(name))
    return json_answer([])


@router.get("/api/users/{name}/following")
async def user_following(name: str, actor: CurrentActor, hub: TheHub) -> Response:
    """Nobody: this hub has no following. The list exists so that clients find it."""
    hub.accounts.user_profile(actor, decoded(name))
    return json_answer([])


@router.get("/avatars/{name}.svg")
async def avatar_picture(name: str, hub: TheHub) -> Response:
    """The picture of an account."""
    account = hub.accounts.find(decoded(name))
    if account is None:
        raise NotFound(f"There is no account {decoded(name)[:100]}")
    headers = {
        "Cache-Control": "public, max-age=86400",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(avatar(account), headers=headers, media_type="image/svg+xml")


def avatar_url(base: str, name: str) -> str:
    """Where the picture of an account is."""
    return f"{base}/avatars/{name}.svg"


def person(base: str, name: str, fullname: str) -> dict[str, Any]:
    """A user in a list."""
    return {"user": name, "fullname": fullname, "avatarUrl": avatar_url(base, name), "type": "user", "isPro": False}


def _counts(profile: Profile) -> dict[str, int]:
    return {
        "numModels": profile.repos[RepoKind.MODEL],
        "numDatasets": profile.repos[RepoKind.DATASET],
        "numSpaces": profile.repos[RepoKind.SPACE],
    }


def _auth(token: Token | None) -> dict[str, Any]:
    if token is None:
        return {"type": "session"}
    return {"type": "access_token", "accessToken": {"displayName": token.name, "role": token.role.value}}
