"""What an api reads through, over a store that the test drives itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from services.seedwork.clock import from_micros
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import StoreCore, find, load
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import CLOCK_OFFSET, meta


def _set_offset(insert: Any) -> sa.ClauseElement:
    upsert = insert(meta).values(name=CLOCK_OFFSET, value=sa.bindparam("offset", type_=sa.BigInteger))
    statement: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[meta.c.name], set_={"value": upsert.excluded.value}
    )
    return statement


_SET_OFFSET = Prepared(_set_offset)


@dataclass
class DrivenReader:
    """Reads rows as far as they are projected; its store's clock is moved by the test."""

    core: StoreCore
    driver: Driver
    offset: timedelta = timedelta(0)

    @property
    def jurisdiction(self) -> str:
        return self.core.jurisdiction

    async def load(self, *refs: Any) -> Any:
        return tuple(self.driver.run(load(self.core, refs)))

    async def find(self, query: str, **parameters: Any) -> Sequence[Mapping[str, Any]]:
        rows: Sequence[Mapping[str, Any]] = self.driver.run(find(self.core, query, parameters))
        return rows

    async def now(self) -> datetime:
        return self.time

    @property
    def time(self) -> datetime:
        return from_micros(self.driver.database.load(Wanted()).now)

    def move_clock(self, by: timedelta) -> None:
        self.offset += by
        offset = self.offset // timedelta(microseconds=1)
        self.driver.database.write([_SET_OFFSET.bind(self.driver.database, offset=offset)])
