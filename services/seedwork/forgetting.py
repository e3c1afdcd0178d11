"""Forgetting a patient: the keys are destroyed, by each service's own log.

The event comes first; this step of the leader does the rest and repeats it until it is done, so a crash in between
leaves no key behind. How far it has come is written in the keyring, in the transaction that destroys the keys: a
keyring that was restored from a backup is behind by itself and gets its tombstones again, before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.seedwork.ports import Check
from services.seedwork.store.batch import EventRow
from services.seedwork.store.drivers import Driver
from services.seedwork.store.keyring import Reached
from services.seedwork.store.mapper import stored
from services.seedwork.store.reading import store_epoch
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import IS_FORGETTING, events, log
from services.seedwork.store.work import StoreCore

BATCH = 100
PENDING_SECONDS_MAX = 5.0

_PLACE = log.c.log_index + sa.literal_column("0")
"""No index holds it: SQLite would walk through the whole log instead of the few tombstones."""
_LATER = sa.bindparam("after", type_=sa.BigInteger) < _PLACE
_FORGOTTEN = Prepared(
    lambda _i: (
        sa.select(log.c.log_index, *[events.c[name] for name in EventRow._fields])
        .join_from(events, log, log.c.position == events.c.position)
        .where(IS_FORGETTING, _LATER)
        .order_by(_PLACE)
        .limit(sa.bindparam("batch", type_=sa.BigInteger))
    )
)
PENDING = Prepared(
    lambda _i: (
        sa.select(sa.func.min(events.c.recorded_at).label("since"))
        .join_from(events, log, log.c.position == events.c.position)
        .where(IS_FORGETTING, _LATER)
    )
)
"""Since when a patient is forgotten whose keys the keyring may still hold."""


class Forgetting:
    """Follows the log of one service. Only the leader runs it; twice does no harm."""

    def __init__(self, core: StoreCore, driver: Driver) -> None:
        self._core = core
        self._driver = driver

    def step(self) -> bool:
        """One batch; whether there may be more."""
        database = self._driver.database
        epoch = store_epoch(database)
        after = self._driver.run(self._core.keyring.reached(self._core.service.name)).within(epoch)
        rows = _FORGOTTEN.read(database, after=after, batch=BATCH)
        if not rows:
            return False
        patients = [self._patient(row) for row in rows]
        reached = Reached(epoch, int(rows[-1]["log_index"]))
        self._driver.run(self._core.keyring.destroy(patients, self._core.service.name, reached))
        return len(rows) == BATCH

    def _patient(self, row: Mapping[str, Any]) -> UUID:
        fields = {name: row[name] for name in EventRow._fields}
        event: Any = self._core.mapper.to_domain_event(stored(EventRow(**fields))).event
        patient_ref: UUID = event.patient_ref
        return patient_ref


def caught_up(since: int | None, now: int) -> Check:
    """Whether the keyring holds no key of a patient who was forgotten a while ago."""
    seconds = 0.0 if since is None else max((now - since) / 1e6, 0.0)
    detail = "none has a key" if since is None else f"a key to destroy for {seconds:.1f} s"
    return Check("forgotten patients", seconds <= PENDING_SECONDS_MAX, detail)
