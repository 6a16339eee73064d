import itertools

from hypothesis import given
from hypothesis import strategies as st

from evalcommons.core.access import (
    Actor,
    Need,
    RepoFacts,
    Role,
    Scope,
    Token,
    TokenRole,
    allows,
    private_view,
)
from evalcommons.core.ids import RepoKind

NAMESPACES = ("Alice", "acme", "bob")
scopes = st.lists(
    st.builds(
        Scope,
        st.sampled_from(
            [f"{what}:{name.lower()}" for what in ("user", "org") for name in NAMESPACES]
            + [f"{kind}:{name.lower()}/{repo}" for kind in ("model", "dataset") for name in NAMESPACES for repo in "xy"]
        ),
        st.sampled_from(Need),
    ),
    max_size=3,
).map(tuple)
tokens = st.none() | st.builds(Token, st.just("t"), st.sampled_from(TokenRole), scopes)
actors = st.builds(
    Actor,
    st.none() | st.just(7),
    is_admin=st.booleans(),
    roles=st.dictionaries(st.sampled_from([n.lower() for n in NAMESPACES]), st.sampled_from(Role)),
    token=tokens,
)


@given(actors, st.sampled_from(RepoKind))
def test_lists_show_exactly_the_private_repos_that_their_pages_show(actor, kind):
    """A list must not leak a repo whose page answers "not found", nor hide one that can be opened."""
    view = private_view(actor, kind)
    for namespace, name in itertools.product(NAMESPACES, ("x", "Y")):
        facts = RepoFacts(kind, namespace, name, private=True, gated=False, creator_id=None)
        key = f"{namespace}/{name}".lower()
        listed = view.everything or namespace.lower() in view.namespaces or key in view.keys
        assert listed == allows(actor, facts, Need.READ)
