"""Who is asking: users, organisations, tokens and passwords."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import argon2

from evalcommons.core.access import (
    Actor,
    Need,
    RepoFacts,
    Role,
    Scope,
    Token,
    TokenRole,
    allows,
    may_administer,
)
from evalcommons.core.clock import Clock
from evalcommons.core.errors import AlreadyExists, BadRequest, BadToken, DisabledAccount, Forbidden, NotFound
from evalcommons.core.ids import RepoKind, check_account_name
from evalcommons.storage.index.accounts import Account, Membership
from evalcommons.storage.index.engine import Index
from evalcommons.storage.index.session import Session

_TOKEN = re.compile(r"[\x21-\x7e]{8,256}")
_PASSWORD_MIN = 10


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user's or an organisation's page says. Private repos count for those who may read them.

    repos        how many there are of each kind
    discussions  opened on public repos
    likes        given to public repos
    memberships  the organisations of a user; the members of an organisation
    """

    account: Account
    repos: Mapping[RepoKind, int]
    discussions: int
    likes: int
    memberships: Sequence[Membership]


@dataclass(frozen=True)
class Accounts:
    """Sign-in, and the upkeep of accounts.

    index  the database
    clock  the time
    """

    index: Index
    clock: Clock

    # --- who asks -----------------------------------------------------------------------------------------------

    def authenticate(self, token: str) -> Actor:
        """Whoever owns this access token.

        raises  BadToken, DisabledAccount
        """
        with self.index.read() as db:
            found = db.accounts.by_digest(digest(token))
            if found is None:
                raise BadToken
            return self._actor(db, *found)

    def sign_in(self, name: str, password: str) -> Actor:
        """Whoever has this name and password. The answer takes as long for unknown names as for known ones.

        raises  BadToken, DisabledAccount
        """
        with self.index.read() as db:
            account = db.accounts.find(name)
            known = account is not None and account.password_hash is not None
            try:
                hashed = account.password_hash if account and account.password_hash else _DECOY
                argon2.PasswordHasher().verify(hashed, password)
            except argon2.exceptions.VerificationError:
                known = False
            if not known or account is None:
                raise BadToken("Wrong name or password")
            return self._actor(db, account, None)

    def actor(self, name: str) -> Actor:
        """The user of this name as somebody who acts, for commands on the hub's own machine.

        raises  NotFound, DisabledAccount
        """
        with self.index.read() as db:
            return self._actor(db, self._user(db, name), None)

    def _actor(self, db: Session, account: Account, token: Token | None) -> Actor:
        if account.suspended_at is not None:
            raise DisabledAccount(
                f"The account {account.name} is suspended: {account.suspended_why or 'no reason given'}"
            )
        roles = db.accounts.roles(account.id)
        roles[account.name.lower()] = Role.ADMIN
        return Actor(account.id, account.name, account.fullname, account.is_admin, roles, token)

    # --- accounts -----------------------------------------------------------------------------------------------

    def create_user(
        self,
        name: str,
        *,
        email: str | None = None,
        fullname: str = "",
        is_admin: bool = False,
        password: str | None = None,
        token: str | None = None,
    ) -> tuple[Account, str | None]:
        """A new user, and a write token for them if `token` is given ('' chooses one).

        raises  InvalidName, AlreadyExists, BadRequest
        """
        hashed = hash_password(password) if password is not None else None
        chosen = check_token(token or new_token()) if token is not None else None
        account = self._create(
            "user", name, fullname, email=email, password_hash=hashed, is_admin=is_admin, token=chosen
        )
        return account, chosen

    def create_org(self, name: str, *, fullname: str = "", private_by_default: bool = False) -> Account:
        """A new organisation, without members.

        raises  InvalidName, AlreadyExists
        """
        return self._create("org", name, fullname, private_by_default=private_by_default)

    def _create(
        self,
        kind: str,
        name: str,
        fullname: str,
        *,
        email: str | None = None,
        password_hash: str | None = None,
        is_admin: bool = False,
        private_by_default: bool = False,
        token: str | None = None,
    ) -> Account:
        check_account_name(name)
        now = self.clock()
        with self.index.transaction() as tx:
            if (taken := tx.accounts.find(name)) is not None:
                what = "an organisation" if taken.is_org else "a user"
                raise AlreadyExists(f"{taken.name} is taken by {what}: choose another name")
            account = tx.accounts.add(
                uid=secrets.token_hex(12),
                kind=kind,
                name=name,
                fullname=fullname or name,
                email=email,
                password_hash=password_hash,
                is_admin=is_admin,
                private_by_default=private_by_default,
                at=now,
            )
            if token is not None:
                self._add_token(tx, account, token, Token("default", TokenRole.WRITE), now)
        return account

    def set_member(self, org: str, user: str, role: Role | None, *, by: Actor | None = None) -> None:
        """Give `user` a role in `org`, or with None take them out. `by` None: the operator's command.

        raises  NotFound, Forbidden
        """
        with self.index.transaction() as tx:
            organisation, account = self._org(tx, org), self._user(tx, user)
            if by is not None and not may_administer(by, organisation.name):
                raise Forbidden(f"Only administrators of {organisation.name} may change its members")
            tx.accounts.set_role(organisation.id, account.id, role, self.clock())

    def set_password(self, user: str, password: str) -> None:
        """Change a user's password.

        raises  NotFound, BadRequest when it is too short
        """
        hashed = hash_password(password)
        with self.index.transaction() as tx:
            tx.accounts.change(self._user(tx, user).id, password_hash=hashed)

    def suspend(self, user: str, why: str | None) -> None:
        """Close an account to its owner, with a reason they are told; None opens it again.

        raises  NotFound
        """
        with self.index.transaction() as tx:
            account = self._user(tx, user)
            at = self.clock() if why is not None else None
            tx.accounts.change(account.id, suspended_at=at, suspended_why=why)

    def create_token(
        self,
        user: str,
        name: str,
        role: TokenRole,
        scopes: tuple[Scope, ...] = (),
        *,
        value: str | None = None,
    ) -> str:
        """A new access token; the only time its text is known.

        value   a chosen text, so that scripts and tests can be prepared; None: a random one
        raises  NotFound, BadRequest, AlreadyExists when another token has this text
        """
        chosen = check_token(value if value is not None else new_token())
        with self.index.transaction() as tx:
            self._add_token(tx, self._user(tx, user), chosen, Token(name, role, scopes), self.clock())
        return chosen

    def revoke_tokens(self, user: str, name: str) -> int:
        """Make the user's tokens of this name useless; returns how many there were.

        raises  NotFound
        """
        with self.index.transaction() as tx:
            return tx.accounts.remove_tokens(self._user(tx, user).id, name)

    # --- looking up ---------------------------------------------------------------------------------------------

    def find(self, name: str) -> Account | None:
        """The account of this name."""
        with self.index.read() as db:
            return db.accounts.find(name)

    def all(self, kind: str) -> list[Account]:
        """Every user, or every org."""
        with self.index.read() as db:
            return db.accounts.all(kind)

    def tokens(self, user: str) -> list[tuple[str, TokenRole, int]]:
        """Name, role and time of each token of the user.

        raises  NotFound
        """
        with self.index.read() as db:
            return db.accounts.tokens(self._user(db, user).id)

    def members(self, org: str) -> list[Membership]:
        """The members of an organisation.

        raises  NotFound
        """
        with self.index.read() as db:
            return db.accounts.memberships(org_id=self._org(db, org).id)

    def user_profile(self, actor: Actor, name: str) -> Profile:
        """What the page of a user says.

        raises  NotFound
        """
        with self.index.read() as db:
            account = self._user(db, name)
            return Profile(
                account,
                _repo_counts(db, actor, account),
                db.discussions.count_by(account.id),
                db.repos.count_liked_by(account.id),
                db.accounts.memberships(user_id=account.id),
            )

    def org_profile(self, actor: Actor, name: str) -> Profile:
        """What the page of an organisation says.

        raises  NotFound
        """
        with self.index.read() as db:
            account = self._org(db, name)
            members = db.accounts.memberships(org_id=account.id)
            return Profile(account, _repo_counts(db, actor, account), 0, 0, members)

    def _user(self, db: Session, name: str) -> Account:
        account = db.accounts.find(name)
        if account is None or account.is_org:
            raise NotFound(f"There is no user {name}")
        return account

    def _org(self, db: Session, name: str) -> Account:
        account = db.accounts.find(name)
        if account is None or not account.is_org:
            raise NotFound(f"There is no organisation {name}")
        return account

    def _add_token(self, tx: Session, account: Account, value: str, token: Token, at: int) -> None:
        if tx.accounts.by_digest(digest(value)) is not None:
            raise AlreadyExists("This token text is in use: choose another")
        tx.accounts.add_token(account.id, digest(value), token, at)


