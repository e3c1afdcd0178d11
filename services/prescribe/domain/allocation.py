"""Allocations as shortage told them, as far as a prescriber is warned of them: dispatch obeys them, nobody here does.

All that hold stand in one stream: there are few of them, and whoever issues needs them with the first look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class AllocationKnown(DomainEvent):
    """A supply of the drug covers at most `max_days` in this region node (leading digits; empty: the nation)."""

    TOPIC: ClassVar[str] = "prescribe.allocation.known"

    allocation_id: UUID
    case_id: UUID
    drug_key: str
    region: str
    max_days: int
    priority_diagnoses: tuple[str, ...]
    valid_from: date


class AllocationOver(DomainEvent):
    """It does not hold any more."""

    TOPIC: ClassVar[str] = "prescribe.allocation.over"

    allocation_id: UUID


@dataclass(frozen=True)
class AllocationsState:
    """The limits that hold. `over`: what ended, so that a beginning that is told late changes nothing."""

    limits: Mapping[UUID, AllocationKnown] = field(default_factory=dict)
    over: frozenset[UUID] = frozenset()

    def warned(self, drug_key: str, region: str, diagnoses: tuple[str, ...], day: date) -> AllocationKnown | None:
        """The tightest limit for this drug where the patient is, unless the patient is treated first."""
        here = [
            each
            for each in self.limits.values()
            if each.drug_key == drug_key
            and region.startswith(each.region)
            and each.valid_from <= day
            and not any(code.startswith(each.priority_diagnoses) for code in diagnoses)
        ]
        return min(here, key=lambda each: (each.max_days, str(each.allocation_id)), default=None)


def evolve(state: AllocationsState, event: AllocationKnown | AllocationOver) -> AllocationsState:
    if isinstance(event, AllocationKnown):
        return AllocationsState({**state.limits, event.allocation_id: event}, state.over)
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
