"""A 100 MB push and clone over HTTP, beside the same git over file://.

    push_clone.py [--json] [--megabytes 100]

Both sides run the same git program on the same disk; what HTTP, our checks and the index add is the ratio.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import compare
import seed
from compare import Figure, Quiet, serving
from evalcommons.core.ids import RepoId, RepoKind

FILES = 20  # of random bytes: nothing to compress, so that the way is measured and not zlib


def main() -> None:
    given = compare.options(__doc__ or "", size=_size)
    quiet = Quiet(given.quiet)
    scratch = given.scratch / "push-clone"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    hub, owner = seed.new_hub(scratch / "hub")
    names = [f"round-{number}" for number in range(given.rounds + 1)]
    for name in names:
        hub.repos.create(owner, RepoId(RepoKind.MODEL, owner.name, name))
    hub.close()
    source = _commit(scratch / "source", given.megabytes)
    took: dict[str, list[float]] = {word: [] for word in ("push", "file push", "clone", "file clone")}
    with serving(compare.hub_server(scratch / "hub")) as server:
        before = server.rss_mb()
        base = server.url.replace("//", f"//x:{seed.TOKEN}@")
        for number, name in enumerate(names):
            bare = scratch / f"{name}.git"
            _git("init", "-q", "--bare", "-b", "main", bare)
            ways = {"": f"{base}/{owner.name}/{name}", "file ": f"file://{bare}"}
            for word in ("push", "clone"):
                # In turn, so that neither always finds the warmer disk.
                for way in sorted(ways, reverse=bool(number % 2)):
                    quiet.wait()
                    copy = scratch / "copy"
                    words = {
                        "push": ["push", "-q", "--force", ways[way], "main"],
                        "clone": ["clone", "-q", ways[way], copy],
                    }
                    seconds = _timed(words[word], source)
                    shutil.rmtree(copy, ignore_errors=True)
                    if number:  # the first round warms up
                        took[f"{way}{word}"].append(seconds)
            shutil.rmtree(bare)
        grown, peak = server.rss_mb() - before, compare.peak_mb(server.pid)
    shutil.rmtree(scratch)
    figures = [
        compare.ratios(f"push of {given.megabytes} MB", "s", took["push"], took["file push"], most=1.15),
        compare.ratios(f"clone of {given.megabytes} MB", "s", took["clone"], took["file clone"], most=1.15),
        Figure("memory of the server, at its most", "MB", peak, most=150),
        Figure("what it grew by", "MB", grown),
    ]
    compare.publish("push and clone", figures, quiet, as_json=given.json)


def _size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--megabytes", type=int, default=100, help="bytes of the repo, in 10^6")


def _commit(folder: Path, megabytes: int) -> Path:
    _git("init", "-q", "-b", "main", folder)
    for number in range(FILES):
        (folder / f"{number}.txt").write_bytes(os.urandom(megabytes * 1_000_000 // FILES))
    _git("-C", folder, "add", "-A")
    _git("-C", folder, "commit", "-q", "-m", "Random bytes")
    _git("-C", folder, "repack", "-adq")
    return folder


def _timed(words: list[str | Path], folder: Path) -> float:
    start = time.perf_counter()
    _git("-C", folder, *words)
    return time.perf_counter() - start


def _git(*words: str | Path) -> None:
    env = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    subprocess.run(["git", *map(str, words)], check=True, env={**os.environ, **env})


if __name__ == "__main__":
    main()
