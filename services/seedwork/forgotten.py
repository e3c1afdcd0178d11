"""A forgotten patient: the fact, the same in every service's log. That event is the tombstone, outside the keyring.

The owner of patients' records decides it and tells the others; each of them keeps the fact in a stream of its own.
What follows from it is `services.seedwork.forgetting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class PatientForgotten(DomainEvent):
    """From here on nobody reads anything personal of this patient again."""

    TOPIC: ClassVar[str] = "patient.forgotten"

    patient_ref: UUID


@dataclass(frozen=True)
class ForgottenState:
    """Whether the patient is known to be forgotten."""

    forgotten: bool = False


def evolve_forgotten(_state: ForgottenState, _event: PatientForgotten) -> ForgottenState:
    return ForgottenState(forgotten=True)


FORGOTTEN: Aggregate[ForgottenState] = Aggregate(
    name="forgotten", events=(PatientForgotten,), initial=ForgottenState(), evolve=evolve_forgotten
)
"""Where a service that hears of it keeps it."""


def forgotten_ref(patient_ref: UUID) -> StreamRef[ForgottenState]:
    return FORGOTTEN.ref(derived_id("forgotten", patient_ref))
