"""The aggregate PatientRecord: who a patient is, and what is known of them beyond one visit.

`patient_ref` is random: nothing about the person follows from it, and destroying the patient's keys forgets them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from services.prescribe.domain.commands import RegisterPatient
from services.prescribe.domain.values import StandingFacts
from services.seedwork.calendar import civil_day
from services.seedwork.model import Aggregate, DomainEvent, Immutable, Outcome, Personal, PersonalClass, Refusal
from services.seedwork.transitions import NOT_YET, Transition, Transitions

Sex = Literal["female", "male"]

PATIENT_TRANSITIONS = Transitions(
    (Transition(NOT_YET, "RegisterPatient", "identity number valid, birth date and sex agree with it", "known", "-"),)
)


class Identity(Immutable):
    """Who the person is."""

    identity_number: str
    name: str
    sex: Sex
    birth_date: date


class Contact(Immutable):
    """How the person is reached."""

    phone: str
    address: str


class PatientRegistered(DomainEvent):
    """A person is known as a patient under a random reference."""

    TOPIC: ClassVar[str] = "prescribe.patient.patient_registered"

    patient_ref: UUID
    registered_by: str
    identity: Annotated[Identity | None, Personal(PersonalClass.IDENTITY)]
    contact: Annotated[Contact | None, Personal(PersonalClass.CONTACT)]
    facts: Annotated[StandingFacts | None, Personal(PersonalClass.CLINICAL)]


@dataclass(frozen=True)
class PatientState:
    """A patient's record; the personal parts are None once the patient is forgotten."""

    patient_ref: UUID | None = None
    registered_by: str = ""
    identity: Identity | None = None
    contact: Contact | None = None
    facts: StandingFacts | None = None


def evolve_patient(state: PatientState, event: PatientRegistered) -> PatientState:
    return replace(
        state,
        patient_ref=event.patient_ref,
        registered_by=event.registered_by,
        identity=event.identity,
        contact=event.contact,
        facts=event.facts,
    )


def register_patient(
    state: PatientState, command: RegisterPatient, patient_ref: UUID, registered_by: str, *, now: datetime
) -> Outcome:
    """The identity number (GB 11643) carries birth date and sex: what contradicts it is a typing error or a forgery."""
    stands = NOT_YET if state.patient_ref is None else "known"
    if not PATIENT_TRANSITIONS.allows(stands, "RegisterPatient"):
        return Refusal("patient.already_registered", {"patient_ref": str(patient_ref)})
    try:
        number = ric.validate(command.identity_number.upper())
    except ValidationError:
        return Refusal("patient.identity_number")
    if ric.get_birth_date(number) != command.birth_date or command.birth_date > civil_day(now):
        return Refusal("patient.birth_date")
    if (int(number[16]) % 2 == 1) != (command.sex == "male"):
        return Refusal("patient.sex")
    return [
        PatientRegistered(
            patient_ref=patient_ref,
            registered_by=registered_by,
            identity=Identity(
                identity_number=number, name=command.name, sex=command.sex, birth_date=command.birth_date
            ),
            contact=Contact(phone=command.phone, address=command.address),
            facts=command.facts,
        )
    ]


PATIENT = Aggregate(name="patient", events=(PatientRegistered,), initial=PatientState(), evolve=evolve_patient)
