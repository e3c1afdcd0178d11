"""The connections of one process to one PostgreSQL database, for threads and greenlets and for an event loop.

The one used last is used first; who finds none waits in line, at most so long. Each connection keeps its cursor,
because a new cursor learns again how to adapt every type: that, and a pool's bookkeeping in Python, cost a save a third
of its rate (`docs/benchmarks.md`). New connections are opened aside, so that a server that does not answer holds nobody
longer than the wait allows.

A connection that is not idle when it comes back (its statement broke, its greenlet was killed while it waited) is never
used again; when one was lost, the idle ones are dropped too, because the server has most probably restarted.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from services.seedwork.store.errors import Unavailable
from services.seedwork.store.watch import Watch

LIFETIME_SECONDS = 1800.0
"""A connection is replaced after this long: its backend's caches only grow."""
RETRY_SECONDS, RETRY_SECONDS_MAX = 0.05, 1.0
"""The pause before connecting is tried again, doubling, as long as somebody waits for it."""

C = TypeVar("C", bound="psycopg.Connection[Any] | psycopg.AsyncConnection[Any]")
_IDLE, _BAD = TransactionStatus.IDLE, ConnStatus.BAD

logger = logging.getLogger(__name__)


class Session(Generic[C]):
    """One connection with its cursor."""

    __slots__ = ("connection", "cursor", "retire_at")

    def __init__(self, connection: C) -> None:
        self.connection = connection
        self.cursor: Any = connection.cursor(binary=True)
        self.retire_at = time.monotonic() + LIFETIME_SECONDS

    @property
    def is_usable(self) -> bool:
        return self.connection.pgconn.transaction_status == _IDLE and time.monotonic() < self.retire_at

    @property
    def is_lost(self) -> bool:
        return self.connection.closed or self.connection.pgconn.status == _BAD


class _Waiter:
    """One in line; its lock opens when a session is handed over."""

    __slots__ = ("handed", "session")

    def __init__(self) -> None:
        self.handed = threading.Lock()
        self.handed.acquire()
        self.session: Session[psycopg.Connection[Any]] | None = None


class Connections:
    """For threads, and for greenlets where the process is green."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], *, size: int, wait_seconds: float, watch: Watch
    ) -> None:
        self._connect = connect
        self._watch = watch
        self._size = size
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._idle: list[Session[psycopg.Connection[Any]]] = []
        self._waiting: deque[_Waiter] = deque()
        self._opened = 0
        self._closed = True

    def open(self) -> None:
        self._closed = False
        self._watch.start()

    def close(self) -> None:
        """Those in use are closed when they come back."""
        self._watch.stop()
        with self._lock:
            self._closed = True
            doomed = self._take_idle()
        for session in doomed:
            session.connection.close()

    def take(self) -> Session[psycopg.Connection[Any]]:
        """An idle session. Raises Unavailable."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._closed:
                raise Unavailable("the store is closed")
            waiter = _Waiter()
            self._waiting.append(waiter)
            grows = self._may_grow()
        try:
            if grows:
                self._grow_aside()
            waiter.handed.acquire(timeout=self._wait_seconds)
        except BaseException:  # a greenlet killed while it waits
            self._leave(waiter)
            if waiter.session:
                self.give(waiter.session)
            raise
        self._leave(waiter)
        if waiter.session is None:
            raise Unavailable(f"no connection within {self._wait_seconds} s")
        return waiter.session

    def give(self, session: Session[psycopg.Connection[Any]]) -> None:
        """Takes a session back."""
        self._watch.end(session.connection)
        usable = session.is_usable
        doomed, grows = [session], False
        with self._lock:
            if usable and not self._closed:
                if self._waiting:
                    waiter = self._waiting.popleft()
                    waiter.session = session
                    waiter.handed.release()
                else:
                    self._idle.append(session)
                return
            self._opened -= 1
            if session.is_lost:
                doomed += self._take_idle()
            grows = bool(self._waiting) and self._may_grow()
        for each in doomed:
            each.connection.close()
        if grows:
            self._grow_aside()

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.session is None:
                self._waiting.remove(waiter)

    def _take_idle(self) -> list[Session[psycopg.Connection[Any]]]:
        idle, self._idle = self._idle, []
        self._opened -= len(idle)
        return idle

    def _may_grow(self) -> bool:
        if self._opened >= self._size:
            return False
        self._opened += 1
        return True

    def _grow_aside(self) -> None:
        threading.Thread(target=self._grow, name="connect", daemon=True).start()

    def _grow(self) -> None:
        pause = RETRY_SECONDS
        while True:
            try:
                session = Session(self._connect())
            except (psycopg.Error, OSError) as error:
                logger.warning("cannot connect: %s", type(error).__name__)
            else:
                self.give(session)
                return
            with self._lock:
                if self._closed or not self._waiting:
                    self._opened -= 1
                    return
            time.sleep(pause)
            pause = min(2 * pause, RETRY_SECONDS_MAX)


