"""Building the index again from the repos, and seeing that nothing changed, beside bare scans of the same repos.

reindex.py [--json] [--models 2000] [--each 10]
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bare
import compare
import seed
from compare import Figure, Quiet, ratios
from evalcommons.config import Settings
from evalcommons.hub import open_hub


def main() -> None:
    given = compare.options(__doc__ or "", size=_size)
    quiet = Quiet(given.quiet)
    folder = seed.git_hub(given.scratch, given.models, given.each)
    compare.pin(compare.SERVER_CORE)
    rebuilt: list[float] = []
    scanned: list[float] = []
    moved: list[float] = []
    read: list[float] = []
    memory: list[float] = []
    hub = open_hub(Settings(data=folder))
    repos = sorted((folder / "repos").glob("*/*.git"))
    for _ in range(given.rounds):
        quiet.wait()
        scanned.append(_rate(lambda: bare.scan(folder / "repos", given.scratch / "scan.sqlite")))
        quiet.wait()
        count, seconds, megabytes = map(float, _run("rebuild", folder).split())
        rebuilt.append(count / seconds)
        memory.append(megabytes)
        quiet.wait()
        read.append(_rate(lambda: bare.stat_refs(repos)))
        quiet.wait()
        moved.append(_rate(lambda: len(repos) + len(hub.indexing.moved())))
    hub.close()
    figures = [
        Figure("results read again", "results/s", statistics.median(rebuilt), least=8000),
        ratios("the same beside a bare scan of git into SQLite", "results/s", rebuilt, scanned),
        Figure("memory of the process that does it, at most", "MB", max(memory), most=200),
        Figure("repos seen not to have changed", "repos/s", statistics.median(moved), least=20_000),
        ratios("the same beside reading the file of main of each", "repos/s", moved, read),
    ]
    compare.publish("reindex", figures, quiet, as_json=given.json)


def _size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", type=int, default=2000, help="model repos")
    parser.add_argument("--each", type=int, default=10, help="result files in each")


def _rate(run: Callable[[], int]) -> float:
    start = time.perf_counter()
    count = run()
    return count / (time.perf_counter() - start)


def _run(what: str, folder: Path) -> str:
    """Run a part of this script in a process of its own, so that its memory is its own."""
    return subprocess.run(compare.script("reindex.py", what, folder), capture_output=True, text=True, check=True).stdout


def _rebuild(folder: Path) -> None:
    """Prints results, seconds and MB."""
    hub = open_hub(Settings(data=folder))
    start = time.perf_counter()
    count = hub.indexing.rebuild()
    seconds = time.perf_counter() - start
    print(count, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
    hub.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["rebuild"]:
        _rebuild(Path(sys.argv[2]))
    else:
        main()
