"""One seed, from the founded installation to the verdict."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from rxflow.client import Addresses, Connection
from rxflow.play.cast import Cast
from rxflow.play.stage import Stage
from rxflow.simulation import effects, invariants
from rxflow.simulation.books import Books
from rxflow.simulation.crowd import Crowd
from rxflow.simulation.history import History
from rxflow.simulation.installation import NAMES, NANO, Installation, SeededIds
from rxflow.simulation.mishaps import Fortune, Mishap
from rxflow.simulation.network import Line
from rxflow.simulation.processes import Process, in_greenlet, task_of_its_process
from rxflow.simulation.rest import at_rest
from rxflow.simulation.spells import Spells
from rxflow.simulation.virtual_time import Lock, VirtualLoop, sleep
from rxflow.world import World, build_world
from services.seedwork.calendar import ZONE
from services.seedwork.identity import checkpoint_key, development_issuer
from services.seedwork.settings import Settings
from services.seedwork.store.opening import blocking_database, store_core

FOUNDED_AT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
BEGINS_AT = FOUNDED_AT + timedelta(hours=2)
HOURS = 48
AFTERWARDS = 4 * (timedelta(days=3),)
"""A hold's end, validity, collection, and what they leave behind."""
REST_SECONDS_MAX = 900.0
_RECORDED = (
    "SELECT log_index, e.stream_id, version, topic, state, e.hash, recorded_at, public_seq, body"
    " FROM log JOIN events e USING (position) LEFT JOIN public p USING (position) ORDER BY log_index, public_seq"
)


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


