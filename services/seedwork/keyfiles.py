"""Files that hold keys. They are the operator's: rxflow reads them, and makes them itself only in development mode."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from services.seedwork.failures import ConfigurationError

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
KEY_FILE_BYTES_MAX = 64 * 1024


def read_private(path: Path) -> bytes:
    """The content of a file that only its owner can read; anything else stops the start."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            content = file.read(KEY_FILE_BYTES_MAX)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path} is missing: put the key there (mode 0600), or set RXFLOW_DEVELOPMENT=1 on a machine of your own"
        ) from None
    if mode & 0o077:
        raise ConfigurationError(f"{path} can be read by others (mode {mode:04o}): chmod 600 it, or change the key")
    return content


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """The same, made when it is missing. Two processes that start at once end up with one key."""
    if not path.exists():
        path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(draft, path)  # unlike a rename it fails where another process was first
        finally:
            draft.unlink()
    return read_private(path)
