"""SubstitutionProtocol as shortage told it: what may be given for a drug that is short, where, for whom, on whose word.

Dispatch enforces it; it is decided elsewhere (flows: issuer of province level or above).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar
from uuid import UUID

from services.dispatch.domain.values import Ratio
from services.seedwork.model import Aggregate, DomainEvent, Immutable, derived_id


class ProtocolFacts(Immutable):
    """What a protocol says. `regions`: leading digits of divisions; an empty one is the nation. Days are inclusive."""

    protocol_id: UUID
    case_id: UUID
    from_drug_key: str
    to_drug_key: str
    ratio: Ratio
    excluded: tuple[str, ...] = ()
    max_days: int | None = None
    regions: tuple[str, ...]
    mode: str
    valid_from: date
    valid_until: date | None = None

    def in_force(self, region: str, day: date) -> bool:
        """Whether it holds in this division on this day."""
        in_time = self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)
        return in_time and any(region.startswith(node) for node in self.regions)


class ProtocolKnown(DomainEvent):
    """A protocol was issued."""

    TOPIC: ClassVar[str] = "dispatch.protocol.known"

    protocol: ProtocolFacts


class ProtocolOver(DomainEvent):
    """A protocol ends; `ends_on` is its last day. An end that is told first is kept."""

    TOPIC: ClassVar[str] = "dispatch.protocol.over"

    protocol_id: UUID
    ends_on: date


@dataclass(frozen=True)
class ProtocolState:
    """One protocol; None before it is known."""

    protocol: ProtocolFacts | None = None
    ends_on: date | None = None

    @property
    def facts(self) -> ProtocolFacts | None:
        """As it holds, with the end that was told."""
        if self.protocol is None or self.ends_on is None:
            return self.protocol
        known = self.protocol.valid_until
        last = self.ends_on if known is None else min(known, self.ends_on)
        return self.protocol.model_copy(update={"valid_until": last})


def evolve(state: ProtocolState, event: DomainEvent) -> ProtocolState:
    match event:
        case ProtocolKnown(protocol=protocol):
            return replace(state, protocol=protocol)
        case ProtocolOver(ends_on=ends_on):
            return replace(state, ends_on=ends_on)
    return state  # pragma: no cover - the aggregate names no other event


PROTOCOLS: Aggregate[ProtocolState] = Aggregate(
    name="protocol_known", events=(ProtocolKnown, ProtocolOver), initial=ProtocolState(), evolve=evolve
)


def protocol_stream(protocol_id: UUID) -> UUID:
    return derived_id("protocol_known", protocol_id)