class Violated(Exception):  # noqa: N818
    """Something does not hold."""


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
        self.violations: list[str] = []

    def run(self) -> Verdict:
        started = time.perf_counter()
        loop = VirtualLoop()
        loop.set_task_factory(task_of_its_process)  # type: ignore[arg-type]
        loop.set_exception_handler(self._unhandled)
        heard = Heard(self)
        logging.getLogger("services.seedwork").addHandler(heard)
        try:
            return loop.run_until_complete(self._run(loop, started))
        finally:
            logging.getLogger("services.seedwork").removeHandler(heard)
            _end(loop)

    async def _run(self, loop: VirtualLoop, started: float) -> Verdict:
        self._violated = asyncio.Event()
        self.installation = Installation(
            self.settings,
            self.seed,
            self.fortune,
            starts_ns=int(self.begins_at.timestamp()) * NANO,
            committed=self._committed,
            failed=self._failed,
        )
        self.fortune.told = lambda what, where: self.history.add(loop.time(), what, where)
        self.mishaps: Counter[str] = Counter()
        self._open_books()
        line = Line(self.installation.network, by_hand=True)
        self.connection = Connection(
            Addresses.local(), transport=line, attempts_max=3, new_id=self.new_id, sleep=sleep, clock=loop.time
        )
        self.world: World = _world(self.begins_at.astimezone(ZONE).date())
        self.cast = Cast(self.world, self.connection, development_issuer(self.settings).issue_token)
        self.stage = Stage(self.cast, Lock)
        self.crowd = Crowd(self)
        self.nature = Process("the world", self._failed)
        with suppress(Violated):
            await self._until_violated(self._live())
        digest = self._digest()
        self._close_books()
        return Verdict(
            self.seed,
            self.violations,
            digest,
            self.history,
            len(self.installation.accepted.commands),
            self.crowd.refused,
            self.history.mishaps,
            loop.time(),
            time.perf_counter() - started,
            self.crowd.statuses(self.books) if not self.violations else Counter(),
        )

    async def _until_violated(self, living: Any) -> None:
        life, violated = self.nature.start(living, "live"), self.nature.start(self._violated.wait(), "watch")
        await asyncio.wait({life, violated}, return_when=asyncio.FIRST_COMPLETED)
        if self.violations:
            raise Violated
        await life

    async def _live(self) -> None:
        installation = self.installation
        installation.start()
        spells = self.nature.start(Spells(installation, self.history).forever(), "mishaps")
        await self.crowd.live(self.nature, self.hours)
        self.fortune.calm = True
        spells.cancel()
        self.fortune.running.clear()
        await self._rest("people have gone home")
        self._must(effects.kept(self.books, installation.accepted))
        self._must(await self.crowd.repeat_everything())
        await in_greenlet(self.crowd.bring_what_is_on_the_road)
        for lapse in AFTERWARDS:
            self.move_clock(lapse)
            await self._rest(f"{lapse} later")
        self._must(invariants.at_the_end(self.books))
        self._must(effects.chains(self.books, self._keyring, checkpoint_key(self.settings)))

    async def _rest(self, when: str) -> None:
        left = await at_rest(self.installation, self.books, REST_SECONDS_MAX)
        self._must(f"{when}: does not come to rest: {each}" for each in left)
        self._must(f"{when}: {each}" for each in invariants.at_rest(self.books))
        self._must(f"{when}: {each}" for each in invariants.nobody_was_set_aside(self.books))
        self._must(f"{when}: {each}" for each in effects.arrived(self.books))
        self._must(f"{when}: {each}" for each in effects.once(self.books))

    # -- for the people

    def new_id(self) -> UUID:
        return SeededIds(self.random).new()

    def move_clock(self, by: timedelta) -> None:
        self.history.add(asyncio.get_running_loop().time(), "time passes", str(by))
        self.installation.ahead_ns += int(by.total_seconds()) * NANO

    # -- watching

    def _open_books(self) -> None:
        self._keyring = blocking_database(self.settings.keyring_database_url, 1)
        self._keyring.open()
        self.books = {}
        for name in NAMES:
            core = store_core(import_module(f"services.{name}.composition").SERVICE, self.settings)
            database = self.installation.raw(name)
            database.open()
            self.books[name] = Books(core, database, self._keyring, invariants.WATCHED[name])
            self.books[name].advance()

    def _close_books(self) -> None:
        for book in self.books.values():
            book.database.close()
        self._keyring.close()

    def _committed(self, name: str) -> None:
        """After every commit, before anybody else has a turn."""
        if name not in self.books or self.violations:
            return
        new = self.books[name].advance()
        now = asyncio.get_running_loop().time()
        for entry in new:
            self.history.add(now, f"{name} {type(entry.event).__name__}", f"{entry.stream.stream_id}", entry.event)
        if new:
            self._find(invariants.always(self.books, name))

    def _find(self, found: Iterator[str]) -> None:
        self.violations += found
        if self.violations:
            self._violated.set()

    def _must(self, found: Iterator[str] | list[str]) -> None:
        self._find(iter(found))
        if self.violations:
            raise Violated

    def _failed(self, where: str, error: BaseException) -> None:
        if not isinstance(error, Violated):
            self._find(iter([f"{where} ended with {error!r}"]))
            self.history.failure(error)

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self._failed(context["message"], error)

    def complained(self, record: logging.LogRecord) -> None:
        """A refused reaction, a fork, an event set aside: nothing that a bad world alone brings about."""
        self.history.add(-1.0, "log", record.getMessage())
        serious = record.name.endswith("consumer") or record.levelno >= logging.CRITICAL
        if serious:
            self._find(iter([f"logged: {record.getMessage()}"]))
            if record.exc_info and record.exc_info[1]:
                self.history.failure(record.exc_info[1])

    def _digest(self) -> str:
        whole = hashlib.sha256()
        for book in self.books.values():
            for row in book.query(_RECORDED):
                whole.update(repr(row).encode())
        return whole.hexdigest()


@cache
def _world(as_of: date) -> World:
    """The same for every seed."""
    return build_world(as_of=as_of)


class Heard(logging.Handler):
    """What the services complain about."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(logging.WARNING)
        self._simulation = simulation

    def emit(self, record: logging.LogRecord) -> None:
        self._simulation.complained(record)


def settings_in(directory: Path) -> Settings:
    """Development mode, all files in one directory."""
    return Settings(
        development=True, key_directory=directory / "keys", database_url=f"sqlite:///{directory}", host="127.0.0.1"
    )


def _end(loop: VirtualLoop) -> None:
    """Nobody cleans up after the end of the world."""
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.set_exception_handler(lambda _loop, _context: None)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
