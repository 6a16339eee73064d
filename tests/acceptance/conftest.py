"""A live hub on 127.0.0.1 and what real clients need to talk to it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evalcommons.config import Settings
from evalcommons.core.access import Role
from evalcommons.hub import Hub, open_hub
from evalcommons.web.server import running


@dataclass
class Server:
    """A hub that answers on `url`.

    url   http://127.0.0.1:PORT
    hub   the same hub in process, to prepare and to look
    home  folder for the clients' homes and caches
    """

    url: str
    hub: Hub
    home: Path
    tokens: dict[str, str] = field(default_factory=dict)
    homes: int = 0

    def user(self, name: str, **given) -> str:
        """The write token of this user, who is made when first asked for."""
        if name not in self.tokens:
            _, token = self.hub.accounts.create_user(name, **{"token": "", **given})
            assert token is not None
            self.tokens[name] = token
        return self.tokens[name]

    def org(self, name: str, **members: Role) -> None:
        """A new organisation; members are given by name."""
        self.hub.accounts.create_org(name)
        for user, role in members.items():
            self.user(user)
            self.hub.accounts.set_member(name, user, role)

    def api(self, token: str | None = None):
        """huggingface_hub's HfApi in this process; without a token nobody is signed in."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.url, token=token or False)

    def env(self, token: str | None = None) -> dict[str, str]:
        """The environment for a client program: this hub as the endpoint, and a home and caches of its own."""
        self.homes += 1
        home = self.home / f"home{self.homes}"
        home.mkdir(parents=True)
        set_here = {
            "DO_NOT_TRACK": "1",
            "GIT_AUTHOR_EMAIL": "tester@example.org",
            "GIT_AUTHOR_NAME": "tester",
            "GIT_COMMITTER_EMAIL": "tester@example.org",
            "GIT_COMMITTER_NAME": "tester",
            "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "hf"),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "HF_XET_CACHE": str(home / "xet"),
            "HOME": str(home),
            "NO_COLOR": "1",
            "NO_PROXY": "*",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
        }
        if token:
            set_here["HF_TOKEN"] = token
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ", "TMPDIR") if name in os.environ}
        return {**kept, **set_here}

    def run(
        self, *words: str | Path, token: str | None = None, cwd: Path | None = None, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a client program to its end, with its output as text; the caller looks at the exit code."""
        return subprocess.run(
            [str(word) for word in words],
            env=self.env(token),
            cwd=cwd or self.home,
            timeout=timeout_s,
            capture_output=True,
            text=True,
            check=False,
        )

    def git_url(self, path: str, token: str | None = None, user: str = "hf_user") -> str:
        """The address git takes for a repo, with credentials if a token is given."""
        host = self.url.removeprefix("http://")
        return f"http://{user}:{token}@{host}/{path}" if token else f"{self.url}/{path}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A live hub that the stories of one file share; each story uses people and repos of its own."""
    folder = tmp_path_factory.mktemp("live")
    hub = open_hub(Settings(data=folder / "hub", port=0))
    try:
        with running(hub) as url:
            yield Server(url, hub, folder)
    finally:
        hub.close()


@pytest.fixture(scope="session")
def old_python(request: pytest.FixtureRequest) -> Path:
    """A Python with the newest huggingface_hub 1.x, made once and kept in pytest's cache folder."""
    folder = request.config.cache.mkdir("huggingface_hub-1")
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder / "venv")], check=True, capture_output=True)
        got = subprocess.run(
            [python, "-m", "pip", "install", "-q", "huggingface_hub<2"], capture_output=True, text=True, check=False
        )
        if got.returncode:
            shutil.rmtree(folder / "venv")
            pytest.skip("huggingface_hub 1.x cannot be had: " + got.stderr.strip()[-200:])
    return python


@pytest.fixture(scope="module")
def gsm8k(server: Server) -> str:
    """The commit of openai/gsm8k as the demo registers it: 1,319 questions and an eval.yaml for Inspect."""
    from huggingface_hub import CommitOperationAdd

    from evalcommons.cli.demo_story import BENCHMARK, benchmark_files

    server.org("openai", maintainer=Role.WRITE)
    api = server.api(server.user("maintainer"))
    api.create_repo(BENCHMARK, repo_type="dataset")
    made = api.create_commit(
        BENCHMARK,
        [CommitOperationAdd(path, data) for path, data in benchmark_files().items()],
        repo_type="dataset",
        commit_message="Add the test split, and how to run it",
    )
    return made.oid
