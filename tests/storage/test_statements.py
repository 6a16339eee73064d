"""Prepared statements answer as SQLAlchemy does, the first time and ever after."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from evalcommons.storage.index.schema import accounts, discussions, metadata, repos
from evalcommons.storage.index.statements import preparing

ADD = sa.insert(accounts)
BY_ID = sa.select(accounts.c.id, accounts.c.name, accounts.c.is_admin).where(accounts.c.id == sa.bindparam("one"))
ALL = sa.select(accounts.c.name, accounts.c.is_admin, accounts.c.suspended_at).order_by(accounts.c.id)
COUNT = sa.select(sa.func.count()).select_from(accounts)
RENAME = sa.update(accounts).where(accounts.c.id == sa.bindparam("one")).values(fullname=sa.bindparam("new"))
NEXT = (
    sa.update(repos)
    .where(repos.c.id == sa.bindparam("one"))
    .values(last_num=repos.c.last_num + 1)
    .returning(repos.c.last_num)
)
SOME = sa.select(accounts.c.name).where(accounts.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(accounts.c.id)
ADMINS = sa.select(accounts.c.name).where(accounts.c.is_admin.is_(True), accounts.c.kind == "user")


@pytest.fixture
def connections(tmp_path: Path):
    """A prepared connection and SQLAlchemy's own over the same database."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/x.sqlite")
    metadata.create_all(engine)
    with engine.connect() as inner:
        yield preparing(inner), inner
    engine.dispose()


def person(number: int, **more) -> dict:
    return {
        "uid": str(number),
        "kind": "user",
        "name": f"P{number}",
        "name_key": f"p{number}",
        "fullname": "",
        "email": None,
        "password_hash": None,
        "is_admin": number % 2 == 0,
        "private_by_default": False,
        "created_at": 1,
        **more,
    }


def test_every_way_to_ask_has_the_same_answer_again_and_again(connections):
    """Rows by place and name, truth values, single values, keys of inserted rows, counts of changed ones."""
    fast, plain = connections
    for number in range(1, 6):
        assert tuple(fast.execute(ADD, person(number)).inserted_primary_key) == (number,)
    fast.execute(ADD, [person(number) for number in range(6, 9)])
    for _ in range(4):
        row = fast.execute(BY_ID, {"one": 2}).first()
        assert tuple(row) == (2, "P2", True)
        assert row.is_admin is True
        assert (row.id, row.name) == (2, "P2")
        assert fast.execute(BY_ID, {"one": 99}).first() is None
        assert fast.execute(BY_ID, {"one": 1}).one()[2] is False
        with pytest.raises(sa.exc.NoResultFound):
            fast.execute(BY_ID, {"one": 99}).one()
        with pytest.raises(sa.exc.MultipleResultsFound):
            fast.execute(ALL).one()
        assert [tuple(r) for r in fast.execute(ALL)] == [tuple(r) for r in plain.execute(ALL)]
        assert fast.execute(COUNT).scalar_one() == fast.execute(COUNT).scalar() == 8
        assert fast.execute(RENAME, {"one": 1, "new": "X"}).rowcount == 1
        assert fast.execute(RENAME, {"one": 99, "new": "X"}).rowcount == 0
        assert [r.name for r in fast.execute(SOME, {"ids": [1, 2]})] == ["P1", "P2"]
        assert [r.name for r in fast.execute(SOME, {"ids": [3]})] == ["P3"]
        assert [r[0] for r in fast.execute(ADMINS).all()] == ["P2", "P4", "P6", "P8"]


def test_values_that_the_schema_gives_are_given(connections):
    """Defaults of columns that a row leaves out, and NULL for those that have none."""
    fast, plain = connections
    fast.execute(ADD, person(1))
    repo = {"uid": "u", "kind": "model", "owner_id": 1, "namespace": "a", "key": "", "created_at": 1, "modified_at": 1}
    add_repo, add_talk = sa.insert(repos), sa.insert(discussions)
    for number in range(4):
        key = fast.execute(add_repo, {**repo, "uid": str(number), "name": str(number), "key": str(number)})
        talk = {"repo_id": key.inserted_primary_key[0], "num": 1, "is_pull": True, "title": "t", "status": "open"}
        fast.execute(add_talk, {**talk, "author_id": 1, "created_at": 1})
    found = plain.execute(sa.select(*repos.c))
    assert {(r.card, r.gated, r.private, r.last_num) for r in found} == {("{}", "", False, 0)}
    assert {(r.base, r.merge_commit) for r in plain.execute(sa.select(*discussions.c))} == {("", "")}
    assert [fast.execute(NEXT, {"one": 1}).scalar_one() for _ in range(4)] == [1, 2, 3, 4]


def test_a_value_that_is_not_sent_is_missed(connections):
    """Never NULL by accident."""
    fast, _ = connections
    for _ in range(2):
        fast.execute(BY_ID, {"one": 1}).first()
    with pytest.raises((KeyError, sa.exc.StatementError)):
        fast.execute(BY_ID, {"other": 1})
    with pytest.raises((KeyError, sa.exc.StatementError)):
        fast.execute(BY_ID, {"other": 1})


def test_statements_made_for_the_occasion_do_not_pile_up(connections):
    """Thousands of them leave what is kept bounded."""
    from evalcommons.storage.index import statements

    fast, _ = connections
    before = len(statements._prepared)
    for number in range(3000):
        fast.execute(sa.select(accounts.c.name).where(accounts.c.id == number)).first()
    assert len(statements._prepared) == before
    assert len(statements._seen) <= statements._MOST_SEEN
