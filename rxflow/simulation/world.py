"""One seed, from the founded installation to the verdict."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from rxflow.client import Addresses, Connection
from rxflow.play.cast import Cast
from rxflow.play.stage import Stage
from rxflow.simulation import effects, invariants
from rxflow.simulation.crowd import Crowd
from rxflow.simulation.history import History
from rxflow.simulation.installation import NANO, Installation, SeededIds
from rxflow.simulation.insurer import MoodyInsurer, instead
from rxflow.simulation.mishaps import Fortune, Mishap
from rxflow.simulation.money import nobody_called
from rxflow.simulation.network import Line
from rxflow.simulation.processes import Process, in_greenlet, task_of_its_process
from rxflow.simulation.provider import MoodyProvider, paying_by
from rxflow.simulation.rest import at_rest
from rxflow.simulation.spells import Spells
from rxflow.simulation.virtual_time import Lock, VirtualLoop, sleep
from rxflow.simulation.watching import Violated, Watch
from rxflow.world import World, build_world
from services.insurance.composition import OUTSIDE
from services.insurance.domain.payment_tasks import TASKS
from services.seedwork.calendar import ZONE
from services.seedwork.identity import checkpoint_key, development_issuer
from services.seedwork.settings import Settings

FOUNDED_AT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
BEGINS_AT = FOUNDED_AT + timedelta(hours=2)
HOURS = 48
AFTERWARDS = 4 * (timedelta(days=3),)
"""A hold's end, validity, collection, and what they leave behind."""
WINDOW, WINDOWS_MAX = timedelta(days=15), 4
"""What lapses of a long-term supply, an instalment after the other."""
ASKED_AGAIN, ASKED_AGAIN_MAX = timedelta(hours=2), max(row.after for row in TASKS.values())
"""Until a person is called about what a payment provider leaves open."""
REST_SECONDS_MAX = 900.0
SERVICES_LOG = "services.seedwork"


@dataclass
class Verdict:
    """What became of one seed. No violations: everything held."""

    seed: int
    violations: list[str]
    digest: str
    history: History
    accepted: int
    refused: int
    mishaps: Counter[str]
    virtual_seconds: float
    real_seconds: float
    statuses: Counter[str] = field(default_factory=Counter)


