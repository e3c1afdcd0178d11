"""Deadlines: the leader finds what is due by an index and sends the ordinary commands.

The command decides again with the store's time, so a timer that fires early, late or twice changes nothing.
"""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa

from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, StoreCore, Work, perform
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import timer
from services.seedwork.usecase import Actor

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

    def step(self) -> bool:
        """One batch; whether there may be more."""
        database = self._driver.database
        now = database.load(Wanted()).now
        due = _DUE.read(database, now=now, batch=BATCH)
        for row in due:
            try:
                self._fire(row)
            except Exception:
                logger.exception("timer %s of %s failed (%s before)", row["kind"], row["stream_id"], row["attempts"])
            # still due: it failed, or its command left the deadline standing
            self._postpone(row, now)
        return len(due) == BATCH

    def _fire(self, row: dict[str, Any]) -> None:
        aggregate, _, kind = row["kind"].partition("/")
        use_case = self._core.service.timers[aggregate, kind](row["stream_id"])
        cause = f"timer:{row['kind']}:{row['due_at']}"
        context = Context(Actor.service(self._core.service.name), f"{row['stream_id']}", cause)
        self._driver.run(perform(self._core, Work(use_case, context)))

    def _postpone(self, row: dict[str, Any], now: int) -> None:
        """Only a timer that still stands as it was found moves; one the command has set anew does not."""
        seconds = min(BACKOFF_SECONDS_MAX, 2 ** row["attempts"])
        moved = self._driver.database.write(
            [
                _POSTPONE.bind(
                    self._driver.database,
                    later=now + seconds * 1_000_000,
                    stream=row["stream_id"],
                    which=row["kind"],
                    due=row["due_at"],
                )
            ]
        )
        if moved[0] and row["attempts"] + 1 >= ALARM_ATTEMPTS:
            logger.critical("timer %s of %s does not get done", row["kind"], row["stream_id"])
