"""A substitution protocol as far as a prescriber's signature needs it: whether it holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class ProtocolKnown(DomainEvent):
    """Shortage issued it; days are inclusive."""

    TOPIC: ClassVar[str] = "prescribe.protocol.known"

    protocol_id: UUID
    from_drug_key: str
    to_drug_key: str
    valid_from: date
    valid_until: date | None


class ProtocolOver(DomainEvent):
    """Shortage ended it; `ends_on` is its last day."""

    TOPIC: ClassVar[str] = "prescribe.protocol.over"

    protocol_id: UUID
    ends_on: date


@dataclass(frozen=True)
class ProtocolState:
    """One protocol; None before it is known."""

    known: ProtocolKnown | None = None
    ends_on: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether it holds that day, by all that was told."""
        if self.known is None or day < self.known.valid_from:
            return False
        return all(last is None or day <= last for last in (self.known.valid_until, self.ends_on))


def evolve(state: ProtocolState, event: DomainEvent) -> ProtocolState:
    match event:
        case ProtocolKnown():
            return replace(state, known=event)
        case ProtocolOver(ends_on=ends_on):
            return replace(state, ends_on=ends_on)
    return state  # pragma: no cover - the aggregate names no other event


PROTOCOL: Aggregate[ProtocolState] = Aggregate(
    name="protocol_known", events=(ProtocolKnown, ProtocolOver), initial=ProtocolState(), evolve=evolve
)


def protocol_ref(protocol_id: UUID) -> StreamRef[ProtocolState]:
    return PROTOCOL.ref(derived_id("protocol_known", protocol_id))
