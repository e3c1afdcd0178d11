"""The trace of a prescription: what the other services told of it, recorded here, and the causal order of it all."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel

from services.seedwork.model import Aggregate, DomainEvent, Personal, derived_id


class TraceRecorded(DomainEvent):
    """Another service told something of this prescription. `hash` proves it in the producer's public chain."""

    TOPIC: ClassVar[str] = "prescribe.trace.trace_recorded"

    prescription_id: UUID
    type: str
    producer: str
    stream: UUID
    public_seq: int
    hash: str
    message_id: UUID
    causation_id: str
    occurred_at: datetime
    actor: str
    summary: dict[str, Any]


@dataclass(frozen=True)
class TraceState:
    """The foreign events already recorded."""

    known: frozenset[UUID] = frozenset()


def evolve_trace(state: TraceState, event: TraceRecorded) -> TraceState:
    return TraceState(state.known | {event.message_id})


SUMMARY_FIELDS = frozenset(
    {
        "about_prescribing",
        "advice_id",
        "amount",
        "answer",
        "attempt",
        "attempts",
        "audit_id",
        "case_id",
        "cause",
        "channel",
        "claim_id",
        "closed_as",
        "codes",
        "confirmation_no",
        "courier",
        "degraded",
        "delivery_id",
        "exception",
        "extends",
        "feedback",
        "fill_no",
        "final",
        "fulfilment_id",
        "grade",
        "hints_seen",
        "hold_id",
        "how",
        "insured",
        "instalment",
        "instalments",
        "institution",
        "insurer",
        "kind",
        "level",
        "may_retry",
        "of",
        "outcome",
        "patient_share",
        "payment_id",
        "pharmacy",
        "prescriber",
        "proposal_id",
        "protocol_id",
        "reason",
        "reason_code",
        "region",
        "renews",
        "replaces",
        "request_id",
        "revision",
        "scheme",
        "seal_no",
        "stage",
        "status",
        "supply_id",
        "urgent",
        "way",
        "why",
    }
)
"""What a line of a trace says beside who and when: codes, numbers and organisations."""


def summary_of(event: BaseModel) -> dict[str, Any]:
    """The event in short, without any personal field."""
    personal = {
        name
        for name, field in type(event).model_fields.items()
        if any(isinstance(mark, Personal) for mark in field.metadata)
    }
    told = event.model_dump(mode="json", include=set(SUMMARY_FIELDS - personal))
    return {name: value for name, value in sorted(told.items()) if value not in (None, [])}


def record(state: TraceState, event: TraceRecorded) -> list[DomainEvent]:
    """Once per foreign event."""
    return [] if event.message_id in state.known else [event]


TRACE = Aggregate(name="trace", events=(TraceRecorded,), initial=TraceState(), evolve=evolve_trace)


def trace_id(prescription_id: UUID) -> UUID:
    return derived_id("trace", prescription_id)


@dataclass(frozen=True)
class Entry:
    """One line of a trace. `own`: prescribe's event; `known_at`: when prescribe recorded it, by its own clock."""

    stream: str
    seq: int
    own: bool
    occurred_at: int
    known_at: int
    message_id: str | None
    causation_id: str | None
    row: Mapping[str, Any]


def causal_order(entries: Sequence[Entry]) -> list[Entry]:
    """Causes before effects, whatever the services' clocks say; what is independent stands by time.

    Certain are: the order within a stream, a named cause, and that prescribe knew a foreign event before it did
    what it did later.
    """
    count = len(entries)
    after: list[set[int]] = [set() for _ in range(count)]
    for before, effect in _certain(entries):
        after[before].add(effect)
    waiting = [0] * count
    for effects in after:
        for effect in effects:
            waiting[effect] += 1
    ready = [(entries[i].occurred_at, i) for i in range(count) if not waiting[i]]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        _, place = heapq.heappop(ready)
        order.append(place)
        for effect in after[place]:
            waiting[effect] -= 1
            if not waiting[effect]:
                heapq.heappush(ready, (entries[effect].occurred_at, effect))
    left = sorted(set(range(count)) - set(order), key=lambda place: entries[place].occurred_at)
    return [entries[place] for place in (*order, *left)]


def _certain(entries: Sequence[Entry]) -> Iterable[tuple[int, int]]:
    """Pairs (cause, effect) of places."""
    by_message = {entry.message_id: place for place, entry in enumerate(entries) if entry.message_id}
    by_stream: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        by_stream.setdefault(entry.stream, []).append(place)
        cause = by_message.get(entry.causation_id or "")
        if cause is not None and cause != place:
            yield cause, place
        if not entry.own:
            known_cause = entries[cause] if cause is not None else None
            yield from ((place, own) for own, other in enumerate(entries) if _knew(other, entry, known_cause))
    for places in by_stream.values():
        yield from pairwise(sorted(places, key=lambda place: entries[place].seq))


def _knew(own: Entry, told: Entry, cause: Entry | None) -> bool:
    """Whether prescribe knew what was told when it did this. Never what it had done up to the cause of the telling."""
    if not own.own or (cause is not None and cause.own and own.seq <= cause.seq):
        return False
    return told.known_at <= own.known_at
