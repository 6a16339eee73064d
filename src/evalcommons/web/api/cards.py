"""README check: what clients ask before they commit a card."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import PlainTextResponse, Response

from evalcommons.core import cards
from evalcommons.core.ids import RepoKind
from evalcommons.web.answers import json_answer
from evalcommons.web.bodies import json_body

router = APIRouter()

_CARD_REQUEST_MAX = 5_000_000


class Card(BaseModel):
    """A README and what it stands in."""

    content: str
    repoType: RepoKind = RepoKind.MODEL  # noqa: N815  (the wire's name)


@router.post("/api/validate-yaml")
def validate_yaml(request: Request, body: Annotated[Card, json_body(Card, _CARD_REQUEST_MAX)]) -> Response:
    """What is wrong with a card: errors make it a 400; as plain text where the client asks for that."""
    report = cards.validate(body.content, body.repoType)
    status = 400 if report.errors else 200
    if request.headers.get("accept", "").startswith("text/plain"):
        lines = [f"- Error: {text}" for text in report.errors] + [f"- Warning: {text}" for text in report.warnings]
        return PlainTextResponse("\n".join(lines), status)
    answer: dict[str, object] = {
        "errors": [{"message": text} for text in report.errors],
        "warnings": [{"message": text} for text in report.warnings],
    }
    if report.errors:
        answer["error"] = "Invalid metadata in README.md:\n" + "\n".join(report.errors)
    return json_answer(answer, status)
