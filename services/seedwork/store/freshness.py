"""How new a read model is: up to where its projection has come, and since when something has waited for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa

from services.seedwork.projector import live_index
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import events, fresh, log

_POSITION = sa.bindparam("position", type_=sa.BigInteger)


@cache
def freshness_query(projection: str) -> Prepared:
    """One row about a projection: `reached`, the log index it shows; `place`, the log index of the event at `position`
    (None: not sealed yet); `unprojected` and `unsealed`, when the oldest event was recorded that it does not show.

    A position is never compared with another: positions are taken before commits, so a greater one may be sealed first.
    """
    reached = sa.func.coalesce(live_index(projection), 0)
    waiting = (
        sa.select(events.c.recorded_at)
        .join_from(log, events, log.c.position == events.c.position)
        .where(log.c.log_index > reached)
        .order_by(log.c.log_index)
        .limit(1)
    )
    oldest_fresh = sa.select(fresh.c.position).order_by(fresh.c.position).limit(1).scalar_subquery()
    return Prepared(
        lambda _i: sa.select(
            reached.label("reached"),
            sa.select(log.c.log_index).where(log.c.position == _POSITION).scalar_subquery().label("place"),
            waiting.scalar_subquery().label("unprojected"),
            sa.select(events.c.recorded_at)
            .where(events.c.position == oldest_fresh)
            .scalar_subquery()
            .label("unsealed"),
        )
    )


def shows(row: Mapping[str, Any], log_index: int, position: int | None) -> bool:
    """Whether the projection shows the log up to an index, and the event at a position."""
    if row["reached"] < log_index:
        return False
    return position is None or (row["place"] is not None and row["place"] <= row["reached"])


def waiting_since(row: Mapping[str, Any]) -> int | None:
    """When the oldest event that is missing was recorded; None where nothing is."""
    return min((row[name] for name in ("unprojected", "unsealed") if row[name] is not None), default=None)
