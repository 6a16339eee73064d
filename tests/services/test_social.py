"""Likes, and the gate of gated repos."""

import pytest

from evalcommons.core.access import ANONYMOUS, Need, Role, TokenRole
from evalcommons.core.errors import BadRequest, Forbidden, GatedRepo, NotFound, NotSignedIn, RepoNotFound
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.services.social import RequestStatus, answers

TINY = RepoId(RepoKind.MODEL, "alice", "tiny")
PENDING, ACCEPTED, REJECTED = RequestStatus.PENDING, RequestStatus.ACCEPTED, RequestStatus.REJECTED


def test_a_like_counts_once_and_can_be_taken_back(hub, make_repo, actor_of):
    """Each person likes a repo or does not."""
    make_repo("alice/tiny")
    bob, carol = actor_of("bob"), actor_of("carol")
    assert [hub.social.like(who, TINY) for who in (bob, bob, carol)] == [1, 1, 2]
    assert sorted(name for name, _ in hub.social.likers(ANONYMOUS, TINY)) == ["bob", "carol"]
    assert hub.social.unlike(bob, TINY) == 1
    assert hub.social.unlike(bob, TINY) == 1
    assert hub.social.liked_by(ANONYMOUS, "bob") == []
    assert [row.repo_id for _, row in hub.social.liked_by(ANONYMOUS, "carol")] == [TINY]


def test_a_private_repo_cannot_be_found_by_liking_it(hub, make_repo, actor_of):
    """Attack: ask for likes of names until one answers differently."""
    make_repo("alice/tiny", private=True)
    missing = RepoId(RepoKind.MODEL, "alice", "none")
    bob = actor_of("bob")
    for call in (hub.social.like, hub.social.unlike, hub.social.likers, hub.social.ask_access):
        said = []
        for repo_id in (TINY, missing):
            with pytest.raises(RepoNotFound) as refused:
                call(bob, repo_id)
            said.append(refused.value.message.replace(str(repo_id), "ID"))
        assert said[0] == said[1]


def test_likes_of_a_repo_that_became_private_are_hidden(hub, make_repo, actor_of):
    """What somebody likes does not tell strangers which private repos exist."""
    make_repo("alice/tiny")
    bob, alice = actor_of("bob"), actor_of("alice")
    hub.social.like(bob, TINY)
    hub.repos.configure(alice, TINY, private=True)
    assert hub.social.liked_by(ANONYMOUS, "bob") == []
    assert hub.social.liked_by(bob, "bob") == []
    assert len(hub.social.liked_by(alice, "bob")) == 1
    assert hub.accounts.user_profile(ANONYMOUS, "bob").likes == 0


def test_liking_needs_an_account_and_a_token_that_allows_it(hub, make_repo, make_user):
    """A read token does nothing but read."""
    make_repo("alice/tiny")
    make_user("bob")
    reading = hub.accounts.authenticate(hub.accounts.create_token("bob", "r", TokenRole.READ))
    with pytest.raises(NotSignedIn):
        hub.social.like(ANONYMOUS, TINY)
    with pytest.raises(Forbidden, match="token"):
        hub.social.like(reading, TINY)


def test_an_automatic_gate_opens_to_whoever_asks(hub, make_repo, actor_of):
    """Asking is enough; not asking is not."""
    make_repo("alice/tiny", gated="auto")
    bob = actor_of("bob")
    with pytest.raises(GatedRepo):
        hub.repos.open(bob, TINY, Need.CONTENT)
    assert hub.social.ask_access(bob, TINY) is ACCEPTED
    hub.repos.open(bob, TINY, Need.CONTENT)
    assert hub.social.ask_access(bob, TINY) is ACCEPTED


def test_a_manual_gate_opens_when_the_owner_says_so(hub, make_repo, actor_of):
    """Pending, accepted, rejected: the files follow the status at once."""
    make_repo("alice/tiny", gated="manual")
    alice, bob = actor_of("alice"), actor_of("bob")
    assert hub.social.ask_access(bob, TINY, {"purpose": "a paper"}) is PENDING
    [request] = hub.social.access_requests(alice, TINY, PENDING)
    assert (request.user, answers(request), request.asked) == ("bob", {"purpose": "a paper"}, True)
    with pytest.raises(GatedRepo):
        hub.repos.open(bob, TINY, Need.CONTENT)
    hub.social.decide_access(alice, TINY, ACCEPTED, user="bob")
    hub.repos.open(bob, TINY, Need.CONTENT)
    hub.social.decide_access(alice, TINY, REJECTED, request_uid=request.uid, reason="not for papers")
    with pytest.raises(GatedRepo):
        hub.repos.open(bob, TINY, Need.CONTENT)
    with pytest.raises(Forbidden, match="not for papers"):
        hub.social.ask_access(bob, TINY)
    hub.social.decide_access(alice, TINY, PENDING, user="bob")
    assert hub.social.ask_access(bob, TINY) is PENDING
    assert hub.social.access_requests(alice, TINY, REJECTED) == []


