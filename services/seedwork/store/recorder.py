"""The `eventsourcing` library's recorder interfaces over our stores, so that its own tests certify our saves.

The executor does not come this way: it saves with gates, public events and timers, which the library does not know.
Notification ids are positions, so they serve rebuilds and audits only; readers that follow use the sealed log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from eventsourcing import persistence
from eventsourcing.persistence import Notification, StoredEvent, Tracking

from services.seedwork.store.batch import Batch, CursorGate, EventRow, Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.errors import Conflict, ConnectionLost, StoreError, Unavailable
from services.seedwork.store.mapper import GENESIS, event_hash
from services.seedwork.store.rendering import Prepared, render
from services.seedwork.store.tables import cursor, events

TRACKING = "tracking:"
_LAST = Prepared(lambda _i: sa.select(sa.func.max(events.c.position).label("position")))
_READ = Prepared(lambda _i: sa.select(cursor.c.log_index).where(cursor.c.name == sa.bindparam("reader", type_=sa.Text)))


class StoreRecorder:
    """What all recorders share: one save, and reads with the library's conditions."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def record(self, stored_events: Sequence[StoredEvent], tracking: Tracking | None = None) -> list[int]:
        """One save; the positions in the order of the events given."""
        if not stored_events and tracking is None:
            return []
        gate = tracking and CursorGate(TRACKING + tracking.application_name, tracking.notification_id)
        with _as_the_library_says():
            rows = self._chained(stored_events)
            positions = self.database.save(Batch(events=rows, cursor=gate))
        logged = sorted(rows, key=lambda row: (row.stream_id.hex, row.version))  # as the store orders one save
        place = {(row.stream_id, row.version): position for row, position in zip(logged, positions, strict=True)}
        return [place[row.stream_id, row.version] for row in rows]

    def _chained(self, stored_events: Sequence[StoredEvent]) -> list[EventRow]:
        """The events with their place in the hash chain of their stream, from the event before in the store."""
        first: dict[UUID, int] = {}
        for event in stored_events:
            first.setdefault(event.originator_id, event.originator_version)
        found = self.database.load(Wanted({stream: version - 2 for stream, version in first.items()}))
        tails = {
            row.stream_id: row.hash
            for stream, version in first.items()
            for row in found.events.get(stream, ())
            if row.version == version - 1
        }
        rows = []
        for event in stored_events:
            stream = event.originator_id
            bare = EventRow(stream, event.originator_version, event.topic, event.state, b"", found.now)
            tails[stream] = event_hash(tails.get(stream, GENESIS), bare)
            rows.append(EventRow(stream, bare.version, bare.topic, bare.state, tails[stream], found.now))
        return rows

    def select(self, statement: sa.Select[Any]) -> list[dict[str, Any]]:
        rendered = render(statement, is_postgresql=self.database.is_postgresql)
        with _as_the_library_says():
            return rendered.read(self.database.rows(rendered.bind()))


class EventRecorder(StoreRecorder, persistence.AggregateRecorder):
    """Events by stream."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_kwargs: Any) -> Sequence[int] | None:
        self.record(stored_events)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        e = events.c
        query = sa.select(e.version, e.topic, e.state).where(e.stream_id == originator_id)
        if gt is not None:
            query = query.where(e.version > gt)
        if lte is not None:
            query = query.where(e.version <= lte)
        query = query.order_by(e.version.desc() if desc else e.version)
        rows = self.select(query if limit is None else query.limit(limit))
        return [StoredEvent(originator_id, row["version"], row["topic"], bytes(row["state"])) for row in rows]


class LogRecorder(EventRecorder, persistence.ApplicationRecorder):
    """Events by stream and by position."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_kwargs: Any) -> Sequence[int] | None:
        return self.record(stored_events)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Notification]:
        e = events.c
        query = sa.select(e.position, e.stream_id, e.version, e.topic, e.state).order_by(e.position).limit(limit)
        if start is not None:
            query = query.where(e.position >= start if inclusive_of_start else e.position > start)
        if stop is not None:
            query = query.where(e.position <= stop)
        if topics:
            query = query.where(sa.or_(*(e.topic == topic for topic in topics)))
        return [
            Notification(row["stream_id"], row["version"], row["topic"], bytes(row["state"]), row["position"])
            for row in self.select(query)
        ]

    def max_notification_id(self) -> int | None:
        position: int | None = _LAST.read(self.database)[0]["position"]
        return position

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Any:
        del gt, topics
        raise persistence.ProgrammingError("positions are taken before commits: follow the sealed log instead")


class CursorRecorder(StoreRecorder, persistence.TrackingRecorder):
    """How far upstream applications have been read."""

    def insert_tracking(self, tracking: Tracking) -> None:
        self.record([], tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        rows = _READ.read(self.database, reader=TRACKING + application_name)
        return int(rows[0]["log_index"]) if rows else None


class ProcessRecorder(CursorRecorder, LogRecorder, persistence.ProcessRecorder):
    """Events and the cursor they come from, in one save."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, tracking: Tracking | None = None, **_kwargs: Any
    ) -> Sequence[int] | None:
        return self.record(stored_events, tracking)


@contextmanager
def _as_the_library_says() -> Iterator[None]:
    try:
        yield
    except Conflict as error:
        raise persistence.IntegrityError(str(error)) from error
    except (ConnectionLost, Unavailable) as error:
        raise persistence.OperationalError(str(error)) from error
    except StoreError as error:
        raise persistence.DatabaseError(str(error)) from error
