"""The store side of an api process: runs use cases and reads on the event loop, and knows whether it is ready."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from services.seedwork.clock import from_micros
from services.seedwork.composition import Service
from services.seedwork.failures import Overloaded, StoreRestored
from services.seedwork.families import families_of
from services.seedwork.forgetting import PENDING, caught_up
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.ports import Check, Freshness, Idempotency, Outcome
from services.seedwork.settings import Settings
from services.seedwork.signing.trust import TrustBook
from services.seedwork.store import reading
from services.seedwork.store.batch import IdempotencyKey, Wanted
from services.seedwork.store.condition import REVISIONS, assess, at_head, condition_query
from services.seedwork.store.drivers import AsyncDatabase, AsyncDriver
from services.seedwork.store.errors import StoreError
from services.seedwork.store.executor import Context, Work, find, load, perform
from services.seedwork.store.freshness import freshness_query, shows, waiting_since
from services.seedwork.store.incoming import heard_of_epoch
from services.seedwork.store.leader import WAKE_CHANNEL
from services.seedwork.store.migrating import heads, store
from services.seedwork.store.opening import (
    KEYRING_POOL,
    REAL,
    Surroundings,
    async_database,
    check_connections,
    service_role,
    store_core,
)
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import CLOCK_OFFSET, inbox, meta
from services.seedwork.usecase import Actor, UseCase

WAKE_PAUSE_SECONDS = 0.005
CATCH_UP_PAUSE_SECONDS, CATCH_UP_PAUSE_SECONDS_MAX = 0.005, 0.05
"""Between two looks at a projection that has not come far enough, growing by half each time."""

_INBOX = Prepared(
    lambda _i: (
        sa.select(inbox.c.stream_id, inbox.c.public_seq, inbox.c.hash)
        .where(
            inbox.c.upstream == sa.bindparam("upstream", type_=sa.Text),
            inbox.c.stream_id > sa.bindparam("after", type_=sa.Uuid()),
        )
        .order_by(inbox.c.stream_id)
        .limit(sa.bindparam("page", type_=sa.BigInteger))
    )
)


def _set_offset(insert: Any) -> sa.ClauseElement:
    upsert = insert(meta).values(name=CLOCK_OFFSET, value=sa.bindparam("offset", type_=sa.BigInteger))
    statement: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[meta.c.name], set_={"value": upsert.excluded.value}
    )
    return statement


_SET_OFFSET = Prepared(_set_offset)

logger = logging.getLogger(__name__)


class StoreRuntime:
    """Implements `services.seedwork.ports.ApiRuntime` over the service's own store."""

    def __init__(self, service: Service, settings: Settings, around: Surroundings = REAL) -> None:
        self.service = service
        self._settings = settings
        role = service_role(service.name, settings)
        url = settings.service_database_url(service.name)
        self.database: AsyncDatabase = async_database(url, settings.pool_size, role, around)
        self._keyring = async_database(settings.keyring_database_url, KEYRING_POOL, role, around)
        self._core = store_core(service, settings, around)
        self._trust = TrustBook(settings.trusted)
        self._driver = AsyncDriver(self.database, self._keyring)
        self._families = families_of(service.name)
        self._condition, self._condition_seconds = condition_query(service), around.condition_seconds
        self._freshness = {name: freshness_query(p.name) for p in service.projections for name in p.queries}
        self._checks: Sequence[Check] = (Check("store", False, "not opened yet"),)  # noqa: FBT003
        self._heads = heads(store(service.name, settings))
        self._restored: bool | None = None
        """Not known before the store was looked at for the first time."""
        self._backlog, self._backlog_max = 0, settings.backlog_max
        self._committed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.database.open()
        await self._keyring.open()
        await check_connections(self.database, self._settings)
        await self._assess()
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._wake())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.database.close()
        await self._keyring.close()

    async def execute(
        self,
        use_case: UseCase,
        *,
        actor: Actor,
        idempotency: Idempotency | None,
        correlation_id: str,
        causation_id: str,
        traceparent: str | None,
    ) -> Outcome:
        if self._restored is None:
            await self._assess()
        if self._restored:
            raise StoreRestored
        if use_case.starts_work and self._backlog > self._backlog_max:
            raise Overloaded(f"{self._backlog} events are not published yet")
        key = None
        if idempotency:
            asked = idempotency
            key = IdempotencyKey(asked.subject, asked.route, asked.key, asked.body_sha256)
        context = Context(actor, correlation_id, causation_id, traceparent, key)
        outcome: Outcome = await self._driver.run(perform(self._core, Work(use_case, context)))
        if outcome.refusal is None and not outcome.replayed:
            self._committed.set()
        return outcome

    async def load(self, *refs: StreamRef[Any]) -> tuple[Loaded[Any], ...]:
        return tuple(await self._bounded(load(self._core, refs)))

    async def find(self, query: str, **parameters: Any) -> Sequence[Mapping[str, Any]]:
        rows: Sequence[Mapping[str, Any]] = await self._bounded(find(self._core, query, parameters))
        return rows

    async def now(self) -> datetime:
        try:
            return from_micros((await self.database.load(Wanted())).now)
        except StoreError as error:
            raise Overloaded(str(error)) from error

    async def caught_up(self, query: str, *, log_index: int, position: int | None, within_seconds: float) -> Freshness:
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + within_seconds, CATCH_UP_PAUSE_SECONDS
        while True:
            row = (await self._read(self._freshness[query], position=position))[0]
            if shows(row, log_index, position) or clock() + pause > deadline:
                break
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, CATCH_UP_PAUSE_SECONDS_MAX)
        since = waiting_since(row)
        age = 0.0 if since is None else (await self.now() - from_micros(since)).total_seconds()
        return Freshness(row["reached"], max(age, 0.0))

    async def feed(self, family: str, after: int, limit: int) -> tuple[list[bytes], int]:
        """The family's kept public events after a log index, as they travel, and up to where these are all of them."""
        types = tuple(sorted(name for name, of in self._families.items() if of == family))
        sealed = int((await self._read(reading.TAIL_QUERY))[0]["tail"])  # before the rows: what comes later is not seen
        rows = await self._read(reading.feed_query(types, self.service.name), after=after, page=limit + 1)
        page = reading.whole_page(rows, limit)
        last = int(page[-1]["log_index"]) if page else after
        return await self._travelling(page), last if len(page) < len(rows) else max(last, sealed)

    async def stream(self, stream_id: UUID, after: int, limit: int) -> tuple[list[bytes], int]:
        """One stream's kept public events after a number, as they travel; and its last number, told or not."""
        rows = await self._read(reading.stream_query(self.service.name), stream_id=stream_id, after=after, page=limit)
        tail = (await self._read(reading.STREAM_TAIL, stream_id=stream_id))[0]["tail"]
        return await self._travelling(rows), tail

    @property
    def jurisdiction(self) -> str:
        return self._core.jurisdiction

    async def epoch(self) -> int:
        """How often this store was restored, and one: a cursor into its log is good for one epoch."""
        rows = await self._read(reading.EPOCH_QUERY)
        return int(rows[0]["value"]) if rows else 1

    async def hear_of_epoch(self, upstream: str, epoch: int) -> None:
        """An upstream came back from a backup: what it said before counts when it says it again."""
        try:
            await self.database.write(heard_of_epoch(self.database, upstream, epoch))
        except StoreError as error:  # the same again changes nothing
            raise Overloaded(str(error)) from error

    async def inbox(self, upstream: str, after: UUID | None, limit: int) -> list[dict[str, Any]]:
        """What is handled of an upstream: stream, last number and its hash."""
        rows = await self._read(_INBOX, upstream=upstream, after=after or UUID(int=0), page=limit)
        return [{**row, "hash": bytes(row["hash"]).hex()} for row in rows]

    async def set_clock_offset(self, seconds: int) -> None:
        """Development mode only: the store's time runs so far ahead."""
        rendered = _SET_OFFSET.on(is_postgresql=self.database.is_postgresql)
        try:
            await self.database.write([rendered.bind({"offset": seconds * 1_000_000})])
            await self.database.notify(WAKE_CHANNEL)
        except StoreError as error:  # the same again changes nothing
            raise Overloaded(str(error)) from error

    async def _read(self, query: Prepared, **parameters: Any) -> list[dict[str, Any]]:
        rendered = query.on(is_postgresql=self.database.is_postgresql)
        try:
            return rendered.read(await self.database.rows(rendered.bind(parameters)))
        except StoreError as error:
            raise Overloaded(str(error)) from error

    async def _travelling(self, rows: list[dict[str, Any]]) -> list[bytes]:
        epoch = await self.epoch()
        return [each.to_wire() for each in reading.envelopes(rows, self.service.name, self._families, epoch)]

    def readiness(self) -> Sequence[Check]:
        return self._checks

    async def _bounded(self, logic: Any) -> Any:
        try:
            return await self._driver.run(logic)
        except StoreError as error:  # a read has no outcome to be unsure of
            raise Overloaded(str(error)) from error

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._condition_seconds)
            await self._assess()

    async def _assess(self) -> None:
        try:
            row = (await self._read(self._condition))[0]
            now = (await self.database.load(Wanted())).now
            self._restored, self._backlog = row["restoring"] is not None, row["backlog"]
            self._trust.refresh()
            self._core.trust = self._trust.current
            self._checks = (
                Check("store", True, "answers"),  # noqa: FBT003
                at_head(await self._reached(), self._heads),
                *assess(row, now),
                await self._follow_forgotten(now),
                Check("signatures", True, self._trust.condition(from_micros(now), self._core.jurisdiction)),  # noqa: FBT003
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the service is not ready
            logger.warning("the store does not answer: %r", error)
            self._checks = (Check("store", False, type(error).__name__),)  # noqa: FBT003

    async def _follow_forgotten(self, now: int) -> Check:
        """A keyring that came out of a backup hands out no key before it has its tombstones again."""
        keyring = self._core.keyring
        try:
            reached = await self._driver.run(keyring.reached(self.service.name))
        except StoreError as error:
            return Check("forgotten patients", False, f"keyring: {type(error).__name__}")  # noqa: FBT003
        since = (await self._read(PENDING, after=reached.within(await self.epoch())))[0]["since"]
        check = caught_up(since, now)
        keyring.is_behind = not check.ok
        return check

    async def _reached(self) -> set[str]:
        """The revisions of this store; none where the table that holds them is missing."""
        try:
            return {row["version_num"] for row in await self._read(REVISIONS)}
        except (Overloaded, psycopg.ProgrammingError):
            return set()

    async def _wake(self) -> None:
        """One NOTIFY for all commits of the last moment; a wake-up only, the leader's poll is the guarantee."""
        while True:
            await self._committed.wait()
            self._committed.clear()
            try:
                await self.database.notify(WAKE_CHANNEL)
            except StoreError as error:
                logger.debug("could not wake the leader: %r", error)
            await asyncio.sleep(WAKE_PAUSE_SECONDS)
