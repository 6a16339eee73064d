"""What every test may ask for: a hub in a fresh folder, people, repos, and an in-process client."""

import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Before anything imports huggingface_hub, which reads them once: tests leave the user's caches and tokens alone.
_CACHE = tempfile.mkdtemp(prefix="evalcommons-tests-")
os.environ.update(
    {
        "HF_HOME": _CACHE,
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    }
)
for _name in [
    name for name in os.environ if name.startswith("EVALCOMMONS_") or name.lower() in ("http_proxy", "all_proxy")
]:
    del os.environ[_name]
for _name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
    os.environ.pop(_name, None)

from evalcommons.config import Settings  # noqa: E402  (after the environment is set)
from evalcommons.core.access import Actor, Role  # noqa: E402
from evalcommons.core.ids import RepoId, RepoKind  # noqa: E402
from evalcommons.hub import Hub, open_hub  # noqa: E402
from evalcommons.storage.index.accounts import Account  # noqa: E402
from evalcommons.storage.index.repos import RepoRow  # noqa: E402


def pytest_unconfigure() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)


def _localhost_only(event: str, args: tuple[object, ...]) -> None:
    """Refuse every connection that would leave this machine, whichever library asks for it."""
    if event not in ("socket.connect", "socket.getaddrinfo"):
        return
    host = args[0] if event == "socket.getaddrinfo" else args[1]
    if isinstance(host, tuple):
        host = host[0]
    elif event == "socket.connect":
        return  # a Unix socket
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host not in (None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"):
        raise RuntimeError(f"a test tried to reach {host!r}: sockets are shut except to localhost")


sys.addaudithook(_localhost_only)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub of its own, in a fresh folder."""
    opened = open_hub(Settings(data=tmp_path / "hub"))
    yield opened
    opened.close()


@pytest.fixture
def make_user(hub: Hub) -> Callable[..., tuple[Account, str]]:
    """make_user("alice") -> (account, write token); keywords as in Accounts.create_user."""

    def make(name: str, **given) -> tuple[Account, str]:
        account, token = hub.accounts.create_user(name, **{"token": "", **given})
        assert token is not None
        return account, token

    return make


@pytest.fixture
def make_org(hub: Hub) -> Callable[..., Account]:
    """make_org("acme", private_by_default=False, alice=Role.ADMIN) -> account; members are given by name."""

    def make(name: str, *, fullname: str = "", private_by_default: bool = False, **members: Role) -> Account:
        account = hub.accounts.create_org(name, fullname=fullname, private_by_default=private_by_default)
        for user, role in members.items():
            hub.accounts.set_member(name, user, role)
        return account

    return make


@pytest.fixture
def actor_of(hub: Hub) -> Callable[[str], Actor]:
    """actor_of("alice") -> alice as somebody who acts; makes the user if there is none."""

    def actor(name: str) -> Actor:
        if hub.accounts.find(name) is None:
            hub.accounts.create_user(name)
        return hub.accounts.actor(name)

    return actor


@pytest.fixture
def make_repo(hub: Hub, actor_of: Callable[[str], Actor]) -> Callable[..., RepoRow]:
    """make_repo("alice/tiny", "dataset", private=False, gated="", by="alice") -> row; `by` None: the namespace."""

    def make(
        name: str, kind: str = "model", *, private: bool = False, gated: str = "", by: str | None = None
    ) -> RepoRow:
        repo_id = RepoId.parse(RepoKind(kind), name)
        actor = actor_of(by or repo_id.namespace)
        row = hub.repos.create(actor, repo_id, private=private)
        return hub.repos.configure(actor, repo_id, gated=gated) if gated else row

    return make


@pytest.fixture
def commit_files(hub: Hub) -> Callable[..., str]:
    """commit_files(row, {"a.txt": b"a", "gone": None}, large={"w.bin": b"w"}, revision="main", by=…) -> commit id."""

    def commit(
        row: RepoRow,
        files: dict[str, bytes | None] | None = None,
        *,
        large: dict[str, bytes] | None = None,
        revision: str = "main",
        by: str | None = None,
    ) -> str:
        lines: list[dict[str, object]] = [{"key": "header", "value": {"summary": "Files", "description": ""}}]
        for path, data in (files or {}).items():
            value: dict[str, object] = {"path": path}
            if data is not None:
                value |= {"content": base64.b64encode(data).decode(), "encoding": "base64"}
            lines.append({"key": "file" if data is not None else "deletedFile", "value": value})
        for path, data in (large or {}).items():
            sha256 = hashlib.sha256(data).hexdigest()
            hub.large_files.add(row, sha256, [data])
            lines.append(
                {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": sha256, "size": len(data)}}
            )
        actor = hub.accounts.actor(by or row.namespace)
        encoded = [json.dumps(line).encode() for line in lines]
        return hub.commits.commit(actor, row.repo_id, revision, encoded).oid

    return commit


@pytest.fixture
def client(hub: Hub) -> Iterator[Callable[..., object]]:
    """client(token=None) -> an in-process HTTP client of the hub, which lets a crash answer 500 as a server does."""
    from starlette.testclient import TestClient

    from evalcommons.web.app import create_app

    app = create_app(hub)
    opened: list[TestClient] = []

    def connect(token: str | None = None, base_url: str = "http://hub.test") -> TestClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        made = TestClient(
            app, base_url=base_url, headers=headers, raise_server_exceptions=False, follow_redirects=False
        )
        opened.append(made)
        return made

    yield connect
    for made in opened:
        made.close()
