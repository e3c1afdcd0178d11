"""A decision as rows: events with their hash chain, their public twins, the deadlines that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from contracts.envelope import BODY_BYTES_MAX, IntegrationEvent, public_hash
from services.seedwork.clock import to_micros
from services.seedwork.composition import Happened, Service
from services.seedwork.model import DomainEvent
from services.seedwork.store.batch import EventRow, PublicRow, TimerRow
from services.seedwork.store.mapper import Fact, Meta, PydanticMapper, chained, dumped
from services.seedwork.store.sealing import KeyName, Keys, Place, keys_of
from services.seedwork.store.tracking import Tracked


@dataclass(frozen=True, slots=True)
class Cause:
    """Who and what an event comes from."""

    actor: str
    correlation_id: str
    causation_id: str
    traceparent: str | None = None


@dataclass
class Rows:
    """The rows of a save as they are gathered."""

    events: list[EventRow] = field(default_factory=list)
    public: list[PublicRow] = field(default_factory=list)
    timers: dict[tuple[UUID, str], TimerRow] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """A new event with the state after it and what it says to the others."""

    event: DomainEvent
    after: Any
    public: tuple[IntegrationEvent, ...]


def tell(service: Service, tracked: Tracked, new: Sequence[DomainEvent]) -> list[Told]:
    """The events in order, each with the states around it translated for the public."""
    told, state = [], tracked.state
    for event in new:
        after = tracked.ref.aggregate.evolve(state, event)
        translate = service.translate.get(type(event))
        public = tuple(translate(Happened(event, state, after, tracked.ref.stream_id))) if translate else ()
        told.append(Told(event, after, public))
        state = after
    return told


def keys_wanted(told: Sequence[Told]) -> set[KeyName]:
    """Every data key the rows will be sealed under."""
    return {name for each in told for model in (each.event, *each.public) for name in keys_of(model)}


class Writer:
    """Makes rows of told events."""

    def __init__(self, mapper: PydanticMapper) -> None:
        self._mapper = mapper

    def write(
        self, rows: Rows, tracked: Tracked, told: Sequence[Told], now: datetime, cause: Cause, keys: Keys
    ) -> Tracked:
        """Adds the rows of these events; returns the aggregate after them."""
        before, recorded_at = tracked.state, to_micros(now)
        for each in told:
            version = tracked.version + 1
            public_seq, tail = tracked.public_seq, tracked.public_hash
            for event in each.public:
                if tracked.ref.aggregate.name != event.FAMILY:  # numbers are contiguous per stream of one family
                    raise ValueError(f"{event.TYPE} of family {event.FAMILY} told by {tracked.ref.aggregate.name}")
                public_seq += 1
                row = self._public_row(tracked.ref.stream_id, public_seq, version, event, tail, now, cause, keys)
                rows.public.append(row)
                tail = row.hash
            meta = Meta(
                actor=cause.actor,
                correlation_id=cause.correlation_id,
                causation_id=cause.causation_id,
                traceparent=cause.traceparent,
                public=len(each.public),
                public_seq=public_seq,
                public_hash=tail.hex(),
            )
            fact = Fact(tracked.ref.stream_id, version, each.event, meta)
            stored = self._mapper.to_stored_event(fact, keys)
            digest = chained(tracked.hash, stored, recorded_at)
            rows.events.append(
                EventRow(tracked.ref.stream_id, version, stored.topic, stored.state, digest, recorded_at)
            )
            tracked = Tracked(tracked.ref, version, each.after, digest, public_seq, tail)
        self._timers(rows, tracked, before)
        return tracked

    def _public_row(
        self,
        stream_id: UUID,
        public_seq: int,
        version: int,
        event: IntegrationEvent,
        prev_hash: bytes,
        now: datetime,
        cause: Cause,
        keys: Keys,
    ) -> PublicRow:
        moment = now.isoformat()
        content: Mapping[str, Any] = {
            "occurred_at": moment,
            "recorded_at": moment,
            "actor": cause.actor,
            "correlation_id": cause.correlation_id,
            "causation_id": cause.causation_id,
            "traceparent": cause.traceparent,
            "data": dumped(event, Place(stream_id, public_seq, event.TYPE), keys, self._mapper.random_bytes),
        }
        body = orjson.dumps(content)
        if len(body) > BODY_BYTES_MAX:
            raise ValueError(f"{event.TYPE}: body of {len(body)} bytes, at most {BODY_BYTES_MAX}")
        digest = public_hash(prev_hash, stream_id, public_seq, event.TYPE, body)
        return PublicRow(stream_id, public_seq, version, event.TYPE, body, prev_hash, digest)

    @staticmethod
    def _timers(rows: Rows, tracked: Tracked, before: Any) -> None:
        """Only deadlines that changed are written."""
        next_due = tracked.ref.aggregate.next_due
        old, new = next_due(before), next_due(tracked.state)
        for kind in old.keys() | new.keys():
            if old.get(kind) != new.get(kind):
                due = new.get(kind)
                name = f"{tracked.ref.aggregate.name}/{kind}"
                key = (tracked.ref.stream_id, name)
                rows.timers[key] = TimerRow(*key, to_micros(due) if due else None)
