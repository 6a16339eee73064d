"""Pull requests and discussions: their states, and which change is allowed."""

import unicodedata
from enum import StrEnum
from typing import Any

from evalcommons.core.errors import BadRequest

MIN_TITLE, MAX_TITLE = 3, 200
"""Characters in a title, as on the Hub."""
MAX_COMMENT = 65_536
"""Characters in a comment."""
MAX_EDITS = 200
"""Times a comment may be edited: every version is kept."""
HIDDEN_TEXT = "This comment has been hidden"
"""What readers see in place of a hidden comment, as on the Hub."""

_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Status(StrEnum):
    """State of a discussion; `draft` and `merged` are for pull requests only."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"

    @property
    def is_live(self) -> bool:
        """Do its results count as reported? Drafts too: it is what `hf upload --create-pr` leaves behind."""
        return self in (Status.DRAFT, Status.OPEN)


class EventKind(StrEnum):
    """What can happen in a discussion; the values are the wire's."""

    COMMENT = "comment"
    STATUS = "status-change"
    TITLE = "title-change"
    COMMIT = "commit"


def check_change(num: int, old: Status, new: Status) -> None:
    """Nothing when a person may change a discussion's status so.

    raises  BadRequest saying what can be done instead
    """
    if old is Status.MERGED:
        raise BadRequest(f"Pull request {num} is merged: open a new one to change it back")
    if new not in (Status.OPEN, Status.CLOSED):
        raise BadRequest(f'status must be "open" or "closed", not "{new}"; merging is a call of its own')
    if old is new:
        raise BadRequest(f"Discussion {num} is {new} already")


def check_merge(num: int, status: Status) -> None:
    """Nothing when a pull request in this state may be merged.

    raises  BadRequest saying what to do first
    """
    if status is Status.DRAFT:
        raise BadRequest(f"Pull request {num} is a draft: change its status to open, then merge it")
    if status is not Status.OPEN:
        raise BadRequest(f"Pull request {num} is {status}: only an open one can be merged")


def check_commit(num: int, status: Status) -> None:
    """Nothing when commits may be added to a pull request in this state.

    raises  BadRequest saying what to do first
    """
    if not status.is_live:
        raise BadRequest(f"Pull request {num} is {status}: reopen it or open a new one before adding commits")


def clean_title(text: str) -> str:
    """The title on one line, without control and direction characters: it stands in lists beside other people's."""
    if not text.isprintable():
        kept = (" " if c.isspace() else c for c in text if c not in _DIRECTION)
        text = "".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cs"))
    return " ".join(text.split())


def check_title(text: str) -> str:
    """The title, cleaned.

    raises  BadRequest when it is too short or too long
    """
    title = clean_title(text)
    if not MIN_TITLE <= len(title) <= MAX_TITLE:
        raise BadRequest(f"A title has {MIN_TITLE} to {MAX_TITLE} characters; this one has {len(title)}")
    return title


def check_comment(text: str) -> str:
    """The comment without blanks around it.

    raises  BadRequest when it is empty or too long
    """
    comment = text.replace("\0", "").strip()
    if not comment:
        raise BadRequest("The comment is empty: write something")
    if len(comment) > MAX_COMMENT:
        raise BadRequest(f"A comment has at most {MAX_COMMENT:,} characters; this one has {len(comment):,}")
    return comment


def new_comment(raw: str, author: str, at: int) -> dict[str, Any]:
    """A comment as its event keeps it. `at` in ms."""
    return {"edited": False, "hidden": False, "latest": _version(raw, author, at), "history": []}


def edit_comment(data: dict[str, Any], raw: str, author: str, at: int) -> dict[str, Any]:
    """The comment with a new text; what it said before goes to its history.

    raises  BadRequest when it is hidden, or was edited too often
    """
    if data["hidden"]:
        raise BadRequest("The comment is hidden: write a new one")
    if len(data["history"]) >= MAX_EDITS:
        raise BadRequest(f"The comment was edited {MAX_EDITS} times: write a new one")
    return {
        **data,
        "edited": True,
        "latest": _version(raw, author, at),
        "history": [*data["history"], data["latest"]],
    }


def hide_comment(data: dict[str, Any], by: str, at: int) -> dict[str, Any]:
    """The comment, no longer shown; who hid it and when is. The text is kept for the hub's operators.

    raises  BadRequest when it is hidden already
    """
    if data["hidden"]:
        raise BadRequest("The comment is hidden already")
    return {**data, "hidden": True, "hiddenBy": by, "hiddenAt": at}


def _version(raw: str, author: str, at: int) -> dict[str, Any]:
    return {"raw": raw, "author": author, "updatedAt": at}
