"""Retention of the kernel's own tables and of read models: what has served its time is removed by the leader.

Never `fresh` (only the sealer empties it) and never `inbox` (it is the gate); events, public events and the log stay.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import sqlalchemy as sa

from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.composition import Retained, Service
from services.seedwork.policies import DEFAULT_JURISDICTION
from services.seedwork.store.batch import Statement, Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import attempts, idempotency, poison, timer, webhook_delivery

ATTEMPTS_KEPT = timedelta(days=30)
SETTLED_KEPT = timedelta(days=180)
DELIVERIES_KEPT = timedelta(days=90)
_MICROSECOND = timedelta(microseconds=1)

BATCH = 500
"""Rows per transaction, so that no command waits for a long one, least of all SQLite's only writer."""

_BEFORE = sa.bindparam("before", type_=sa.BigInteger)


def _oldest(table: sa.Table, due: sa.ColumnElement[bool]) -> Prepared:
    """Deletes at most a batch of what is due; and what is due still, for a command may be using the row again."""
    key = list(table.primary_key.columns)
    batch = sa.select(*key).where(due).limit(sa.bindparam("batch", type_=sa.Integer))
    return Prepared(lambda _i: sa.delete(table).where(sa.tuple_(*key).in_(batch), due))


_EXPIRED = _oldest(idempotency, idempotency.c.expires_at <= _BEFORE)
_ATTEMPTS = _oldest(attempts, attempts.c.updated_at < _BEFORE)
_ENDED = _oldest(timer, timer.c.due_at.is_(None))
_SETTLED = _oldest(poison, sa.and_(poison.c.settled.is_not(None), poison.c.poisoned_at < _BEFORE))
_OVER = webhook_delivery.c.due_at.is_(None) & (webhook_delivery.c.status != "dead")
_TOLD = _oldest(webhook_delivery, sa.and_(_OVER, webhook_delivery.c.made_at < _BEFORE))


def prune(
    database: Database,
    service: Service | None = None,
    jurisdiction: str = DEFAULT_JURISDICTION,
    batch: int = BATCH,
) -> tuple[int, bool]:
    """Removes expired answers, deadlines that are over, old attempts, settled dead letters and webhook deliveries, and
    what is over of the service's read models, at most a batch of each; how many rows, and whether there may be more."""
    now = database.load(Wanted()).now
    due: tuple[tuple[Prepared, dict[str, int]], ...] = (
        (_EXPIRED, {"before": now}),
        (_ENDED, {}),
        (_ATTEMPTS, {"before": now - ATTEMPTS_KEPT // _MICROSECOND}),
        (_SETTLED, {"before": now - SETTLED_KEPT // _MICROSECOND}),
    )
    counts = [database.write([each.bind(database, **before, batch=batch)])[0] for each, before in due]
    told = _TOLD.bind(database, before=now - DELIVERIES_KEPT // _MICROSECOND, batch=batch)
    over = [_removal(database, each, jurisdiction, now, batch) for each in (service.retained if service else ())]
    counts += database.write([told, *over])
    return sum(counts), batch in counts


def _removal(database: Database, retained: Retained, jurisdiction: str, now: int, batch: int) -> Statement:
    since = from_micros(now) - retained.kept(jurisdiction, from_micros(now))
    moment = now - retained.kept(jurisdiction, from_micros(now)) // _MICROSECOND
    return _removing(retained).bind(database, day=civil_day(since).isoformat(), moment=moment, batch=batch)


@cache
def _removing(retained: Retained) -> Prepared:
    return _oldest(retained.table, retained.over)
