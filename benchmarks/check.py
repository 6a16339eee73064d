"""How fast evaluation files are checked: files a second, beside plain loading without positions, limits or rules.

    python benchmarks/check.py [--files N] [--json]

In process: `results.parse` on one core, beside `yaml.CSafeLoader` and reading the same fields. The command:
`evalcommons check` on a folder of N files from start to end, beside a bare Python that loads the same files.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

import compare
from compare import Figure, Quiet
from evalcommons.core.results import parse

RESULT = """\
- dataset:
    id: openai/gsm8k
    task_id: main
    revision: 5503434ddd753f426f4b38109466949a1217c2bb
  value: 0.{n:04}
  date: "2021-10-27"
  source:
    url: https://arxiv.org/abs/2110.14168
    name: Cobbe et al. 2021
    user: alice
  notes: "no-tools"
"""
BARE = """\
import os, sys, yaml
for entry in os.scandir(sys.argv[1]):
    with open(entry.path, "rb") as file:
        for item in yaml.load(file, Loader=yaml.CSafeLoader):
            item["dataset"]["id"], item["dataset"]["task_id"], float(item["value"])
"""


def checked(data: bytes) -> None:
    parse("f.yaml", data)


def bare(data: bytes) -> None:
    for item in yaml.load(data, Loader=yaml.CSafeLoader):
        item["dataset"]["id"], item["dataset"]["task_id"], float(item["value"])
        item["dataset"].get("revision"), item.get("date"), item.get("notes"), item["source"]["url"]


def rate(function: Callable[[bytes], None], files: list[bytes]) -> float:
    """Files a second."""
    start = time.perf_counter()
    for data in files:
        function(data)
    return len(files) / (time.perf_counter() - start)


def seconds(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def in_process(files: list[bytes], rounds: int, quiet: Quiet) -> list[Figure]:
    """On one core, in this process."""
    compare.pin(compare.SERVER_CORE)
    ours: list[float] = []
    plain: list[float] = []
    for _ in range(rounds):
        quiet.wait()
        ours.append(rate(checked, files))
        plain.append(rate(bare, files))
    return [
        Figure("files checked in process", "files/s", statistics.median(ours), least=15_000),
        compare.ratios("the same beside loading and reading the fields", "files/s", ours, plain),
    ]


def of_command(files: list[bytes], rounds: int, quiet: Quiet) -> list[Figure]:
    """The command from start to end."""
    ours: list[float] = []
    plain: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, ".eval_results")
        results.mkdir()
        for number, data in enumerate(files):
            (results / f"r{number}.yaml").write_bytes(data)
        check = (sys.executable, "-m", "evalcommons.cli.main", "check", folder)
        seconds(*check)  # writes bytecode, warms the file cache
        for _ in range(rounds):
            quiet.wait()
            ours.append(seconds(*check))
            plain.append(seconds(sys.executable, "-c", BARE, str(results)))
    most = 0.5 * len(files) / 4_000
    return [
        Figure(f"the command on {len(files):,} files", "s", statistics.median(ours), most=most),
        compare.ratios("the same beside a Python that loads them", "s", ours, plain),
    ]


def main() -> None:
    given = compare.options(__doc__ or "", size=_size)
    quiet = Quiet(given.quiet)
    files = [RESULT.format(n=n).encode() for n in range(given.files)]
    # The command first: pinning this process to one core would pin its children too.
    command = of_command(files, given.rounds, quiet)
    compare.publish("check", [*in_process(files, given.rounds, quiet), *command], quiet, as_json=given.json)


def _size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--files", type=int, default=4_000, help="result files")


if __name__ == "__main__":
    main()
