"""A report by pull request, as huggingface_hub sends it: durable, on the board, and seen by the next read.

report.py [--json] [--reports 400]
"""

import argparse
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

import compare
import seed
from compare import Connection, Figure, Quiet, posts, ratios, serving
from evalcommons.core.ids import RepoId, RepoKind

MODELS = 400
CONNECTIONS = 8
BOARD = f"/api/datasets/{seed.BENCHMARK}/leaderboard?base_model=false"


def main() -> None:
    given = compare.options(__doc__ or "", count=_count)
    quiet = Quiet(given.quiet)
    compare.pin(compare.CLIENT_CORE)
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        folder = _hub(Path(scratch) / "hub")
        (Path(scratch) / "bare").mkdir()
        with (
            serving(compare.hub_server(folder)) as ours,
            serving(compare.script("bare.py", "submit", Path(scratch) / "bare")) as plain,
        ):
            alone: dict[str, list[float]] = {"ours": [], "bare": []}
            many: dict[str, list[float]] = {"ours": [], "bare": []}
            targets = (("bare", plain.url), ("ours", ours.url))
            for _ in range(given.rounds):
                for name, url in targets:
                    quiet.wait()
                    alone[name].append(statistics.median(posts(url, _reports(given.reports // 2), 1)[0]))
                for name, url in targets:
                    quiet.wait()
                    many[name].append(posts(url, _reports(given.reports), CONNECTIONS)[1])
            late = _unseen(ours.url, given.reports // 4)
    figures = [
        ratios("a report on one connection, p50", "ms", alone["ours"], alone["bare"], most=2.5),
        Figure(f"reports at {CONNECTIONS} connections", "reports/s", statistics.median(many["ours"]), least=500),
        ratios(f"the same beside the bare submission at {CONNECTIONS}", "reports/s", many["ours"], many["bare"]),
        Figure("reports that the next read of the board does not show", "reports", late, most=0),
    ]
    compare.publish("report", figures, quiet, as_json=given.json)


def _count(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reports", type=int, default=400, help="reports of one measurement")


def _hub(folder: Path) -> Path:
    hub, actor = seed.new_hub(folder)
    seed.make_benchmark(hub, actor, seed.BENCHMARK)
    for number in range(MODELS):
        hub.repos.create(actor, RepoId(RepoKind.MODEL, seed.OWNER, f"model-{number}"))
    hub.close()
    return folder


_chance = random.Random(17)


def _reports(count: int) -> Iterator[Callable[[Connection], bytes]]:
    """Requests that open pull requests at the models in turn, each with another value."""
    for number in range(count):
        yield lambda connection, number=number: _request(connection, number, _chance.random())


def _request(connection: Connection, number: int, value: float) -> bytes:
    files = {".eval_results/exam.yaml": seed.result_file(seed.BENCHMARK, value, number)}
    body = b"\n".join(seed.commit_lines("Add evaluation result", files))
    path = f"/api/models/{seed.OWNER}/model-{number % MODELS}/commit/main?create_pr=1"
    headers = {"Authorization": f"Bearer {seed.TOKEN}", "Content_Type": "application/x-ndjson"}
    return connection.request("POST", path, body, **headers)


def _unseen(url: str, count: int) -> int:
    """Report ever better scores; how often does the next read, on another connection, not have it first?"""
    writer, reader = Connection(url), Connection(url)
    missing = 0
    for number in range(count):
        value = 1 + number / 1000
        answer = writer.send(_request(writer, number, value))
        assert answer.status == 200, answer
        rows = orjson.loads(reader.send(reader.request("GET", BOARD)).body)
        missing += rows[0]["value"] != value or rows[0]["rank"] != 1
    writer.close()
    reader.close()
    return missing


if __name__ == "__main__":
    main()
