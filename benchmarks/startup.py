"""From the command to the first answer, the server's memory with 500,000 results, and the help page.

startup.py [--json] [--results 500000]
"""

import argparse
import statistics
import subprocess
import sys
import time

import compare
import seed
from compare import Connection, Figure, Quiet, serving

BOARDS = [
    f"/api/datasets/{name}/leaderboard{query}"
    for name in (seed.BENCHMARK, f"{seed.BENCHMARK}-2", f"{seed.BENCHMARK}-3")
    for query in ("?limit=100", "?base_model=false&limit=100", "?base_model=false&limit=10000", "?min_evidence=sourced")
]


def main() -> None:
    given = compare.options(__doc__ or "", size=_size)
    quiet = Quiet(given.quiet)
    folder = seed.board_hub(given.scratch, given.results)
    starts: list[float] = []
    bare: list[float] = []
    memory: list[float] = []
    peak: list[float] = []
    helps: list[float] = []
    python: list[float] = []
    for _ in range(given.rounds):
        quiet.wait()
        start = time.perf_counter()
        with serving(compare.hub_server(folder)) as server:
            connection = Connection(server.url)
            answer = connection.send(connection.request("GET", BOARDS[0]))
            starts.append(time.perf_counter() - start)
            assert answer.status == 200, answer
            for path in BOARDS:
                answer = connection.send(connection.request("GET", path))
                assert answer.status == 200, answer
            connection.close()
            memory.append(server.rss_mb())
            peak.append(compare.peak_mb(server.pid))
        quiet.wait()
        bare.append(_seconds([sys.executable, "-c", "import fastapi, uvicorn, sqlalchemy, pygit2"]))
        helps.append(_seconds([str(compare.hub_server(folder)[0]), "--help"]))
        python.append(_seconds([sys.executable, "-c", "import typer"]))
    figures = [
        Figure("from the command to the first board", "s", statistics.median(starts), most=1.5),
        compare.ratios("the same beside a Python that imports our libraries", "s", starts, bare),
        Figure(f"memory after reading {len(BOARDS)} boards", "MB", max(memory), most=150),
        Figure("its peak", "MB", max(peak)),
        Figure("evalcommons --help", "s", statistics.median(helps), most=0.3),
        compare.ratios("the same beside a Python that imports Typer", "s", helps, python),
    ]
    compare.publish("startup", figures, quiet, as_json=given.json)


def _size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=int, default=500_000, help="results in the hub")


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
