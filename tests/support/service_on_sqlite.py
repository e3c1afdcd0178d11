"""One service on its real store: SQLite files in a directory of the test, sealed and projected when asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contracts.envelope import IntegrationEvent
from services.seedwork.clock import from_micros
from services.seedwork.composition import Service
from services.seedwork.ports import Outcome
from services.seedwork.projector import Projector
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, Work, find, load, perform
from services.seedwork.store.opening import REAL, Surroundings, blocking_database, store_core
from services.seedwork.store.schema import create_tables
from services.seedwork.store.sealer import seal
from services.seedwork.timers import Timers
from services.seedwork.usecase import Actor, UseCase
from tests.support.store_in_memory import enveloped

TURNS = 3


class ServiceOnSqlite:
    """Runs use cases and reactions as a worker does, without a broker."""

    def __init__(self, service: Service, settings: Settings, around: Surroundings = REAL) -> None:
        self.service = service
        self.settings = settings
        self.core = store_core(service, settings, around)
        self.database = blocking_database(settings.service_database_url(service.name), 1, around)
        self.keyring = blocking_database(settings.keyring_database_url, 1)
        self.driver = Driver(self.database, self.keyring)
        self.projector = Projector(self.core, self.driver, service.projections)

    def run(self, use_case: UseCase, actor: Actor | None = None) -> Outcome:
        context = Context(actor or Actor.service(self.service.name), "correlation", "causation")
        outcome: Outcome = self.driver.run(perform(self.core, Work(use_case, context)))
        return outcome

    def react(self, event: IntegrationEvent) -> Outcome:
        now = from_micros(self.database.load(Wanted()).now)
        return self.run(self.service.react[type(event)](event, enveloped(event, now)))

    def fire(self) -> None:
        """The leader's turn at what is due now, and at what that has brought about."""
        timers = Timers(self.core, self.driver)
        for _ in range(TURNS):
            timers.step()

    def load(self, *refs: Any) -> Any:
        return self.driver.run(load(self.core, refs))

    def catch_up(self) -> None:
        """Everything is sealed and projected."""
        while seal(self.database):
            pass
        while self.projector.step():
            pass

    def find(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows once everything is projected."""
        self.catch_up()
        rows: list[dict[str, Any]] = self.driver.run(find(self.core, query, parameters))
        return rows


def found(service: Service, directory: Path) -> None:
    """Makes the files of a service's store and of its keyring."""
    make_tables(service, _settings(directory))


def make_tables(service: Service, settings: Settings) -> None:
    """In the service's store and in its keyring, wherever they are."""
    for url, keyring in ((settings.service_database_url(service.name), False), (settings.keyring_database_url, True)):
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
        create_tables(
            engine, [service.metadata] if service.metadata is not None and not keyring else [], keyring=keyring
        )
        engine.dispose()


@contextmanager
def opened(service: Service, directory: Path, around: Surroundings = REAL) -> Iterator[ServiceOnSqlite]:
    """The service whose store was founded there."""
    running = ServiceOnSqlite(service, _settings(directory), around)
    running.database.open()
    running.keyring.open()
    try:
        yield running
    finally:
        running.database.close()
        running.keyring.close()


@contextmanager
def service_on_sqlite(service: Service, directory: Path) -> Iterator[ServiceOnSqlite]:
    found(service, directory)
    with opened(service, directory) as running:
        yield running


def _settings(directory: Path) -> Settings:
    return Settings(development=True, key_directory=directory, database_url=f"sqlite:///{directory}")
