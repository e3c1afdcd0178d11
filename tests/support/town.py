"""A whole installation in one process: five services on stores of their own, moved by the test step by step.

Requests go through the real apis. What their workers would do (seal, relay, project, fire timers, consume) happens
when the test says so: `settle` lets everything arrive in order, `stir` does one thing picked by a seeded random, out of
order between streams and now and then twice, as a broker may.
"""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from contracts.envelope import Envelope, IntegrationEvent
from contracts.topology import FAMILY, PORTS
from rxflow.client import Addresses, Connection
from rxflow.client.transport import Service as ServiceName
from rxflow.play.cast import Cast
from rxflow.play.stage import Stage
from rxflow.simulation.books import Books
from rxflow.simulation.installation import SeededIds
from rxflow.simulation.invariants import WATCHED
from rxflow.world import build_world
from services.seedwork.calendar import ZONE
from services.seedwork.clock import from_micros
from services.seedwork.consumer import Consumer
from services.seedwork.families import families_of
from services.seedwork.forgetting import Forgetting
from services.seedwork.identity import development_issuer
from services.seedwork.messaging.publisher import Outgoing
from services.seedwork.model import StreamRef
from services.seedwork.projector import Projector
from services.seedwork.relay import Relay
from services.seedwork.serving import api_app
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Statement, Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, Work, load, perform
from services.seedwork.store.migrating import STORES, migrate, store
from services.seedwork.store.opening import Surroundings, blocking_database, store_core
from services.seedwork.store.sealer import seal
from services.seedwork.timers import Timers
from services.seedwork.usecase import Actor
from tests.support.in_process import Applications
from tests.support.store_in_memory import enveloped

NAMES: tuple[ServiceName, ...] = get_args(ServiceName)
ROUNDS_MAX = 2000
ATTEMPTS_MAX = 5
REPEATED = 0.1
"""Share of deliveries that `stir` lets arrive twice."""


