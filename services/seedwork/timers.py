"""Deadlines: the leader finds what is due by an index and sends the ordinary commands.

The command decides again with the store's time, so a timer that fires early, late or twice changes nothing; neither
where an overlapping leader has done it meanwhile, and what it set anew is due already.
"""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa

from services.seedwork.clock import to_micros
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, StoreCore, Work, perform
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import timer
from services.seedwork.usecase import Actor, Deciding, Decision, Moment, UseCase

BATCH = 100
ALARM_ATTEMPTS = 8
BACKOFF_SECONDS_MAX = 300

_NOW = sa.bindparam("now", type_=sa.BigInteger)
_DUE = Prepared(
    lambda _i: (
        sa.select(timer)
        .where(timer.c.due_at <= _NOW)
        .order_by(timer.c.due_at)
        .limit(sa.bindparam("batch", type_=sa.BigInteger))
    )
)
_POSTPONE = Prepared(
    lambda _i: (
        sa.update(timer)
        .values(due_at=sa.bindparam("later", type_=sa.BigInteger), attempts=timer.c.attempts + 1)
        .where(
            timer.c.stream_id == sa.bindparam("stream", type_=sa.Uuid()),
            timer.c.kind == sa.bindparam("which", type_=sa.Text),
            timer.c.due_at == sa.bindparam("due", type_=sa.BigInteger),
        )
    )
)

logger = logging.getLogger(__name__)


class Timers:
    """Runs the due timers of one service. Only the leader runs it."""

    def __init__(self, core: StoreCore, driver: Driver) -> None:
        self._core = core
        self._driver = driver
        self._aggregates = {aggregate.name: aggregate for aggregate in core.service.aggregates}

    def step(self) -> bool:
        """One batch; whether there may be more."""
        database = self._driver.database
        now = database.load(Wanted()).now
        due = _DUE.read(database, now=now, batch=BATCH)
        for row in due:
            later = now + min(BACKOFF_SECONDS_MAX, 2 ** row["attempts"]) * 1_000_000
            try:
                later = self._fire(row) or later
            except Exception:
                logger.exception("timer %s of %s failed (%s before)", row["kind"], row["stream_id"], row["attempts"])
            # still due: it failed, or its command left the deadline standing
            self._postpone(row, later)
        return len(due) == BATCH

    def _fire(self, row: dict[str, Any]) -> int | None:
        """When it is due instead, where the deadline that was found is not the one that stands by its aggregate."""
        name, _, kind = row["kind"].partition("/")
        use_case = self._core.service.timers[name, kind](row["stream_id"])
        own: StreamRef[Any] = self._aggregates[name].ref(row["stream_id"])
        anew: int | None = None

        def decide(moment: Moment, found: Loaded[Any], *loaded: Loaded[Any]) -> Deciding:
            nonlocal anew
            due = own.aggregate.next_due(found.state).get(kind)
            anew = to_micros(due) if due and to_micros(due) > row["due_at"] else None
            return Decision.nothing() if anew else use_case.decide(moment, *loaded)

        cause = f"timer:{row['kind']}:{row['due_at']}"
        context = Context(Actor.service(self._core.service.name), f"{row['stream_id']}", cause)
        guarded = UseCase((own, *use_case.streams), decide, use_case.relaxed)
        self._driver.run(perform(self._core, Work(guarded, context)))
        return anew

    def _postpone(self, row: dict[str, Any], later: int) -> None:
        """Only a timer that still stands as it was found moves; one the command has set anew does not."""
        moved = self._driver.database.write(
            [
                _POSTPONE.bind(
                    self._driver.database,
                    later=later,
                    stream=row["stream_id"],
                    which=row["kind"],
                    due=row["due_at"],
                )
            ]
        )
        if moved[0] and row["attempts"] + 1 >= ALARM_ATTEMPTS:
            logger.critical("timer %s of %s does not get done", row["kind"], row["stream_id"])
