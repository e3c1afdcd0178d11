"""Use cases of what the same prescriber says of a prescription by another signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from services.prescribe.application.known import prescriber_entry
from services.prescribe.application.registers import REGISTER
from services.prescribe.application.signed_commands import check_signature, read_payload
from services.prescribe.domain import blocking
from services.prescribe.domain.commands import AnswerQuery, ConfirmFindings, SignedAgain
from services.prescribe.domain.confirmation import confirm_findings
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.signing_again import Signer
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Answer, Decision, Moment, UseCase

A = TypeVar("A", bound=SignedAgain)
Showing = Callable[[PrescriptionState], Answer]


def confirm_prescription(jws: str, prescription_id: UUID) -> UseCase:
    """The prescriber insists on a returned prescription (双签名)."""
    return _signed_again(jws, ConfirmFindings, prescription_id, confirm_findings, _confirmed)


def answer_query(jws: str, prescription_id: UUID) -> UseCase:
    """The prescriber answers why lines were blocked, and stands for them (重新签字)."""
    return _signed_again(jws, AnswerQuery, prescription_id, blocking.answer_query, _standing)


def _standing(state: PrescriptionState) -> Answer:
    signed = state.signed
    body = {
        "prescription_id": str(signed.prescription_id),
        "status": str(state.status),
        "blocked_lines": sorted(state.blocked_lines),
    }
    return Answer(status=201, body=body)


def _confirmed(state: PrescriptionState) -> Answer:
    signed = state.signed
    body = {
        "prescription_id": str(signed.prescription_id),
        "status": str(state.status),
        "revision": signed.revision,
        "confirmation_no": signed.confirmation_no,
        "valid_until": signed.valid_until.isoformat(),
    }
    return Answer(status=201, body=body)


def _signed_again(
    jws: str, kind: type[A], prescription_id: UUID, decide_on: Callable[..., Outcome], show: Showing
) -> UseCase:
    command = read_payload(jws, kind)
    if isinstance(command, Refusal):
        return _refused(command)
    if command.prescription_id != prescription_id:
        return _refused(Refusal("prescription.other_id"))
    wanted = command

    def decide(moment: Moment, prescription: Loaded[PrescriptionState], person: Loaded[EntryState]) -> Decision:
        if moment.actor.subject != wanted.prescriber:
            return Decision.refused(Refusal("prescription.not_yours"))
        day = civil_day(moment.now)
        signer = Signer(jws, check_signature(jws, person.state, moment), prescriber_entry(person.state, day))
        outcome: Any = decide_on(prescription.state, wanted, signer, now=moment.now)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(prescription, outcome, show(prescription.after(outcome)))

    person = entry(REGISTER, "person", wanted.prescriber)
    return UseCase((PRESCRIPTION.ref(prescription_id),), decide, relaxed=(person,))


def _refused(refusal: Refusal) -> UseCase:
    return UseCase((), lambda _moment: Decision.refused(refusal))
