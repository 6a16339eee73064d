"""Users, organisations, members and tokens in the database."""

import json
from dataclasses import dataclass

import sqlalchemy as sa

from evalcommons.core.access import Need, Role, Scope, Token, TokenRole
from evalcommons.storage.index.schema import accounts, members, tokens


@dataclass(frozen=True, slots=True)
class Account:
    """A user or an organisation. Times in ms."""

    id: int
    uid: str
    kind: str
    name: str
    fullname: str
    email: str | None
    password_hash: str | None
    is_admin: bool
    suspended_at: int | None
    suspended_why: str | None
    private_by_default: bool
    created_at: int

    @property
    def is_org(self) -> bool:
        """Is this an organisation?"""
        return self.kind == "org"


@dataclass(frozen=True, slots=True)
class Membership:
    """One user's place in one organisation."""

    org: str
    org_fullname: str
    org_uid: str
    user: str
    user_fullname: str
    role: Role


_COLUMNS = tuple(c for c in accounts.c if c.name != "name_key")
_BY_NAME = sa.select(*_COLUMNS).where(accounts.c.name_key == sa.bindparam("key"))
_BY_ID = sa.select(*_COLUMNS).where(accounts.c.id == sa.bindparam("account_id"))
_BY_DIGEST = (
    sa.select(tokens.c.name.label("token_name"), tokens.c.role, tokens.c.scopes, *_COLUMNS)
    .join(accounts, accounts.c.id == tokens.c.user_id)
    .where(tokens.c.digest == sa.bindparam("digest"))
)
_ORGS = accounts.alias("orgs")
_ROLES = (
    sa.select(_ORGS.c.name_key, members.c.role)
    .join(_ORGS, _ORGS.c.id == members.c.org_id)
    .where(members.c.user_id == sa.bindparam("account_id"))
)


class Accounts:
    """Questions about accounts."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Account | None:
        """Which account has this name, whatever its case?"""
        if not name.isascii() or "\0" in name:
            return None  # no name is like this, and databases refuse to look for some such texts
        row = self._connection.execute(_BY_NAME, {"key": name.lower()}).first()
        return Account(*row) if row else None

    def get(self, account_id: int) -> Account:
        """Which account has this id? It must exist."""
        return Account(*self._connection.execute(_BY_ID, {"account_id": account_id}).one())

    def names(self, ids: set[int]) -> dict[int, Account]:
        """Which accounts have these ids?"""
        found = self._connection.execute(sa.select(*_COLUMNS).where(accounts.c.id.in_(ids)))
        return {row.id: Account(*row) for row in found}

    def all(self, kind: str | None = None) -> list[Account]:
        """Which accounts are there, by name?"""
        query = sa.select(*_COLUMNS).order_by(accounts.c.name_key)
        if kind is not None:
            query = query.where(accounts.c.kind == kind)
        return [Account(*row) for row in self._connection.execute(query)]

    def add(
        self,
        *,
        uid: str,
        kind: str,
        name: str,
        fullname: str,
        email: str | None,
        password_hash: str | None,
        is_admin: bool,
        private_by_default: bool,
        at: int,
    ) -> Account:
        """A new account."""
        values = {
            "uid": uid,
            "kind": kind,
            "name": name,
            "name_key": name.lower(),
            "fullname": fullname,
            "email": email,
            "password_hash": password_hash,
            "is_admin": is_admin,
            "private_by_default": private_by_default,
            "created_at": at,
        }
        inserted = self._connection.execute(sa.insert(accounts), values).inserted_primary_key
        assert inserted is not None  # noqa: S101  (for the type checker: an INSERT of one row has a key)
        return self.get(inserted[0])

    def change(self, account_id: int, **values: object) -> None:
        """Set columns of an account."""
        self._connection.execute(sa.update(accounts).where(accounts.c.id == account_id).values(**values))

    # --- members ------------------------------------------------------------------------------------------------

    def roles(self, user_id: int) -> dict[str, Role]:
        """In which organisations (lower case) is this user, and as what?"""
        found = self._connection.execute(_ROLES, {"account_id": user_id})
        return {row[0]: Role(row[1]) for row in found}

    def memberships(self, *, user_id: int | None = None, org_id: int | None = None) -> list[Membership]:
        """Who is where, by name: the organisations of a user, or the members of an organisation."""
        users = accounts.alias("users")
        query = (
            sa.select(_ORGS.c.name, _ORGS.c.fullname, _ORGS.c.uid, users.c.name, users.c.fullname, members.c.role)
            .select_from(members)
            .join(_ORGS, _ORGS.c.id == members.c.org_id)
            .join(users, users.c.id == members.c.user_id)
            .order_by(_ORGS.c.name_key, users.c.name_key)
        )
        if user_id is not None:
            query = query.where(members.c.user_id == user_id)
        if org_id is not None:
            query = query.where(members.c.org_id == org_id)
        return [Membership(*row[:5], role=Role(row[5])) for row in self._connection.execute(query)]

    def set_role(self, org_id: int, user_id: int, role: Role | None, at: int) -> None:
        """Make a user a member with this role; None removes them."""
        mine = (members.c.org_id == org_id) & (members.c.user_id == user_id)
        self._connection.execute(sa.delete(members).where(mine))
        if role is not None:
            row = {"org_id": org_id, "user_id": user_id, "role": int(role), "created_at": at}
            self._connection.execute(sa.insert(members), row)

    # --- tokens -------------------------------------------------------------------------------------------------

    def by_digest(self, digest: str) -> tuple[Account, Token] | None:
        """Whose token has this sha256, and what may it do?"""
        row = self._connection.execute(_BY_DIGEST, {"digest": digest}).first()
        if row is None:
            return None
        scopes = tuple(Scope(entity, Need(need)) for entity, need in json.loads(row[2]))
        return Account(*row[3:]), Token(row[0], TokenRole(row[1]), scopes)

    def add_token(self, user_id: int, digest: str, token: Token, at: int) -> None:
        """A new token of a user."""
        row = {
            "user_id": user_id,
            "digest": digest,
            "name": token.name,
            "role": token.role.value,
            "scopes": json.dumps([[s.entity, int(s.need)] for s in token.scopes]),
            "created_at": at,
        }
        self._connection.execute(sa.insert(tokens), row)

    def tokens(self, user_id: int) -> list[tuple[str, TokenRole, int]]:
        """Which tokens does this user have: name, role, created at?"""
        query = sa.select(tokens.c.name, tokens.c.role, tokens.c.created_at).where(tokens.c.user_id == user_id)
        return [(row[0], TokenRole(row[1]), row[2]) for row in self._connection.execute(query.order_by(tokens.c.id))]

    def remove_tokens(self, user_id: int, name: str) -> int:
        """Revoke the user's tokens of this name; returns how many there were."""
        mine = (tokens.c.user_id == user_id) & (tokens.c.name == name)
        return self._connection.execute(sa.delete(tokens).where(mine)).rowcount
