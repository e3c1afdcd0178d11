"""Ways to run the executor as a process of the system does: an api on its event loop, an eventlet worker, a script.

One suite runs on all of them. The worker's stand needs a green process: `python -m tests.support.green_pytest`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from services.seedwork.composition import Service
from services.seedwork.failures import Overloaded, PersistentConflict
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.store.drivers import AsyncDriver, Driver
from services.seedwork.store.executor import Outcome, StoreCore, Work, load, perform, perform_all
from services.seedwork.store.opening import async_database, blocking_database, green_database
from tests.support.store import BOXES, core_of
from tests.support.waiting import eventually

RACE_SECONDS_MAX = 60.0


def in_a_worker() -> bool:
    """Whether this process is green."""
    return "eventlet" in sys.modules and bool(sys.modules["eventlet"].patcher.is_monkey_patched("socket"))


class Stand(Protocol):
    """One process's view of a store."""

    kind: str
    core: StoreCore

    def run(self, logic: Any) -> Any: ...
    def race(self, works: Sequence[Work]) -> list[Any]: ...


class SynchronousStand:
    """A script's, or in a green process a worker's."""

    def __init__(self, core: StoreCore, driver: Driver, kind: str) -> None:
        self.kind = kind
        self.core = core
        self.driver = driver

    def run(self, logic: Any) -> Any:
        return self.driver.run(logic)

    def race(self, works: Sequence[Work]) -> list[Any]:
        """All at once; what each returned or raised."""
        results: list[Any] = [None] * len(works)

        def racer(place: int, work: Work) -> None:
            try:
                results[place] = self.run(perform(self.core, work))
            except Exception as error:  # noqa: BLE001 - the test looks at it
                results[place] = error

        threads = [threading.Thread(target=racer, args=each, daemon=True) for each in enumerate(works)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(RACE_SECONDS_MAX)
        assert None not in results, "a racer hangs"
        return results


class AsyncStand:
    """An api's, its loop in a thread of its own."""

    kind = "api"

    def __init__(self, core: StoreCore, driver: AsyncDriver, loop: asyncio.AbstractEventLoop) -> None:
        self.core = core
        self.driver = driver
        self._loop = loop

    def on_loop(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(RACE_SECONDS_MAX)

    def run(self, logic: Any) -> Any:
        return self.on_loop(self.driver.run(logic))

    def race(self, works: Sequence[Work]) -> list[Any]:
        async def all_at_once() -> list[Any]:
            racers = [self.driver.run(perform(self.core, work)) for work in works]
            return await asyncio.gather(*racers, return_exceptions=True)

        results: list[Any] = self.on_loop(all_at_once())
        return results


@contextmanager
def stand(kind: str, url: str, service: Service = BOXES) -> Iterator[Any]:
    """`script`, `api` or `worker`, with a cache, locks and connections of its own."""
    core = core_of(url, service)
    if kind == "api":
        with _loop() as loop:
            database = async_database(url, 8)
            made = AsyncStand(core, AsyncDriver(database, database), loop)
            made.on_loop(database.open())
            yield made
            made.on_loop(database.close())
        return
    opened = green_database(url, 8) if kind == "worker" else blocking_database(url, 8)
    opened.open()
    try:
        yield SynchronousStand(core, Driver(opened, opened), kind)
    finally:
        opened.close()


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def race_until_answered(on: Stand, works: Sequence[Work]) -> list[Outcome]:
    """All at once; who is told to come again (a full machine has no connection free in time) does so, as clients do."""

    def come_again(work: Work) -> Outcome | None:
        with suppress(Overloaded, PersistentConflict):
            return do(on, work)
        return None

    return [
        eventually(lambda work=work: come_again(work))
        if isinstance(result, Overloaded | PersistentConflict)
        else result
        for work, result in zip(works, on.race(works), strict=True)
    ]


def do(on: Stand, work: Work) -> Outcome:
    outcome: Outcome = on.run(perform(on.core, work))
    return outcome


def do_all(on: Stand, works: Sequence[Work]) -> Sequence[Outcome]:
    outcomes: Sequence[Outcome] = on.run(perform_all(on.core, works))
    return outcomes


def loaded(on: Stand, ref: StreamRef[Any]) -> Loaded[Any]:
    found: Loaded[Any] = on.run(load(on.core, (ref,)))[0]
    return found
