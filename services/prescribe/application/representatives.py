"""Use cases of representatives: appointed and withdrawn, by the patient or by an officer of an institution."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from contracts.events import prescribe_representation as public
from services.prescribe.application.known import prescriber_entry
from services.prescribe.application.registers import REGISTER
from services.prescribe.domain.commands import AppointRepresentative, WithdrawRepresentation
from services.prescribe.domain.patient_record import PATIENT, PatientState
from services.prescribe.domain.policy import POLICIES
from services.prescribe.domain.representative_events import (
    Appointment,
    RepresentationWithdrawn,
    RepresentativeAppointed,
)
from services.prescribe.domain.representatives import Appointer, appoint, withdraw
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Happened, Translation
from services.seedwork.model import DomainEvent, Loaded, Refusal
from services.seedwork.reference import entry
from services.seedwork.usecase import Actor, Answer, Decision, Find, Load, Moment, UseCase

Thinking = Generator[Load | Find, Any, Decision]
SHOWN_OF_IDENTITY = 4
"""The last characters of an identity number: enough to tell two people of one name apart."""


def appoint_representative(command: AppointRepresentative) -> UseCase:
    """The answer names the appointment and its last day."""

    def decide(moment: Moment, patient: Loaded[PatientState]) -> Thinking:
        if not (yield from _concerns(moment, patient, command.patient_ref)):
            return Decision.refused(Refusal("patient.not_yours"))
        rules = POLICIES.on(civil_day(moment.now), moment.jurisdiction).representatives
        appointment_id = moment.ids.new()
        outcome = appoint(patient.state, command, appointment_id, _by(moment.actor), rules=rules, now=moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        appointment = patient.after(outcome).appointments.by_id[appointment_id]
        return Decision.on(patient, outcome, Answer(201, _terms_view(appointment)))

    return UseCase((PATIENT.ref(command.patient_ref),), decide)


def withdraw_representation(command: WithdrawRepresentation) -> UseCase:
    """From the save on nothing is done by it in prescribe, in the others once they hear of it."""

    def decide(moment: Moment, patient: Loaded[PatientState]) -> Thinking:
        if not (yield from _concerns(moment, patient, command.patient_ref)):
            return Decision.refused(Refusal("patient.not_yours"))
        outcome = withdraw(patient.state, command.appointment_id, _by(moment.actor), now=moment.now)
        return Decision.on(patient, outcome, Answer(body={"appointment_id": str(command.appointment_id)}))

    return UseCase((PATIENT.ref(command.patient_ref),), decide)


def _by(actor: Actor) -> Appointer:
    return Appointer(actor.subject, None if actor.role == "patient" else actor.organisation or "")


def _concerns(moment: Moment, patient: Loaded[PatientState], patient_ref: UUID) -> Generator[Load | Find, Any, bool]:
    """The patient, and officers of an institution where the patient was registered or something prescribed for them."""
    actor = moment.actor
    if actor.role == "patient":
        return actor.patient_ref == patient_ref
    if not patient.exists or not actor.organisation:
        return False
    (person,) = yield Load.of(entry(REGISTER, "person", patient.state.registered_by))
    registered_by = prescriber_entry(person.state, civil_day(moment.now))
    if registered_by is not None and actor.organisation in registered_by.sites:
        return True
    asked = {"institution": actor.organisation, "patient_ref": patient_ref}
    return bool((yield Find("prescribed_in", asked)))


def show_appointment(appointment: Appointment) -> dict[str, Any]:
    """One appointment as the patient sees it; what is personal is null once they are forgotten."""
    event, person = appointment.appointed, appointment.appointed.person
    withdrawn = appointment.withdrawn
    number = person.identity_number if person else ""
    return {
        **_terms_view(appointment),
        "kind": person.kind if person else None,
        "name": person.name if person else None,
        "identity_number_ends": number[-SHOWN_OF_IDENTITY:] or None,
        "institution": event.institution,
        "appointed_at": event.appointed_at.isoformat(),
        "withdrawn_at": withdrawn.withdrawn_at.isoformat() if withdrawn else None,
    }


def _terms_view(appointment: Appointment) -> dict[str, Any]:
    terms = appointment.appointed.terms
    shown = terms.model_dump(mode="json") if terms else {}
    return {"appointment_id": str(appointment.appointed.appointment_id), **shown}


def _appointed(it: Happened) -> Iterable[public.RepresentativeAppointed]:
    event = cast(RepresentativeAppointed, it.event)
    terms = public.RepresentationTerms.model_validate(event.terms.model_dump()) if event.terms else None
    yield public.RepresentativeAppointed(
        patient_ref=event.patient_ref, appointment_id=event.appointment_id, terms=terms
    )


def _withdrawn(it: Happened) -> Iterable[public.RepresentationEnded]:
    event = cast(RepresentationWithdrawn, it.event)
    yield public.RepresentationEnded(patient_ref=event.patient_ref, appointment_id=event.appointment_id)


TRANSLATE_REPRESENTATIVES: Mapping[type[DomainEvent], Translation] = {
    RepresentativeAppointed: _appointed,
    RepresentationWithdrawn: _withdrawn,
}