class Post:
    """A broker without any order of its own: what was published, per consumer."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Envelope]] = {name: [] for name in NAMES}

    def publish(self, batch: Sequence[Outgoing]) -> None:
        for each in batch:
            for consumer in FAMILY[each.routing_key].consumers:
                self.waiting[consumer].append(Envelope.from_wire(each.body))

    def close(self) -> None: ...


class Office:
    """One service's store and what its worker does."""

    def __init__(self, name: str, settings: Settings, post: Post, around: Surroundings) -> None:
        self.service = import_module(f"services.{name}.composition").SERVICE
        self.core = store_core(self.service, settings, around)
        self.database = blocking_database(settings.service_database_url(name), 1, around)
        self._keyring = blocking_database(settings.keyring_database_url, 1, around)
        self.driver = Driver(self.database, self._keyring)
        self.consumer = Consumer(self.core, self.driver)
        self.relay = Relay(name, families_of(name), self.database, post)
        self.projector = Projector(self.core, self.driver, self.service.projections)
        self.timers = Timers(self.core, self.driver)
        self.forgetting = Forgetting(self.core, self.driver)
        self._books: Books | None = None

    def open(self) -> None:
        self.database.open()
        self._keyring.open()

    def close(self) -> None:
        self.database.close()
        self._keyring.close()

    def work(self) -> bool:
        """One round of the leader; whether anything moved."""
        self.timers.step()
        sealed = seal(self.database)
        relayed = self.relay.step()
        projected = self.projector.step()
        forgotten = self.forgetting.step()
        return bool(sealed) or relayed or projected or forgotten

    def books(self) -> Books:
        """What is recorded, up to now."""
        if self._books is None:
            self._books = Books(self.core, self.database, self._keyring, WATCHED[self.service.name])
        self._books.advance()
        return self._books

    def load(self, *refs: StreamRef[Any]) -> Any:
        return self.driver.run(load(self.core, refs))

    def react(self, event: IntegrationEvent) -> Any:
        """As if the event had come from somewhere else than its producer's log."""
        now = from_micros(self.database.load(Wanted()).now)
        use_case = self.service.react[type(event)](event, enveloped(event, now))
        context = Context(Actor.service(self.service.name), "correlation", "causation")
        return self.driver.run(perform(self.core, Work(use_case, context)))

    def count(self, table: str) -> int:
        return int(self.query(f"SELECT count(*) FROM {table}")[0][0])

    def query(self, text: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self.database.rows(Statement(text, parameters))

    def states(self, aggregate: Any) -> list[Any]:
        """Every aggregate of a kind, as it is now."""
        return self.books().states(aggregate)

    def histories(self, aggregate: Any) -> Iterator[list[Any]]:
        """The events of every aggregate of a kind, in order."""
        return self.books().histories(aggregate)


class Town:
    """The demo world in one process."""

    def __init__(self, settings: Settings, *, seed: int = 1) -> None:
        self.settings = settings
        self.random = random.Random(seed)
        self._seed = seed
        self.follows = True
        """Whether everything has arrived before each request, as for somebody who is in no hurry."""
        self.post = Post()
        self.offices = {name: Office(name, settings, self.post, self._around(f"{name} worker")) for name in NAMES}
        self.apps = {name: api_app(name, settings, self._around(f"{name} api")) for name in NAMES}
        self.applications = Applications({PORTS[name]: app for name, app in self.apps.items()}, self._before)
        # a busy PostgreSQL may have no connection free in time, and says so; a file never does
        attempts = 1 if settings.database_url.startswith("sqlite") else ATTEMPTS_MAX
        connection = Connection(
            Addresses.local(), transport=self.applications, attempts_max=attempts, new_id=self.new_id
        )
        self.tokens = development_issuer(settings).issue_token
        self.world = build_world(as_of=datetime.now(ZONE).date())
        self.cast = Cast(self.world, connection, self.tokens)
        self.stage = Stage(self.cast)
        self.refused: list[str] = []
        """What consumers logged: refusals of reactions, forks, failures."""
        self._log = _Heard(self.refused)

    def new_id(self) -> UUID:
        """What people call something new."""
        return SeededIds(self.random).new()

    def _around(self, process: str) -> Surroundings:
        chance = random.Random(f"{self._seed} {process}")
        return Surroundings(chance, SeededIds(chance), synchronous="OFF")  # nobody pulls the plug here

    def open(self) -> None:
        for office in self.offices.values():
            office.open()
        self.applications.start()
        logging.getLogger("services.seedwork").addHandler(self._log)

    def close(self) -> None:
        logging.getLogger("services.seedwork").removeHandler(self._log)
        self.applications.stop()
        for office in self.offices.values():
            office.close()

    def now(self) -> datetime:
        return from_micros(self.offices["prescribe"].database.load(Wanted()).now)

    def settle(self) -> None:
        """Until nothing moves any more, in order."""
        for _ in range(ROUNDS_MAX):
            moved = [office.work() for office in self.offices.values()]
            letters = [self._deliver(name, 0) for name, waiting in self.post.waiting.items() if waiting]
            if not any(moved) and not letters:
                return
        raise AssertionError("the town does not come to rest")

    def stir(self, steps: int = 1) -> None:
        """Something happens somewhere."""
        for _ in range(steps):
            waiting = [name for name, letters in self.post.waiting.items() if letters]
            if waiting and self.random.random() < 0.6:
                name = self.random.choice(waiting)
                self._deliver(name, self.random.randrange(len(self.post.waiting[name])))
            else:
                self.offices[self.random.choice(NAMES)].work()

    def move_clock(self, by: timedelta) -> None:
        """The installation's clock goes on; nothing has noticed yet."""
        ahead = self.now() - datetime.now(UTC) + by
        administrator = self.cast.administrator()
        follows, self.follows = self.follows, False
        for name in NAMES:
            administrator.move_clock(name, round(ahead.total_seconds()))
        self.follows = follows

    def _deliver(self, name: str, place: int) -> str:
        letters = self.post.waiting[name]
        envelope = letters[place] if self.follows is False and self.random.random() < REPEATED else letters.pop(place)
        self.offices[name].consumer.handle([envelope])
        return name

    def _before(self, _request: Any) -> None:
        if self.follows:
            self.settle()


class _Heard(logging.Handler):
    """Keeps what a service complained about."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(record.getMessage())


def settings_in(directory: Path, database_url: str | None = None) -> Settings:
    """Development mode, all files in one directory."""
    return Settings(
        development=True,
        key_directory=directory / "keys",
        database_url=database_url or f"sqlite:///{directory}",
        host="127.0.0.1",
        pool_size=2,
        rate_factor=10_000,  # one person knocks at every door within seconds
    )


def found(directory: Path, database_url: str | None = None) -> None:
    """Makes the stores and loads the demo world's registers."""
    settings = settings_in(directory, database_url)
    for name in STORES:
        migrate(store(name, settings))
    with town_in(directory, database_url=database_url) as town:
        town.follows = False
        town.stage.load_registers()
        town.settle()


@contextmanager
def town_in(directory: Path, *, seed: int = 1, database_url: str | None = None) -> Iterator[Town]:
    """The town whose stores are in this directory."""
    town = Town(settings_in(directory, database_url), seed=seed)
    town.open()
    try:
        yield town
    finally:
        town.close()


@contextmanager
def copy_of(founded: Path, directory: Path, *, seed: int = 1) -> Iterator[Town]:
    """A town like the one founded there, to do with as one likes."""
    shutil.copytree(founded, directory, dirs_exist_ok=True)
    with town_in(directory, seed=seed) as town:
        yield town
