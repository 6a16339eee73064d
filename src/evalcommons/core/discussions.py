"""Pull requests and discussions: their states, and which change is allowed."""

from enum import StrEnum

from evalcommons.core.errors import BadRequest


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
