"""`evalcommons leaderboard`: the board of a benchmark, from any hub."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalcommons.cli.hubs import Json
from evalcommons.cli.printing import print_json, print_table
from evalcommons.config import Settings

if TYPE_CHECKING:
    from evalcommons.client import Leaderboard


def leaderboard(
    dataset: Annotated[str, typer.Argument(help="The benchmark's dataset, as NAMESPACE/NAME.")],
    endpoint: Annotated[
        str | None, typer.Option(help="Address of the hub; without it HF_ENDPOINT, else the hub on this machine.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task, for benchmarks with several.")] = None,
    derived: Annotated[bool, typer.Option("--derived", help="Also models that name a base model.")] = False,
    limit: Annotated[int | None, typer.Option(help="Show so many rows at most.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Show the board of a benchmark."""
    from evalcommons.client import Client, endpoint_from
    from evalcommons.core.ids import RepoId, RepoKind

    dataset_id = RepoId.parse(RepoKind.DATASET, dataset.removeprefix("datasets/"))
    settings = Settings.load()
    hub = Client(endpoint_from(endpoint, f"http://{settings.host}:{settings.port}"))
    board = hub.leaderboard(str(dataset_id), task=task, derived=derived, limit=limit)
    if as_json:
        print_json(list(board.rows))
        return
    columns: tuple[str, ...] = ("RANK", "MODEL", "VARIANT", "VALUE", "BADGES", "SOURCE")
    rows: list[tuple[object, ...]] = [
        (row["rank"], row["modelId"], row.get("variant") or "", row["value"], _badges(row), _source(row))
        for row in board.rows
    ]
    if not any(row[2] for row in rows):
        columns, rows = columns[:2] + columns[3:], [row[:2] + row[3:] for row in rows]
    print_table(columns, rows, empty=f"Nothing is on this board of {dataset_id}.", caption=_caption(board))


def _caption(board: "Leaderboard") -> str:
    """Which task it is, and what is not shown and why."""
    notes = [f"task {board.task}"] if board.task else []
    for name, count in board.left_out.items():
        hint = "; --derived shows them" if name == "base_model" else ""
        notes.append(f"{count} left out by {name}{hint}")
    return ", ".join(notes)


def _badges(row: dict[str, Any]) -> str:
    pull = row.get("pullRequest")
    badges = [f"community (pull request {pull})" if pull else "author"]
    if isinstance(row.get("evidence"), str):
        badges.append(row["evidence"])
    if row.get("verified"):
        badges.append("verified")
    return ", ".join(badges)


def _source(row: dict[str, Any]) -> str:
    source = row.get("source")
    if not isinstance(source, dict):
        return ""
    name, url = source.get("name"), source.get("url")
    return f"{name} ({url})" if name and url and name != url else str(name or url or "")
