"""Reports of shortage as of an instant, on both databases: late commits, late seals and a rebuild change none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import IntegrationEvent
from services.seedwork.calendar import civil_day
from services.seedwork.projector import Projector, ask_for_rebuild
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import perform
from services.seedwork.store.opening import is_sqlite
from services.seedwork.store.rendering import render
from services.seedwork.store.sealer import seal
from services.seedwork.timers import Timers
from services.shortage.application.reports import ask, content_of
from services.shortage.composition import SERVICE
from services.shortage.projections.history import PROJECTION
from tests.integration.store.conftest import DATABASES
from tests.integration.store.test_sealed_log import uncommitted
from tests.support.reader import DrivenReader
from tests.support.store import core_of, driving, new_store, work
from tests.support.store_in_memory import enveloped
from tests.unit.shortage.conftest import OTHER_DRUG
from tests.unit.shortage.test_live_detection import told
from tests.unit.shortage.test_shortage_on_sqlite import unfilled

MINUTE = timedelta(minutes=1)
TURNS = 3
"""Of the clock, until what was taken has had its effect."""


class _Held(Exception):  # noqa: N818 - no error: the save is made by somebody else
    pass


class House(DrivenReader):
    """Shortage on a real store."""

    def __init__(self, url: str, driver: Driver) -> None:
        super().__init__(core_of(url, SERVICE), driver)
        for projection in SERVICE.projections:
            for name, query in projection.queries.items():
                self.core.queries[name] = render(query, is_postgresql=not is_sqlite(url))
        self.url = url

    def hears(self, *events: IntegrationEvent, driver: Driver | None = None) -> None:
        for event in events:
            use_case = SERVICE.react[type(event)](event, enveloped(event, self.time))
            (driver or self.driver).run(perform(self.core, work(use_case)))

    def catch_up(self) -> None:
        for _ in range(TURNS):
            Timers(self.core, self.driver).step()
        while seal(self.driver.database):
            pass
        projector = Projector(self.core, self.driver, [PROJECTION])
        while projector.step():
            pass

    @contextmanager
    def hearing_late(self, event: IntegrationEvent) -> Iterator[Callable[[], None]]:
        """Saved, with its places among the events taken; but not committed until told. SQLite has one writer: there it
        is committed and not sealed."""
        if is_sqlite(self.url):
            self.hears(event)
            yield lambda: None
            return
        batches: list[Any] = []

        class Holding:
            def __getattr__(_, name: str) -> Any:  # noqa: N805
                return getattr(self.driver.database, name)

            def save(_, batch: Any) -> Any:  # noqa: N805
                batches.append(batch)
                raise _Held

        with pytest.raises(_Held):
            self.hears(event, driver=Driver(Holding(), self.driver.keyring))  # type: ignore[arg-type]
        with uncommitted(self.url, batches[0]) as commit:
            yield commit

    def report(self, instant: datetime) -> bytes:
        async def made() -> bytes:
            last = civil_day(instant)
            question = await ask(self, "weekly", "33", last - timedelta(days=6), last, instant)
            return await content_of(self, question)

        return asyncio.run(made())


@pytest.fixture(params=DATABASES)
def house(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[House]:
    assert SERVICE.metadata is not None
    with new_store(request.param, tmp_path, SERVICE.metadata) as url, driving(url) as driver:
        yield House(url, driver)


def order(house: House, number: int, pharmacy: str = "P1", **more: object) -> IntegrationEvent:
    return told(pharmacy, house.time, order_id=UUID(int=number), region="330102", **more)


def test_an_instant_keeps_its_bytes_whatever_is_committed_or_sealed_late_and_after_a_rebuild(house: House) -> None:
    house.hears(*(unfilled(pharmacy) for pharmacy in ("P1", "P2", "P3")), order(house, 1))
    house.catch_up()
    with house.hearing_late(order(house, 2)) as commit:
        if not is_sqlite(house.url):
            house.hears(order(house, 3, pharmacy="P5", drug_key=OTHER_DRUG))
            house.catch_up()  # what follows the late one is sealed before it
        instant = house.time
        house.move_clock(MINUTE)
        first = house.report(instant)
        commit()
    house.hears(order(house, 4))
    house.catch_up()
    house.move_clock(MINUTE)

    assert house.report(instant) == first
    ask_for_rebuild(house.driver.database, PROJECTION)
    house.catch_up()
    assert house.report(instant) == first
    later = house.report(house.time - MINUTE / 2)
    assert b'"orders_wanted":1200' in later, "the late one is not lost"
    assert b'"orders_wanted":400' in first
