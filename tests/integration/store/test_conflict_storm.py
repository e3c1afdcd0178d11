"""Two hundred racers on one stream: one effect each or a clean failure, in bounded time; and without the mechanisms."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.seedwork.failures import Overloaded, PersistentConflict
from services.seedwork.store import executor
from services.seedwork.store.drivers import AsyncDriver, Driver
from services.seedwork.store.executor import Outcome
from tests.support.stands import loaded, stand
from tests.support.store import BOX, add_item, chain_holds, events_of, new_key, work

RACERS = 200


def storm(box: UUID, names: range) -> list[Any]:
    return [work(add_item(box, str(name)), new_key()) for name in names]


def exactly_one_effect_each(items: tuple[str, ...], results: dict[str, Any]) -> None:
    for result in results.values():
        assert isinstance(result, Outcome | PersistentConflict | Overloaded), repr(result)
    assert sorted(items) == sorted(name for name, result in results.items() if isinstance(result, Outcome))


def test_racers_of_one_process_have_one_effect_each(desk: Any, database: Any) -> None:
    box = uuid4()

    results = dict(zip(map(str, range(RACERS)), desk.race(storm(box, range(RACERS))), strict=True))

    exactly_one_effect_each(loaded(desk, BOX.ref(box)).state.items, results)
    assert sum(isinstance(result, Outcome) for result in results.values()) > RACERS / 2
    assert chain_holds(events_of(database, box))


def test_racers_of_two_processes_have_one_effect_each_or_fail_cleanly(desk: Any, database: Any, url: str) -> None:
    box, half = uuid4(), RACERS // 2
    theirs: list[Any] = []
    with stand("worker" if desk.kind == "worker" else "script", url) as other:
        racing = threading.Thread(target=lambda: theirs.extend(other.race(storm(box, range(half)))))
        racing.start()
        ours = desk.race(storm(box, range(half, RACERS)))
        racing.join(60)

    assert len(theirs) == half
    results = dict(zip(map(str, range(RACERS)), theirs + ours, strict=True))
    exactly_one_effect_each(loaded(desk, BOX.ref(box)).state.items, results)
    assert chain_holds(events_of(database, box))


def test_without_locks_and_second_tries_most_racers_lose(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    box, racers = uuid4(), 40

    async def no_locks(_self: Any, _streams: Any, _held: Any) -> None: ...

    monkeypatch.setattr(executor, "TRIES_MAX", 1)
    monkeypatch.setattr(Driver, "_enter", lambda *_: None)
    monkeypatch.setattr(AsyncDriver, "_enter", no_locks)

    results = desk.race(storm(box, range(racers)))

    lost = [result for result in results if isinstance(result, PersistentConflict | Overloaded)]
    assert lost, "switched off, racers lose to each other"
    assert len(loaded(desk, BOX.ref(box)).state.items) == racers - len(lost)
