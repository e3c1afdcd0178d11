"""The sealer: gives everything committed its place in a gap-free log. Only the store's leader runs it.

A reader that follows positions loses rows, because positions are taken before commits. Whoever needs a cursor reads by
`log_index`. Two overlapping leaders still make no gap and no double: the numbers are the primary key, so one of them
fails as a whole and finds nothing left.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.errors import Conflict
from services.seedwork.store.postgres_load import NOW
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import fresh, log

BATCH = 1000

_OLDEST = sa.select(fresh.c.position).order_by(fresh.c.position).limit(sa.bindparam("batch", type_=sa.BigInteger))
_TAIL = sa.select(sa.func.coalesce(sa.func.max(log.c.log_index), sa.literal_column("0"))).scalar_subquery()
_NOW = sa.bindparam("now", type_=sa.BigInteger)


def _numbered(positions: Any) -> sa.Select[Any]:
    number = _TAIL + sa.func.row_number().over(order_by=positions.c.position)
    return sa.select(number, positions.c.position, _NOW)


def _move(insert: Any) -> sa.ClauseElement:
    """Fetches, numbers and empties in one statement: on the way of an event to the next service each trip counts."""
    taken = sa.delete(fresh).where(fresh.c.position.in_(_OLDEST)).returning(fresh.c.position).cte("taken")
    number = _TAIL + sa.func.row_number().over(order_by=taken.c.position)
    numbered = sa.select(number, taken.c.position, NOW)
    moved = insert(log).from_select(["log_index", "position", "sealed_at"], numbered).returning(log.c.log_index)
    return sa.select(sa.func.count()).select_from(moved.cte("moved"))


_MOVE = Prepared(_move)
_NUMBER = Prepared(
    lambda insert: insert(log).from_select(["log_index", "position", "sealed_at"], _numbered(_OLDEST.subquery()))
)
_EMPTY = Prepared(
    lambda _insert: sa.delete(fresh).where(
        fresh.c.position <= sa.select(log.c.position).order_by(log.c.log_index.desc()).limit(1).scalar_subquery()
    )
)
_ANY = Prepared(lambda _insert: sa.select(fresh.c.position).limit(1))


def seal(database: Database, batch: int = BATCH) -> int:
    """Seals what is fresh; the number of events sealed. 0: nothing to do, or another leader was faster."""
    try:
        if database.is_postgresql:
            return int(database.rows(_MOVE.bind(database, batch=batch))[0][0])
        if not database.rows(_ANY.bind(database)):  # read first: an empty write transaction competes for nothing
            return 0
        now = database.load(Wanted()).now
        # one writer at a time: positions are committed in order, so everything up to the last sealed one is done
        return database.write([_NUMBER.bind(database, batch=batch, now=now), _EMPTY.bind(database)])[0]
    except Conflict:
        return 0
