"""What a patient takes: one list per patient, from prescriptions in circulation and supplies in the patient's hands.

A prescription that is released counts from then on, because nobody asks again before it is collected; a supply counts
from the day it is received, or from the end of the supply before it. What is on the list is clinical personal data: it
is gone when the patient is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, ClassVar, assert_never
from uuid import UUID

from services.review.domain.values import Line, Medicine
from services.seedwork.model import (
    Aggregate,
    DomainEvent,
    Immutable,
    Personal,
    PersonalClass,
    StreamRef,
    derived_id,
)


class ListedMedicine(Immutable):
    """One line of a prescription, or of a supply of it, and the days it lasts (inclusive)."""

    line: int
    product: str
    generic_name: str
    drug_key: str
    atc: str | None
    dose: str
    dose_unit: str
    frequency_per_day: int
    valid_from: date
    until: date
    quantity: int | None = None
    """Of a supply, base units in the patient's hands; not kept in older entries."""


class PrescriptionListed(DomainEvent):
    """A prescription is in circulation: the patient has it, or soon will."""

    TOPIC: ClassVar[str] = "review.medication.prescription_listed"

    patient_ref: UUID
    prescription_id: UUID
    medicines: Annotated[tuple[ListedMedicine, ...] | None, Personal(PersonalClass.CLINICAL)]


class SupplyListed(DomainEvent):
    """The patient has a supply in hands."""

    TOPIC: ClassVar[str] = "review.medication.supply_listed"

    patient_ref: UUID
    prescription_id: UUID
    supply_id: UUID
    medicines: Annotated[tuple[ListedMedicine, ...] | None, Personal(PersonalClass.CLINICAL)]


class SupplyShortened(DomainEvent):
    """The patient has brought some of a supply back, and has less of it, or nothing."""

    TOPIC: ClassVar[str] = "review.medication.supply_shortened"

    patient_ref: UUID
    prescription_id: UUID
    supply_id: UUID
    message_id: UUID
    medicines: Annotated[tuple[ListedMedicine, ...] | None, Personal(PersonalClass.CLINICAL)]


class PrescriptionEnded(DomainEvent):
    """Nothing more comes of a prescription: what was supplied of it stays, the rest is off the list."""

    TOPIC: ClassVar[str] = "review.medication.prescription_ended"

    prescription_id: UUID


MedicationEvent = PrescriptionListed | SupplyListed | SupplyShortened | PrescriptionEnded
Listed = tuple[ListedMedicine, ...]


@dataclass(frozen=True)
class MedicationState:
    """`expected` by prescription, None once it has ended; `supplied` by prescription and supply."""

    expected: Mapping[UUID, Listed | None] = field(default_factory=dict)
    supplied: Mapping[tuple[UUID, UUID], Listed] = field(default_factory=dict)
    brought_back: frozenset[UUID] = frozenset()
    """Messages that told of it."""

    def entries(self, *, apart_from: UUID | None = None) -> Iterable[ListedMedicine]:
        """All that is listed, but for one prescription."""
        for prescription, expected in self.expected.items():
            if prescription != apart_from:
                yield from expected or ()
        for (prescription, _supply), supplied in self.supplied.items():
            if prescription != apart_from:
                yield from supplied

    def supplied_until(self, prescription_id: UUID, line: int) -> date | None:
        """The last day the supplies so far last, of one line."""
        ends = (
            medicine.until
            for (prescription, _supply), supplied in self.supplied.items()
            for medicine in supplied
            if (prescription, medicine.line) == (prescription_id, line)
        )
        return max(ends, default=None)


def evolve_medication(state: MedicationState, event: MedicationEvent) -> MedicationState:
    match event:
        case PrescriptionListed():
            return replace(state, expected={**state.expected, event.prescription_id: event.medicines or ()})
        case SupplyListed():
            supplied = {**state.supplied, (event.prescription_id, event.supply_id): event.medicines or ()}
            return replace(state, supplied=supplied)
        case SupplyShortened():
            supplied = {**state.supplied, (event.prescription_id, event.supply_id): event.medicines or ()}
            return replace(state, supplied=supplied, brought_back=state.brought_back | {event.message_id})
        case PrescriptionEnded():
            return replace(state, expected={**state.expected, event.prescription_id: None})
        case _:
            assert_never(event)


