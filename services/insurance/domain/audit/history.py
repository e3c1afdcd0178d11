"""What a patient was supplied in a year, by all payers: what frequency, duplicates and quantities are counted in.

One stream per patient and year, written in the same decision as the claim, so that of two supplies at once the second
sees the first. What never reached the patient is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, assert_never
from uuid import UUID

from services.insurance.domain.audit.subject import PastSupply
from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class SupplyCounted(DomainEvent):
    """A supply was dispensed to the patient."""

    TOPIC: ClassVar[str] = "insurance.supplies.supply_counted"

    patient_ref: UUID
    supply: PastSupply


class SupplyTakenOut(DomainEvent):
    """Nothing of the supply is the patient's."""

    TOPIC: ClassVar[str] = "insurance.supplies.supply_taken_out"

    patient_ref: UUID
    supply_id: UUID


@dataclass(frozen=True)
class HistoryState:
    """The supplies in the order in which they were counted, and which of them were taken out."""

    supplies: tuple[PastSupply, ...] = ()
    out: frozenset[UUID] = frozenset()

    def before(self, supply_id: UUID) -> tuple[PastSupply, ...]:
        """Those that were counted before this one, or all where it is not counted; without what was taken out."""
        ids = [each.supply_id for each in self.supplies]
        end = ids.index(supply_id) if supply_id in ids else len(ids)
        return tuple(each for each in self.supplies[:end] if each.supply_id not in self.out)

    def counted(self, supply_id: UUID) -> PastSupply | None:
        return next((each for each in self.supplies if each.supply_id == supply_id), None)


def evolve(state: HistoryState, event: SupplyCounted | SupplyTakenOut) -> HistoryState:
    match event:
        case SupplyCounted():
            return replace(state, supplies=(*state.supplies, event.supply))
        case SupplyTakenOut():
            return replace(state, out=state.out | {event.supply_id})
        case _:
            assert_never(event)


def count(state: HistoryState, patient_ref: UUID, supply: PastSupply) -> list[DomainEvent]:
    """Once per supply."""
    return [] if state.counted(supply.supply_id) else [SupplyCounted(patient_ref=patient_ref, supply=supply)]


def take_out(state: HistoryState, patient_ref: UUID, supply_id: UUID) -> list[DomainEvent]:
    """Once, of what was counted."""
    if state.counted(supply_id) is None or supply_id in state.out:
        return []
    return [SupplyTakenOut(patient_ref=patient_ref, supply_id=supply_id)]


HISTORY: Aggregate[HistoryState] = Aggregate(
    name="supplies", events=(SupplyCounted, SupplyTakenOut), initial=HistoryState(), evolve=evolve
)


def history_of(patient_ref: UUID, year: int) -> StreamRef[HistoryState]:
    """A patient's supplies of a year."""
    return HISTORY.ref(derived_id("supplies", patient_ref, year))