def test_a_grant_needs_no_request_and_counts_once(hub, make_repo, actor_of):
    """An owner lets in whom they like; doing it twice is told."""
    make_repo("alice/tiny", gated="manual")
    alice, bob = actor_of("alice"), actor_of("bob")
    hub.social.grant_access(alice, TINY, "bob")
    hub.repos.open(bob, TINY, Need.CONTENT)
    [request] = hub.social.access_requests(alice, TINY, ACCEPTED)
    assert not request.asked
    with pytest.raises(BadRequest, match="already"):
        hub.social.grant_access(alice, TINY, "bob")
    with pytest.raises(BadRequest, match="already"):
        hub.social.grant_access(alice, TINY, "alice")
    with pytest.raises(NotFound, match="no user nobody"):
        hub.social.grant_access(alice, TINY, "nobody")


def test_a_request_that_has_the_status_already_cannot_be_found_to_change(hub, make_repo, actor_of):
    """The Hub's clients expect "not found" for a transition to the same status, and for no request."""
    make_repo("alice/tiny", gated="manual")
    alice, bob = actor_of("alice"), actor_of("bob")
    actor_of("carol")
    hub.social.ask_access(bob, TINY)
    for status, user in ((PENDING, "bob"), (ACCEPTED, "carol"), (ACCEPTED, "nobody")):
        with pytest.raises(NotFound):
            hub.social.decide_access(alice, TINY, status, user=user)
    with pytest.raises(NotFound):
        hub.social.decide_access(alice, TINY, ACCEPTED, request_uid="0" * 24)
    with pytest.raises(BadRequest, match="either"):
        hub.social.decide_access(alice, TINY, ACCEPTED)
    with pytest.raises(BadRequest, match="rejections only"):
        hub.social.decide_access(alice, TINY, ACCEPTED, user="bob", reason="x")


def test_a_request_of_another_repo_cannot_be_decided(hub, make_repo, actor_of):
    """Attack: the owner of one gated repo sends the id of a request for somebody else's."""
    make_repo("alice/tiny", gated="manual")
    make_repo("mallory/bait", gated="manual")
    hub.social.ask_access(actor_of("bob"), TINY)
    [request] = hub.social.access_requests(actor_of("alice"), TINY, PENDING)
    bait = RepoId(RepoKind.MODEL, "mallory", "bait")
    with pytest.raises(NotFound):
        hub.social.decide_access(actor_of("mallory"), bait, ACCEPTED, request_uid=request.uid)
    assert len(hub.social.access_requests(actor_of("alice"), TINY, PENDING)) == 1


def test_only_administrators_see_and_decide_requests(hub, make_repo, make_user, make_org, actor_of):
    """A request holds an address and answers that were meant for the owner."""
    for name in ("alice", "bob", "carol"):
        make_user(name)
    make_org("acme", alice=Role.ADMIN, carol=Role.READ)
    gated = RepoId(RepoKind.MODEL, "acme", "tiny")
    make_repo("acme/tiny", gated="manual", by="alice")
    for who in (actor_of("bob"), actor_of("carol")):
        with pytest.raises(Forbidden):
            hub.social.access_requests(who, gated, PENDING)
        with pytest.raises(Forbidden):
            hub.social.grant_access(who, gated, "bob")
    with pytest.raises(NotSignedIn):
        hub.social.access_requests(ANONYMOUS, gated, PENDING)


def test_a_repo_without_a_gate_has_no_requests(hub, make_repo, actor_of):
    """Every call about requests says that there is nothing to ask for."""
    make_repo("alice/tiny")
    alice, bob = actor_of("alice"), actor_of("bob")
    for call in (
        lambda: hub.social.ask_access(bob, TINY),
        lambda: hub.social.access_requests(alice, TINY, PENDING),
        lambda: hub.social.grant_access(alice, TINY, "bob"),
        lambda: hub.social.decide_access(alice, TINY, ACCEPTED, user="bob"),
    ):
        with pytest.raises(BadRequest, match="not gated"):
            call()


def test_members_pass_a_gate_without_asking(hub, make_user, make_org, make_repo, actor_of):
    """The gate is for outsiders."""
    make_user("alice")
    make_user("bob")
    make_org("acme", alice=Role.ADMIN, bob=Role.READ)
    make_repo("acme/tiny", gated="manual", by="alice")
    gated = RepoId(RepoKind.MODEL, "acme", "tiny")
    hub.repos.open(actor_of("bob"), gated, Need.CONTENT)
    with pytest.raises(BadRequest, match="member"):
        hub.social.ask_access(actor_of("bob"), gated)


def test_answers_have_a_limit(hub, make_repo, actor_of):
    """Attack: fill the hub's disk with answers."""
    make_repo("alice/tiny", gated="manual")
    for fields in ({"a": "x" * 5000}, {str(n): "x" for n in range(21)}):
        with pytest.raises(BadRequest, match="at most"):
            hub.social.ask_access(actor_of("bob"), TINY, fields)
