"""What a request says: who asks, which repo, under which address the hub is reached."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Request
from starlette.convertors import Convertor, register_url_convertor

from evalcommons.core.access import ANONYMOUS, Actor
from evalcommons.core.errors import BadRequest
from evalcommons.core.ids import RepoId, RepoKind
from evalcommons.hub import Hub
from evalcommons.services.repos import parse_id
from evalcommons.web.auth import credentials


class _KindConvertor(Convertor[str]):
    """`{kind:kind}` in a route: models, datasets or spaces."""

    regex = "models|datasets|spaces"

    def convert(self, value: str) -> str:
        return value[:-1]

    def to_string(self, value: str) -> str:
        return f"{value}s"


class _RawConvertor(Convertor[str]):
    """`{rest:raw}` in a route: the rest of the path, percent-encoding kept, at least one character."""

    regex = ".+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("kind", _KindConvertor())
register_url_convertor("raw", _RawConvertor())


def the_hub(request: Request) -> Hub:
    """The hub this application serves."""
    hub: Hub = request.app.state.hub
    return hub


def current_actor(request: Request) -> Actor:
    """Whoever asks. Anonymous without credentials.

    raises  BadToken, DisabledAccount
    """
    token = credentials(request.headers.get("authorization"))
    return the_hub(request).accounts.authenticate(token) if token else ANONYMOUS


async def _hub(request: Request) -> Hub:
    return the_hub(request)


async def _actor(request: Request) -> Actor:
    # A short read: in this thread it costs less than the way to another one.
    return current_actor(request)


TheHub = Annotated[Hub, Depends(_hub)]
CurrentActor = Annotated[Actor, Depends(_actor)]


def repo_of(request: Request, actor: Actor) -> RepoId:
    """The repo of a plain route `/api/{kind:kind}/{namespace}/{name}/…`.

    raises  RepoNotFound for what no repo can be called
    """
    kind, namespace, name = (request.path_params[part] for part in ("kind", "namespace", "name"))
    return parse_id(RepoKind(kind), f"{unquote(namespace)}/{unquote(name)}", actor)


async def _repo_path(request: Request, actor: CurrentActor) -> RepoId:
    return repo_of(request, actor)


RepoPath = Annotated[RepoId, Depends(_repo_path)]
"""The repo of a route `/api/{kind:kind}/{namespace}/{name}/…`."""


async def _model_path(namespace: str, name: str, actor: CurrentActor) -> RepoId:
    return parse_id(RepoKind.MODEL, f"{unquote(namespace)}/{unquote(name)}", actor)


ModelPath = Annotated[RepoId, Depends(_model_path)]
"""The model of a route `/{namespace}/{name}/…`."""


async def _dataset_path(namespace: str, name: str, actor: CurrentActor) -> RepoId:
    return parse_id(RepoKind.DATASET, f"{unquote(namespace)}/{unquote(name)}", actor)


DatasetPath = Annotated[RepoId, Depends(_dataset_path)]
"""The dataset of a route `/api/datasets/{namespace}/{name}/…`."""


def decoded(text: str) -> str:
    """A percent-encoded part of a path as text.

    raises  BadRequest when it is not UTF-8
    """
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest(f"The address part {text[:100]!r} is not percent-encoded UTF-8") from None


def public_base(request: Request) -> str:
    """The address under which the client reached the hub, without a slash at the end.

    The configured public address, else what the client said: clients refuse addresses on another host than they used.
    """
    settings = the_hub(request).settings
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = request.headers.get("host", "localhost")
    scheme = request.scope["scheme"]
    peer = request.client.host if request.client else ""
    if peer in settings.trusted_proxies:
        scheme = request.headers.get("x-forwarded-proto", scheme).partition(",")[0].strip()
        host = request.headers.get("x-forwarded-host", host).partition(",")[0].strip()
    return f"{scheme}://{host}"
