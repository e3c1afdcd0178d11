"""The watchdog: does something synthetic to the service every so often, and sees to it that what must follow follows.

The deadline by which the next beat must have come out at the other end stands in the store, in real time (the clock
offset of development mode counts in neither): so a restart does not move it, and whoever asks for readiness sees it
pass although nobody watches any more. Only a beat that was seen moves it on.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from services.seedwork.clock import from_micros
from services.seedwork.composition import Heartbeat
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, StoreCore, Work, perform
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import CLOCK_OFFSET, HEARTBEAT_DUE, meta
from services.seedwork.usecase import Actor, UseCase

_MICROSECOND = timedelta(microseconds=1)
_READ = Prepared(
    lambda _i: sa.select(meta.c.name, meta.c.value).where(
        sa.or_(*(meta.c.name == sa.literal_column(f"'{name}'") for name in (HEARTBEAT_DUE, CLOCK_OFFSET)))
    )
)


def _move(insert: Any) -> sa.ClauseElement:
    upsert = insert(meta).values(name=HEARTBEAT_DUE, value=sa.bindparam("due", type_=sa.BigInteger))
    moved: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[meta.c.name], set_={"value": upsert.excluded.value}
    )
    return moved


_MOVE = Prepared(_move)

logger = logging.getLogger(__name__)


class Watchdog:
    """Runs one service's heartbeat. Only the leader runs it."""

    def __init__(self, core: StoreCore, driver: Driver, heartbeat: Heartbeat) -> None:
        self._core, self._driver, self._heartbeat = core, driver, heartbeat
        self._beat: datetime | None = None
        """The beat that is under way, in the store's time."""
        self._told: int | None = None

    def step(self) -> bool:
        """Whether there is more to do at once: never, a beat takes its time."""
        database = self._driver.database
        now = database.load(Wanted()).now
        rows = {row["name"]: int(row["value"]) for row in _READ.read(database)}
        real = now - rows.get(CLOCK_OFFSET, 0)
        cadence = self._heartbeat.cadence(self._core.jurisdiction, from_micros(now))
        every, limit = cadence.every // _MICROSECOND, cadence.limit // _MICROSECOND
        due = rows.get(HEARTBEAT_DUE)
        if due is None or due > real + every + limit:
            self._move_on(real + every + limit)
        elif self._beat is not None and self._seen(self._beat):
            self._beat = None
            self._move_on(real + every + limit)
        else:
            self._go_on(now, real, due, limit)
        return False

    def _go_on(self, now: int, real: int, due: int, limit: int) -> None:
        if real > due and (self._told is None or real - self._told >= limit):
            self._told = real
            logger.error("alarm: no heartbeat has come through since %s", from_micros(due).isoformat())
        if self._beat is not None and now - self._beat.timestamp() * 1e6 > limit:
            self._beat = None  # it is lost; another may come through
        if self._beat is None and real >= due - limit:
            beat = from_micros(now)
            for step in self._heartbeat.steps(beat, self._core.jurisdiction):
                self._run(step, beat)
            self._beat = beat

    def _seen(self, beat: datetime) -> bool:
        return bool(self._run(self._heartbeat.seen(beat), beat).body["seen"])

    def _run(self, use_case: UseCase, beat: datetime) -> Any:
        service = self._core.service.name
        context = Context(Actor.service(service), f"heartbeat:{beat.isoformat()}", "heartbeat")
        return self._driver.run(perform(self._core, Work(use_case, context)))

    def _move_on(self, due: int) -> None:
        self._told = None
        self._driver.database.write([_MOVE.bind(self._driver.database, due=due)])
