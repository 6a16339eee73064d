"""A hub over HTTP, on huggingface_hub's own session: what our commands need beyond it."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status  # type: ignore[attr-defined]

from evalcommons.core.errors import (
    BadRequest,
    Conflict,
    EvalCommonsError,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
    Unavailable,
)

# huggingface_hub 1.x sends with httpx, 2.x with httpx2; its own error is built on the right one of the two.
_TRANSPORT_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]

_FAMILIES: dict[int, type[EvalCommonsError]] = {
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    400: BadRequest,
    422: Invalid,
}
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """A board as a hub answers it.

    rows      the Hub's entries: rank, modelId, value, filename, verified, author, and what else the hub knows
    task      which task it is of; empty when the hub does not say
    left_out  filter -> rows it hides, as far as the hub says
    """

    rows: tuple[dict[str, Any], ...]
    task: str
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Client:
    """One hub.

    endpoint  its address
    token     an access token; None uses the one huggingface_hub knows
    """

    endpoint: str
    token: str | None = None

    def leaderboard(
        self, dataset_id: str, *, task: str | None = None, derived: bool = False, limit: int | None = None
    ) -> Leaderboard:
        """The board of a benchmark.

        task     for benchmarks with several; None: what the hub shows first
        derived  also models that name a base model
        raises   NotFound, NotSignedIn, Forbidden, Invalid, Unavailable
        """
        params: dict[str, str] = {"base_model": "false" if derived else "true"}
        if task is not None:
            params["task_id"] = task
        if limit is not None:
            params["limit"] = str(limit)
        answer, headers = self._get(f"/api/datasets/{dataset_id}/leaderboard", params)
        if not isinstance(answer, list) or not all(_is_entry(entry) for entry in answer):
            raise Unavailable(f"{self.endpoint} does not answer like a hub: is it the right address?")
        return Leaderboard(tuple(answer), headers.get("X-Task-Id", ""), _left_out(headers.get("X-Left-Out", "")))

    def _get(self, path: str, params: Mapping[str, str]) -> tuple[Any, Mapping[str, str]]:
        try:
            response = get_session().get(
                self.endpoint.rstrip("/") + path,
                params=dict(params),
                headers=build_hf_headers(token=self.token),
                timeout=_TIMEOUT_S,
            )
            hf_raise_for_status(response)
            return response.json(), response.headers
        except HfHubHTTPError as error:
            family = _FAMILIES.get(error.response.status_code, Unavailable)
            raise family(_said(error) or f"{self.endpoint} answered {error.response.status_code}") from error
        except (_TRANSPORT_ERROR, OSError) as error:
            raise Unavailable(f"No hub answers at {self.endpoint}: {error}") from error
        except ValueError as error:
            raise Unavailable(f"{self.endpoint} does not answer like a hub: is it the right address?") from error


def endpoint_from(given: str | None, fallback: str) -> str:
    """The address that was given, else HF_ENDPOINT, else `fallback`."""
    return given or os.environ.get("HF_ENDPOINT") or fallback


def _said(error: HfHubHTTPError) -> str:
    """The hub's own sentence; the client's message repeats it and adds what only developers need."""
    try:
        body = error.response.json()
    except ValueError:
        return error.server_message or ""
    return str(body.get("error", "")) if isinstance(body, dict) else ""


def _left_out(header: str) -> dict[str, int]:
    """`base_model=3, limit=5` as a dictionary; what is not of this form is not ours."""
    parts = (part.strip().partition("=") for part in header.split(","))
    return {name: int(count) for name, _, count in parts if count.isascii() and count.isdigit()}


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("rank"), int)
        and isinstance(entry.get("modelId"), str)
        and isinstance(entry.get("value"), (int, float))
        and math.isfinite(entry["value"])
    )
