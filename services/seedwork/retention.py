"""Retention of the kernel's own tables: what has served its time is removed by the leader.

Never `fresh` (only the sealer empties it) and never `inbox` (it is the gate); events, public events and the log stay.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import attempts, idempotency, poison, timer

ATTEMPTS_KEPT = timedelta(days=30)
SETTLED_KEPT = timedelta(days=180)
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


def prune(database: Database, batch: int = BATCH) -> tuple[int, bool]:
    """Removes expired answers, deadlines that are over, old attempts and settled dead letters, at most a batch of each;
    how many rows, and whether there may be more."""
    now = database.load(Wanted()).now
    due: tuple[tuple[Prepared, dict[str, int]], ...] = (
        (_EXPIRED, {"before": now}),
        (_ENDED, {}),
        (_ATTEMPTS, {"before": now - ATTEMPTS_KEPT // _MICROSECOND}),
        (_SETTLED, {"before": now - SETTLED_KEPT // _MICROSECOND}),
    )
    counts = [database.write([each.bind(database, **before, batch=batch)])[0] for each, before in due]
    return sum(counts), batch in counts
