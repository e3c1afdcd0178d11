"""What the leader removes, what an api refuses first under load, and what stops a start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from services.seedwork.failures import ConfigurationError, Overloaded
from services.seedwork.retention import prune
from services.seedwork.runtime import StoreRuntime
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Wanted
from services.seedwork.store.migrating import migrate, store
from services.seedwork.store.opening import check_connections, connections_wanted
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import attempts, idempotency, inbox, poison, timer
from services.seedwork.usecase import Actor, Decision, UseCase
from services.shortage.composition import SERVICE
from tests.integration.consumer.world import Pair, new_case, pair

DAY = 86_400_000_000


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with pair(request.param, tmp_path) as sides:
        yield sides


def test_what_has_served_its_time_is_removed_and_nothing_else(both: Pair) -> None:
    # given: of each kind one that is over and one that is not
    database: Any = both.consumer_driver.database
    now = database.load(Wanted()).now

    def insert(table: sa.Table, **row: Any) -> None:
        names = [name for name in table.c.keys() if name in row]  # noqa: SIM118
        values = {name: sa.bindparam(name, type_=table.c[name].type) for name in names}
        statement = Prepared(lambda dialect_insert: dialect_insert(table).values(values))
        database.write([statement.bind(database, **row)])

    for key, expires_at in (("over", now - 1), ("kept", now + DAY)):
        insert(
            idempotency, actor="a", route="r", key=key, body_sha256=b"", status=200, answer=b"", expires_at=expires_at
        )
    for age in (31, 29):
        insert(attempts, consumer="c", message_id=uuid4(), count=1, last_error="", updated_at=now - age * DAY)
    for age, settled in ((181, "skipped"), (181, None), (1, "skipped")):
        letter = {
            "consumer": "c",
            "upstream": "u",
            "stream_id": uuid4(),
            "public_seq": 1,
            "reason": "",
            "envelope": b"",
        }
        insert(poison, **letter, poisoned_at=now - age * DAY, settled=settled)
    for due_at in (None, now - DAY):
        insert(timer, stream_id=uuid4(), kind="k", due_at=due_at)
    both.close_case(new_case())
    for envelope in both.told():
        both.consumer.handle([envelope])

    # when
    removed, more = prune(database)

    # then
    def left(table: sa.Table) -> int:
        rows = Prepared(lambda _i: sa.select(sa.func.count().label("n")).select_from(table)).read(database)
        return int(rows[0]["n"])

    assert (removed, more) == (4, False)
    assert (left(idempotency), left(attempts), left(poison), left(inbox), left(timer)) == (1, 1, 2, 1, 1)


def test_what_is_over_goes_in_batches_of_limited_size(both: Pair) -> None:
    database: Any = both.consumer_driver.database
    now = database.load(Wanted()).now
    names = ("consumer", "message_id", "count", "last_error", "updated_at")
    values = {name: sa.bindparam(name, type_=attempts.c[name].type) for name in names}
    insert = Prepared(lambda dialect_insert: dialect_insert(attempts).values(values))
    row = {"consumer": "c", "count": 1, "last_error": "", "updated_at": now - 31 * DAY}
    database.write([insert.bind(database, message_id=uuid4(), **row) for _ in range(5)])

    found = [prune(database, batch=2) for _ in range(3)]

    assert found == [(2, True), (2, True), (1, False)]


def settings_for(tmp_path: Path, **more: Any) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path}/db", development=True, key_directory=tmp_path / "keys", **more)


def test_new_work_is_refused_first_when_too_much_is_unpublished_and_what_finishes_work_never(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, backlog_max=1)
    for name in (SERVICE.name, "keyring"):
        migrate(store(name, settings))

    async def scenario() -> None:
        runtime = StoreRuntime(SERVICE, settings)
        await runtime.start()
        context = {"actor": Actor("a", "prescriber"), "idempotency": None, "correlation_id": "c", "causation_id": "c"}
        finishing = UseCase((), lambda _moment: Decision.nothing())
        starting = UseCase((), lambda _moment: Decision.nothing(), starts_work=True)
        try:
            assert (await runtime.execute(starting, traceparent=None, **context)).status == 200
            runtime._backlog = 2  # as the watch would find it
            with pytest.raises(Overloaded):
                await runtime.execute(starting, traceparent=None, **context)
            assert (await runtime.execute(finishing, traceparent=None, **context)).status == 200
        finally:
            await runtime.stop()

    asyncio.run(scenario())


def test_pools_that_add_up_to_more_than_the_server_has_stop_the_start(tmp_path: Path) -> None:
    class Server:
        is_postgresql = True

        def __init__(self, room: int) -> None:
            self._room = room

        async def rows(self, _statement: object) -> list[tuple[int, int]]:
            return [(self._room + 3, 3)]

    settings = settings_for(tmp_path)
    wanted = connections_wanted(settings)

    asyncio.run(check_connections(Server(wanted), settings))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="max_connections"):
        asyncio.run(check_connections(Server(wanted - 1), settings))  # type: ignore[arg-type]
    assert wanted <= 97, "the defaults fit a PostgreSQL server as it is installed"
