"""Files, folders, history and single commits of a repo, to read."""

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from evalcommons.core.access import Actor
from evalcommons.core.errors import BadRequest
from evalcommons.core.ids import RepoId, is_commit
from evalcommons.core.lfs import MAX_POINTER, parse_pointer
from evalcommons.hub import Hub
from evalcommons.services.contents import File, Location
from evalcommons.web.api.contents import location
from evalcommons.web.pages import diffs, text
from evalcommons.web.pages.layout import page
from evalcommons.web.pages.repos import frame
from evalcommons.web.requests import CurrentActor, DatasetPath, ModelPath, TheHub, decoded

router = APIRouter()

ENTRIES: Final = 200
"""Files and folders on one page."""
COMMITS: Final = 50
"""Commits on one page."""
SHOWN: Final = 400_000
"""Bytes of a file that are shown."""
LINES: Final = 4000
"""Lines of a file that are shown."""
LINE: Final = 2000
"""Characters of a line that are shown."""

_PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp")


class View(NamedTuple):
    """A file as its page shows it.

    notice  why there is no text
    lines   its first lines
    more    what is not shown, in words; "" for nothing
    """

    notice: str
    lines: list[str]
    more: str


class Place(NamedTuple):
    """Where in a repo a page is.

    revision  as people write it; `segment` as an address has it
    commit    the commit it names
    """

    revision: str
    segment: str
    commit: str
    path: str
    crumbs: list[tuple[str, str]]


Handler = Callable[[Request, Hub, Actor, RepoId, str], Response]


def _both(path: str) -> Callable[[Handler], Handler]:
    """A route for models, and the same below /datasets."""

    def register(handler: Handler) -> Handler:
        def of_dataset(request: Request, repo_id: DatasetPath, actor: CurrentActor, hub: TheHub, rest: str) -> Response:
            return handler(request, hub, actor, repo_id, rest)

        def of_model(request: Request, repo_id: ModelPath, actor: CurrentActor, hub: TheHub, rest: str) -> Response:
            return handler(request, hub, actor, repo_id, rest)

        of_dataset.__doc__ = of_model.__doc__ = handler.__doc__
        router.add_api_route(f"/datasets/{{namespace}}/{{name}}/{path}", of_dataset, methods=["GET", "HEAD"])
        router.add_api_route(f"/{{namespace}}/{{name}}/{path}", of_model, methods=["GET", "HEAD"])
        return handler

    return register


@_both("tree/{rest:raw}")
def tree(request: Request, hub: Hub, actor: Actor, repo_id: RepoId, rest: str) -> Response:
    """A folder."""
    head = frame(hub, actor, repo_id)
    where = location(rest.rstrip("/"))
    after = request.query_params.get("after", "")
    here = hub.contents.at(actor, repo_id, where)
    listed = hub.contents.tree(
        actor, repo_id, Location(here.commit, here.path), with_last=True, after=after, limit=ENTRIES
    )
    place = _place(rest, here.commit, here.path)
    readme = next((item.entry.path for item in listed.items if item.entry.path.endswith("README.md")), "")
    return page(
        request,
        hub,
        actor,
        "tree.html",
        section=repo_id.kind.plural,
        tab="files",
        repo=head,
        place=place,
        items=[(item, item.entry.path.rpartition("/")[2]) for item in listed.items],
        next_page=f"?{urlencode({'after': listed.last_path})}" if listed.more else "",
        is_first=not after,
        readme=readme,
    )


@_both("blob/{rest:raw}")
def blob(request: Request, hub: Hub, actor: Actor, repo_id: RepoId, rest: str) -> Response:
    """A file."""
    head = frame(hub, actor, repo_id)
    file = hub.contents.file(actor, repo_id, location(rest))
    return page(
        request,
        hub,
        actor,
        "blob.html",
        section=repo_id.kind.plural,
        tab="files",
        repo=head,
        place=_place(rest, file.commit, file.path),
        file=file,
        view=_view(file),
        is_picture=file.path.lower().endswith(_PICTURES),
    )


