"""A store between a service and its database: what is saved is gathered here until a piece of it is written by COPY."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.seedwork.model import DomainEvent
from services.seedwork.store.batch import Batch, EventRow, Found, PublicRow, Statement, TimerRow, Wanted
from services.seedwork.store.mapper import PydanticMapper
from services.seedwork.store.postgres import PostgresDatabase
from services.seedwork.store.sealing import Keys
from services.seedwork.store.tracking import Tracked
from services.seedwork.store.writing import Cause, Rows, Told, Writer


class Keeping(Writer):
    """Makes rows as ever, and keeps the events they were made of: read models want them, and reading them back out of
    the rows would cost more than everything else."""

    def __init__(self, mapper: PydanticMapper) -> None:
        super().__init__(mapper)
        self.kept: list[tuple[DomainEvent, str]] = []
        """Event and actor of every row, in the order of the rows."""

    def write(
        self, rows: Rows, tracked: Tracked, told: Sequence[Told], now: datetime, cause: Cause, keys: Keys
    ) -> Tracked:
        self.kept += [(each.event, cause.actor) for each in told]
        return super().write(rows, tracked, told, now, cause, keys)


class GatheringStore:
    """`services.seedwork.store.drivers.Database` over another one that only this process writes to."""

    is_postgresql = True

    def __init__(self, database: PostgresDatabase) -> None:
        self.database = database
        self.events: list[EventRow] = []
        self.public: list[PublicRow] = []
        self.timers: dict[tuple[UUID, str], TimerRow] = {}
        self.inbox: dict[tuple[str, UUID], tuple[int, bytes]] = {}
        self.now = 0
        """The store's time at the last load."""
        self._streams: defaultdict[UUID, list[EventRow]] = defaultdict(list)

    def open(self) -> None:
        self.database.open()

    def close(self) -> None:
        self.database.close()

    def load(self, wanted: Wanted) -> Found:
        """What is written, and behind it what waits to be."""
        found = self.database.load(wanted)
        self.now = found.now
        events = dict(found.events)
        for stream, version in wanted.streams.items():
            waiting = [row for row in self._streams.get(stream, ()) if row.version > version]
            if waiting:
                events[stream] = [*events.get(stream, ()), *waiting]
        inbox = {**found.inbox, **{place: self.inbox[place] for place in wanted.inbox if place in self.inbox}}
        return replace(found, events=events, inbox=inbox)

    def save(self, batch: Batch) -> list[int]:
        """Nobody else writes, so that no gate and no version can be lost. There are no positions yet."""
        for row in batch.events:
            self.events.append(row)
            self._streams[row.stream_id].append(row)
        self.public += batch.public
        self.timers |= {(row.stream_id, row.kind): row for row in batch.timers}
        self.inbox |= {(gate.upstream, gate.stream_id): (gate.public_seq, gate.hash) for gate in batch.gates}
        return []

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Out of the database alone: read models do not know yet what waits."""
        return self.database.rows(statement)

    def write(self, statements: Sequence[Statement]) -> list[int]:
        raise TypeError(f"a gathering store is written to by its saves alone, not by {len(statements)} statements")

    def notify(self, channel: str) -> None:
        """Nobody listens yet."""

    def written(self) -> None:
        """Everything gathered is in the database now."""
        for gathered in (self.events, self.public, self.timers, self.inbox, self._streams):
            gathered.clear()
