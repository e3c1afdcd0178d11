"""The five services in one process, over gathering stores: commands, what follows from them, deadlines that are due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg

from contracts.envelope import Envelope
from contracts.topology import FAMILY, consumed_by
from rxflow.seeding.copying import write_out
from rxflow.seeding.gathering import GatheringStore, Keeping
from rxflow.seeding.keys import GatheringKeyring, NewKeys
from rxflow.seeding.read_models import ReadModels
from services.seedwork.consumer import Consumer
from services.seedwork.families import families_of
from services.seedwork.identity import checkpoint_key
from services.seedwork.model import StreamRef
from services.seedwork.settings import Settings
from services.seedwork.store import reading
from services.seedwork.store.checkpoints import Checkpoints
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, Gate, Outcome, Work, load, perform_all
from services.seedwork.store.migrating import SERVICES
from services.seedwork.store.opening import libpq, store_core
from services.seedwork.store.postgres import PostgresDatabase
from services.seedwork.usecase import Actor, UseCase

T = TypeVar("T")

AT_ONCE = 40
"""Use cases that are decided on one load."""
ROUNDS_MAX = 50
"""How often what the services tell each other may lead to something new to tell."""


class SeedingFailed(RuntimeError):  # noqa: N818
    """A service refused what it was to be filled with, or the installation is not fit to be filled."""


class Office:
    """One service over its gathering store."""

    def __init__(self, name: str, settings: Settings, keys: NewKeys) -> None:
        service = import_module(f"services.{name}.composition").SERVICE
        self.name, self.service = name, service
        self.core = store_core(service, settings)
        keyring = GatheringKeyring(settings.secret_key("keyring"), service.rights, is_postgresql=True)
        keyring.shared = keys
        self.core.keyring = keyring
        self.core.writer = self._keeping = Keeping(self.core.mapper)
        self.database = PostgresDatabase(libpq(settings.service_database_url(name)), pool_size=1)
        self.keyring = PostgresDatabase(libpq(settings.keyring_database_url), pool_size=1)
        self.store = GatheringStore(self.database)
        self.driver = Driver(self.store, self.keyring, sleep=_go_on)
        self.read_models = ReadModels(service.projections)
        self._consumer = Consumer(self.core, self.driver)
        self._families = families_of(name)
        self._told = 0

    def command(self, wanted: Iterable[tuple[UseCase, Actor]]) -> list[Outcome]:
        """Each as its actor's request. Raises SeedingFailed where one is refused."""
        works = []
        for use_case, actor in wanted:
            correlation = str(uuid4())
            works.append(Work(use_case, Context(actor, correlation, correlation)))
        outcomes: list[Outcome] = []
        for piece in pieces(works, AT_ONCE):
            outcomes += self.driver.run(perform_all(self.core, piece))
        return [self._accepted(outcome) for outcome in outcomes]

    def take(self, envelopes: Sequence[Envelope]) -> None:
        """What others told, in order."""
        for piece in pieces(envelopes, AT_ONCE):
            for outcome in self._consumer.applied(piece):
                if self._accepted(outcome).gate is not Gate.NEXT:
                    raise SeedingFailed(f"{self.name} has an event as {outcome.gate}")

    def fire(self) -> bool:
        """Every deadline that is due, once; whether there was one."""
        timers = self.store.timers.values()
        due = [(row, row.due_at) for row in timers if row.due_at is not None and row.due_at <= self.store.now]
        works = []
        for row, due_at in due:
            aggregate, _, kind = row.kind.partition("/")
            use_case = self.service.timers[aggregate, kind](row.stream_id)
            context = Context(Actor.service(self.name), str(row.stream_id), f"timer:{row.kind}:{due_at}")
            works.append(Work(use_case, context))
        for piece in pieces(works, AT_ONCE):
            for outcome in self.driver.run(perform_all(self.core, piece)):
                self._accepted(outcome)
        return bool(due)

    def told(self) -> Iterator[Envelope]:
        """What was said since the last time."""
        said, self._told = self.store.public[self._told :], len(self.store.public)
        for row in said:
            yield Envelope(
                producer=self.name,
                family=self._families[row.type],
                type=row.type,
                stream=row.stream_id,
                public_seq=row.public_seq,
                prev_hash=row.prev_hash,
                hash=row.hash,
                store_epoch=1,
                log_index=0,  # comes with the COPY; no reaction looks at it
                body=row.body.decode(),
            )

    def states(self, refs: Sequence[StreamRef[Any]]) -> list[Any]:
        """Aggregates as they are now."""
        found: list[Any] = []
        for piece in pieces(refs, AT_ONCE):
            found += [loaded.state for loaded in self.driver.run(load(self.core, piece))]
        return found

    def write_out(self) -> None:
        write_out(self.service, self.store, self.read_models, self._keeping.kept)
        self.store.written()
        self.read_models.written()
        self._keeping.kept.clear()
        self._told = 0

    def _accepted(self, outcome: Outcome) -> Outcome:
        if outcome.refusal is not None:
            raise SeedingFailed(f"{self.name} refuses: {outcome.refusal.code} {dict(outcome.refusal.facts)}")
        return outcome


class Offices:
    """All five, and the post between them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = NewKeys(libpq(settings.keyring_database_url))
        self.by_name: Mapping[str, Office] = {name: Office(name, settings, self.keys) for name in SERVICES}

    def __getitem__(self, name: str) -> Office:
        return self.by_name[name]

    @contextmanager
    def open(self) -> Iterator[Offices]:
        databases = [each for office in self.by_name.values() for each in (office.database, office.keyring)]
        for database in databases:
            database.open()
        try:
            yield self
        finally:
            for database in databases:
                database.close()

    def settle(self) -> None:
        """Until everybody has heard everything and no deadline is due."""
        for _ in range(ROUNDS_MAX):
            post: defaultdict[str, list[Envelope]] = defaultdict(list)
            for office in self.by_name.values():
                for envelope in office.told():
                    for consumer in FAMILY[envelope.family].consumers:
                        post[consumer].append(envelope)
            for name, envelopes in post.items():
                self[name].take(envelopes)
            fired = [office.fire() for office in self.by_name.values() if not post]
            if not post and not any(fired):
                return
        raise SeedingFailed("the services do not come to an end with each other")

    def write_out(self) -> None:
        """Keys before what is sealed under them, producers before those who have heard of it."""
        self.keys.write_out()
        for office in self.by_name.values():
            office.write_out()

    def finish(self) -> None:
        """The feeds are read to their ends, every full checkpoint is signed, and the planner knows its tables."""
        tails = {name: reading.tail(office.database) for name, office in self.by_name.items()}
        for office in self.by_name.values():
            for family in consumed_by(office.name):
                feed = f"feed:{family.producer}:{family.name}"
                for name, place in ((feed, tails[family.producer]), (f"epoch of {feed}", 1)):
                    after = reading.cursor_of(office.database, name)
                    if after != place:
                        office.database.write([reading.advance(office.database, name, reading.Range(after, place))])
            checkpoints = Checkpoints(office.name, office.database, office.keyring, checkpoint_key(self.settings))
            while checkpoints.step():
                pass
        for url in (*(office.database.url for office in self.by_name.values()), self.keys.url):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ANALYZE")


def pieces(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """In order, at most so many at a time."""
    return (things[first : first + size] for first in range(0, len(things), size))


def _go_on(_seconds: float) -> None:
    """Nobody else wants a turn, and nobody is raced with."""


def new_id() -> UUID:
    """A random name, as clients choose it."""
    return uuid4()
