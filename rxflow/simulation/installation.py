"""The processes of five services over their stores: started, killed and started again, as a supervisor does it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from contracts.topology import PORTS, consumed_by
from rxflow.simulation.accepted import Accepted
from rxflow.simulation.broker import Broker, Publishing
from rxflow.simulation.consuming import Consuming
from rxflow.simulation.mishaps import CLOCK_BACK_SECONDS_MAX, SKEW_SECONDS_MAX, Fortune, Mishap
from rxflow.simulation.network import Api, Line, Network
from rxflow.simulation.processes import Process, in_greenlet
from rxflow.simulation.stores import AwaitedStore, GreenStore, Wire
from rxflow.simulation.virtual_time import Lock, WakeUp, sleep, wait_for
from services.seedwork.duties import HEARTBEAT_SECONDS, Duties, Loop
from services.seedwork.failures import ExecutionFailure
from services.seedwork.feeds import FeedClient
from services.seedwork.identity import checkpoint_key, service_token
from services.seedwork.messaging.errors import PublishFailedError, TryLaterError
from services.seedwork.messaging.pace import Pace
from services.seedwork.serving import api_app
from services.seedwork.settings import Settings
from services.seedwork.store.drivers import Driver
from services.seedwork.store.errors import StoreError
from services.seedwork.store.opening import Surroundings, sqlite_database, store_core
from services.seedwork.store.sqlite import SqliteDatabase

PROCESSES = {"prescribe": 2, "review": 1, "dispatch": 2, "insurance": 2, "shortage": 1}
"""Apis of each service, and as many workers: two race each other, and one takes over from the other."""
IDLE_SECONDS_MIN = 2.0
CATCH_UP_SECONDS = 10.0
CONDITION_SECONDS = 4.0
"""A commit wakes the leader; looking more often costs a simulation time and finds nothing."""
AGAIN_SECONDS_MAX = 1.0
NAMES = tuple(PORTS)
EXPECTED = (StoreError, ExecutionFailure, TryLaterError, PublishFailedError, httpx.HTTPError)
"""What a step may raise when the world is bad; its loop tries again."""
NANO = 1_000_000_000


class SeededIds:
    """Identifiers out of a seeded chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def new(self) -> UUID:
        return UUID(bytes=self._chance.randbytes(16), version=4)


class Throne:
    """Who leads a store: one process at a time, unless the fault is that there are two."""

    def __init__(self, service: str, fortune: Fortune) -> None:
        self.service, self.fortune = service, fortune
        self.holder: Process | None = None
        self.woken = WakeUp()


class Leadership:
    """`services.seedwork.duties.Leadership` of one process."""

    listens = True

    def __init__(self, throne: Throne, process: Process) -> None:
        self._throne, self._process = throne, process

    def held(self) -> bool:
        throne = self._throne
        if throne.holder is None or not throne.holder.alive:
            throne.holder = self._process
        return throne.holder is self._process or throne.fortune.holds(Mishap.TWO_LEADERS, throne.service)

    def resign(self) -> None:
        self._throne.holder = None

    def wait(self, seconds: float) -> bool:
        return wait_for(self._throne.woken.within(max(seconds, IDLE_SECONDS_MIN)))


