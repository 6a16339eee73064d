"""Small evaluation files for tests, and a way to commit them."""

import base64
import json
from collections.abc import Iterable


def eval_yaml(*tasks: str, name: str = "Bench") -> bytes:
    """A benchmark with these tasks, of a framework that asks for nothing else."""
    rows = "".join(f"  - id: {task}\n" for task in tasks or ("main",))
    return f"name: {name}\ndescription: Counts things.\nevaluation_framework: mteb\ntasks:\n{rows}".encode()


def results_yaml(*values: float, dataset: str = "alice/bench", task: str = "main", **extra: str) -> bytes:
    """Results of one task."""
    more = "".join(f"  {key}: {value}\n" for key, value in extra.items())
    return "".join(
        f"- dataset:\n    id: {dataset}\n    task_id: {task}\n  value: {value}\n{more}" for value in values
    ).encode()


def commit_lines(files: dict[str, bytes | None], summary: str = "Add results") -> Iterable[bytes]:
    """The lines of a commit request: path -> bytes, or None to delete."""
    yield json.dumps({"key": "header", "value": {"summary": summary, "description": ""}}).encode()
    for path, data in files.items():
        if data is None:
            yield json.dumps({"key": "deletedFile", "value": {"path": path}}).encode()
        else:
            content = base64.b64encode(data).decode()
            value = {"path": path, "content": content, "encoding": "base64"}
            yield json.dumps({"key": "file", "value": value}).encode()
