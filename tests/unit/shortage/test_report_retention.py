"""What reports are made from is removed in its time, in limited batches, and never what a report still needs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from contracts.events.dispatch_stock import RegisterEntryRecorded
from services.seedwork.failures import Refused
from services.seedwork.projector import ask_for_rebuild
from services.seedwork.retention import prune
from services.seedwork.store.rendering import Prepared
from services.shortage.application.reports import ask, content_of
from services.shortage.composition import SERVICE
from services.shortage.domain.policy import POLICIES
from services.shortage.projections.history import FACTS, PROJECTION
from tests.support.reader import DrivenReader
from tests.support.service_on_sqlite import ServiceOnSqlite, service_on_sqlite
from tests.unit.shortage.test_live_detection import told

KEPT = timedelta(days=POLICIES.of("cn").versions[-1].reports_kept_days)
DAY = timedelta(days=1)
_ROWS = Prepared(lambda _i: sa.select(FACTS).order_by(FACTS.c.log_index))


class House(DrivenReader):
    """Shortage on its real store, with a clock that the test moves."""

    def __init__(self, shortage: ServiceOnSqlite) -> None:
        super().__init__(shortage.core, shortage.driver)
        self.shortage = shortage

    def order(self, pharmacy: str, order: int, change: str = "placed", **more: Any) -> None:
        came = 0 if change == "placed" else 400
        steps = {"order_id": UUID(int=order), "change": change, "filled": came, "short": 0, "open": 400 - came}
        self.shortage.react(told(pharmacy, self.time, **{**steps, **more}))

    def keys(self) -> list[tuple[str, str]]:
        self.shortage.find("case_changes", after=0, limit=1)
        rows = _ROWS.read(self.shortage.database)
        return [(row["kind"], row["key"].replace("00000000-0000-0000-0000-00000000000", "")) for row in rows]

    def prune(self, batch: int = 500) -> tuple[int, bool]:
        return prune(self.shortage.database, SERVICE, batch=batch)

    def report(self, first: date, as_of: datetime) -> bytes:
        async def made() -> bytes:
            return await content_of(self, await ask(self, "weekly", "33", first, first + 6 * DAY, as_of))

        return asyncio.run(made())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with service_on_sqlite(SERVICE, tmp_path) as shortage:
        found = House(shortage)
        content = {"name": "药店", "region": "330102", "latitude": 30.2, "longitude": 120.1}
        shortage.react(RegisterEntryRecorded(kind="pharmacy", code="P1", content=content, valid_from=date(2020, 1, 1)))
        found.order("P1", 4)
        for order in (1, 2, 3):
            found.order("P1", order)
            found.order("P1", order, "delivered")
        found.order("P2", 5, region="330203")
        found.keys()
        yield found


def test_only_facts_that_no_report_needs_are_removed(house: House) -> None:
    early = house.time
    house.move_clock(KEPT - DAY)
    house.order("P1", 4, "delivered")
    house.order("P1", 6)
    house.keys()
    assert house.prune() == (0, False), "all of it can still be asked for"

    house.move_clock(3 * DAY)
    instant = house.time - timedelta(minutes=1)
    house.move_clock(timedelta(minutes=1))
    before = house.report((instant - 5 * DAY).date(), instant)
    assert house.prune()[0] > 0
    left = house.keys()
    assert [key for kind, key in left if kind == "registered"] == ["P1"]
    assert ("ordered", "1/1") not in left
    assert [key for _, key in left].count("4/1") == 2, "it is told of still: its first day counts"
    assert ("ordered", "6/1") in left
    assert ("ordered", "5/1") in left, "the last that county was heard of"
    assert house.report((instant - 5 * DAY).date(), instant) == before

    # the first day and the first instant that can be asked for
    edge = house.time - KEPT + DAY
    assert house.report((edge + DAY).date(), edge + DAY)
    with pytest.raises(Refused, match="too_old"):
        house.report(early.date(), instant)
    with pytest.raises(Refused, match="too_old"):
        house.report((instant - 5 * DAY).date(), early + timedelta(minutes=1))


def test_they_go_in_limited_batches_and_a_rebuild_brings_them_back_for_a_while(house: House) -> None:
    house.move_clock(KEPT + 2 * DAY)
    house.order("P9", 9, region="330203")
    house.keys()
    removed, more = house.prune(batch=2)
    assert (removed, more) == (2, True)
    while more:
        again, more = house.prune(batch=2)
        removed += again
    assert house.prune() == (0, False)
    left = house.keys()
    assert len(left) == 3 + 1

    ask_for_rebuild(house.shortage.database, PROJECTION)
    assert len(house.keys()) == len(left) + removed
    assert house.prune() == (removed, False)
    assert house.keys() == left
