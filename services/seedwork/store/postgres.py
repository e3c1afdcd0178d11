"""PostgreSQL: the synchronous executor of the workers and the asynchronous one of the apis, over the same texts.

Connections are in autocommit and statements prepared on first use; every wait is bounded, by the server or in line for
a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import psycopg
from psycopg import errors as pg

from services.seedwork.store.batch import Batch, Found, Statement, Wanted
from services.seedwork.store.connections import AsyncConnections, Connections
from services.seedwork.store.errors import Conflict, ConnectionLost, StoreError, Unavailable, expect
from services.seedwork.store.postgres_load import found, load_statement
from services.seedwork.store.postgres_save import save_statement
from services.seedwork.store.roles import Role
from services.seedwork.store.watch import Watch

WAIT_SECONDS = 0.25
"""For a connection, in an api: its caller would rather try again than wait."""
WORKER_WAIT_SECONDS = 1.0
STATEMENT_SECONDS = 10
ANSWER_SECONDS = 12.0
"""The client's own limit: the server's comes first while the server runs."""
LOCK_SECONDS = 3
# no jit: compiling a plan takes longer than any of our statements, and guesses about new tables are high enough for it
_OPTIONS = (
    f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s"
    " -c idle_in_transaction_session_timeout=15s -c synchronous_commit=on -c jit=off"
)
BOUNDED: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": 0,
    "options": _OPTIONS,
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def _translated(error: BaseException) -> BaseException:
    """What the driver said, as what is certain about the outcome."""
    if isinstance(
        error,
        pg.UniqueViolation
        | pg.DivisionByZero  # a check of the save did not hold
        | pg.DeadlockDetected
        | pg.SerializationFailure
        | pg.LockNotAvailable
        | pg.QueryCanceled,
    ):
        return Conflict(str(error))
    if isinstance(error, pg.ReadOnlySqlTransaction):  # a standby, or one that is not yet promoted
        return Unavailable(str(error))
    if isinstance(error, pg.InsufficientPrivilege | pg.RaiseException):
        return StoreError(str(error))
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ConnectionLost(str(error))
    return error


class PostgresDatabase:
    """Synchronous; green inside an eventlet worker (`services.seedwork.green` sets psycopg's wait function)."""

    is_postgresql = True

    def __init__(self, url: str, *, pool_size: int = 8, role: Role | None = None) -> None:
        self.url = url
        self._role = role
        self.watch = Watch(ANSWER_SECONDS)
        self._connections = Connections(
            self._connect, size=pool_size, wait_seconds=WORKER_WAIT_SECONDS, watch=self.watch
        )

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.url, **BOUNDED)
        if self._role:
            self.watch.begin(connection)
            self._role.assume(connection)
            self.watch.end(connection)
        return connection

    def open(self) -> None:
        self._connections.open()

    def close(self) -> None:
        self._connections.close()

    def load(self, wanted: Wanted) -> Found:
        return found(self.rows(load_statement(wanted)))

    def save(self, batch: Batch) -> list[int]:
        """The positions of the events, in the order of the log."""
        return [row[0] for row in self.rows(save_statement(batch))[1:]]

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        session = self._connections.take()
        try:
            cursor = session.cursor
            self.watch.begin(session.connection)
            cursor.execute(statement.text, statement.parameters or None, prepare=True)
            return [] if cursor.rownumber is None else cursor.fetchall()
        except psycopg.Error as error:
            raise _translated(error) from error
        finally:
            self._connections.give(session)

    def write(self, statements: Sequence[Statement]) -> list[int]:
        """All of these in one transaction, which a single one is by itself; the number of rows each touched."""
        session = self._connections.take()
        try:
            cursor, counts = session.cursor, []
            self.watch.begin(session.connection)  # also for the BEGIN
            with nullcontext() if len(statements) == 1 else session.connection.transaction():
                for statement in statements:
                    self.watch.begin(session.connection)
                    cursor.execute(statement.text, statement.parameters or None)
                    counts.append(expect(cursor.rowcount, statement.expect))
            return counts
        except psycopg.Error as error:
            raise _translated(error) from error
        finally:
            self._connections.give(session)

    def notify(self, channel: str) -> None:
        """Wakes the leader, after the commit: inside it, NOTIFY would be a lock over all commits."""
        self.rows(Statement(f"NOTIFY {channel}"))


class AsyncPostgresDatabase:
    """Asynchronous, for the apis."""

    is_postgresql = True

    def __init__(self, url: str, *, pool_size: int = 8, role: Role | None = None) -> None:
        self.url = url
        self._role = role
        self.watch = Watch(ANSWER_SECONDS)
        self._connections = AsyncConnections(self._connect, size=pool_size, wait_seconds=WAIT_SECONDS, watch=self.watch)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(self.url, **BOUNDED)
        if self._role:
            self.watch.begin(connection)
            await self._role.assume_async(connection)
            self.watch.end(connection)
        return connection

    async def open(self) -> None:
        await self._connections.open()

    async def close(self) -> None:
        await self._connections.close()

    async def load(self, wanted: Wanted) -> Found:
        return found(await self.rows(load_statement(wanted)))

    async def save(self, batch: Batch) -> list[int]:
        """The positions of the events, in the order of the log."""
        return [row[0] for row in (await self.rows(save_statement(batch)))[1:]]

    async def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        session = await self._connections.take()
        try:
            cursor = session.cursor
            self.watch.begin(session.connection)
            await cursor.execute(statement.text, statement.parameters or None, prepare=True)
            return [] if cursor.rownumber is None else await cursor.fetchall()
        except psycopg.Error as error:
            raise _translated(error) from error
        finally:
            self._connections.give(session)

    async def write(self, statements: Sequence[Statement]) -> list[int]:
        """All of these in one transaction, which a single one is by itself; the number of rows each touched."""
        session = await self._connections.take()
        try:
            cursor, counts = session.cursor, []
            self.watch.begin(session.connection)  # also for the BEGIN
            async with nullcontext() if len(statements) == 1 else session.connection.transaction():
                for statement in statements:
                    self.watch.begin(session.connection)
                    await cursor.execute(statement.text, statement.parameters or None)
                    counts.append(expect(cursor.rowcount, statement.expect))
            return counts
        except psycopg.Error as error:
            raise _translated(error) from error
        finally:
            self._connections.give(session)

    async def notify(self, channel: str) -> None:
        """Wakes the leader, after the commit: inside it, NOTIFY would be a lock over all commits."""
        await self.rows(Statement(f"NOTIFY {channel}"))
