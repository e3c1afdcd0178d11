"""What insurance keeps of a prescription: what claims are checked against. It never refuses a lawful supply: what is
late or missing is not known, and a rule that needs it says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from services.seedwork.model import (
    Aggregate,
    DomainEvent,
    Immutable,
    Personal,
    PersonalClass,
    StreamRef,
    derived_id,
)


class KnownLine(Immutable):
    """One line as it was released: base units, and for how many days they last by the directions."""

    line: int
    generic_name: str
    quantity: int
    days: int | None


class PrescriptionKnown(DomainEvent):
    """A prescription was released, in this revision."""

    TOPIC: ClassVar[str] = "insurance.prescription.known"

    prescription_id: UUID
    patient_ref: UUID
    revision: int
    prescriber: str
    institution: str
    sex: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    age_days: Annotated[int | None, Personal(PersonalClass.CLINICAL)]
    diagnoses: Annotated[tuple[str, ...] | None, Personal(PersonalClass.CLINICAL)]
    """ICD-10 codes, those of Chinese medicine beside them."""
    lines: tuple[KnownLine, ...]


@dataclass(frozen=True)
class PrescriptionState:
    """The last revision that was told; None: not told yet."""

    known: PrescriptionKnown | None = None

    def days(self, line: int, quantity: int) -> int | None:
        """How long so many base units of a line last, rounded up; None: not known."""
        found = next((each for each in self.known.lines if each.line == line), None) if self.known else None
        return None if found is None or found.days is None else -(-found.days * quantity // found.quantity)


def evolve(_state: PrescriptionState, event: PrescriptionKnown) -> PrescriptionState:
    return PrescriptionState(event)


def know(state: PrescriptionState, told: PrescriptionKnown) -> list[DomainEvent]:
    """A later revision takes the place of an earlier one, never the other way."""
    return [] if state.known and state.known.revision >= told.revision else [told]


PRESCRIPTION: Aggregate[PrescriptionState] = Aggregate(
    name="known_prescription", events=(PrescriptionKnown,), initial=PrescriptionState(), evolve=evolve
)


def prescription_ref(prescription_id: UUID) -> StreamRef[PrescriptionState]:
    return PRESCRIPTION.ref(derived_id("known_prescription", prescription_id))