MEDICATION: Aggregate[MedicationState] = Aggregate(
    name="medication",
    events=(PrescriptionListed, SupplyListed, SupplyShortened, PrescriptionEnded),
    initial=MedicationState(),
    evolve=evolve_medication,
)


def medication_ref(patient_ref: UUID) -> StreamRef[MedicationState]:
    return MEDICATION.ref(derived_id("medication", patient_ref))


def current_medicines(state: MedicationState, day: date, *, apart_from: UUID | None = None) -> tuple[Medicine, ...]:
    """What the patient still takes on a day, each drug once with the last day it lasts, by name."""
    latest: dict[str, Medicine] = {}
    for each in state.entries(apart_from=apart_from):
        known = latest.get(each.drug_key)
        if each.until >= day and (known is None or known.until < each.until):
            latest[each.drug_key] = Medicine(
                generic_name=each.generic_name, atc=each.atc, drug_key=each.drug_key, until=each.until
            )
    return tuple(sorted(latest.values(), key=lambda medicine: medicine.drug_key))


def list_prescription(
    state: MedicationState, patient_ref: UUID, prescription_id: UUID, lines: tuple[Line, ...], today: date
) -> list[DomainEvent]:
    """A released prescription, once."""
    if prescription_id in state.expected:
        return []
    medicines = tuple(_listed(line, today, line.days) for line in lines)
    return [PrescriptionListed(patient_ref=patient_ref, prescription_id=prescription_id, medicines=medicines)]


def list_supply(
    state: MedicationState,
    patient_ref: UUID,
    prescription_id: UUID,
    supply_id: UUID,
    quantities: Iterable[tuple[Line, int]],
    today: date,
) -> list[DomainEvent]:
    """A supply in the patient's hands, once: each line with its quantity in base units, which lasts as many days as the
    directions make of it, a part of a day counted whole."""
    if (prescription_id, supply_id) in state.supplied:
        return []
    medicines = []
    for line, quantity in quantities:
        before = state.supplied_until(prescription_id, line.line)
        start = max(today, before + timedelta(days=1)) if before else today
        days = _days(line, quantity)
        if days:
            medicines.append(_listed(line, start, days, quantity))
    return [
        SupplyListed(
            patient_ref=patient_ref,
            prescription_id=prescription_id,
            supply_id=supply_id,
            medicines=tuple(medicines),
        )
    ]


def shorten_supply(
    state: MedicationState,
    patient_ref: UUID,
    prescription_id: UUID,
    supply_id: UUID,
    brought_back: Mapping[int, int],
    lines: Mapping[int, Line],
    message_id: UUID,
) -> list[DomainEvent]:
    """What the patient brought back of a supply is taken no more: what is left lasts for fewer days. `brought_back`:
    base units by line; each message once."""
    listed = state.supplied.get((prescription_id, supply_id))
    if listed is None or message_id in state.brought_back:
        return []
    left = []
    for each in listed:
        back = brought_back.get(each.line, 0)
        if not back or each.line not in lines:
            left.append(each)
        elif each.quantity is not None and back < each.quantity:
            rest = each.quantity - back
            until = each.valid_from + timedelta(days=_days(lines[each.line], rest) - 1)
            left.append(each.model_copy(update={"quantity": rest, "until": until}))
    return [
        SupplyShortened(
            patient_ref=patient_ref,
            prescription_id=prescription_id,
            supply_id=supply_id,
            message_id=message_id,
            medicines=tuple(left),
        )
    ]


def _days(line: Line, quantity: int) -> int:
    """How long so many base units last by the directions, a part of a day counted whole."""
    return -(-quantity * line.days // line.quantity)


def end_prescription(state: MedicationState, prescription_id: UUID) -> list[DomainEvent]:
    """Only what is expected ends; what never was listed, or has ended, needs no word."""
    return [PrescriptionEnded(prescription_id=prescription_id)] if state.expected.get(prescription_id) else []


def _listed(line: Line, start: date, days: int, quantity: int | None = None) -> ListedMedicine:
    return ListedMedicine(
        line=line.line,
        product=line.product,
        generic_name=line.generic_name or line.drug_key.partition("|")[0],
        drug_key=line.drug_key,
        atc=line.atc,
        dose=line.dose,
        dose_unit=line.dose_unit,
        frequency_per_day=line.frequency_per_day,
        valid_from=start,
        until=start + timedelta(days=days - 1),
        quantity=quantity,
    )