class AsyncConnections:
    """For one event loop."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[psycopg.AsyncConnection[Any]]],
        *,
        size: int,
        wait_seconds: float,
        watch: Watch,
    ) -> None:
        self._connect = connect
        self._watch = watch
        self._watching: asyncio.Task[None] | None = None
        self._size = size
        self._wait_seconds = wait_seconds
        self._idle: list[Session[psycopg.AsyncConnection[Any]]] = []
        self._waiting: deque[asyncio.Future[Session[psycopg.AsyncConnection[Any]]]] = deque()
        self._growing: set[asyncio.Task[None]] = set()
        self._opened = 0
        self._closed = True

    async def open(self) -> None:
        self._closed = False
        self._watching = self._watching or asyncio.create_task(self._watch.keep())

    async def close(self) -> None:
        """Those in use are closed when they come back."""
        self._closed = True
        tasks = [*self._growing, *([self._watching] if self._watching else [])]
        self._watching = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for session in self._take_idle():
            session.connection.pgconn.finish()

    async def take(self) -> Session[psycopg.AsyncConnection[Any]]:
        """An idle session. Raises Unavailable."""
        if self._idle:
            return self._idle.pop()
        if self._closed:
            raise Unavailable("the store is closed")
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Session[psycopg.AsyncConnection[Any]]] = loop.create_future()
        self._waiting.append(waiter)
        self._grow_if_wanted()
        timer = loop.call_later(self._wait_seconds, self._expire, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.exception() is None:
                self.give(waiter.result())
            raise
        finally:
            timer.cancel()

    def give(self, session: Session[psycopg.AsyncConnection[Any]]) -> None:
        """Takes a session back."""
        self._watch.end(session.connection)
        if session.is_usable and not self._closed:
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_result(session)
                    return
            self._idle.append(session)
            return
        self._opened -= 1
        doomed = [session, *self._take_idle()] if session.is_lost else [session]
        for each in doomed:
            each.connection.pgconn.finish()
        self._grow_if_wanted()

    def _expire(self, waiter: asyncio.Future[Session[psycopg.AsyncConnection[Any]]]) -> None:
        if not waiter.done():
            waiter.set_exception(Unavailable(f"no connection within {self._wait_seconds} s"))

    def _take_idle(self) -> list[Session[psycopg.AsyncConnection[Any]]]:
        idle, self._idle = self._idle, []
        self._opened -= len(idle)
        return idle

    def _grow_if_wanted(self) -> None:
        if self._opened < self._size and self._anyone_waiting() and not self._closed:
            self._opened += 1
            task = asyncio.create_task(self._grow())
            self._growing.add(task)
            task.add_done_callback(self._growing.discard)

    def _anyone_waiting(self) -> bool:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        return bool(self._waiting)

    async def _grow(self) -> None:
        pause = RETRY_SECONDS
        try:
            while True:
                try:
                    session = Session(await self._connect())
                    break
                except (psycopg.Error, OSError) as error:
                    logger.warning("cannot connect: %s", type(error).__name__)
                if not self._anyone_waiting():
                    self._opened -= 1
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, RETRY_SECONDS_MAX)
        except asyncio.CancelledError:
            self._opened -= 1
            raise
        self.give(session)
