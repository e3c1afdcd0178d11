"""A list shows what its reader has just written, or says how old it is; it never waits longer than it may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from services.seedwork.ports import Freshness, Idempotency, Outcome
from services.seedwork.projector import Projector
from services.seedwork.runtime import StoreRuntime
from services.seedwork.settings import Settings
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import fresh
from tests.integration.store.conftest import DATABASES
from tests.support.boxes_projection import METADATA, PROJECTION
from tests.support.store import ACTOR, BOXES, add_item, driving, new_key, new_store, open_box
from tests.support.waiting import eventually

SERVICE = replace(BOXES, name="shortage", translate={}, projections=(PROJECTION,), metadata=METADATA)
PATIENT_SECONDS = 5.0


class OneStore(Settings):
    """Whatever is asked for, it is this store."""

    def service_database_url(self, service: str) -> str:
        del service
        return self.database_url


class House:
    """An api and the leader's duties, on one store."""

    def __init__(self, url: str, settings: Settings, stack: ExitStack) -> None:
        self._runner = stack.enter_context(asyncio.Runner())
        self.runtime = StoreRuntime(SERVICE, settings)
        self.run(self.runtime.start())
        stack.callback(lambda: self.run(self.runtime.stop()))
        self.leader = stack.enter_context(driving(url))
        self.projector = Projector(self.runtime._core, self.leader, SERVICE.projections)

    def run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    def command(self, use_case: Any, key: str | None = None) -> Outcome:
        asked = Idempotency("nurse", "POST /boxes", key or new_key(), b"body".ljust(32))
        trace = {"correlation_id": "c", "causation_id": "c", "traceparent": None}
        outcome: Outcome = self.run(self.runtime.execute(use_case, actor=ACTOR, idempotency=asked, **trace))
        return outcome

    def project(self) -> None:
        seal(self.leader.database)
        self.projector.step()

    async def listed(self, seconds: float = PATIENT_SECONDS, **asked: Any) -> tuple[Freshness, list[UUID]]:
        wanted = {"log_index": 0, "position": None, **asked}
        shown = await self.runtime.caught_up("open_boxes", within_seconds=seconds, **wanted)
        return shown, [row["box"] for row in await self.runtime.find("open_boxes", open=True)]

    def set_aside(self, position: int) -> None:
        """As if its transaction had not committed yet: the sealer does not see it."""
        self._write(sa.delete(fresh).where(fresh.c.position == sa.bindparam("at")), position)

    def bring_back(self, position: int) -> None:
        self._write(sa.insert(fresh).values(position=sa.bindparam("at")), position)

    def _write(self, statement: Any, position: int) -> None:
        self.leader.database.write([Prepared(lambda _i: statement).bind(self.leader.database, at=position)])


@pytest.fixture(params=DATABASES)
def house(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[House]:
    with new_store(request.param, tmp_path, METADATA) as url, ExitStack() as stack:
        yield House(url, OneStore(development=True, key_directory=tmp_path, database_url=url), stack)


def test_a_list_waits_until_it_shows_the_command_whose_position_it_is_given(house: House) -> None:
    box = uuid4()
    position = house.command(open_box(box)).position

    async def meanwhile() -> None:
        await asyncio.sleep(0.05)
        await asyncio.to_thread(house.project)

    async def scenario() -> tuple[list[UUID], tuple[Freshness, list[UUID]]]:
        _, at_once = await house.listed()
        patient, _ = await asyncio.gather(house.listed(position=position), meanwhile())
        return at_once, patient

    at_once, (shown, patient) = house.run(scenario())
    assert at_once == [], "switched off: who asks for nothing reads what is there"
    assert patient == [box]
    assert shown == Freshness(1, 0.0)


def test_an_event_that_is_sealed_after_a_later_one_is_waited_for_itself(house: House) -> None:
    """Positions are taken before commits: that a greater one is shown says nothing about this one."""
    box, neighbour = uuid4(), uuid4()
    position = house.command(open_box(box)).position
    assert position is not None
    house.set_aside(position)
    later = house.command(open_box(neighbour)).position
    house.project()
    assert later is not None
    assert later > position

    async def scenario() -> tuple[Any, Any]:
        of_the_later = await house.listed(position=later, seconds=0)
        of_the_earlier = asyncio.create_task(house.listed(position=position))
        await asyncio.sleep(0.05)
        assert not of_the_earlier.done(), "its own event is not in the rows"
        await asyncio.to_thread(lambda: (house.bring_back(position), house.project()))
        return of_the_later, await of_the_earlier

    (_, seen), (shown, all_seen) = house.run(scenario())
    assert seen == [neighbour]
    assert sorted(all_seen) == sorted([box, neighbour])
    assert shown.log_index == 2


def test_a_list_can_be_asked_for_a_log_index_another_list_has_shown(house: House) -> None:
    house.command(open_box(uuid4()))
    house.project()
    (shown, _) = house.run(house.listed())

    assert house.run(house.listed(log_index=shown.log_index, seconds=0))[0] == shown
    house.command(open_box(uuid4()))

    async def scenario() -> tuple[Freshness, list[UUID]]:
        waiting = asyncio.create_task(house.listed(log_index=shown.log_index + 1))
        await asyncio.sleep(0.02)
        await asyncio.to_thread(house.project)
        return await waiting

    assert len(house.run(scenario())[1]) == 2


def test_it_waits_no_longer_than_it_may_and_says_how_old_it_is(house: House) -> None:
    house.command(open_box(uuid4()))
    house.project()
    position = house.command(open_box(uuid4())).position
    eventually(lambda: house.run(house.listed())[0].age_seconds > 0.1)
    started = time.monotonic()

    unsealed, rows = house.run(house.listed(position=position, seconds=0.1))

    assert time.monotonic() - started < PATIENT_SECONDS / 2
    assert (unsealed.log_index, len(rows)) == (1, 1)
    assert unsealed.age_seconds > 0.1

    seal(house.leader.database)
    unprojected, _ = house.run(house.listed())
    assert unprojected.age_seconds > unsealed.age_seconds, "as old as the oldest event that is not in the rows"
    house.project()
    assert house.run(house.listed())[0] == Freshness(2, 0.0)


def test_a_first_answer_given_again_tells_the_position_it_told_the_first_time(house: House) -> None:
    key, box = new_key(), uuid4()
    house.command(open_box(uuid4()))
    first = house.command(open_box(box), key)
    house.command(add_item(box))

    again = house.command(open_box(box), key)

    assert (again.replayed, again.position) == (True, first.position)
    assert first.position


def test_a_command_that_recorded_nothing_has_no_position(house: House) -> None:
    box = uuid4()
    house.command(open_box(box))

    refused = house.command(open_box(box))

    assert refused.refusal
    assert refused.position is None
