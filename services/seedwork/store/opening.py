"""From settings to databases and the core of a service: the only place that knows which database it is."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import uuid6

from contracts.topology import PORTS
from services.seedwork.composition import Service
from services.seedwork.failures import ConfigurationError
from services.seedwork.model import Ids
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Statement
from services.seedwork.store.drivers import AsyncDatabase, Database, ThreadedSqlite, TpoolSqlite
from services.seedwork.store.executor import StoreCore
from services.seedwork.store.keyring import Keyring
from services.seedwork.store.leader import AdvisoryLeadership, FileLeadership
from services.seedwork.store.postgres import AsyncPostgresDatabase, PostgresDatabase
from services.seedwork.store.rendering import render
from services.seedwork.store.roles import Role, check, database_of
from services.seedwork.store.sqlite import SqliteDatabase

_SQLITE = "sqlite:///"
KEYRING_POOL = 2
WORKER_POOL_MAX = 5
_SERVER_LIMITS = (
    "SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int"
)


class TimeOrderedIds:
    """Version 7: ids that are born one after another stand beside each other in an index."""

    def new(self) -> UUID:
        return UUID(bytes=uuid6.uuid7().bytes)


@dataclass(frozen=True)
class Surroundings:
    """What a process takes from outside beside its servers. A simulation brings its own, and can repeat itself."""

    chance: random.Random = field(default_factory=random.SystemRandom)
    """The random port: nonces, data keys, jitter."""
    ids: Ids = field(default_factory=TimeOrderedIds)
    clock_ns: Callable[[], int] = time.time_ns
    """An embedded store's time; PostgreSQL has its own."""
    synchronous: str = "FULL"
    """Whether an embedded store waits for the disk."""
    awaited: Callable[[SqliteDatabase], AsyncDatabase] = ThreadedSqlite
    """How an api waits for an embedded store."""
    aside: Callable[..., Awaitable[Any]] = asyncio.to_thread
    """How an api does what would hold its loop: in a thread, which a loop with a time of its own does not wait for."""
    condition_seconds: float = 1.0
    """How often an api looks at the condition of its store."""

    def request_id(self) -> UUID:
        """The name of one attempt of one request."""
        return UUID(bytes=self.chance.randbytes(16), version=4)


REAL = Surroundings()


def is_sqlite(url: str) -> bool:
    return url.startswith(_SQLITE)


def sqlite_database(url: str, around: Surroundings = REAL) -> SqliteDatabase:
    return SqliteDatabase(url.removeprefix(_SQLITE), synchronous=around.synchronous, clock_ns=around.clock_ns)


def libpq(url: str) -> str:
    """The URL without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def async_database(url: str, pool_size: int, role: Role | None = None, around: Surroundings = REAL) -> AsyncDatabase:
    """For an api."""
    if is_sqlite(url):
        return around.awaited(sqlite_database(url, around))
    return AsyncPostgresDatabase(libpq(url), pool_size=pool_size, role=role)


def blocking_database(url: str, pool_size: int, around: Surroundings = REAL) -> Database:
    """For a script, a test or the simulation: in this thread."""
    return sqlite_database(url, around) if is_sqlite(url) else PostgresDatabase(libpq(url), pool_size=pool_size)


def green_database(url: str, pool_size: int, role: Role | None = None) -> Database:
    """For an eventlet worker."""
    if is_sqlite(url):
        return TpoolSqlite(sqlite_database(url))
    return PostgresDatabase(libpq(url), pool_size=pool_size, role=role)


def service_role(service: str, settings: Settings) -> Role | None:
    """The role a service takes on its connections; none on SQLite.

    Raises ConfigurationError where it must have one and cannot.
    """
    url = settings.service_database_url(service)
    if is_sqlite(url):
        return None
    role = Role(database_of(url), settings.requires_database_roles)
    if role.is_required:
        check(libpq(url), role)
    return role


def worker_pool_size(settings: Settings) -> int:
    """A worker handles one batch per family at a time and needs fewer connections than an api."""
    return min(settings.pool_size, WORKER_POOL_MAX)


def connections_wanted(settings: Settings) -> int:
    """Connections of one api and one worker of each service, at most; a worker's leader has one of its own."""
    per_service = settings.pool_size + worker_pool_size(settings) + 2 * KEYRING_POOL + 1
    return len(PORTS) * per_service


async def check_connections(database: AsyncDatabase, settings: Settings) -> None:
    """Stops a start whose pools add up to more than the server has, instead of failing under load."""
    if not database.is_postgresql:
        return
    rows = await database.rows(Statement(_SERVER_LIMITS))
    room, wanted = int(rows[0][0]) - int(rows[0][1]), connections_wanted(settings)
    if wanted > room:
        raise ConfigurationError(
            f"one api and one worker of each service may take {wanted} connections, the server has {room}:"
            " lower RXFLOW_POOL_SIZE or raise max_connections"
        )


def leadership(database: Any, service: str) -> AdvisoryLeadership | FileLeadership:
    """The right to lead a store, for one process at a time."""
    if isinstance(database, PostgresDatabase):
        return AdvisoryLeadership(database, f"rxflow:{service}")
    return FileLeadership(database.database if isinstance(database, TpoolSqlite) else database)


def store_core(service: Service, settings: Settings, around: Surroundings = REAL) -> StoreCore:
    """The executor's knowledge of one service.

    Raises ConfigurationError where the service has no policies for the installation's jurisdiction.
    """
    if service.jurisdictions is not None and settings.jurisdiction not in service.jurisdictions:
        there_are = ", ".join(sorted(service.jurisdictions))
        raise ConfigurationError(
            f"RXFLOW_JURISDICTION: {service.name} has no policies for {settings.jurisdiction}; there are {there_are}"
        )
    is_postgresql = not is_sqlite(settings.database_url)
    queries = {
        name: render(query, is_postgresql=is_postgresql)
        for projection in service.projections
        for name, query in projection.queries.items()
    }
    master, answers = settings.secret_key("keyring"), settings.secret_key(f"answers:{service.name}")
    keyring = Keyring(master, service.rights, is_postgresql=is_postgresql, random_bytes=around.chance.randbytes)
    return StoreCore(service, keyring, answers, around.ids, queries, around.chance, settings.jurisdiction)
