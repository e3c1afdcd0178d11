"""Allocations as shortage told them: while a drug is short, one supply of it covers at most so many days.

All that hold stand in one stream: there are few of them, they change seldom, and a hold needs them with its first look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id


class AllocationFacts(Immutable):
    """A limit. `region`: leading digits of the divisions where it holds; empty: the nation. `priority_diagnoses`:
    ICD-10 categories or codes: whoever is treated for one of them is not limited."""

    allocation_id: UUID
    drug_key: str
    region: str
    max_days: int
    priority_diagnoses: tuple[str, ...] = ()
    valid_from: date

    def limits(self, drug_key: str, region: str, day: date) -> bool:
        """Whether it limits this drug in this division on this day."""
        return self.drug_key == drug_key and region.startswith(self.region) and self.valid_from <= day

    def spares(self, diagnoses: Iterable[str]) -> bool:
        """Whether one of these is treated first."""
        return any(code.startswith(self.priority_diagnoses) for code in diagnoses)


class AllocationKnown(DomainEvent):
    """A limit was set."""

    TOPIC: ClassVar[str] = "dispatch.allocation.known"

    allocation: AllocationFacts


class AllocationOver(DomainEvent):
    """It does not hold any more."""

    TOPIC: ClassVar[str] = "dispatch.allocation.over"

    allocation_id: UUID


@dataclass(frozen=True)
class AllocationsState:
    """The limits that hold. `over`: what ended, so that a beginning that is told late changes nothing."""

    limits: Mapping[UUID, AllocationFacts] = field(default_factory=dict)
    over: frozenset[UUID] = frozenset()


def evolve(state: AllocationsState, event: AllocationKnown | AllocationOver) -> AllocationsState:
    if isinstance(event, AllocationKnown):
        known = event.allocation
        return AllocationsState({**state.limits, known.allocation_id: known}, state.over)
    left = {id_: known for id_, known in state.limits.items() if id_ != event.allocation_id}
    return AllocationsState(left, state.over | {event.allocation_id})


ALLOCATIONS: Aggregate[AllocationsState] = Aggregate(
    name="allocations_known",
    events=(AllocationKnown, AllocationOver),
    initial=AllocationsState(),
    evolve=evolve,
    cached=True,
)
ALLOCATIONS_IN_FORCE: StreamRef[AllocationsState] = ALLOCATIONS.ref(derived_id("allocations_known"))
