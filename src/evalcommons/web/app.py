"""The application: routes in order, errors, request ids."""

from fastapi import FastAPI
from fastapi.responses import Response

from evalcommons.hub import Hub
from evalcommons.web import errors, git_http, lfs
from evalcommons.web.api import (
    access_requests,
    accounts,
    cards,
    commits,
    contents,
    discussions,
    evals,
    info,
    leaderboards,
    left_out,
    likes,
    listing,
    repos,
)
from evalcommons.web.asgi import Application, Message, Receive, Scope, Send, request_id_of
from evalcommons.web.early import EarlyBoards
from evalcommons.web.pages import accounts as account_pages
from evalcommons.web.pages import datasets as dataset_pages
from evalcommons.web.pages import discussions as discussion_pages
from evalcommons.web.pages import files as file_pages
from evalcommons.web.pages import home, layout, models
from evalcommons.web.pages.errors import as_page

ROUTERS = (
    commits.router,  # first: reports come in crowds, and each router that is asked before costs them
    git_http.router,
    lfs.router,
    leaderboards.router,
    evals.router,
    accounts.router,
    likes.router,
    access_requests.router,
    cards.router,
    discussions.router,
    repos.router,
    contents.router,
    listing.router,
    info.router,
    left_out.router,  # catches what is left of /api: nothing of the API may follow
    # Pages come last: models and accounts have addresses without a word of their own before them.
    layout.router,
    home.router,
    dataset_pages.router,
    models.listed,
    file_pages.router,
    discussion_pages.router,
    models.router,
    account_pages.router,
)
"""Every route, in the order in which they are tried."""


def create_app(hub: Hub) -> Application:
    """The ASGI application that serves `hub`."""
    app = FastAPI(title="evalcommons", docs_url=None, redoc_url=None, default_response_class=Response)
    app.state.hub = hub
    errors.install(app, as_page)
    for router in ROUTERS:
        app.include_router(router)
    return EarlyBoards(RawPaths(RequestIds(app)), hub)


class RawPaths:
    """Routes on the path as it was sent: `%2F` inside a revision or branch name must not split it."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            raw = scope.get("raw_path") or scope["path"].encode()
            scope["path"] = raw.partition(b"?")[0].decode("ascii", "replace")
        await self.app(scope, receive, send)


class RequestIds:
    """Puts an X-Request-Id on every answer: the client's own if it sent one."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        chosen = request_id_of(scope["headers"])
        scope.setdefault("state", {})["request_id"] = chosen.decode("ascii")

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", chosen)]
            await send(message)

        await self.app(scope, receive, send_with_id)
