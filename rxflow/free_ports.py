"""Ports for what is started here and now."""

from __future__ import annotations

import random
import socket
from itertools import islice

NOBODY_IS_GIVEN = range(20_000, 32_000)
"""No system gives one of these to an outgoing connection (Linux gives 32768 and above, macOS 49152): one that is free
stays free until we listen at it."""
TRIES = 1000


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """So many different ports of this machine that nobody listens at."""
    tried = random.sample(NOBODY_IS_GIVEN, TRIES)
    found = list(islice((port for port in tried if is_free("127.0.0.1", port)), count))
    if len(found) < count:
        raise OSError(f"fewer than {count} ports are free")
    return found
