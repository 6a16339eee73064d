"""What all pages of one repo share: its name, its marks, its tabs, its README."""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from html import unescape
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape
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
_HEADING: Final = re.compile("<(/?)h([1-6])>")
_PICTURE: Final = re.compile(r'<img((?: [a-z]+="[^"]*")*)>')
_BOX: Final = re.compile(r'<input((?: [a-z]+="[^"]*")*)>')
_ATTRIBUTE: Final = re.compile(r' ([a-z]+)="([^"]*)"')
_HIDDEN: Final = {
    code: f"\\u{code:04x}" for code in (0x200B, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
}


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


def tags_of(row: RepoRow, said: Iterable[str]) -> tuple[list[str], int]:
    """The first tags of a repo, and how many there are more; without those that `said`, names of card fields, tell."""
    prefixes = tuple(f"{name}:" for name in said)
    tags = [str(tag) for tag in json.loads(row.tags) if not str(tag).startswith(prefixes)]
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
    return markdown(text, f"/{repo_id.path}/resolve/main/") if text else Markup("")


def markdown(text: str, base: str = "") -> Markup:
    """What somebody wrote as HTML that can do nothing.

    Its headings stand below those of the page around it, pictures from elsewhere are their descriptions, and characters
    that nobody sees or that turn the direction of what follows show as escapes; joiners stay, some scripts need them.
    """
    html = render(text.translate(_HIDDEN), base)
    # nh3 writes what it lets through in one form: headings without attributes, values in double quotes.
    html = _HEADING.sub(lambda found: f"<{found[1]}h{min(int(found[2]) + 2, 6)}>", html)
    html = _BOX.sub(
        lambda found: f'<input{found[1]} aria-label="{"done" if "checked" in found[1] else "to do"}">', html
    )
    return Markup(_PICTURE.sub(_picture, html))  # noqa: S704  (cleaned by nh3)


def _picture(found: re.Match[str]) -> str:
    values = dict(_ATTRIBUTE.findall(found[1]))
    if "src" in values:
        return found[0]
    return f"<em>{escape(unescape(values.get('alt', 'picture')))}</em>"
