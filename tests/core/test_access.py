"""Who may do what: the whole table, and rules that hold for every case."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.access import (
    ANONYMOUS,
    Actor,
    Need,
    RepoFacts,
    Role,
    Scope,
    Token,
    TokenRole,
    allows,
    gate_closed,
    may_administer,
    may_create,
    parse_scope,
)
from evalcommons.core.errors import BadRequest
from evalcommons.core.ids import RepoKind

PUBLIC = RepoFacts(RepoKind.MODEL, "Acme", "tiny", private=False, gated=False, creator_id=1)
PRIVATE = replace(PUBLIC, private=True)
GATED = replace(PUBLIC, gated=True)
STRANGER = Actor(9, "zoe", roles={"zoe": Role.ADMIN})
OPERATOR = Actor(8, "root", is_admin=True, roles={"root": Role.ADMIN})


def member(role: Role, user_id: int = 2) -> Actor:
    return Actor(user_id, "bob", roles={"bob": Role.ADMIN, "acme": role})


def most(actor: Actor, repo: RepoFacts) -> Need | None:
    """The most the actor may do; every lesser need must be allowed too, but for a closed gate."""
    allowed = [need for need in Need if allows(actor, repo, need)]
    expected = [need for need in Need if allowed and need <= allowed[-1]]
    if gate_closed(actor, repo):
        expected = [need for need in expected if need is not Need.CONTENT]
    assert allowed == expected
    return allowed[-1] if allowed else None


@pytest.mark.parametrize(
    ("actor", "public", "private"),
    [
        (ANONYMOUS, Need.CONTENT, None),
        (STRANGER, Need.DISCUSS, None),
        (member(Role.READ), Need.DISCUSS, Need.DISCUSS),
        (member(Role.CONTRIBUTOR), Need.DISCUSS, Need.DISCUSS),
        (member(Role.CONTRIBUTOR, user_id=1), Need.ADMIN, Need.ADMIN),
        (member(Role.WRITE), Need.WRITE, Need.WRITE),
        (member(Role.ADMIN), Need.ADMIN, Need.ADMIN),
        (OPERATOR, Need.ADMIN, Need.ADMIN),
    ],
    ids=["anonymous", "stranger", "read", "contributor", "creator", "write", "admin", "operator"],
)
def test_each_role_reaches_so_far(actor, public, private):
    """The table of roles, for public and private repos."""
    assert (most(actor, PUBLIC), most(actor, PRIVATE)) == (public, private)


@pytest.mark.parametrize(
    ("token", "public", "private"),
    [
        (Token("t", TokenRole.READ), Need.CONTENT, Need.CONTENT),
        (Token("t", TokenRole.WRITE), Need.ADMIN, Need.ADMIN),
        (Token("t", TokenRole.FINE_GRAINED), Need.CONTENT, None),
        (Token("t", TokenRole.FINE_GRAINED, (Scope("model:acme/tiny", Need.WRITE),)), Need.WRITE, Need.WRITE),
        (Token("t", TokenRole.FINE_GRAINED, (Scope("org:acme", Need.DISCUSS),)), Need.DISCUSS, Need.DISCUSS),
        (Token("t", TokenRole.FINE_GRAINED, (Scope("dataset:acme/tiny", Need.ADMIN),)), Need.CONTENT, None),
        (Token("t", TokenRole.FINE_GRAINED, (Scope("model:acme/other", Need.ADMIN),)), Need.CONTENT, None),
    ],
    ids=["read", "write", "no scope", "this repo", "its org", "other kind", "other repo"],
)
def test_a_token_allows_what_it_was_made_for(token, public, private):
    """An administrator's token: never more than the token says."""
    admin = replace(member(Role.ADMIN), token=token)
    assert (most(admin, PUBLIC), most(admin, PRIVATE)) == (public, private)


def test_a_gate_closes_the_files_and_nothing_else():
    """Outsiders see a gated repo and discuss it; its files open once they are let in."""
    assert gate_closed(STRANGER, GATED)
    assert not allows(STRANGER, GATED, Need.CONTENT)
    assert allows(STRANGER, GATED, Need.READ)
    assert allows(STRANGER, GATED, Need.DISCUSS)
    assert allows(STRANGER, replace(GATED, gate_open=True), Need.CONTENT)
    assert allows(member(Role.READ), GATED, Need.CONTENT)
    assert allows(OPERATOR, GATED, Need.CONTENT)
    assert not allows(ANONYMOUS, GATED, Need.CONTENT)


