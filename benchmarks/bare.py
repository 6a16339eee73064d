"""Bare baselines: the least that Python has to do for the same work. What our code adds is the ratio to these.

bare.py make DATABASE BOARD_ROWS OTHER_ROWS      one table of scores, for `board`
bare.py board DATABASE BODY                      serves bytes in memory, 304, and SQLite a request
bare.py submit FOLDER                            serves durable submissions: a commit, a row, one sync
"""

import base64
import ctypes
import os
import random
import sqlite3
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import orjson
import pygit2
import yaml

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# --- reading a board --------------------------------------------------------------------------------------------------

_COLUMNS = (
    "model value file verified owner_kind owner owner_name avatar source pull notes evidence submitter uid reported_at"
).split()
_TABLE = f"""
create table score (
  id integer primary key, board integer not null, sort_value real not null,
  {", ".join(f"{name} not null" for name in _COLUMNS)}
)
"""
_TOP = f"select {', '.join(_COLUMNS)} from score where board = 1 order by sort_value desc, id limit 100"


def make(database: Path, board_rows: int, other_rows: int) -> None:
    """A database with one table: `board_rows` on board 1, the others on 200 more."""
    chance = random.Random(7)
    connection = sqlite3.connect(database)
    connection.executescript(f"pragma journal_mode=wal; pragma synchronous=off; {_TABLE}")

    def rows() -> Any:
        for number in range(board_rows + other_rows):
            value = round(chance.random(), 4)
            owner = f"lab-{number % 997}"
            yield (
                number,
                1 if number < board_rows else 2 + number % 200,
                value,
                f"{owner}/model-{number}",
                value,
                ".eval_results/scores.yaml",
                False,
                "user",
                owner,
                "",
                f"/avatars/{owner}.svg",
                f"https://example.org/runs/{number}",
                number % 3,
                "",
                "sourced",
                owner,
                f"{chance.getrandbits(96):024x}",
                "2026-01-02T03:04:05.000Z",
            )

    marks = ", ".join("?" * (len(_COLUMNS) + 3))
    with connection:
        connection.executemany(f"insert into score values ({marks})", rows())
        connection.execute("create index score_order on score (board, sort_value desc, id)")
    connection.execute("analyze")
    connection.close()


def board_app(database: Path, body: Path) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """`/memory`: the bytes of `body`, or 304 for who has them. `/sqlite`: the top 100, read and written each time."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    kept, tag = body.read_bytes(), b'"0123456789abcdef01234567"'

    def top() -> bytes:
        rows = connection.execute(_TOP)
        return orjson.dumps(
            [{"rank": rank, **dict(zip(_COLUMNS, row, strict=True))} for rank, row in enumerate(rows, 1)]
        )

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        if scope["path"] == "/sqlite":
            await _answer(send, 200, top(), tag)
        elif any(name == b"if-none-match" and value == tag for name, value in scope["headers"]):
            await _answer(send, 304, b"", tag)
        else:
            await _answer(send, 200, kept, tag)

    return app


# --- submitting -------------------------------------------------------------------------------------------------------


def submit_app(folder: Path) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """A commit request in, a commit on a new pull request's ref and an index row out; durable by one sync."""
    repo = pygit2.init_repository(str(folder / "model.git"), bare=True)
    person = pygit2.Signature("bare", "bare@example.org")
    builder = repo.TreeBuilder()
    builder.insert("README.md", repo.create_blob(b"# model\n"), 0o100644)
    base = repo.create_commit("refs/heads/main", person, person, "initial commit", builder.write(), [])
    connection = sqlite3.connect(folder / "index.sqlite", isolation_level=None)
    connection.executescript(
        "pragma journal_mode=wal; pragma synchronous=normal;"
        "create table score (id integer primary key, dataset, task, model, value real, pull integer, oid text);"
        "create index score_order on score (dataset, task, value desc)"
    )
    libc, handle = ctypes.CDLL(None), os.open(folder, os.O_RDONLY)
    count = 0

    def submit(body: bytes) -> bytes:
        nonlocal count
        count += 1
        head, *files = map(orjson.loads, body.splitlines())
        tree = repo.TreeBuilder(repo[base].peel(pygit2.Tree))
        folder_tree = repo.TreeBuilder()
        entries = []
        for file in files:
            content = base64.b64decode(file["value"]["content"])
            entries += yaml.load(content, Loader=yaml.CSafeLoader)
            folder_tree.insert(file["value"]["path"].rpartition("/")[2], repo.create_blob(content), 0o100644)
        tree.insert(".eval_results", folder_tree.write(), 0o040000)
        oid = repo.create_commit(None, person, person, head["value"]["summary"], tree.write(), [base])
        repo.create_reference_direct(f"refs/pr/{count}", oid, False)
        rows = [(e["dataset"]["id"], e["dataset"]["task_id"], "m", float(e["value"]), count, str(oid)) for e in entries]
        connection.execute("begin")
        connection.executemany("insert into score (dataset, task, model, value, pull, oid) values (?,?,?,?,?,?)", rows)
        connection.execute("commit")
        libc.syncfs(handle)
        return orjson.dumps({"success": True, "commitOid": str(oid), "pullRequestUrl": f"/discussions/{count}"})

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        parts = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        await _answer(send, 200, submit(b"".join(parts)), b'""')

    return app


# --- reading results from git -----------------------------------------------------------------------------------------


def scan(repos: Path, database: Path) -> int:
    """Every result on the main of every repo below `repos` into a table with an index; returns how many."""
    database.unlink(missing_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(
        "pragma journal_mode=wal; pragma synchronous=normal;"
        "create table score (dataset, task, model, value real, date, url, file, oid)"
    )
    count = 0

    def rows() -> Any:
        nonlocal count
        for path in repos.glob("*/*.git"):
            repo = pygit2.Repository(str(path), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
            tree = repo.references["refs/heads/main"].peel(pygit2.Tree)
            if ".eval_results" not in tree:
                continue
            for file in tree[".eval_results"]:
                for entry in yaml.load(file.data, Loader=yaml.CSafeLoader):
                    count += 1
                    dataset, url = entry["dataset"], (entry.get("source") or {}).get("url")
                    yield (
                        dataset["id"],
                        dataset["task_id"],
                        path.name,
                        float(entry["value"]),
                        str(entry.get("date")),
                        url,
                        file.name,
                        str(file.id),
                    )

    with connection:
        connection.executemany("insert into score values (?,?,?,?,?,?,?,?)", rows())
        connection.execute("create index score_order on score (dataset, task, value desc)")
    connection.close()
    return count


def stat_refs(folders: list[Path]) -> int:
    """Read the file of each repo's main; returns how many there are."""
    return sum(len((folder / "refs/heads/main").read_bytes()) == 41 for folder in folders)


# --- serving ----------------------------------------------------------------------------------------------------------


async def _answer(send: Send, status: int, body: bytes, tag: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"etag", tag)]
    if status != 304:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def serve(app: Any) -> None:
    """Serve with the settings of our own server, on a free port that is printed."""
    # Late, so that who only scans does not carry a web framework.
    import uvicorn

    from evalcommons.web.server import address, listen

    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        app, access_log=False, lifespan="off", log_config=None, proxy_headers=False, server_header=False, ws="none"
    )
    print(address(listening), flush=True)
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    what, place, *words = sys.argv[1:]
    if what == "make":
        make(Path(place), *map(int, words))
    elif what == "board":
        serve(board_app(Path(place), Path(words[0])))
    else:
        serve(submit_app(Path(place)))
