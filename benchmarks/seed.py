"""Hubs to measure: boards of any size written straight into the index, and real repos to read again.

    seed.py board FOLDER RESULTS      one board of up to 50,000 models among RESULTS results
    seed.py repos FOLDER REPOS EACH   REPOS models with EACH result files in git, on one benchmark

A board's results are rows without git behind them, made in bulk: enough for whatever only reads the index. Benchmarks,
and everything that `repos` makes, go through the hub's own services.
"""

import base64
import random
import shutil
import sys
from pathlib import Path

import orjson
import sqlalchemy as sa

from evalcommons.config import Settings
from evalcommons.core.access import Actor
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub, open_hub
from evalcommons.storage.index.schema import repos, results

MAX_MODELS = 50_000
OWNER = "lab"
TOKEN = "hf_" + "benchmark" * 4
BENCHMARK = f"{OWNER}/exam"
"""The dataset of the board that is measured."""
TASK = "exam"
_SPEC = """\
name: {name}
description: Questions made up to measure how quick the hub is.
evaluation_framework: lighteval
tasks:
  - id: exam
"""
_BATCH = 20_000
_NO_REFS = "-:-:-"
"""The stamp of refs that are not there, so that a start of the hub leaves these models alone."""


def result_file(dataset: str, value: float, run: int) -> bytes:
    """A results file with one entry, as authors write them."""
    return (
        f'- dataset:\n    id: {dataset}\n    task_id: {TASK}\n  value: {value}\n  date: "2026-01-15"\n'
        f"  source:\n    url: https://example.org/runs/{run}\n    name: Run {run}\n    user: {OWNER}\n"
    ).encode()  # fmt: skip


def commit_lines(summary: str, files: dict[str, bytes]) -> list[bytes]:
    """A commit request as huggingface_hub sends it."""
    lines = [orjson.dumps({"key": "header", "value": {"summary": summary, "description": ""}})]
    for path, content in files.items():
        sent = {"content": base64.b64encode(content).decode(), "path": path, "encoding": "base64"}
        lines.append(orjson.dumps({"key": "file", "value": sent}))
    return lines


def new_hub(folder: Path) -> tuple[Hub, Actor]:
    """An empty hub and its only user, who owns `TOKEN`."""
    shutil.rmtree(folder, ignore_errors=True)
    hub = open_hub(Settings(data=folder))
    hub.accounts.create_user(OWNER, token=TOKEN)
    return hub, hub.accounts.actor(OWNER)


def make_benchmark(hub: Hub, actor: Actor, name: str) -> None:
    """A dataset with an eval.yaml of one task."""
    repo_id = RepoId.parse(RepoKind.DATASET, name)
    hub.repos.create(actor, repo_id)
    hub.commits.commit(actor, repo_id, "main", commit_lines("spec", {"eval.yaml": _SPEC.format(name=name).encode()}))


def board_hub(scratch: Path, count: int) -> Path:
    """A hub with `count` results, kept for the next run; the board measured has min(count, 50,000) models.

    The others stand on further boards of the same models. A third stands in pull requests, a fifth of the models
    name a base model.
    """
    folder = scratch / f"board-{count}"
    if (folder / "seeded").exists():
        return folder
    hub, actor = new_hub(folder)
    models = min(count, MAX_MODELS)
    exams = [BENCHMARK, *(f"{BENCHMARK}-{number}" for number in range(2, -(-count // models) + 1))]
    for name in exams:
        make_benchmark(hub, actor, name)
    chance = random.Random(11)
    with hub.index.transaction() as tx:
        owner = tx.accounts.find(OWNER)
        assert owner is not None
        first = tx.repos.find(RepoId.parse(RepoKind.DATASET, exams[-1]))
        assert first is not None
        rows = [
            {
                "id": first.id + 1 + number,
                "uid": f"{chance.getrandbits(96):024x}",
                "kind": "model",
                "owner_id": owner.id,
                "namespace": OWNER,
                "name": f"model-{number}",
                "key": f"{OWNER}/model-{number}",
                "creator_id": owner.id,
                "created_at": 1_760_000_000_000 + number,
                "modified_at": 1_760_000_000_000 + number,
                "sha": f"{chance.getrandbits(160):040x}",
                "base_models": "[]" if number % 5 else f'["{OWNER}/base"]',
                "refs_stamp": _NO_REFS,
            }
            for number in range(models)
        ]
        tx.connection.execute(sa.insert(repos), rows)
        for start in range(0, count, _BATCH):
            batch = [
                {
                    "uid": f"{chance.getrandbits(96):024x}",
                    "repo_id": first.id + 1 + number % models,
                    "pull": 0 if number % 3 else 1,
                    "path": ".eval_results/scores.yaml",
                    "ordinal": 0,
                    "dataset_key": exams[number // models],
                    "dataset": exams[number // models],
                    "task": TASK,
                    "value": round(chance.random(), 4),
                    "source": f'{{"url":"https://example.org/runs/{number}","name":"Run {number}"}}',
                    "level": 1,
                    "commit_oid": f"{chance.getrandbits(160):040x}",
                    "submitter": OWNER,
                    "from_at": 1_760_000_000_000 + number,
                }
                for number in range(start, min(start + _BATCH, count))
            ]
            tx.connection.execute(sa.insert(results), batch)
        for name in exams:
            board = tx.boards.find(name, TASK)
            assert board is not None
            hub.indexing.boards.fill(tx, board)
    hub.close()
    (folder / "seeded").touch()
    return folder


def git_hub(scratch: Path, models: int, each: int) -> Path:
    """A hub with `models` repos of `each` result files on main, all through commits; kept for the next run."""
    folder = scratch / f"repos-{models}-{each}"
    if (folder / "seeded").exists():
        return folder
    hub, actor = new_hub(folder)
    exams = [BENCHMARK, *(f"{BENCHMARK}-{number}" for number in range(2, each + 1))]
    for name in exams:
        make_benchmark(hub, actor, name)
    chance = random.Random(13)
    for number in range(models):
        repo_id = RepoId.parse(RepoKind.MODEL, f"{OWNER}/model-{number}")
        hub.repos.create(actor, repo_id)
        files = {
            f".eval_results/{exam.rpartition('/')[2]}.yaml": result_file(exam, round(chance.random(), 4), number)
            for exam in exams
        }
        card = f"---\nlicense: apache-2.0\nlibrary_name: transformers\n---\n# Model {number}\n".encode()
        hub.commits.commit(actor, repo_id, "main", commit_lines("results", {"README.md": card, **files}))
    hub.close()
    (folder / "seeded").touch()
    return folder


if __name__ == "__main__":
    what, place, *words = sys.argv[1:]
    print(board_hub(Path(place), int(words[0])) if what == "board" else git_hub(Path(place), *map(int, words)))
