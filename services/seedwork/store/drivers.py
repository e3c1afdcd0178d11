"""Drivers answer the requests of the executor's logic, one synchronously, one asynchronously."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from uuid import UUID

from services.seedwork.failures import Overloaded
from services.seedwork.store.batch import Batch, Found, Statement, Wanted
from services.seedwork.store.errors import StoreError
from services.seedwork.store.requests import (
    Call,
    Enter,
    KeyringRows,
    KeyringWrite,
    LoadStreams,
    Pause,
    Request,
    Rows,
    Save,
)
from services.seedwork.store.sqlite import READERS, SqliteDatabase

LOCK_WAIT_SECONDS = 5.0


class Database(Protocol):
    """A store as workers and the simulation see it."""

    @property
    def is_postgresql(self) -> bool: ...
    def open(self) -> None: ...
    def close(self) -> None: ...
    def load(self, wanted: Wanted) -> Found: ...
    def save(self, batch: Batch) -> list[int]: ...
    def rows(self, statement: Statement) -> list[tuple[Any, ...]]: ...
    def write(self, statements: Sequence[Statement]) -> list[int]: ...
    def notify(self, channel: str) -> None: ...


class AsyncDatabase(Protocol):
    """A store as an api sees it."""

    @property
    def is_postgresql(self) -> bool: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def load(self, wanted: Wanted) -> Found: ...
    async def save(self, batch: Batch) -> list[int]: ...
    async def rows(self, statement: Statement) -> list[tuple[Any, ...]]: ...
    async def write(self, statements: Sequence[Statement]) -> list[int]: ...
    async def notify(self, channel: str) -> None: ...


class ThreadedSqlite:
    """SQLite for an api: reads in a few threads, writes in one, because only one may write anyway."""

    is_postgresql = False

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self._readers = ThreadPoolExecutor(READERS, "sqlite-read")
        self._writer = ThreadPoolExecutor(1, "sqlite-write")

    async def open(self) -> None:
        await asyncio.to_thread(self.database.open)

    async def close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        self.database.close()

    async def load(self, wanted: Wanted) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.database.load, wanted)

    async def save(self, batch: Batch) -> list[int]:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self.database.save, batch)

    async def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.database.rows, statement)

    async def write(self, statements: Sequence[Statement]) -> list[int]:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self.database.write, statements)

    async def notify(self, channel: str) -> None:
        """The leader polls its file."""


class TpoolSqlite:
    """SQLite for an eventlet worker: each call is one whole transaction in a native thread."""

    is_postgresql = False

    def __init__(self, database: SqliteDatabase) -> None:
        from eventlet import tpool  # noqa: PLC0415 - only a worker has eventlet

        self.database = database
        self._execute = tpool.execute

    def open(self) -> None:
        self._execute(self.database.open)

    def close(self) -> None:
        self.database.close()

    def load(self, wanted: Wanted) -> Found:
        found: Found = self._execute(self.database.load, wanted)
        return found

    def save(self, batch: Batch) -> list[int]:
        positions: list[int] = self._execute(self.database.save, batch)
        return positions

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._execute(self.database.rows, statement)
        return rows

    def write(self, statements: Sequence[Statement]) -> list[int]:
        counts: list[int] = self._execute(self.database.write, statements)
        return counts

    def notify(self, channel: str) -> None:
        """The leader polls its file."""


class StreamLocks:
    """One lock per stream in use: racers in one process queue up instead of losing races to each other."""

    def __init__(self, new_lock: Any) -> None:
        self._new_lock = new_lock
        self._locks: dict[UUID, tuple[Any, int]] = {}

    def borrow(self, stream_id: UUID) -> Any:
        lock, users = self._locks.get(stream_id) or (self._new_lock(), 0)
        self._locks[stream_id] = (lock, users + 1)
        return lock

    def is_new(self, stream_id: UUID) -> bool:
        """Nobody but its one borrower knows the lock."""
        return self._locks[stream_id][1] == 1

    def give_back(self, stream_id: UUID) -> None:
        lock, users = self._locks[stream_id]
        if users == 1:
            del self._locks[stream_id]
        else:
            self._locks[stream_id] = (lock, users - 1)


class Driver:
    """Runs logic synchronously: in a worker's greenlet, a thread or the simulation, which waits in its own way."""

    def __init__(
        self,
        database: Database,
        keyring: Database,
        *,
        new_lock: Callable[[], Any] = threading.Lock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.database = database
        self.keyring = keyring
        self._sleep = sleep
        self._locks = StreamLocks(new_lock)
        self._guard = threading.Lock()

    def run(self, logic: Generator[Request, Any, Any]) -> Any:
        held: list[tuple[UUID, Any]] = []
        try:
            request = next(logic)
            while True:
                try:
                    answer = self._answer(request, held)
                except StoreError as error:
                    request = logic.throw(error)
                else:
                    request = logic.send(answer)
        except StopIteration as stop:
            return stop.value
        finally:
            logic.close()
            for stream_id, lock in reversed(held):
                lock.release()
                with self._guard:
                    self._locks.give_back(stream_id)

    def _answer(self, request: Request, held: list[tuple[UUID, Any]]) -> Any:
        match request:
            case LoadStreams(wanted):
                return self.database.load(wanted)
            case Save(batch):
                return self.database.save(batch)
            case Rows(statement):
                return self.database.rows(statement)
            case KeyringRows(statement):
                return self.keyring.rows(statement)
            case KeyringWrite(statements):
                return self.keyring.write(statements)
            case Pause(seconds):
                return self._sleep(seconds)
            case Call(call):
                return call()
            case Enter(streams):
                return self._enter(streams, held)

    def _enter(self, streams: tuple[UUID, ...], held: list[tuple[UUID, Any]]) -> None:
        for stream_id in streams:
            with self._guard:
                lock = self._locks.borrow(stream_id)
            taken = False
            try:
                taken = lock.acquire(timeout=LOCK_WAIT_SECONDS)
            finally:  # also for a greenlet that is killed while it waits
                if not taken:
                    with self._guard:
                        self._locks.give_back(stream_id)
            if not taken:
                raise Overloaded(f"stream {stream_id} is in use")
            held.append((stream_id, lock))


class AsyncDriver:
    """Runs logic on the event loop of an api."""

    def __init__(self, database: AsyncDatabase, keyring: AsyncDatabase) -> None:
        self.database = database
        self.keyring = keyring
        self._locks = StreamLocks(asyncio.Lock)

    async def run(self, logic: Generator[Request, Any, Any]) -> Any:
        held: list[tuple[UUID, asyncio.Lock]] = []
        try:
            request = next(logic)
            while True:
                try:
                    answer = await self._answer(request, held)
                except StoreError as error:
                    request = logic.throw(error)
                else:
                    request = logic.send(answer)
        except StopIteration as stop:
            return stop.value
        finally:
            logic.close()
            for stream_id, lock in reversed(held):
                lock.release()
                self._locks.give_back(stream_id)

    async def _answer(self, request: Request, held: list[tuple[UUID, asyncio.Lock]]) -> Any:
        match request:
            case LoadStreams(wanted):
                return await self.database.load(wanted)
            case Save(batch):
                return await self.database.save(batch)
            case Rows(statement):
                return await self.database.rows(statement)
            case KeyringRows(statement):
                return await self.keyring.rows(statement)
            case KeyringWrite(statements):
                return await self.keyring.write(statements)
            case Pause(seconds):
                return await asyncio.sleep(seconds)
            case Call(call):
                return await asyncio.to_thread(call)
            case Enter(streams):
                return await self._enter(streams, held)

    async def _enter(self, streams: tuple[UUID, ...], held: list[tuple[UUID, asyncio.Lock]]) -> None:
        for stream_id in streams:
            lock: asyncio.Lock = self._locks.borrow(stream_id)
            if self._locks.is_new(stream_id):
                await lock.acquire()  # at once: a time limit is for those who wait
                held.append((stream_id, lock))
                continue
            try:
                async with asyncio.timeout(LOCK_WAIT_SECONDS):
                    await lock.acquire()
            except TimeoutError:
                self._locks.give_back(stream_id)
                raise Overloaded(f"stream {stream_id} is in use") from None
            except BaseException:  # the request was cancelled while it waited
                self._locks.give_back(stream_id)
                raise
            held.append((stream_id, lock))
