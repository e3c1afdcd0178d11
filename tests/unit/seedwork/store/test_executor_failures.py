"""What the executor makes of a store that fails, step by step: the logic is a generator, the test plays the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.seedwork.failures import OutcomeUnknown, Overloaded, PersistentConflict
from services.seedwork.store import drivers
from services.seedwork.store.batch import Found, KeptAnswer
from services.seedwork.store.drivers import AsyncDriver, Driver, StreamLocks
from services.seedwork.store.errors import Conflict, ConnectionLost, StoreError, Unavailable
from services.seedwork.store.executor import TRIES_MAX, perform
from services.seedwork.store.requests import Enter, LoadStreams, Pause, Save
from tests.support.store import add_item, core_of, new_key, problems_of_boxes, work


@pytest.fixture(autouse=True)
def _problems() -> Iterator[None]:
    with problems_of_boxes():
        yield


class Played:
    """Runs one use case; each save ends as the script says, a load finds an empty store."""

    def __init__(self, *saves: type[StoreError] | None, load: type[StoreError] | None = None) -> None:
        self.saves = list(saves)
        self.load = load
        self.pauses: list[float] = []
        self.loads = 0
        self.kept: KeptAnswer | None = None

    def run(self, box: UUID, key: str | None = None) -> Any:
        core = core_of("sqlite://")
        core.random = random.Random(7)
        logic = perform(core, work(add_item(box), key))
        request = next(logic)
        try:
            while True:
                failure, answer = self._answer(request)
                request = logic.throw(failure("played")) if failure else logic.send(answer)
        except StopIteration as stop:
            return stop.value

    def _answer(self, request: Any) -> tuple[type[StoreError] | None, Any]:
        match request:
            case LoadStreams():
                self.loads += 1
                failure = self.load if self.loads > 1 else None
                return failure, Found(1, {}, self.kept)
            case Save():
                return self.saves.pop(0), [1]
            case Pause(seconds):
                self.pauses.append(seconds)
        return None, None


def test_a_lost_race_is_run_again_after_a_pause_with_jitter() -> None:
    played = Played(Conflict, Conflict, None)

    assert played.run(uuid4()).status == 201
    assert played.loads == 3
    assert len(set(played.pauses)) == 2
    assert all(0 <= pause <= 0.5 for pause in played.pauses)


def test_who_loses_every_race_gives_up() -> None:
    played = Played(*[Conflict] * TRIES_MAX)

    with pytest.raises(PersistentConflict):
        played.run(uuid4())

    assert played.saves == []
    assert len(played.pauses) == TRIES_MAX - 1


def test_no_connection_means_that_nothing_happened() -> None:
    with pytest.raises(Overloaded):
        Played(Unavailable).run(uuid4())


def test_a_lost_connection_that_does_not_come_back_leaves_the_outcome_unknown() -> None:
    with pytest.raises(OutcomeUnknown):
        Played(ConnectionLost, load=Unavailable).run(uuid4())


def test_a_connection_that_keeps_breaking_leaves_the_outcome_unknown() -> None:
    with pytest.raises(OutcomeUnknown):
        Played(*[ConnectionLost] * TRIES_MAX).run(uuid4())


def test_a_fault_of_the_store_is_not_tried_again() -> None:
    played = Played(StoreError)

    with pytest.raises(StoreError):
        played.run(uuid4())

    assert played.loads == 1


def test_the_streams_of_a_use_case_are_entered_in_one_order() -> None:
    request = next(perform(core_of("sqlite://"), work(add_item(uuid4()), new_key())))

    assert isinstance(request, Enter)
    assert list(request.streams) == sorted(request.streams)


# -- locks


def test_a_lock_that_nobody_uses_is_not_kept() -> None:
    locks, stream = StreamLocks(object), uuid4()
    first = locks.borrow(stream)
    assert locks.borrow(stream) is first

    locks.give_back(stream)
    assert locks.borrow(stream) is first
    locks.give_back(stream)
    locks.give_back(stream)

    assert locks.borrow(stream) is not first


def entering(streams: tuple[UUID, ...]) -> Any:
    yield Enter(streams)


def test_a_thread_waits_for_a_stream_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "LOCK_WAIT_SECONDS", 0.05)
    nothing: Any = None
    driver, (first, second) = Driver(nothing, nothing), sorted([uuid4(), uuid4()])

    def busy() -> Any:
        yield Enter((second,))
        with pytest.raises(Overloaded):
            driver.run(entering((first, second)))

    driver.run(busy())

    assert driver._locks._locks == {}
    driver.run(entering((first, second)))


def test_a_request_waits_for_a_stream_only_so_long_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "LOCK_WAIT_SECONDS", 0.05)
    nothing: Any = None
    stream = uuid4()

    async def scene() -> AsyncDriver:
        driver = AsyncDriver(nothing, nothing)
        held: list[Any] = []
        await driver._enter((stream,), held)
        with pytest.raises(Overloaded):
            await driver.run(entering((stream,)))
        waiting = asyncio.create_task(driver.run(entering((stream,))))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        held[0][1].release()
        driver._locks.give_back(stream)
        return driver

    assert asyncio.run(scene())._locks._locks == {}


def test_a_request_behind_others_waits_only_so_long_though_the_lock_looks_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A released lock belongs to the first in line already."""
    monkeypatch.setattr(drivers, "LOCK_WAIT_SECONDS", 0.05)
    nothing: Any = None
    stream = uuid4()

    async def scene() -> None:
        driver = AsyncDriver(nothing, nothing)
        held: list[Any] = []
        await driver._enter((stream,), held)
        lock = held[0][1]
        first_in_line = asyncio.create_task(lock.acquire())
        await asyncio.sleep(0)
        lock.release()
        assert not lock.locked()
        with pytest.raises(Overloaded):
            await driver.run(entering((stream,)))
        await first_in_line

    asyncio.run(scene())
