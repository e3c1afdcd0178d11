"""What a service has recorded, read at its store directly and kept up event by event, for whoever checks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.seedwork.clock import from_micros
from services.seedwork.model import Aggregate
from services.seedwork.projection import Projection
from services.seedwork.projector import Projector, ask_for_rebuild
from services.seedwork.store import reading
from services.seedwork.store.batch import EventRow, Statement
from services.seedwork.store.drivers import Database, Driver
from services.seedwork.store.executor import StoreCore, stored

_NEW = "SELECT position, stream_id, version, topic, state, hash, recorded_at FROM events WHERE position > {} ORDER BY 1"


@dataclass
class Stream:
    """One aggregate: its events and what they come to."""

    aggregate: Aggregate[Any]
    stream_id: UUID
    state: Any
    events: list[Any] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)
    """When each of them was recorded."""
    positions: list[int] = field(default_factory=list)
    """Where each of them stands in the store: what is saved later stands behind it."""


@dataclass(frozen=True)
class Entry:
    """One event and the aggregate it belongs to."""

    stream: Stream
    event: Any


class Books:
    """The events of some kinds of aggregates of one service, and each aggregate as it is now."""

    def __init__(self, core: StoreCore, database: Database, keyring: Database, of: Iterable[Aggregate[Any]]) -> None:
        self.name = core.service.name
        self.projections = core.service.projections
        self.database = database
        self._core = core
        self._driver = Driver(database, keyring)
        self._of = {event.TOPIC: aggregate for aggregate in of for event in aggregate.events}
        self.read_anew()

    def read_anew(self) -> None:
        """From event one, as after a restore; what was published until now is not looked at any more."""
        self.reached = 0
        self.relayed = reading.cursor_of(self.database, reading.RELAY)
        """Up to where it was looked whether what was published has arrived."""
        self.streams: dict[UUID, Stream] = {}
        self.advance()

    def advance(self) -> list[Entry]:
        """What was recorded since the last look."""
        rows = self.query(_NEW.format(self.reached))
        mapped = []
        for position, stream_id, *rest in rows:
            self.reached = position
            if rest[1] in self._of:
                row = EventRow(_uuid(stream_id), *rest)
                mapped.append((position, row, self._core.mapper.parsed(stored(row))))
        names = {name for _, _, parsed in mapped for name in parsed.keys_wanted()}
        keys = self._driver.run(self._core.keyring.fetch(names)) if names else {}
        new = []
        for position, row, parsed in mapped:
            fact = parsed.opened(keys)
            stream = self.streams.get(row.stream_id)
            if stream is None:
                aggregate = self._of[row.topic]
                stream = self.streams[row.stream_id] = Stream(aggregate, row.stream_id, aggregate.initial)
            stream.state = stream.aggregate.evolve(stream.state, fact.event)
            stream.events.append(fact.event)
            stream.moments.append(from_micros(row.recorded_at))
            stream.positions.append(position)
            new.append(Entry(stream, fact.event))
        return new

    def states(self, aggregate: Aggregate[Any]) -> list[Any]:
        """Every aggregate of a kind, as it is now."""
        return [each.state for each in self.of(aggregate)]

    def histories(self, aggregate: Aggregate[Any]) -> Iterator[list[Any]]:
        """The events of every aggregate of a kind, in order."""
        for each in self.of(aggregate):
            yield each.events

    def rebuild(self, projections: Iterable[Projection]) -> None:
        """From event one, with nobody else at the store."""
        for projection in projections:
            ask_for_rebuild(self.database, projection)
        projector = Projector(self._core, self._driver, projections)
        while projector.step():
            pass

    def count(self, table: str) -> int:
        return int(self.rows_of(table, "count(*)")[0][0])

    def rows_of(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.query(f"SELECT {columns} FROM {table}")  # noqa: S608 - tables of our own

    def query(self, text: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self.database.rows(Statement(text, parameters))

    def of(self, aggregate: Aggregate[Any]) -> list[Stream]:
        return [each for each in self.streams.values() if each.aggregate is aggregate]


AllBooks = Mapping[str, Books]
"""By service."""


def _uuid(stored_id: Any) -> UUID:
    return stored_id if isinstance(stored_id, UUID) else UUID(stored_id)
