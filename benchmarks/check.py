"""How fast evaluation files are checked: files a second, beside plain loading without positions, limits or rules.

    python benchmarks/check.py [--files N] [--json]

In process: `results.parse` on one core, beside `yaml.CSafeLoader` and reading the same fields. The command:
`evalcommons check` on a folder of N files from start to end, beside a bare Python that loads the same files.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

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


def in_process(files: list[bytes], rounds: int) -> dict[str, float]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pairs = [(rate(checked, files), rate(bare, files)) for _ in range(rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "files_per_second": ours,
        "bare_files_per_second": theirs,
        "ratio": ours / theirs,
        "target_per_second": 15_000,
    }


def of_command(files: list[bytes], rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, ".eval_results")
        results.mkdir()
        for number, data in enumerate(files):
            (results / f"r{number}.yaml").write_bytes(data)
        check = (sys.executable, "-m", "evalcommons.cli.main", "check", folder)
        plain = (sys.executable, "-c", BARE, str(results))
        seconds(*check)  # writes bytecode, warms the file cache
        runs = [(seconds(*check), seconds(*plain), seconds(sys.executable, "-c", "")) for _ in range(rounds)]
    ours, theirs, nothing = (statistics.median(column) for column in zip(*runs, strict=True))
    return {
        "seconds": ours,
        "bare_seconds": theirs,
        "interpreter_seconds": nothing,
        "ratio": theirs / ours,
        "files_per_second": len(files) / ours,
        "target_seconds": 0.5 * len(files) / 4_000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    files = [RESULT.format(n=n).encode() for n in range(options.files)]
    # The command first: pinning this process to one core would pin its children too.
    command = of_command(files, options.rounds)
    found = {"files": options.files, "command": command, "in_process": in_process(files, options.rounds)}
    if options.json:
        print(json.dumps(found, indent=2))
        return
    one = found["in_process"]
    print(f"in process, one core   {one['files_per_second']:9,.0f} files/s   {one['ratio']:.2f} of bare loading")
    print(f"command, {options.files:5,} files   {command['seconds']:9.2f} s         {command['ratio']:.2f} of bare")


if __name__ == "__main__":
    main()
