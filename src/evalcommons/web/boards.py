"""A board as an answer: its query read, its page written as JSON or CSV."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from evalcommons.core.errors import BadRequest
from evalcommons.core.evidence import LEVELS
from evalcommons.core.model_facts import parameter_count
from evalcommons.core.problems import did_you_mean
from evalcommons.services.leaderboards import Page, Wanted
from evalcommons.storage.index.boards import Filters, Listing
from evalcommons.web.errors import ascii_line

MAX_LIMIT = 10_000
_PARAMETERS = frozenset("task_id variant base_model max_params min_evidence as_of all limit cursor format".split())
_COLUMNS = (
    "rank modelId value variant verified evidence author submitter pullRequest filename source notes reportedAt "
    "resultId state reason"
).split()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """A board's query string.

    everything  every standing report instead of one row a model
    as_csv      comma-separated values instead of JSON
    """

    page: Wanted
    everything: bool
    as_csv: bool
    given: tuple[tuple[str, str], ...]


def read_query(text: str) -> BoardQuery:
    """The query, checked.

    raises  BadRequest naming the parameter and what it may be
    """
    given = tuple(parse_qsl(text, keep_blank_values=True))
    values = dict(given)
    for name in values:
        if name not in _PARAMETERS:
            raise BadRequest(f"There is no parameter {name[:60]!r}. {did_you_mean(name, _PARAMETERS)}".strip())
    form = values.get("format", "json")
    if form not in ("json", "csv"):
        raise BadRequest(f"format={form[:60]!r}: it must be json or csv")
    level = values.get("min_evidence")
    if level is not None and level not in LEVELS:
        raise BadRequest(f"min_evidence={level[:60]!r}: it must be one of {', '.join(LEVELS)}")
    most = values.get("max_params")
    parameters = parameter_count(most) if most is not None else None
    if most is not None and parameters is None:
        raise BadRequest(f"max_params={most[:60]!r}: write a count such as 7000000000 or 7B")
    wanted = Wanted(
        task=values.get("task_id"),
        listing=Listing.BASE if _flag(values, "base_model", default=True) else Listing.ALL,
        filters=Filters(
            variant=values.get("variant"),
            min_level=None if level is None else int(LEVELS[level]),
            max_parameters=parameters,
        ),
        as_of=_moment(values["as_of"]) if "as_of" in values else None,
        cursor=values.get("cursor", ""),
        limit=_limit(values["limit"]) if "limit" in values else None,
    )
    return BoardQuery(wanted, _flag(values, "all", default=False), form == "csv", given)


def write_page(page: Page, query: BoardQuery, address: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a page. `address`: where it was asked for, without the query."""
    headers = {
        "X-Task-Id": ascii_line(page.board.task),
        "X-Total-Count": str(page.total),
        "Cache-Control": "no-cache",
        "Vary": "Authorization",
    }
    if page.left_out:
        headers["X-Left-Out"] = ", ".join(f"{name}={count}" for name, count in page.left_out.items())
    if page.cursor:
        rest = [(name, value) for name, value in query.given if name != "cursor"]
        headers["Link"] = f'<{address}?{urlencode([*rest, ("cursor", page.cursor)])}>; rel="next"'
    if not query.as_csv:
        headers["Content-Type"] = "application/json"
        return page.as_json(), headers
    headers |= csv_headers(page.board.task)
    return write_csv([json.loads(row.as_json()) for row in page.rows]), headers


def csv_headers(task: str) -> dict[str, str]:
    """What makes a browser keep the answer as a file."""
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in task) or "board"
    return {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}.csv"'}


def write_csv(rows: list[dict[str, object]]) -> bytes:
    """The rows as comma-separated values. Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    used = [name for name in _COLUMNS if name not in ("state", "reason") or any(name in row for row in rows)]
    writer.writerow(used)
    for row in rows:
        flat = {**row, "author": _inside(row.get("author"), "name"), "source": _inside(row.get("source"), "url")}
        writer.writerow([_cell(flat.get(name, "")) for name in used])
    return out.getvalue().encode()


def _inside(value: object, name: str) -> object:
    return value.get(name, "") if isinstance(value, dict) else ""


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _flag(values: dict[str, str], name: str, *, default: bool) -> bool:
    text = values.get(name)
    if text is None:
        return default
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise BadRequest(f"{name}={text[:60]!r}: it must be true or false")


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise BadRequest(f"limit={text[:60]!r}: it must be a whole number from 1 to {MAX_LIMIT:,}")
    return int(text)


def _moment(text: str) -> int:
    """The end of a day (`2026-11-20`), or a moment (`2026-11-20T10:00:00Z`), in ms."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"as_of={text[:60]!r}: write a date such as 2026-11-20 or 2026-11-20T10:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if "T" not in text and " " not in text:
        moment += timedelta(days=1) - timedelta(milliseconds=1)
    return int(moment.timestamp() * 1000)