class Installation:
    """Everything that runs. `seed` decides every nonce and jitter, `fortune` what goes wrong."""

    def __init__(
        self,
        settings: Settings,
        seed: int,
        fortune: Fortune,
        *,
        starts_ns: int,
        committed: Callable[[str], None],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self.settings, self.fortune = settings, fortune
        self._seed, self._starts_ns, self._committed, self._failed = seed, starts_ns, committed, failed
        self.ahead_ns = 0
        """How far the clocks were moved on."""
        chance = random.Random(f"{seed} clocks")
        skewed = fortune.allows(Mishap.CLOCK_SKEW)
        self._skew_ns = {
            name: round(chance.uniform(-1, 1) * SKEW_SECONDS_MAX * NANO) if skewed else 0 for name in NAMES
        }
        self.accepted = Accepted()
        self.broker = Broker(fortune)
        self.network = Network(fortune, lambda name: self._apis[name], self.clock_ns, self.accepted)
        self._apis: dict[str, list[Api]] = {name: [] for name in NAMES}
        self.processes: dict[str, Process] = {}
        self._thrones = {name: Throne(name, fortune) for name in NAMES}
        self._tokens = {name: service_token(settings, name) for name in NAMES}
        self._started = 0
        self.may_run = {name: asyncio.Event() for name in NAMES}
        """Cleared while a service is not to be started again."""
        for event in self.may_run.values():
            event.set()

    # -- time

    def clock_ns(self, name: str) -> int:
        """The time as one store's machine knows it."""
        passed = round(asyncio.get_running_loop().time() * NANO)
        return self._starts_ns + passed + self.ahead_ns + self._skew_ns.get(name, 0)

    def token(self, name: str) -> str:
        """What a service shows to its peers."""
        return self._tokens[name]

    def set_clock_back(self, name: str) -> None:
        self._skew_ns[name] -= round(self.fortune.chance.random() * CLOCK_BACK_SECONDS_MAX * NANO)

    # -- processes

    def start(self) -> None:
        """Starts and supervises all of them."""
        nature = Process("supervisor", self._failed)
        for name in NAMES:
            for number in range(PROCESSES[name]):
                nature.start(self._supervised(f"{name} api {number + 1}", name, self._run_api), "supervise")
                nature.start(self._supervised(f"{name} worker {number + 1}", name, self._run_worker), "supervise")

    def stop(self) -> None:
        """All at once; nothing is started again."""
        for event in self.may_run.values():
            event.clear()
        for process in self.processes.values():
            process.kill()

    def processes_of(self, name: str) -> list[Process]:
        return [process for slot, process in self.processes.items() if slot.startswith(name) and process.alive]

    def all_live(self) -> bool:
        """Whether nothing is being started again."""
        started = 2 * sum(PROCESSES.values())
        return len(self.processes) == started and all(each.alive for each in self.processes.values())

    def raw(self, name: str, clock: Callable[[], int] | None = None) -> SqliteDatabase:
        """A store as it is, without anything in between."""
        around = Surroundings(synchronous="OFF", clock_ns=clock or (lambda: self.clock_ns(name)))
        return sqlite_database(self.settings.service_database_url(name), around)

    async def _supervised(self, slot: str, name: str, run: Callable[[Process, str], Any]) -> None:
        while True:
            await self.may_run[name].wait()
            process = self.processes[slot] = Process(slot, self._failed)
            process.start(run(process, name), "run")
            await process.died.wait()
            await asyncio.sleep(self.fortune.chance.random() * AGAIN_SECONDS_MAX)

    def _around(self, process: Process) -> Surroundings:
        self._started += 1
        chance = random.Random(f"{self._seed} {process.name} {self._started}")

        def awaited(database: SqliteDatabase) -> AwaitedStore:
            process.leaves.append(database.close)
            return AwaitedStore(database, self._wire(process, Path(database.path).stem))

        name = process.service
        return Surroundings(
            chance,
            SeededIds(chance),
            lambda: self.clock_ns(name),
            synchronous="OFF",
            awaited=awaited,
            aside=_at_once,
            condition_seconds=CONDITION_SECONDS,
        )

    def _wire(self, process: Process, name: str) -> Wire:
        return Wire(process, name, self.fortune, self._committed, lambda store: self._thrones[store].woken.set())

    async def _run_api(self, process: Process, name: str) -> None:
        app = api_app(name, self.settings, self._around(process))
        async with app.router.lifespan_context(app):
            api = Api(process, app)
            self._apis[name].append(api)
            process.leaves.append(lambda: self._apis[name].remove(api))
            await process.died.wait()

    async def _run_worker(self, process: Process, name: str) -> None:
        duties = self._duties(process, name)
        for loop in duties.loops():
            process.start(self._repeat(loop), loop.name)
        for family in consumed_by(name):
            consuming = Consuming(self.broker, duties, family.name, self.fortune.chance)
            process.start(consuming.forever(), f"take {family.name}")
        process.start(self._repeat(Loop("beat", duties.beat, HEARTBEAT_SECONDS)), "beat")

    def _duties(self, process: Process, name: str) -> Duties:
        around = self._around(process)
        core = store_core(import_module(f"services.{name}.composition").SERVICE, self.settings, around)
        stores = []
        for url in (self.settings.service_database_url(name), self.settings.keyring_database_url):
            database = sqlite_database(url, around)
            database.open()
            process.leaves.append(database.close)
            stores.append(GreenStore(database, self._wire(process, Path(database.path).stem)))
        http = httpx.Client(transport=Line(self.network, by_hand=False))
        return Duties(
            core,
            Driver(stores[0], stores[1], new_lock=Lock, sleep=sleep),
            publisher=Publishing(self.broker, process, self.fortune),
            feeds=FeedClient(self.settings.peer, lambda: self._tokens[name], http),
            leadership=Leadership(self._thrones[name], process),
            checkpoint_key=checkpoint_key(self.settings),
            wake_ups=(WakeUp(), WakeUp()),
        )

    async def _repeat(self, loop: Loop) -> None:
        least = CATCH_UP_SECONDS if loop.name == "catch_up" else IDLE_SECONDS_MIN
        pace = Pace(max(loop.idle_seconds, least), jitter=self.fortune.chance.random)
        while True:
            try:
                pause = pace.after_step(more=bool(await in_greenlet(loop.step)))
            except EXPECTED:
                pause = pace.after_error()
            if loop.wake_up is not None and pause:
                await loop.wake_up.within(pause)
            else:
                await asyncio.sleep(pause)


async def _at_once(work: Callable[..., Any], *arguments: Any) -> Any:
    """Virtual time goes on while a thread works: how far would depend on the machine."""
    return work(*arguments)