@_both("commits/{rest:raw}")
def commits(request: Request, hub: Hub, actor: Actor, repo_id: RepoId, rest: str) -> Response:
    """The history of a revision."""
    head = frame(hub, actor, repo_id)
    where, start = Location(decoded(rest)), 0
    if cursor := request.query_params.get("cursor"):
        commit, _, number = cursor.partition(":")
        if not is_commit(commit) or not (number.isascii() and number.isdigit() and len(number) < 8):
            raise BadRequest("This cursor was not given out by this hub: start the list again without it")
        where, start = Location(commit), int(number)
    found = hub.contents.history(actor, repo_id, where, start=start, limit=COMMITS)
    return page(
        request,
        hub,
        actor,
        "commits.html",
        section=repo_id.kind.plural,
        tab="commits",
        repo=head,
        revision=decoded(rest),
        commits=found.commits,
        next_page=f"?{urlencode({'cursor': f'{found.head}:{start + COMMITS}'})}" if found.more else "",
        is_first=not start,
    )


@_both("commit/{rest:raw}")
def commit(request: Request, hub: Hub, actor: Actor, repo_id: RepoId, rest: str) -> Response:
    """A commit and what it changed."""
    head = frame(hub, actor, repo_id)
    change = hub.contents.change(actor, repo_id, decoded(rest))
    return page(
        request,
        hub,
        actor,
        "commit.html",
        section=repo_id.kind.plural,
        tab="commits",
        repo=head,
        change=change,
        diff=diffs.read(change.diff) if change.diff is not None else None,
    )


def _place(rest: str, commit: str, path: str) -> Place:
    """The revision is what stands in the address before the path."""
    whole = decoded(rest).rstrip("/")
    revision = whole.removesuffix(path).rstrip("/") if path else whole
    return Place(revision, text.revision_part(revision), commit, path, _crumbs(path))


def _crumbs(path: str) -> list[tuple[str, str]]:
    """Each folder on the way to a path, and the path itself: (name, address part)."""
    parts = [part for part in path.split("/") if part]
    return [(part, text.path_part("/".join(parts[: i + 1]))) for i, part in enumerate(parts)]


def _view(file: File) -> View:
    if file.is_large:
        return View(f"Kept with Git LFS, {text.size(file.size)}: download it to look inside.", [], "")
    data = b"".join(file.read(0, SHOWN))
    if b"\0" in data[:8192]:
        return View(f"A binary file of {text.size(file.size)}: download it to look inside.", [], "")
    if file.size <= MAX_POINTER and (pointer := parse_pointer(data)) is not None:
        what = f"{text.size(pointer.size)}, sha256 {pointer.sha256}"
        return View(f"A Git LFS pointer. The file it stands for ({what}) was never uploaded to this repo.", [], "")
    content = data.decode("utf-8", "replace")
    if file.size > SHOWN:
        content = content.rpartition("\n")[0] or content
    if content.count("\N{REPLACEMENT CHARACTER}") > len(content) // 20 + 4:
        return View(f"Not UTF-8 text, {text.size(file.size)}: download it to look inside.", [], "")
    lines = content.removesuffix("\n").split("\n")
    shown = [_line(line.removesuffix("\r")) for line in lines[:LINES]] if content else []
    more = []
    if len(lines) > LINES or file.size > SHOWN:
        more.append(f"the file goes on after line {min(len(lines), LINES):,}")
    if any(len(line) > LINE for line in lines[:LINES]):
        more.append(f"lines are cut at {LINE:,} characters")
    return View("" if shown else "An empty file.", shown, " and ".join(more))


def _line(line: str) -> str:
    return line if len(line) <= LINE else f"{line[:LINE]}… ({len(line) - LINE:,} more characters)"
