"""Every setting, read once and passed on as a value."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from evalcommons.core.errors import Invalid

PREFIX = "EVALCOMMONS_"


def _setting(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True, slots=True)
class Settings:
    """How one hub runs. Each field can be set by the environment variable EVALCOMMONS_ + its name in capitals."""

    data: Path = _setting(Path("evalcommons-data"), "Folder of the hub: repos, files and, by default, the database.")
    host: str = _setting("127.0.0.1", "Address the server listens on.")
    port: int = _setting(8000, "Port the server listens on; 0 takes a free one.")
    public_url: str = _setting(
        "", "Address under which people reach the hub; empty: taken from each request's Host header."
    )
    database_url: str = _setting(
        "", "SQLAlchemy address of the database (postgresql+psycopg://…); empty: SQLite in the data folder."
    )
    blob_url: str = _setting("", "Where large files are kept; empty: a folder in the data folder (s3://bucket/prefix).")
    name: str = _setting("evalcommons", "Name of this hub, as pages show it.")
    frameworks: tuple[str, ...] = _setting(
        (), "Evaluation frameworks accepted in eval.yaml besides the built-in ones; comma-separated."
    )
    regular_file_limit: int = _setting(
        100_000_000, "Bytes up to which a file sent through the commit API is kept in git; larger ones go through LFS."
    )
    request_limit: int = _setting(1_000_000_000, "Bytes a commit request may have.")
    push_file_limit: int = _setting(100_000_000, "Bytes a file in a git push may have without Git LFS.")
    trusted_proxies: tuple[str, ...] = _setting(
        ("127.0.0.1", "::1"), "Addresses whose X-Forwarded-* headers are believed; comma-separated."
    )

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Settings from what was given on the command line (not None), else the environment, else the defaults.

        raises  Invalid naming the variable whose text is not of its type
        """
        env = os.environ if env is None else env
        values: dict[str, Any] = {}
        for f in fields(cls):
            if given.get(f.name) is not None:
                values[f.name] = given[f.name]
            elif (text := env.get(PREFIX + f.name.upper())) is not None:
                values[f.name] = _read(f.name, f.default, text)
        if "data" in values:
            values["data"] = Path(values["data"])
        return cls(**values)


def help_of(name: str) -> str:
    """What a setting is, in a sentence."""
    text: str = next(f.metadata["help"] for f in fields(Settings) if f.name == name)
    return text


def default_of(name: str) -> str:
    """A setting's default, as it is written in the environment."""
    value = next(f.default for f in fields(Settings) if f.name == name)
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _read(name: str, default: Any, text: str) -> Any:
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        return type(default)(text)
    except ValueError:
        raise Invalid(f"{PREFIX}{name.upper()}={text!r} is not a {type(default).__name__}") from None
