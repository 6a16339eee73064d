"""The server: listens, answers, and stops without dropping a request."""

import ctypes
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from evalcommons.core.errors import Invalid, Unavailable
from evalcommons.hub import Hub
from evalcommons.web.app import create_app

_STOP_TIMEOUT_S = 10
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}


def serve(hub: Hub, announce: Callable[[str], None]) -> None:
    """Answer requests until somebody sends SIGINT or SIGTERM; requests under way are finished first.

    announce  is told the address as soon as connections are taken
    raises    Invalid, Unavailable when the address cannot be listened on
    """
    _give_memory_back()
    listening = listen(hub.settings.host, hub.settings.port)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn stops on these, then raises them again for whoever was there before: that is us, and we are done.
        signal.signal(number, lambda *_: None)
    server = _server(hub, _LOGGING)
    announce(address(listening))
    server.run([listening])


@contextmanager
def running(hub: Hub) -> Iterator[str]:
    """The hub served by a thread of its own; gives the address, and stops the thread at the end.

    raises  Invalid, Unavailable when the address cannot be listened on
    """
    listening = listen(hub.settings.host, hub.settings.port)
    url = address(listening)
    server = _server(hub, None)
    thread = threading.Thread(target=server.run, args=([listening],), name="evalcommons-server")
    thread.start()
    try:
        # The socket takes connections already, so nobody has to wait for the thread.
        yield url
    finally:
        server.should_exit = True
        thread.join()


def _give_memory_back() -> None:
    """Let the C library return large blocks to the system when they are freed.

    By itself glibc raises its threshold with every large answer, and keeps what it freed, for each thread apart.
    """
    with suppress(AttributeError):  # another C library, which has no such knobs
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 256 * 1024)
        libc.mallopt(_M_ARENA_MAX, 2)


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections on this address; port 0 takes a free one.

    raises  Invalid when there is no such address; Unavailable when somebody else has it
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, OverflowError):
        raise Invalid(f"Cannot listen on {host!r} port {port}: no such address on this machine") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        listening.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise Unavailable(
                f"Port {port} of {host} is taken: stop what uses it, or choose another with --port (0 takes a free one)"
            ) from None
        raise Invalid(f"Cannot listen on {host!r} port {port}: {error}") from None
    return listening


def address(listening: socket.socket) -> str:
    """The address of a listening socket, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(hub: Hub, log_config: dict[str, object] | None) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(hub),
        access_log=False,
        lifespan="off",
        log_config=log_config,
        # What a proxy says about the client is judged in one place, web/requests.py.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_TIMEOUT_S,
        # Longer than the pools of the usual clients keep a connection: they close it first, so no request meets a
        # connection that is being closed.
        timeout_keep_alive=75,
        ws="none",
    )
    return uvicorn.Server(config)
