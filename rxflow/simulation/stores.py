"""The store ports of simulated processes: real SQLite stores behind connections that are slow, break and go away.

One call is one statement or transaction: what is executed is executed as a whole, and between the request, the commit
and the answer everybody else may go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rxflow.simulation.mishaps import Fortune, Mishap
from rxflow.simulation.processes import Killed, Process
from rxflow.simulation.virtual_time import wait_for
from services.seedwork.store.batch import Batch, Found, Statement, Wanted
from services.seedwork.store.errors import ConnectionLost, Unavailable
from services.seedwork.store.sqlite import SqliteDatabase

T = TypeVar("T")
LATENCY_SECONDS = 0.002
SLOWER = 100
AWAY_SECONDS = 0.25
"""How long a process waits for a connection that does not come."""


class Wire:
    """How the calls of one process reach one store."""

    def __init__(
        self,
        process: Process,
        name: str,
        fortune: Fortune,
        committed: Callable[[str], None],
        woken: Callable[[str], None],
    ) -> None:
        self._process, self._name, self._fortune = process, name, fortune
        self._committed, self._woken = committed, woken

    async def read(self, function: Callable[..., T], *arguments: Any) -> T:
        await self._travel()
        if self._fortune.holds(Mishap.STORE_AWAY, self._name):
            await asyncio.sleep(AWAY_SECONDS)
            raise Unavailable(f"no connection to {self._name}")
        result = function(*arguments)
        await self._travel()
        return result

    async def write(self, function: Callable[..., T], *arguments: Any) -> T:
        fortune, where = self._fortune, f"{self._process.name} at {self._name}"
        await self._travel()
        if fortune.holds(Mishap.STORE_AWAY, self._name):
            await asyncio.sleep(AWAY_SECONDS)
            raise Unavailable(f"no connection to {self._name}")
        if fortune.holds(Mishap.STORE_READ_ONLY, self._name):
            raise Unavailable(f"{self._name} is read-only")
        if fortune.strikes(Mishap.KILLED_BEFORE_COMMIT, where):
            self._die()
        if fortune.strikes(Mishap.LOST_BEFORE_COMMIT, where):
            raise ConnectionLost(f"the connection to {self._name} broke")
        result = function(*arguments)
        self._committed(self._name)
        if fortune.strikes(Mishap.KILLED_AFTER_COMMIT, where):
            self._die()
        if fortune.strikes(Mishap.LOST_AFTER_COMMIT, where):
            raise ConnectionLost(f"the connection to {self._name} broke")
        await self._travel()
        return result

    async def notify(self) -> None:
        await self._travel()
        if not self._fortune.strikes(Mishap.WAKE_UP_LOST, self._name):
            self._woken(self._name)

    async def _travel(self) -> None:
        self._process.check()
        slower = SLOWER if self._fortune.holds(Mishap.STORE_SLOW, self._name) else 1
        await asyncio.sleep(self._fortune.chance.random() * LATENCY_SECONDS * slower)
        self._process.check()

    def _die(self) -> None:
        self._process.kill()
        raise Killed(self._process.name)


class AwaitedStore:
    """For an api: `services.seedwork.store.drivers.AsyncDatabase`."""

    is_postgresql = False

    def __init__(self, database: SqliteDatabase, wire: Wire) -> None:
        self._database, self._wire = database, wire

    async def open(self) -> None:
        self._database.open()

    async def close(self) -> None:
        self._database.close()

    async def load(self, wanted: Wanted) -> Found:
        return await self._wire.read(self._database.load, wanted)

    async def save(self, batch: Batch) -> list[int]:
        return await self._wire.write(self._database.save, batch)

    async def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        return await self._wire.read(self._database.rows, statement)

    async def write(self, statements: Sequence[Statement]) -> list[int]:
        return await self._wire.write(self._database.write, statements)

    async def notify(self, channel: str) -> None:
        del channel
        await self._wire.notify()


class GreenStore:
    """For a worker: `services.seedwork.store.drivers.Database`; each call gives way to everybody else."""

    is_postgresql = False

    def __init__(self, database: SqliteDatabase, wire: Wire) -> None:
        self._database, self._wire = database, wire

    def open(self) -> None:
        self._database.open()

    def close(self) -> None:
        self._database.close()

    def load(self, wanted: Wanted) -> Found:
        return wait_for(self._wire.read(self._database.load, wanted))

    def save(self, batch: Batch) -> list[int]:
        return wait_for(self._wire.write(self._database.save, batch))

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        return wait_for(self._wire.read(self._database.rows, statement))

    def write(self, statements: Sequence[Statement]) -> list[int]:
        return wait_for(self._wire.write(self._database.write, statements))

    def notify(self, channel: str) -> None:
        del channel
        wait_for(self._wire.notify())