def _repo_counts(db: Session, actor: Actor, owner: Account) -> dict[RepoKind, int]:
    counts = {}
    for kind in RepoKind:
        hidden = RepoFacts(kind, owner.name, "", private=True, gated=False, creator_id=None)
        counts[kind] = db.repos.count(owner.id, kind, with_private=allows(actor, hidden, Need.READ))
    return counts


def digest(token: str) -> str:
    """What is stored of a token: its sha256 in hex. Tokens are random, so that no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """A random access token, in the form that secret scanners know."""
    return "hf_" + "".join(secrets.choice(_ALPHABET) for _ in range(34))


def check_token(token: str) -> str:
    """The token, if clients can send it.

    raises  BadRequest
    """
    if not _TOKEN.fullmatch(token):
        raise BadRequest("A token has 8 to 256 visible ASCII characters and no blanks")
    return token


def hash_password(password: str) -> str:
    """The password's argon2id hash.

    raises  BadRequest when it is too short
    """
    if len(password) < _PASSWORD_MIN:
        raise BadRequest(f"A password needs at least {_PASSWORD_MIN} characters")
    return argon2.PasswordHasher().hash(password)


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# The hash of a random text nobody knows: verifying against it takes the time a real check takes.
_DECOY = "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5a25vd3M$dGhpc2lzbm90YXJlYWxoYXNoYXRhbGw"
