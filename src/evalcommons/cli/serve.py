"""`evalcommons serve`: the hub, until it is told to stop."""

from pathlib import Path
from typing import Annotated

import typer

from evalcommons.cli.hubs import Data
from evalcommons.config import Settings, default_of, help_of


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help=help_of("host"), show_default=default_of("host"))] = None,
    port: Annotated[
        int | None, typer.Option(help=help_of("port"), show_default=default_of("port"), min=0, max=65535)
    ] = None,
) -> None:
    """Start the hub and keep it running.

    Every setting can also be given in the environment as EVALCOMMONS_ and its name in capitals; what is given here
    comes first. Stops on Ctrl+C or SIGTERM when the requests under way are answered.
    """
    from evalcommons.hub import open_hub
    from evalcommons.web.server import serve as answer

    settings = Settings.load(data=data, host=host, port=port)
    hub = open_hub(settings)
    try:
        answer(hub, lambda url: _announce(settings, url))
    finally:
        hub.close()


def _announce(settings: Settings, url: str) -> None:
    folder = Path(settings.data).absolute()
    # One line that scripts can wait for, so it is not left in a buffer.
    print(f"{settings.name} is at {url}", flush=True)
    print(f"Its folder is {folder}. Ctrl+C stops it.", flush=True)
