"""What is in the stores of an installation: beside the running processes, and at rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from contracts.envelope import GENESIS, public_hash
from contracts.topology import PORTS, consumed_by
from services.seedwork.families import families_of
from services.seedwork.settings import Settings
from services.seedwork.store.batch import EventRow
from services.seedwork.store.errors import StoreError
from services.seedwork.store.mapper import event_hash
from services.seedwork.store.opening import blocking_database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import attempts, blocked, cursor, events, fresh, inbox, log, parked, poison, public

Place = tuple[str, UUID]
_EVENTS = Prepared(
    lambda _i: sa.select(*[events.c[name] for name in EventRow._fields]).order_by(events.c.stream_id, events.c.version)
)
_PUBLIC = Prepared(lambda _i: sa.select(public).order_by(public.c.stream_id, public.c.public_seq))
_TAILS = Prepared(
    lambda _i: sa.select(public.c.stream_id, public.c.type, public.c.public_seq, public.c.hash).where(
        public.c.public_seq
        == sa.select(sa.func.max((last := public.alias("last")).c.public_seq))
        .where(last.c.stream_id == public.c.stream_id)
        .correlate(public)
        .scalar_subquery()
    )
)
_INBOX = Prepared(lambda _i: sa.select(inbox))
_LOG = Prepared(lambda _i: sa.select(log.c.log_index, log.c.position).order_by(log.c.log_index))
_POSITIONS = Prepared(lambda _i: sa.select(events.c.position))
_CURSORS = Prepared(lambda _i: sa.select(cursor.c.name, cursor.c.log_index))
_TAIL = Prepared(lambda _i: sa.select(sa.func.coalesce(sa.func.max(log.c.log_index), 0).label("tail")))
_TOPICS = Prepared(lambda _i: sa.select(events.c.topic, sa.func.count().label("count")).group_by(events.c.topic))
_COUNTS = {
    table.name: Prepared(lambda _i, table=table: sa.select(sa.func.count().label("count")).select_from(table))
    for table in (fresh, parked, poison, blocked, attempts)
}


@dataclass(frozen=True)
class Stores:
    """The databases of the five services."""

    databases: Mapping[str, Any]

    # -- at rest

    def unrest(self) -> list[str]:
        """What is still on its way, in words; empty when everything has arrived everywhere."""
        try:
            return [*self._unread(), *self._unheard()]
        except StoreError as error:
            return [f"no answer: {error!r}"]

    def _unread(self) -> Iterator[str]:
        for name, database in self.databases.items():
            if unsealed := self.count(name, "fresh"):
                yield f"{name}: {unsealed} unsealed"
            tail = _TAIL.read(database)[0]["tail"]
            for row in _CURSORS.read(database):
                reader = row["name"]
                if (reader == "relay" or reader.startswith("projection")) and row["log_index"] != tail:
                    yield f"{name}: {reader} at {row['log_index']} of {tail}"

    def _unheard(self) -> Iterator[str]:
        for name in self.databases:
            expected, handled = self.told_to(name), self.handled_by(name)
            missing = [place for place, last in expected.items() if handled.get(place) != last]
            if missing:
                yield f"{name}: {len(missing)} of {len(expected)} streams not handled to their end, {missing[0]}"

    def told_to(self, consumer: str) -> dict[Place, tuple[int, bytes]]:
        """Last number and hash of every stream this consumer takes."""
        told = {}
        families = {(family.producer, family.name) for family in consumed_by(consumer)}
        for producer in {producer for producer, _ in families if producer in self.databases}:
            family_of = families_of(producer)
            for row in _TAILS.read(self.databases[producer]):
                if (producer, family_of[row["type"]]) in families:
                    told[producer, row["stream_id"]] = (row["public_seq"], bytes(row["hash"]))
        return told

    def handled_by(self, consumer: str) -> dict[Place, tuple[int, bytes]]:
        rows = _INBOX.read(self.databases[consumer])
        return {(row["upstream"], row["stream_id"]): (row["public_seq"], bytes(row["hash"])) for row in rows}

    # -- what there is

    def count(self, service: str, table: str) -> int:
        return int(_COUNTS[table].read(self.databases[service])[0]["count"])

    def aside(self) -> dict[str, int]:
        """Everything parked, poisoned, blocked or ever failed on, that is not zero."""
        counts = {
            f"{service}.{table}": self.count(service, table)
            for service in self.databases
            for table in ("parked", "poison", "blocked", "attempts")
        }
        return {name: count for name, count in counts.items() if count}

    def topics(self) -> Counter[str]:
        """How often each thing happened."""
        found: Counter[str] = Counter()
        for database in self.databases.values():
            found.update({row["topic"]: row["count"] for row in _TOPICS.read(database)})
        return found

    def broken_chains(self) -> list[str]:
        """Streams whose versions have a gap or whose hashes do not follow; both of events and of what was said."""
        broken = []
        for name, database in self.databases.items():
            last: tuple[UUID | None, int, bytes] = (None, 0, GENESIS)
            for row in (EventRow(**each) for each in _EVENTS.read(database)):
                version, previous = last[1:] if last[0] == row.stream_id else (0, GENESIS)
                if row.version != version + 1 or event_hash(previous, row) != row.hash:
                    broken.append(f"{name}: event {row.stream_id} {row.version}")
                last = (row.stream_id, row.version, row.hash)
            last = (None, 0, GENESIS)
            for said in _PUBLIC.read(database):
                number, previous = last[1:] if last[0] == said["stream_id"] else (0, GENESIS)
                digest = public_hash(previous, said["stream_id"], number + 1, said["type"], bytes(said["body"]))
                if said["public_seq"] != number + 1 or digest != bytes(said["hash"]):
                    broken.append(f"{name}: said {said['stream_id']} {said['public_seq']}")
                last = (said["stream_id"], said["public_seq"], bytes(said["hash"]))
        return broken

    def faulty_logs(self) -> list[str]:
        """Stores whose log has a gap, a double, or not every event."""
        faulty = []
        for name, database in self.databases.items():
            rows = _LOG.read(database)
            whole = [row["log_index"] for row in rows] == list(range(1, len(rows) + 1))
            positions = sorted(row["position"] for row in rows)
            if not whole or positions != sorted(row["position"] for row in _POSITIONS.read(database)):
                faulty.append(name)
        return faulty


@contextmanager
def stores_of(settings: Settings, services: tuple[str, ...] = tuple(PORTS)) -> Iterator[Stores]:
    """Opened for looking; the processes may run beside it."""
    with ExitStack() as stack:
        databases = {}
        for name in services:
            database = blocking_database(settings.service_database_url(name), 1)
            database.open()
            stack.callback(database.close)
            databases[name] = database
        yield Stores(databases)
