"""The time, as a value that is passed in."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]
"""Milliseconds since 1970 in UTC."""


def timestamp(at: int) -> str:
    """Milliseconds as the Hub writes times: `2026-01-15T10:30:00.000Z`."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"