def test_repos_are_created_by_contributors_and_above():
    """In one's own namespace always, in an organisation from contributor on, with a token that may write there."""
    assert may_create(STRANGER, "Zoe", RepoKind.MODEL)
    assert not may_create(STRANGER, "acme", RepoKind.MODEL)
    assert not may_create(member(Role.READ), "acme", RepoKind.MODEL)
    assert may_create(member(Role.CONTRIBUTOR), "ACME", RepoKind.DATASET)
    assert may_create(OPERATOR, "acme", RepoKind.MODEL)
    assert not may_create(ANONYMOUS, "", RepoKind.MODEL)
    for token, allowed in (
        (Token("t", TokenRole.READ), False),
        (Token("t", TokenRole.WRITE), True),
        (Token("t", TokenRole.FINE_GRAINED, (Scope("org:acme", Need.WRITE),)), True),
        (Token("t", TokenRole.FINE_GRAINED, (Scope("org:acme", Need.CONTENT),)), False),
    ):
        assert may_create(replace(member(Role.ADMIN), token=token), "acme", RepoKind.MODEL) is allowed


def test_only_administrators_administer():
    """Members and settings of a namespace."""
    assert may_administer(member(Role.ADMIN), "Acme")
    assert may_administer(OPERATOR, "acme")
    for actor in (ANONYMOUS, STRANGER, member(Role.WRITE)):
        assert not may_administer(actor, "acme")


TOKENS = st.one_of(
    st.none(),
    st.sampled_from([Token("t", TokenRole.READ), Token("t", TokenRole.WRITE)]),
    st.lists(
        st.builds(
            Scope,
            st.sampled_from(["model:acme/tiny", "org:acme", "user:zoe", "dataset:acme/tiny"]),
            st.sampled_from(Need),
        ),
        max_size=3,
    ).map(lambda scopes: Token("t", TokenRole.FINE_GRAINED, tuple(scopes))),
)
ACTORS = st.builds(
    Actor,
    user_id=st.sampled_from([1, 2]),
    name=st.just("bob"),
    is_admin=st.booleans(),
    roles=st.sampled_from([{"bob": Role.ADMIN}, *({"bob": Role.ADMIN, "acme": role} for role in Role)]),
    token=TOKENS,
)
REPOS = st.builds(
    RepoFacts,
    kind=st.sampled_from([RepoKind.MODEL, RepoKind.DATASET]),
    namespace=st.just("Acme"),
    name=st.just("tiny"),
    private=st.booleans(),
    gated=st.booleans(),
    creator_id=st.sampled_from([None, 1, 2]),
    gate_open=st.booleans(),
)


@given(ACTORS, REPOS, st.sampled_from(Need))
def test_a_token_never_allows_more_than_its_owner(actor, repo, need):
    """Whatever the scopes say: what is allowed with a token is allowed without it."""
    if allows(actor, repo, need):
        assert allows(replace(actor, token=None), repo, need)


@given(ACTORS, REPOS, st.sampled_from(Need))
def test_privacy_only_takes_away(actor, repo, need):
    """What may be done with a private repo may be done with the same one when it is public."""
    if allows(actor, replace(repo, private=True), need):
        assert allows(actor, replace(repo, private=False), need)


@given(ACTORS, REPOS)
def test_nobody_acts_on_what_they_cannot_see(actor, repo):
    """Without reading there is nothing else, and no gap below the most that is allowed."""
    most(actor, repo)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model:a/b",
        "model:a=write",
        "a/b=write",
        "org:a/b=read",
        "org:a=own",
        "model:a/b=",
        "user:=read",
        "org:a b=read",
    ],
)
def test_a_scope_that_means_nothing_is_refused(text):
    """A mistyped permission must not become one that silently allows nothing, or more."""
    with pytest.raises(BadRequest, match="is not a scope"):
        parse_scope(text)


def test_a_scope_is_written_as_entity_and_need():
    """Names compare without case."""
    assert parse_scope("model:Acme/Tiny=write") == Scope("model:acme/tiny", Need.WRITE)
    assert parse_scope("org:acme=read") == Scope("org:acme", Need.CONTENT)
