"""Sign-in and the upkeep of accounts."""

import pytest

from evalcommons.core.access import Need, Role, Scope, TokenRole
from evalcommons.core.errors import (
    AlreadyExists,
    BadRequest,
    BadToken,
    DisabledAccount,
    Forbidden,
    InvalidName,
    NotFound,
)
from evalcommons.core.ids import RepoKind
from evalcommons.services.accounts import digest


def test_a_token_signs_its_owner_in(hub, make_user):
    """Whoever sends the token is the user, in their own namespace an administrator."""
    alice, token = make_user("Alice", fullname="Alice A.")
    actor = hub.accounts.authenticate(token)
    assert (actor.user_id, actor.name, actor.fullname) == (alice.id, "Alice", "Alice A.")
    assert actor.roles == {"alice": Role.ADMIN}
    assert actor.token.role is TokenRole.WRITE


def test_an_unknown_token_signs_nobody_in(hub, make_user):
    """A wrong token is told apart from a missing right."""
    make_user("alice")
    for text in ("hf_wrong", "", "\0", "\ud800", "x" * 100_000):
        with pytest.raises(BadToken, match="Invalid credentials"):
            hub.accounts.authenticate(text)


def test_only_the_hash_of_a_token_is_stored(hub, make_user):
    """Reading the database signs nobody in: neither the text nor the stored hash is in it as a token."""
    _, token = make_user("alice")
    with hub.index.read() as db:
        assert db.accounts.by_digest(token) is None
        assert db.accounts.by_digest(digest(token)) is not None
    with pytest.raises(BadToken):
        hub.accounts.authenticate(digest(token))


def test_wrong_name_and_wrong_password_sound_the_same(hub, make_user):
    """Nobody learns from the answer which accounts exist, or which have a password."""
    make_user("alice", password="correct horse battery")
    make_user("bob")
    make_user("carol", password="correct horse battery")
    hub.accounts.suspend("carol", "gone")
    said = set()
    for name, password in (
        ("alice", "wrong password"),
        ("bob", "anything at all"),
        ("nobody", "correct horse battery"),
        ("carol", "wrong password"),
    ):
        with pytest.raises(BadToken) as refused:
            hub.accounts.sign_in(name, password)
        said.add(refused.value.message)
    assert said == {"Wrong name or password"}
    assert hub.accounts.sign_in("ALICE", "correct horse battery").name == "alice"


def test_a_suspended_account_is_told_why_and_nothing_else(hub, make_user):
    """Tokens and passwords of a suspended account answer with the reason; other people notice nothing."""
    _, token = make_user("alice", password="correct horse battery")
    hub.accounts.suspend("alice", "spam reports")
    with pytest.raises(DisabledAccount, match="spam reports"):
        hub.accounts.authenticate(token)
    with pytest.raises(DisabledAccount, match="spam reports"):
        hub.accounts.sign_in("alice", "correct horse battery")
    hub.accounts.suspend("alice", None)
    assert hub.accounts.authenticate(token).name == "alice"


def test_users_and_organisations_share_one_set_of_names(hub, make_user, make_org):
    """`ns/name` means one thing: no two accounts differ by case or by kind alone."""
    make_user("alice")
    make_org("acme")
    for make, name in (
        (hub.accounts.create_org, "ALICE"),
        (hub.accounts.create_user, "Acme"),
        (hub.accounts.create_user, "alice"),
    ):
        with pytest.raises(AlreadyExists, match="choose another"):
            make(name)


@pytest.mark.parametrize(
    "name", ["", "a b", "-a", "a-", "a--b", "a/b", "api", "Datasets", "a" * 43, "ä", "a\n", "a.b", ".."]
)
def test_names_that_would_break_addresses_are_refused(hub, name):
    """An account's name is the first part of its repos' addresses."""
    with pytest.raises(InvalidName):
        hub.accounts.create_user(name)


def test_a_failed_creation_leaves_nothing_behind(hub, make_user):
    """A taken token text takes the user back out with it."""
    make_user("alice", token="hf_chosen_text")
    with pytest.raises(AlreadyExists, match="token"):
        hub.accounts.create_user("bob", token="hf_chosen_text")
    assert hub.accounts.find("bob") is None