class Simulation:
    """The world of one seed; `without` leaves out some of what can go wrong."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        *,
        hours: int = HOURS,
        without: Collection[Mishap] = (),
        begins_at: datetime = BEGINS_AT,
    ) -> None:
        self.settings = settings_in(directory)
        self.seed, self.hours, self.begins_at = seed, hours, begins_at
        self.random = random.Random(f"{seed} people")
        self.fortune = Fortune(random.Random(f"{seed} mishaps"), without)
        self.history = History()
        self.world: World = _world(begins_at.astimezone(ZONE).date())

    def run(self) -> Verdict:
        """Lives it."""
        started = time.perf_counter()
        loop = VirtualLoop()
        loop.set_task_factory(task_of_its_process)  # type: ignore[arg-type]
        self.fortune.told = lambda what, where: self.history.add(loop.time(), what, where)
        self.watch = Watch(self.history)
        loop.set_exception_handler(self.watch.unhandled)
        try:
            insurer, provider = MoodyInsurer(self.fortune), MoodyProvider(self.fortune)
            with _heard_by(self.watch), instead(OUTSIDE, insurer), paying_by(OUTSIDE, provider):
                digest, statuses = loop.run_until_complete(self._run(loop))
        finally:
            _end(loop)
        return Verdict(
            self.seed,
            self.watch.violations,
            digest,
            self.history,
            len(self.installation.accepted.commands),
            self.crowd.refused,
            self.history.mishaps,
            loop.time(),
            time.perf_counter() - started,
            statuses,
        )

    async def _run(self, loop: VirtualLoop) -> tuple[str, Counter[str]]:
        self.installation = Installation(
            self.settings,
            self.seed,
            self.fortune,
            starts_ns=int(self.begins_at.timestamp()) * NANO,
            committed=self.watch.committed,
            failed=self.watch.failed,
        )
        self.watch.begin(self.installation, self.settings)
        line = Line(self.installation.network, by_hand=True)
        connection = Connection(
            Addresses.local(), transport=line, attempts_max=3, new_id=self.new_id, sleep=sleep, clock=loop.time
        )
        self.cast = Cast(self.world, connection, development_issuer(self.settings).issue_token)
        self.stage = Stage(self.cast, Lock)
        self.crowd = Crowd(self)
        self.nature = Process("the world", self.watch.failed)
        with suppress(Violated):
            await self._until_violated(self._live())
        outcome = self.watch.digest(), self.crowd.statuses(self.watch.books)
        self.watch.end()
        return outcome

    async def _until_violated(self, living: Coroutine[Any, Any, None]) -> None:
        life = self.nature.start(living, "live")
        violated = self.nature.start(self.watch.violated.wait(), "watch")
        await asyncio.wait({life, violated}, return_when=asyncio.FIRST_COMPLETED)
        self.watch.must(())
        await life

    async def _live(self) -> None:
        installation, watch = self.installation, self.watch
        installation.start()
        spells = Spells(installation, self.history, watch.replaced)
        going_wrong = self.nature.start(spells.forever(), "mishaps")
        await self.crowd.live(self.nature, self.hours)
        self.fortune.calm = True
        await spells.end(going_wrong)
        await self._rest("people have gone home")
        watch.must(effects.kept(watch.books, installation.accepted))
        watch.must(await self.crowd.repeat_everything())
        await in_greenlet(self.crowd.bring_to_an_end)
        for lapse in AFTERWARDS + WINDOWS_MAX * (WINDOW,):
            if lapse is not WINDOW or invariants.still_open(watch.books):
                self.move_clock(lapse)
                await self._rest(f"{lapse} later")
        for _ in range(ASKED_AGAIN_MAX):
            if any(nobody_called(watch.books["insurance"])):
                self.move_clock(ASKED_AGAIN)
                await self._rest(f"{ASKED_AGAIN} later")
        if not watch.lost:
            watch.must(invariants.at_the_end(watch.books))
        installation.stop()
        watch.must(effects.lists(watch.books))
        key = checkpoint_key(self.settings)
        watch.must(effects.chains(watch.books, watch.keyring, key, watch.came_back))

    async def _rest(self, when: str) -> None:
        left = await at_rest(self.installation, self.watch.books, REST_SECONDS_MAX)
        self.watch.must(f"{when}: does not come to rest: {each}" for each in left)
        self.watch.at_rest(when)

    # -- for the people

    def new_id(self) -> UUID:
        """What people call something new."""
        return SeededIds(self.random).new()

    def move_clock(self, by: timedelta) -> None:
        """Time goes on, for everybody."""
        self.history.add(asyncio.get_running_loop().time(), "time passes", str(by))
        self.installation.ahead_ns += int(by.total_seconds()) * NANO


@contextmanager
def _heard_by(watch: Watch) -> Iterator[None]:
    """Whatever the services complain about goes to the watch, and nowhere else: in a bad world it is much."""
    logger = logging.getLogger(SERVICES_LOG)
    level, propagates = logger.level, logger.propagate
    logger.addHandler(watch)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(watch)
        logger.setLevel(level)
        logger.propagate = propagates


@cache
def _world(as_of: date) -> World:
    """The same for every seed."""
    return build_world(as_of=as_of)


def settings_in(directory: Path) -> Settings:
    """Development mode, all files in one directory."""
    return Settings(
        development=True,
        key_directory=directory / "keys",
        database_url=f"sqlite:///{directory}",
        host="127.0.0.1",
        rate_factor=10_000,  # its people do within seconds what takes days
    )


def _end(loop: VirtualLoop) -> None:
    """Nobody cleans up after the end of the world."""
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.set_exception_handler(lambda _loop, _context: None)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
