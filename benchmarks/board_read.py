"""Reading boards: 100 rows of a 50,000-row board among 500,000 results, beside bare servers over as much data.

board_read.py [--json] [--results 500000]      (`serve FOLDER` is for itself: a hub whose board always just changed)
"""

import argparse
import dataclasses
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bare
import compare
import seed
from compare import Figure, Quiet, gets_per_second, latency_ms, ratios, serving
from evalcommons.config import Settings
from evalcommons.core.access import ANONYMOUS
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub, open_hub
from evalcommons.services.leaderboards import Wanted
from evalcommons.storage.index.boards import Listing
from evalcommons.web.app import create_app
from evalcommons.web.early import EarlyBoards

PATH = f"/api/datasets/{seed.BENCHMARK}/leaderboard?base_model=false&limit=100"
_DATASET = RepoId.parse(RepoKind.DATASET, seed.BENCHMARK)


def main() -> None:
    given = compare.options(__doc__ or "", size=_size)
    quiet = Quiet(given.quiet)
    large, medium, small = (seed.board_hub(given.scratch, count) for count in (given.results, 100_000, 1_000))
    database = given.scratch / f"bare-{given.results}.sqlite"
    if not database.exists():
        rows = min(given.results, seed.MAX_MODELS)
        bare.make(database, rows, given.results - rows)
    body = given.scratch / "body.json"
    with serving(compare.hub_server(large)) as ours:
        connection = compare.Connection(ours.url)
        answer = connection.send(connection.request("GET", PATH))
        body.write_bytes(answer.body)
        tag = next(line[6:] for line in answer.head.decode().split("\r\n") if line.lower().startswith("etag"))
        connection.close()
        with (
            serving(compare.script("bare.py", "board", database, body)) as plain,
            serving(compare.script("board_read.py", "serve", large)) as changed,
        ):
            bare_tag = '"0123456789abcdef01234567"'
            targets: dict[str, tuple[str, str, dict[str, str]]] = {
                "bare memory": (plain.url, "/memory", {}),
                "unchanged": (ours.url, PATH, {}),
                "bare 304": (plain.url, "/memory", {"If_None_Match": bare_tag}),
                "304": (ours.url, PATH, {"If_None_Match": tag.strip()}),
                "bare sqlite": (plain.url, "/sqlite", {}),
                "changed": (changed.url, PATH, {}),
            }
            rate, wait = _rounds(targets, given, quiet)
    figures = [
        ratios("unchanged board", "req/s", rate["unchanged"], rate["bare memory"], least=0.5),
        ratios("unchanged board, 304", "req/s", rate["304"], rate["bare 304"], least=0.5),
        ratios("just-changed board", "req/s", rate["changed"], rate["bare sqlite"], least=0.5),
        ratios("unchanged board, p50 of one connection", "ms", wait["unchanged"], wait["bare memory"]),
        ratios("just-changed board, p50 of one connection", "ms", wait["changed"], wait["bare sqlite"]),
        *_sizes(medium, small, given, quiet),
        *_in_process(large, quiet),
        Figure("requests for a board of any size", "requests", _requests(large), most=1),
    ]
    compare.publish("board_read", figures, quiet, as_json=given.json)


def _size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=int, default=500_000, help="results in the large hub")


