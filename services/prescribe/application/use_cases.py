"""The other use cases: register a patient, cancel, and what the clock asks for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.prescribe.domain.cancellation import answer_overdue, cancel
from services.prescribe.domain.commands import (
    AcknowledgeStopUse,
    CancelPrescription,
    NominatePharmacy,
    RegisterPatient,
)
from services.prescribe.domain.instalments import close_due, open_due
from services.prescribe.domain.nomination import nominate
from services.prescribe.domain.patient_record import PATIENT, PatientState, register_patient
from services.prescribe.domain.policy import POLICIES
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.stop_use import Reader, acknowledge
from services.prescribe.domain.validity import expire
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Deciding, Decision, Load, Moment, UseCase

DEATH = "patient_died"
"""The one reason for which an institution cancels without prescriber or delegate."""


def acknowledge_stop_use(command: AcknowledgeStopUse) -> UseCase:
    """The patient, or a representative, has read the notice."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        actor = moment.actor
        reader = Reader(actor.subject, actor.patient_ref, actor.representing)
        outcome = acknowledge(prescription.state, command.request_id, reader, moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(prescription, outcome, Answer(body={"request_id": str(command.request_id)}))

    return UseCase((PRESCRIPTION.ref(command.prescription_id),), decide)


def register_new_patient(command: RegisterPatient) -> UseCase:
    """A new patient under a random reference, which is all that other records know of the person."""

    def decide(moment: Moment) -> Deciding:
        patient_ref = moment.ids.new()
        patient: Loaded[PatientState]
        (patient,) = yield Load.of(PATIENT.ref(patient_ref))
        outcome = register_patient(patient.state, command, patient_ref, moment.actor.subject, now=moment.now)
        return Decision.on(patient, outcome, Answer(status=201, body={"patient_ref": str(patient_ref)}))

    return UseCase((), decide)


def cancel_prescription(command: CancelPrescription) -> UseCase:
    """Cancels as its prescriber, or for the institution. A repeated request is told where it stands."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        actor = moment.actor
        delegate_of = actor.organisation if actor.role in {"delegate", "medical_office"} else None
        if actor.role == "medical_office" and command.reason_code != DEATH:
            return Decision.refused(Refusal("cancellation.only_on_death", {"reason_code": DEATH}))
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        outcome = cancel(prescription.state, command, actor.subject, delegate_of, policy=policy, now=moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(prescription, outcome, _cancel_answer(command, prescription.after(outcome)))

    return UseCase((PRESCRIPTION.ref(command.prescription_id),), decide)


def _cancel_answer(command: CancelPrescription, state: PrescriptionState) -> Answer:
    """200 when the answer is final, 202 while it is kept or dispatch decides."""
    request = state.cancellation(command.request_id)
    body: dict[str, Any] = {
        "prescription_id": str(command.prescription_id),
        "request_id": str(command.request_id),
        "status": str(state.status),
        "answer": request.answer if request else "kept",
        "final": request.final if request else False,
        "lines": [line.model_dump() for line in request.lines] if request else [],
        "answer_due_at": request.answer_due_at.isoformat() if request and request.answer_due_at else None,
    }
    return Answer(status=200 if body["final"] else 202, body=body)


def nominate_pharmacy(command: NominatePharmacy) -> UseCase:
    """The patient's choice; carried in the release."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        outcome = nominate(prescription.state, command, moment.actor.patient_ref)
        body = {"prescription_id": str(command.prescription_id), "nominated_pharmacy": command.pharmacy}
        return Decision.on(prescription, outcome, Answer(body=body))

    return UseCase((PRESCRIPTION.ref(command.prescription_id),), decide)


def end_validity(prescription_id: UUID) -> UseCase:
    """The clock: validity is over."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        return Decision.on(prescription, expire(prescription.state, moment.now))

    return UseCase((PRESCRIPTION.ref(prescription_id),), decide)


def open_instalment(prescription_id: UUID) -> UseCase:
    """The clock: the next instalment of a long-term supply may be held."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        return Decision.on(prescription, open_due(prescription.state, moment.now))

    return UseCase((PRESCRIPTION.ref(prescription_id),), decide)


def close_instalments(prescription_id: UUID) -> UseCase:
    """The clock: the window of an instalment is over."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        return Decision.on(prescription, close_due(prescription.state, moment.now))

    return UseCase((PRESCRIPTION.ref(prescription_id),), decide)


def tell_undecided(prescription_id: UUID) -> UseCase:
    """The clock: a cancellation has had no final answer by the time it was due."""

    def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
        return Decision.on(prescription, answer_overdue(prescription.state, moment.now))

    return UseCase((PRESCRIPTION.ref(prescription_id),), decide)