@pytest.mark.parametrize(
    "text", ["short", "with blank", "x" * 257, "tab\tinside", "ünïcödë-token", "line\nbreak-token"]
)
def test_a_token_that_clients_cannot_send_is_refused(hub, make_user, text):
    """A chosen token must survive an HTTP header and a URL."""
    make_user("alice")
    with pytest.raises(BadRequest, match="8 to 256"):
        hub.accounts.create_token("alice", "x", TokenRole.READ, value=text)


def test_revoked_tokens_stop_working_and_others_go_on(hub, make_user):
    """Tokens are revoked by the name their owner gave them."""
    _, first = make_user("alice")
    second = hub.accounts.create_token("alice", "laptop", TokenRole.READ)
    assert [name for name, _, _ in hub.accounts.tokens("alice")] == ["default", "laptop"]
    assert hub.accounts.revoke_tokens("alice", "laptop") == 1
    assert hub.accounts.revoke_tokens("alice", "laptop") == 0
    with pytest.raises(BadToken):
        hub.accounts.authenticate(second)
    assert hub.accounts.authenticate(first).name == "alice"


def test_a_fine_grained_token_keeps_its_scopes(hub, make_user):
    """What a token may do is what it was made with."""
    make_user("alice")
    scopes = (Scope("model:alice/tiny", Need.WRITE), Scope("org:acme", Need.CONTENT))
    token = hub.accounts.create_token("alice", "ci", TokenRole.FINE_GRAINED, scopes)
    assert hub.accounts.authenticate(token).token.scopes == scopes


def test_members_come_go_and_change_their_role(hub, make_user, make_org):
    """A role counts on the next request."""
    _, token = make_user("alice")
    make_org("Acme", alice=Role.READ)
    assert hub.accounts.authenticate(token).roles["acme"] is Role.READ
    hub.accounts.set_member("acme", "alice", Role.ADMIN)
    assert [(m.user, m.role) for m in hub.accounts.members("ACME")] == [("alice", Role.ADMIN)]
    hub.accounts.set_member("acme", "alice", None)
    assert hub.accounts.members("acme") == []
    assert "acme" not in hub.accounts.authenticate(token).roles


def test_only_administrators_change_members(hub, make_user, make_org, actor_of):
    """A member with the write role cannot let others in, nor raise themselves."""
    for name in ("alice", "bob"):
        make_user(name)
    make_org("acme", alice=Role.WRITE)
    with pytest.raises(Forbidden, match="administrators of acme"):
        hub.accounts.set_member("acme", "alice", Role.ADMIN, by=actor_of("alice"))
    hub.accounts.set_member("acme", "alice", Role.ADMIN)
    hub.accounts.set_member("acme", "bob", Role.READ, by=actor_of("alice"))
    assert actor_of("bob").roles["acme"] is Role.READ


def test_unknown_accounts_are_named(hub, make_user, make_org):
    """A user is no organisation, and the other way round."""
    make_user("alice")
    make_org("acme")
    for call in (
        lambda: hub.accounts.set_member("alice", "alice", Role.READ),
        lambda: hub.accounts.set_member("acme", "acme", Role.READ),
        lambda: hub.accounts.create_token("acme", "x", TokenRole.READ),
        lambda: hub.accounts.suspend("nobody", "x"),
        lambda: hub.accounts.members("alice"),
    ):
        with pytest.raises(NotFound, match="There is no"):
            call()


def test_a_profile_counts_private_repos_for_those_who_may_read_them(hub, make_repo, make_user, make_org, actor_of):
    """A number is information too: strangers count public repos only."""
    make_repo("alice/public")
    make_repo("alice/secret", private=True)
    make_repo("alice/data", "dataset", private=True)
    mine = hub.accounts.user_profile(actor_of("alice"), "alice")
    theirs = hub.accounts.user_profile(actor_of("bob"), "alice")
    assert (mine.repos[RepoKind.MODEL], mine.repos[RepoKind.DATASET]) == (2, 1)
    assert (theirs.repos[RepoKind.MODEL], theirs.repos[RepoKind.DATASET]) == (1, 0)
    scoped = hub.accounts.create_token("alice", "ci", TokenRole.FINE_GRAINED, (Scope("model:alice/x", Need.WRITE),))
    narrow = hub.accounts.user_profile(hub.accounts.authenticate(scoped), "alice")
    assert narrow.repos[RepoKind.MODEL] == 1
