"""Retention of the kernel's own tables: what has served its time is removed by the leader.

Never `fresh` (only the sealer empties it) and never `inbox` (it is the gate); events, public events and the log stay.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import attempts, idempotency, poison

ATTEMPTS_KEPT = timedelta(days=30)
SETTLED_KEPT = timedelta(days=180)
_MICROSECOND = timedelta(microseconds=1)

_BEFORE = sa.bindparam("before", type_=sa.BigInteger)
_EXPIRED = Prepared(lambda _i: sa.delete(idempotency).where(idempotency.c.expires_at < _BEFORE))
_ATTEMPTS = Prepared(lambda _i: sa.delete(attempts).where(attempts.c.updated_at < _BEFORE))
_SETTLED = Prepared(lambda _i: sa.delete(poison).where(poison.c.settled.is_not(None), poison.c.poisoned_at < _BEFORE))


def prune(database: Database) -> int:
    """Removes expired answers, old attempts and settled dead letters; how many rows."""
    now = database.load(Wanted()).now
    return sum(
        database.write(
            [
                _EXPIRED.bind(database, before=now),
                _ATTEMPTS.bind(database, before=now - ATTEMPTS_KEPT // _MICROSECOND),
                _SETTLED.bind(database, before=now - SETTLED_KEPT // _MICROSECOND),
            ]
        )
    )
