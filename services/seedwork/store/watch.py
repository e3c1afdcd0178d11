"""How long a statement may be waited for, whatever the server does.

The server's own limits hold while it runs. One that is frozen, or a network that swallows everything, answers nobody
and closes nothing, and its kernel still acknowledges what it is sent; so the client ends the wait itself. It does so by
shutting the socket down under whoever waits, who sees a lost connection: to cancel the waiting task instead would only
begin another wait, because the driver first asks the same server to cancel the statement.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import psycopg

LOOKS = 4
"""How often it is looked within one limit."""

logger = logging.getLogger(__name__)


class Watch:
    """The statements under way on the connections of one database, and since when."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.pause_seconds = seconds / LOOKS
        self._until: dict[Any, float] = {}
        self._stopped = threading.Event()

    def begin(self, connection: Any) -> None:
        """A statement starts, and the one before it has ended."""
        self._until[connection] = time.monotonic() + self.seconds

    def end(self, connection: Any) -> None:
        self._until.pop(connection, None)

    def start(self) -> None:
        """Keeps watch in a thread, or a greenlet where the process is green, until it is stopped."""
        self.stop()
        self._stopped = threading.Event()
        threading.Thread(target=self._keep, args=(self._stopped,), name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _keep(self, stopped: threading.Event) -> None:
        while not stopped.wait(self.pause_seconds):
            self.look()

    async def keep(self) -> None:
        """Keeps watch on an event loop, until it is cancelled."""
        while True:
            await asyncio.sleep(self.pause_seconds)
            self.look()

    def look(self) -> None:
        """Ends every wait that has lasted too long."""
        now = time.monotonic()
        for connection, until in list(self._until.items()):
            if until < now:
                logger.warning("the database did not answer within %g s", self.seconds)
                self.end(connection)
                _shut_down(connection)


def _shut_down(connection: Any) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as shared:
        shared.shutdown(socket.SHUT_RDWR)
