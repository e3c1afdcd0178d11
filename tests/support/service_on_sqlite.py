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
from services.seedwork.store.opening import blocking_database, store_core
from services.seedwork.store.schema import create_tables
from services.seedwork.store.sealer import seal
from services.seedwork.usecase import Actor, UseCase
from tests.support.store_in_memory import enveloped


class ServiceOnSqlite:
    """Runs use cases and reactions as a worker does, without a broker."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self.service = service
        self.core = store_core(service, settings)
        self.database = blocking_database(settings.service_database_url(service.name), 1)
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

    def load(self, *refs: Any) -> Any:
        return self.driver.run(load(self.core, refs))

    def find(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows once everything is projected."""
        while seal(self.database):
            pass
        while self.projector.step():
            pass
        rows: list[dict[str, Any]] = self.driver.run(find(self.core, query, parameters))
        return rows


@contextmanager
def service_on_sqlite(service: Service, directory: Path) -> Iterator[ServiceOnSqlite]:
    settings = Settings(development=True, key_directory=directory, database_url=f"sqlite:///{directory}")
    for url, keyring in ((settings.service_database_url(service.name), False), (settings.keyring_database_url, True)):
        engine = sa.create_engine(url)
        create_tables(
            engine, [service.metadata] if service.metadata is not None and not keyring else [], keyring=keyring
        )
        engine.dispose()
    running = ServiceOnSqlite(service, settings)
    running.database.open()
    running.keyring.open()
    try:
        yield running
    finally:
        running.database.close()
        running.keyring.close()