def _rounds(
    targets: dict[str, tuple[str, str, dict[str, str]]], given: argparse.Namespace, quiet: Quiet
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Requests a second and p50 in ms of each target, round by round."""
    rate: dict[str, list[float]] = {name: [] for name in targets}
    wait: dict[str, list[float]] = {name: [] for name in targets}
    compare.pin(compare.CLIENT_CORE)
    for _ in range(given.rounds):
        for name, (url, path, headers) in targets.items():
            quiet.wait()
            rate[name].append(gets_per_second(url, path, given.seconds, **headers))
            wait[name].append(latency_ms(url, path, given.seconds / 3, **headers))
    return rate, wait


def _sizes(medium: Path, small: Path, given: argparse.Namespace, quiet: Quiet) -> list[Figure]:
    """p50 at 100,000 results beside p50 at 1,000, kept answers and fresh ones; and whether the top is right."""
    figures = []
    for name, command in (
        ("unchanged", compare.hub_server),
        ("just-changed", lambda folder: compare.script("board_read.py", "serve", folder)),
    ):
        with serving(command(medium)) as more, serving(command(small)) as fewer:
            targets = {"more": (more.url, PATH, {}), "fewer": (fewer.url, PATH, {})}
            _, wait = _rounds(targets, given, quiet)
        title = f"{name} board, p50 at 100,000 results beside 1,000"
        figures.append(ratios(title, "ms", wait["more"], wait["fewer"], most=1.5))
    wrong = sum(_top_is_wrong(folder) for folder in (medium, small))
    return [*figures, Figure("sizes at which the top 100 is wrong", "sizes", wrong, most=0)]


def _top_is_wrong(folder: Path) -> bool:
    hub = open_hub(Settings(data=folder))
    with hub.index.read() as db:
        board = db.boards.find(seed.BENCHMARK, seed.TASK)
        assert board is not None
        best: dict[int, float] = {}
        for result in db.results.of_task(board.dataset_keys, board.task):
            best[result.repo_id] = max(result.value, best.get(result.repo_id, result.value))
    page = hub.leaderboards.page(ANONYMOUS, _DATASET, Wanted(listing=Listing.ALL, limit=100))
    shown = [row.as_json().partition('"value":')[2].partition(",")[0] for row in page.rows]
    hub.close()
    return [float(value) for value in shown] != sorted(best.values(), reverse=True)[:100]


def _in_process(folder: Path, quiet: Quiet) -> list[Figure]:
    """Pages deep in the board, and the rank of a model, without HTTP."""
    hub = open_hub(Settings(data=folder))
    cursors = _cursors(hub)
    models = [RepoId(RepoKind.MODEL, seed.OWNER, f"model-{n}") for n in random.Random(3).sample(range(20_000), 500)]
    wanted = [Wanted(listing=Listing.ALL, limit=100, cursor=cursor) for cursor in cursors]
    quiet.wait()
    pages = _times(lambda one: hub.leaderboards.page(ANONYMOUS, _DATASET, one), wanted)
    named = _times(lambda one: hub.leaderboards.rank_of(ANONYMOUS, _DATASET, one), models)
    hub.close()
    return [
        Figure(f"any of {len(cursors)} pages, p50 in process", "ms", statistics.median(pages), most=1),
        Figure("slowest hundredth of these pages", "ms", _percentile(pages, 99)),
        Figure("rank of a model, p50 in process", "ms", statistics.median(named), most=1),
        Figure("slowest hundredth of these ranks", "ms", _percentile(named, 99)),
    ]


def _cursors(hub: Hub) -> list[str]:
    """The cursors of every page of the board, shuffled."""
    found, cursor = [], ""
    while True:
        found.append(cursor)
        cursor = hub.leaderboards.page(
            ANONYMOUS, _DATASET, Wanted(listing=Listing.ALL, limit=100, cursor=cursor)
        ).cursor
        if not cursor:
            random.Random(5).shuffle(found)
            return found


def _times(run: Callable[[Any], object], inputs: list[Any]) -> list[float]:
    times = []
    for one in inputs:
        start = time.perf_counter()
        run(one)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _percentile(times: list[float], share: int) -> float:
    return statistics.quantiles(times, n=100)[share - 1]


def _requests(folder: Path) -> int:
    """How many requests huggingface_hub makes of the hub to get the whole board."""
    import httpx2
    from huggingface_hub import HfApi, set_client_factory

    seen: list[str] = []
    hooks = {"request": [lambda request: seen.append(str(request.url))]}
    set_client_factory(lambda: httpx2.Client(event_hooks=hooks, timeout=60))
    with serving(compare.hub_server(folder)) as server:
        rows = HfApi(endpoint=server.url).get_dataset_leaderboard(seed.BENCHMARK)
    assert len(rows) > 100, rows
    return sum(url.startswith(server.url) for url in seen)


class _Changed:
    """The hub's application, told before each read that what it keeps of a board is of an older version."""

    def __init__(self, app: EarlyBoards) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for kept in self._app._kept.values():
            kept.stamp, kept.board = -1, dataclasses.replace(kept.board, version=-1)
        await self._app(scope, receive, send)


def _serve_changed(folder: Path) -> None:
    app = create_app(open_hub(Settings(data=folder)))
    while not isinstance(app, EarlyBoards):
        app = app.app
    bare.serve(_Changed(app))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        _serve_changed(Path(sys.argv[2]))
    else:
        main()
