"""Use cases of forgetting a patient: asked for, and when it is due."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

from services.prescribe.domain.commands import ForgetPatient
from services.prescribe.domain.forgetting import Records, ask_to_forget, forget_when_due
from services.prescribe.domain.patient_record import LEAVING, PATIENT, PatientState
from services.prescribe.domain.policy import POLICIES, RecordKind
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.model import Loaded, Refusal
from services.seedwork.usecase import Answer, Decision, Find, Moment, UseCase

Thinking = Generator[Find, Any, Decision]


def forget_patient(command: ForgetPatient) -> UseCase:
    """The patient's own wish, or the administrator's when the purpose is over."""

    def decide(moment: Moment, patient: Loaded[PatientState]) -> Thinking:
        actor = moment.actor
        if actor.role == "patient" and actor.patient_ref != command.patient_ref:
            return Decision.refused(Refusal("patient.not_yours"))
        records = yield _records_of(command.patient_ref)
        outcome = ask_to_forget(
            patient.state,
            command,
            actor.subject,
            map(_read, records),
            policy=POLICIES.on(civil_day(moment.now), moment.jurisdiction),
            now=moment.now,
        )
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(patient, outcome, _answer(patient.after(outcome)))

    return UseCase((PATIENT.ref(command.patient_ref),), decide)


def forget_due_patient(patient_ref: UUID) -> UseCase:
    """The clock: the wait is over."""

    def decide(moment: Moment, patient: Loaded[PatientState]) -> Thinking:
        records = yield _records_of(patient_ref)
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        return Decision.on(
            patient,
            list(forget_when_due(patient.state, patient_ref, map(_read, records), policy=policy, now=moment.now)),
        )

    return UseCase((PATIENT.ref(patient_ref),), decide)


def _records_of(patient_ref: UUID) -> Find:
    return Find("records_of_patient", {"patient_ref": patient_ref})


def _read(row: Mapping[str, Any]) -> Records:
    marks: tuple[RecordKind, ...] = ("dispensed", "online_visit")
    kinds = frozenset({row["strictest_class"], *(mark for mark in marks if row[mark])})
    return Records(row["status"], kinds, from_micros(row["valid_until"]))


def _answer(state: PatientState) -> Answer:
    """202 as long as it is still to be done."""
    forget_at = state.forget_at.isoformat() if state.forget_at else None
    body = {"patient_ref": str(state.patient_ref), "status": state.status, "forget_at": forget_at}
    return Answer(202 if state.status == LEAVING else 200, body)
