"""What all pages of one repo share: its name, its marks, its tabs, its README."""

import json
import threading
from collections import OrderedDict
from typing import Any, Final, NamedTuple

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from evalcommons.core import cards
from evalcommons.core.access import Actor
from evalcommons.core.ids import RepoId
from evalcommons.hub import Hub
from evalcommons.services.evals import Declared
from evalcommons.services.markdown import render
from evalcommons.storage.index.repos import RepoRow

_KEPT_CHARACTERS: Final = 6_000_000
_TAGS_SHOWN: Final = 24


class Frame(NamedTuple):
    """A repo as the head of its pages shows it.

    declared     its benchmark; None for models and for datasets without eval.yaml
    discussions  how many are open
    """

    row: RepoRow
    declared: Declared | None
    discussions: int

    @property
    def path(self) -> str:
        """Address below the hub's base."""
        return self.row.repo_id.path

    @property
    def benchmark(self) -> str:
        """`official` or `community` for a valid benchmark, `invalid` for one whose eval.yaml is wrong; else empty."""
        if self.declared is None:
            return ""
        if not self.declared.row.valid:
            return "invalid"
        return "community" if self.row.official_at is None else "official"


def frame(hub: Hub, actor: Actor, repo_id: RepoId) -> Frame:
    """The head of a repo's pages.

    raises  as `Repos.open`
    """
    row = hub.repos.open(actor, repo_id).row
    declared = hub.evals.declared(actor, repo_id) if row.kind == "dataset" else None
    return Frame(row, declared, hub.discussions.listed(actor, repo_id, status="open").total)


def tags_of(row: RepoRow) -> tuple[list[str], int]:
    """The first tags of a repo, and how many there are more."""
    tags = [str(tag) for tag in json.loads(row.tags)]
    return tags[:_TAGS_SHOWN], max(0, len(tags) - _TAGS_SHOWN)


def card_of(row: RepoRow, *names: str) -> dict[str, str]:
    """The card's fields of these names that are words or lists of words."""
    card: dict[str, Any] = json.loads(row.card)
    found = {}
    for name in names:
        value = card.get(name)
        words = [word for word in (value if isinstance(value, list) else [value]) if isinstance(word, str | int)]
        if words:
            found[name] = ", ".join(str(word) for word in words[:8])
    return found


def base_models(row: RepoRow) -> list[str]:
    """Ids of the models that this one was made from, as its card writes them."""
    return [str(name) for name in json.loads(row.base_models)][:8]


# --- README -----------------------------------------------------------------------------------------------------------


class _Readmes:
    """READMEs as HTML, kept by commit: rendering a hostile one takes 0.2 s."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], Markup] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def find(self, key: tuple[str, str, str]) -> Markup | None:
        with self._lock:
            return self._kept.get(key)

    def keep(self, key: tuple[str, str, str], html: Markup) -> Markup:
        with self._lock:
            if key not in self._kept and len(html) < _KEPT_CHARACTERS // 4:
                self._kept[key] = html
                self._size += len(html)
                while self._size > _KEPT_CHARACTERS:
                    self._size -= len(self._kept.popitem(last=False)[1])
        return html


_READMES: Final = _Readmes()


async def readme(hub: Hub, actor: Actor, row: RepoRow) -> Markup:
    """The repo's README as HTML that can do nothing; empty without one."""
    key = (row.uid, row.sha, row.repo_id.path)
    found = _READMES.find(key)
    if found is not None:
        return found
    return _READMES.keep(key, await run_in_threadpool(_rendered, hub, actor, row.repo_id))


def _rendered(hub: Hub, actor: Actor, repo_id: RepoId) -> Markup:
    text = cards.body(hub.contents.readme(actor, repo_id)).strip()
    # Safe: `render` lets through only what nh3 was told to.
    return Markup(render(text, f"/{repo_id.path}/resolve/main/")) if text else Markup("")  # noqa: S704


def markdown(text: str) -> Markup:
    """What somebody wrote in a discussion as HTML that can do nothing."""
    return Markup(render(text))  # noqa: S704  (as above)
