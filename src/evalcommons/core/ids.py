"""Names of repos, accounts and revisions, and the rules they obey."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from evalcommons.core.errors import BadRequest, InvalidName

MAX_NAME = 96
"""Characters in a namespace or a repo name, as on the Hub."""

MAX_REF = 200
"""Bytes in the name of a branch or tag."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
_ACCOUNT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_PULL_REF = re.compile(r"refs/pr/([1-9][0-9]{0,8})")
_RESERVED_ACCOUNTS = frozenset(
    (
        "admin about api assets avatars benchmarks blog check compare datasets docs embed evals favicon.ico health "
        "join login logout models new oauth organizations pricing robots.txt search settings signup spaces static "
        "uploads users well-known"
    ).split()
)
"""First path segments that the hub itself serves; an account of that name would hide behind them."""


class RepoKind(StrEnum):
    """What a repo holds; the value is the wire's word for one of them."""

    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"

    @property
    def plural(self) -> str:
        """The segment after /api: models, datasets, spaces."""
        return f"{self.value}s"

    @property
    def prefix(self) -> str:
        """What stands before the id in a web or git address: nothing for models."""
        return "" if self is RepoKind.MODEL else f"{self.value}s/"


@dataclass(frozen=True, slots=True)
class RepoId:
    """A repo's address: kind, namespace and name. Compared by letters; `key` is the form that ignores case.

    raises  InvalidName from `parse` when the text is not `namespace/name`
    """

    kind: RepoKind
    namespace: str
    name: str

    @classmethod
    def parse(cls, kind: RepoKind, text: str) -> Self:
        """The id written as `namespace/name`, letters kept, names checked."""
        namespace, slash, name = text.partition("/")
        if not slash or "/" in name:
            raise InvalidName(f"{text[:120]!r} is not a {kind} id: write namespace/name")
        check_repo_name(namespace)
        check_repo_name(name)
        return cls(kind, namespace, name)

    @property
    def key(self) -> str:
        """`namespace/name` in lower case: what makes an id unique."""
        return f"{self.namespace}/{self.name}".lower()

    @property
    def path(self) -> str:
        """The address below the hub's base: `ns/name`, `datasets/ns/name`."""
        return f"{self.kind.prefix}{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def check_repo_name(name: str) -> None:
    """Nothing when `name` may name a repo or stand as its namespace.

    raises  InvalidName with the rule that is broken
    source  huggingface_hub `utils/_validators.py:validate_repo_id`, read 2026-11-20
    """
    if not _NAME.fullmatch(name) or "--" in name or ".." in name or name.endswith(".git"):
        raise InvalidName(
            f"{name[:120]!r} cannot be used as a name: use 1 to {MAX_NAME} letters, digits, '-', '_' or '.'; it starts "
            "with a letter or digit, does not end with '-', '.' or '.git', and has no '--' or '..'"
        )


def check_account_name(name: str) -> None:
    """Nothing when `name` may name a user or an organisation.

    raises  InvalidName when it breaks the rule or is an address that the hub itself serves
    """
    if not _ACCOUNT.fullmatch(name) or "--" in name:
        raise InvalidName(
            f"{name[:120]!r} cannot be an account name: use 1 to 42 letters, digits or single '-' between them"
        )
    if name.lower() in _RESERVED_ACCOUNTS:
        raise InvalidName(f"{name!r} is an address of the hub itself: choose another account name")


def check_ref_name(name: str) -> None:
    """Nothing when a branch or tag may have this name without being taken for something else; git checks the rest.

    raises  BadRequest
    """
    bad = not name or len(name.encode()) > MAX_REF or not name.isprintable() or name in ("HEAD", "None")
    if bad or name.startswith(("refs/", "-")) or is_commit(name):
        raise BadRequest(
            f"{name[:120]!r} cannot name a branch or tag: use 1 to {MAX_REF} visible characters, not starting with "
            "'refs/' or '-', and not a commit id"
        )


def is_commit(text: str) -> bool:
    """Is this a full commit id: 40 lower-case hex digits?"""
    return _COMMIT.fullmatch(text) is not None


def may_be_commit(text: str) -> bool:
    """Could this be a full or shortened commit id (7 to 40 hex digits)?"""
    return _SHORT_COMMIT.fullmatch(text) is not None


def pull_ref(num: int) -> str:
    """The ref on which the commits of pull request `num` live."""
    return f"refs/pr/{num}"


def pull_number(ref: str) -> int | None:
    """The pull request whose ref this is, or None for any other ref."""
    found = _PULL_REF.fullmatch(ref)
    return int(found[1]) if found else None


MAIN = "refs/heads/main"
"""The branch whose results are the author's."""
