"""What a service has recorded, read at its store directly and kept up event by event, for whoever checks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.seedwork.model import Aggregate
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


@dataclass(frozen=True)
class Entry:
    """One event in the order of the store, and what it came from."""

    position: int
    stream: Stream
    event: Any
    correlation_id: str
    causation_id: str


class Books:
    """The events of some kinds of aggregates of one service, and each aggregate as it is now."""

    def __init__(self, core: StoreCore, database: Database, keyring: Database, of: Iterable[Aggregate[Any]]) -> None:
        self.name = core.service.name
        self.database = database
        self._core = core
        self._driver = Driver(database, keyring)
        self._of = {event.TOPIC: aggregate for aggregate in of for event in aggregate.events}
        self.clear()

    def clear(self) -> None:
        """Reads everything anew, as after a restore."""
        self._reached = 0
        self.streams: dict[UUID, Stream] = {}
        self.entries: list[Entry] = []

    def advance(self) -> list[Entry]:
        """What was recorded since the last look."""
        rows = self.query(_NEW.format(self._reached))
        mapped = []
        for position, stream_id, *rest in rows:
            self._reached = position
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
            new.append(Entry(position, stream, fact.event, fact.meta.correlation_id, fact.meta.causation_id))
        self.entries += new
        return new

    def states(self, aggregate: Aggregate[Any]) -> list[Any]:
        """Every aggregate of a kind, as it is now."""
        return [each.state for each in self.of(aggregate)]

    def histories(self, aggregate: Aggregate[Any]) -> Iterator[list[Any]]:
        """The events of every aggregate of a kind, in order."""
        for each in self.of(aggregate):
            yield each.events

    def count(self, table: str) -> int:
        return int(self.query(f"SELECT count(*) FROM {table}")[0][0])

    def query(self, text: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self.database.rows(Statement(text, parameters))

    def of(self, aggregate: Aggregate[Any]) -> list[Stream]:
        return [each for each in self.streams.values() if each.aggregate is aggregate]


def _uuid(stored_id: Any) -> UUID:
    return stored_id if isinstance(stored_id, UUID) else UUID(stored_id)
