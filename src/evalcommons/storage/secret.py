"""The hub's own secret: what it signs addresses with, kept in a file that only its owner reads."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def hub_secret(path: Path) -> bytes:
    """The 32 bytes kept at `path`; made, with mode 600, when the file is not there.

    raises  OSError when it cannot be read or written; ValueError when it is too short to be a secret
    """
    if not path.exists():
        made = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            os.fsync(file.fileno())
        # Two processes may start at once: whoever links first has made it, both read the same.
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    found = path.read_bytes()
    if len(found) < 32:
        raise ValueError(f"{path} has {len(found)} bytes, too few for a secret: remove it, a new one will be made")
    return found
