"""The aggregate PatientRecord: who a patient is, and what is known of them beyond one visit.

`patient_ref` is random: nothing about the person follows from it, and destroying the patient's keys forgets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, assert_never
from uuid import UUID

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from services.prescribe.domain.commands import RegisterPatient
from services.prescribe.domain.representative_events import (
    Appointments,
    RepresentationWithdrawn,
    RepresentativeAppointed,
)
from services.prescribe.domain.values import StandingFacts
from services.seedwork.calendar import civil_day
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.model import Aggregate, DomainEvent, Immutable, Outcome, Personal, PersonalClass, Refusal
from services.seedwork.representation import Representation
from services.seedwork.transitions import NOT_YET, Transition, Transitions

Sex = Literal["female", "male"]

KNOWN, LEAVING, FORGOTTEN = "known", "leaving", "forgotten"
FORGETTING = "forgetting"
"""The deadline after which a patient who is leaving is forgotten."""

PATIENT_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "RegisterPatient", "identity number valid, birth date and sex agree with it", KNOWN, "-"),
        Transition(KNOWN, "ForgetPatient", "no prescription runs, no legal period either", LEAVING, "-"),
        Transition(
            KNOWN,
            "AppointRepresentative",
            "by whom, of whom and for how long the kind says",
            KNOWN,
            "representative_appointed",
        ),
        Transition(KNOWN, "WithdrawRepresentation", "", KNOWN, "representation_ended"),
        Transition(LEAVING, "WithdrawRepresentation", "", LEAVING, "representation_ended"),
        Transition(LEAVING, "ForgetPatient", "", LEAVING, "-"),
        Transition(LEAVING, "clock: forgetting", "as before", FORGOTTEN, "patient_forgotten"),
        Transition(LEAVING, "clock: forgetting", "something runs after all", KNOWN, "-"),
        Transition(FORGOTTEN, "ForgetPatient", "", FORGOTTEN, "-"),
    )
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


class ForgettingAsked(DomainEvent):
    """The patient is to be forgotten: nothing new is written for them."""

    TOPIC: ClassVar[str] = "prescribe.patient.forgetting_asked"

    patient_ref: UUID
    asked_by: str
    reason_code: str
    forget_at: datetime


class ForgettingCalledOff(DomainEvent):
    """When it was due, something obliged to keep the patient's data after all."""

    TOPIC: ClassVar[str] = "prescribe.patient.forgetting_called_off"

    patient_ref: UUID
    reason: str


@dataclass(frozen=True)
class PatientState:
    """A patient's record; the personal parts are None once the patient is forgotten."""

    status: str = NOT_YET
    patient_ref: UUID | None = None
    registered_by: str = ""
    identity: Identity | None = None
    contact: Contact | None = None
    facts: StandingFacts | None = None
    forget_at: datetime | None = None
    appointments: Appointments = field(default_factory=Appointments)

    @property
    def representations(self) -> tuple[Representation, ...]:
        """Who may act for the patient, on the days that each names."""
        given = (each.gives() for each in self.appointments.by_id.values())
        return tuple(each for each in given if each)


PatientEvent = (
    PatientRegistered
    | ForgettingAsked
    | ForgettingCalledOff
    | RepresentativeAppointed
    | RepresentationWithdrawn
    | PatientForgotten
)


def evolve_patient(state: PatientState, event: PatientEvent) -> PatientState:
    match event:
        case PatientRegistered():
            return replace(
                state,
                status=KNOWN,
                patient_ref=event.patient_ref,
                registered_by=event.registered_by,
                identity=event.identity,
                contact=event.contact,
                facts=event.facts,
            )
        case ForgettingAsked():
            return replace(state, status=LEAVING, forget_at=event.forget_at)
        case ForgettingCalledOff():
            return replace(state, status=KNOWN, forget_at=None)
        case RepresentativeAppointed() | RepresentationWithdrawn():
            return replace(state, appointments=state.appointments.after(event))
        case PatientForgotten():  # also before the keys are gone
            return PatientState(FORGOTTEN, state.patient_ref, state.registered_by)
        case _:
            assert_never(event)


def next_due(state: PatientState) -> Mapping[str, datetime]:
    return {FORGETTING: state.forget_at} if state.forget_at else {}


def register_patient(
    state: PatientState, command: RegisterPatient, patient_ref: UUID, registered_by: str, *, now: datetime
) -> Outcome:
    """The identity number (GB 11643) carries birth date and sex: what contradicts it is a typing error or a forgery."""
    if not PATIENT_TRANSITIONS.allows(state.status, "RegisterPatient"):
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


PATIENT = Aggregate(
    name="patient",
    events=(
        PatientRegistered,
        ForgettingAsked,
        ForgettingCalledOff,
        RepresentativeAppointed,
        RepresentationWithdrawn,
        PatientForgotten,
    ),
    initial=PatientState(),
    evolve=evolve_patient,
    next_due=next_due,
)
