"""Who may do what with a repo: one function decides."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from evalcommons.core.errors import BadRequest
from evalcommons.core.ids import RepoKind


class Role(IntEnum):
    """What a member may do in an organisation; each includes the ones before it."""

    READ = 1
    CONTRIBUTOR = 2
    WRITE = 3
    ADMIN = 4

    @property
    def label(self) -> str:
        """The wire's word: read, contributor, write, admin."""
        return self.name.lower()


class Need(IntEnum):
    """What somebody wants to do with a repo, from least to most."""

    READ = 1
    """See that it exists, its facts, discussions and results."""
    CONTENT = 2
    """Read its files: what a gate closes."""
    DISCUSS = 3
    """Comment, open discussions and pull requests, commit to one's own pull request."""
    WRITE = 4
    """Change branches, merge, close or hide what others wrote."""
    ADMIN = 5
    """Settings, access requests, move, delete."""


class TokenRole(StrEnum):
    """What an access token was made for."""

    READ = "read"
    WRITE = "write"
    FINE_GRAINED = "fineGrained"


@dataclass(frozen=True, slots=True)
class Scope:
    """One permission of a fine-grained token.

    entity  what it covers: `user:NAME`, `org:NAME`, `model:NS/NAME` or `dataset:NS/NAME`, lower case
    need    the most it allows there
    """

    entity: str
    need: Need


@dataclass(frozen=True, slots=True)
class Token:
    """The access token a request came with.

    name    what its owner calls it
    role    what it was made for
    scopes  for fine-grained tokens: all they may do
    """

    name: str
    role: TokenRole
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks. `user_id` is None for somebody who is not signed in.

    roles     namespace in lower case -> role there; one's own namespace counts as ADMIN
    is_admin  operator of the hub
    token     the token of this request; None for a session or for the hub itself
    """

    user_id: int | None = None
    name: str = ""
    fullname: str = ""
    is_admin: bool = False
    roles: Mapping[str, Role] = field(default_factory=dict)
    token: Token | None = None

    @property
    def is_anonymous(self) -> bool:
        """Is nobody signed in?"""
        return self.user_id is None


ANONYMOUS = Actor()


@dataclass(frozen=True, slots=True)
class RepoFacts:
    """What the rules need to know of a repo.

    gate_open  the actor was granted access to this gated repo
    """

    kind: RepoKind
    namespace: str
    name: str
    private: bool
    gated: bool
    creator_id: int | None
    gate_open: bool = False


def allows(actor: Actor, repo: RepoFacts, need: Need) -> bool:
    """May `actor` do `need` with `repo`?

    Members read what is private; contributors write only what they created themselves; an operator may do
    everything. A token never allows more than its owner, and a read token nothing but reading.
    """
    if need is Need.CONTENT and gate_closed(actor, repo):
        return False
    return need <= _reach(actor, repo) and need <= _token_reach(actor, repo)


def gate_closed(actor: Actor, repo: RepoFacts) -> bool:
    """Does the repo's gate keep its files from `actor`, who is neither a member nor was let in?"""
    return repo.gated and not repo.gate_open and not actor.is_admin and repo.namespace.lower() not in actor.roles


@dataclass(frozen=True, slots=True)
class PrivateView:
    """Which private repos of one kind somebody sees in lists; `allows` says the same of one repo.

    everything  all of them
    namespaces  those in these namespaces, lower case
    keys        and these, `namespace/name` in lower case
    """

    everything: bool = False
    namespaces: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


PUBLIC_ONLY = PrivateView()


def private_view(actor: Actor, kind: RepoKind) -> PrivateView:
    """The private repos of this kind that `actor` may see."""
    token = actor.token
    if token is None or token.role is not TokenRole.FINE_GRAINED:
        return PrivateView(actor.is_admin, frozenset(actor.roles))
    namespaces: set[str] = set()
    keys: set[str] = set()
    for scope in token.scopes:
        what, _, name = scope.entity.partition(":")
        if not actor.is_admin and name.partition("/")[0] not in actor.roles:
            continue
        if what == kind:
            keys.add(name)
        elif what in {"user", "org"}:
            namespaces.add(name)
    return PrivateView(namespaces=frozenset(namespaces), keys=frozenset(keys))


def may_create(actor: Actor, namespace: str, kind: RepoKind) -> bool:
    """May `actor` create a repo of this kind under `namespace`?"""
    role = Role.ADMIN if actor.is_admin else actor.roles.get(namespace.lower())
    if actor.is_anonymous or role is None or role < Role.CONTRIBUTOR:
        return False
    facts = RepoFacts(kind, namespace, "", private=False, gated=False, creator_id=actor.user_id)
    return _token_reach(actor, facts) >= Need.WRITE


def may_administer(actor: Actor, namespace: str) -> bool:
    """May `actor` change the settings and members of this namespace?"""
    return not actor.is_anonymous and (actor.is_admin or actor.roles.get(namespace.lower()) is Role.ADMIN)


def _reach(actor: Actor, repo: RepoFacts) -> Need | int:
    role = actor.roles.get(repo.namespace.lower())
    if actor.is_admin or role is Role.ADMIN:
        return Need.ADMIN
    if role is Role.CONTRIBUTOR and repo.creator_id is not None and repo.creator_id == actor.user_id:
        return Need.ADMIN
    if role is Role.WRITE:
        return Need.WRITE
    if repo.private and role is None:
        return 0
    return Need.CONTENT if actor.is_anonymous else Need.DISCUSS


def _token_reach(actor: Actor, repo: RepoFacts) -> Need | int:
    token = actor.token
    if token is None or token.role is TokenRole.WRITE:
        return Need.ADMIN
    if token.role is TokenRole.READ:
        return Need.CONTENT
    public = 0 if repo.private else Need.CONTENT
    names = {f"{repo.kind}:{repo.namespace}/{repo.name}".lower()}
    names |= {f"user:{repo.namespace}".lower(), f"org:{repo.namespace}".lower()}
    return max([public, *(s.need for s in token.scopes if s.entity in names)])


_SCOPE = re.compile(r"(?:(?:user|org):[^/=\s]+|(?:model|dataset):[^/=\s]+/[^/=\s]+)")
_SCOPE_NEEDS = {"read": Need.CONTENT, "discuss": Need.DISCUSS, "write": Need.WRITE, "admin": Need.ADMIN}


def parse_scope(text: str) -> Scope:
    """The permission written as `model:NS/NAME=write`; the word is one of read, discuss, write, admin.

    raises  BadRequest
    """
    entity, _, word = text.partition("=")
    if not _SCOPE.fullmatch(entity) or word not in _SCOPE_NEEDS:
        raise BadRequest(
            f"{text[:120]!r} is not a scope: write user:NAME, org:NAME, model:NS/NAME or dataset:NS/NAME, then "
            f"one of {', '.join('=' + known for known in _SCOPE_NEEDS)}"
        )
    return Scope(entity.lower(), _SCOPE_NEEDS[word])
