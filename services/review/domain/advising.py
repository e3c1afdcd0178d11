"""The decisions over advice, all pure."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from services.review.domain.advice import (
    AdviceState,
    AskerKind,
    ChangesSuggested,
    ConsultationAnswered,
    ConsultationAsked,
    ConsultationWithdrawn,
    MedicationReviewClosed,
    MedicationReviewOpened,
    duplicates_in,
)
from services.review.domain.authority import as_reviewer, may_not_act_for, may_not_review
from services.review.domain.commands import AnswerConsultation, AskConsultation, SuggestChanges
from services.review.domain.decisions import screened_again
from services.review.domain.events import CaseOpened
from services.review.domain.knowledge.index import Knowledge
from services.review.domain.medication import MedicationState, current_medicines
from services.review.domain.policy import ReviewPolicy
from services.review.domain.values import Licence
from services.seedwork.model import Outcome, Refusal


def ask_consultation(
    advice_id: UUID,
    command: AskConsultation,
    about: tuple[CaseOpened, ...],
    asker: str,
    asker_kind: AskerKind,
    patient_ref: UUID | None,
    now: datetime,
    *,
    agreement_in_force: bool,
) -> Outcome:
    """`about`: what the prescriptions' cases were opened with, as many as are known; `patient_ref` the asking
    patient's."""
    if len(about) != len(command.prescriptions):
        return Refusal("advice.prescription_unknown")
    own = (
        all(opened.patient_ref == patient_ref for opened in about)
        if asker_kind == "patient"
        else all(opened.prescriber == asker for opened in about)
    )
    if not own:
        return Refusal("advice.not_yours")
    first = about[0]
    if any(opened.patient_ref != first.patient_ref for opened in about):
        return Refusal("advice.several_patients")
    institution = command.institution or first.institution
    if institution != first.institution and not agreement_in_force:
        return Refusal("advice.no_agreement", {"institution": institution})
    asked = ConsultationAsked(
        advice_id=advice_id,
        patient_ref=first.patient_ref,
        prescriptions=command.prescriptions,
        institution=institution,
        asked_by=asker,
        asker_kind=asker_kind,
        question=command.question,
        asked_at=now,
    )
    return [asked]


def answer_consultation(state: AdviceState, command: AnswerConsultation, now: datetime, licence: Licence) -> Outcome:
    asked = state.asked_for("AnswerConsultation")
    if isinstance(asked, Refusal):
        return asked
    refusal = may_not_act_for(licence, asked.institution)
    if refusal:
        return refusal
    if licence.person == asked.asked_by:
        return Refusal("advice.own_question")
    answered = ConsultationAnswered(
        patient_ref=asked.patient_ref, pharmacist=as_reviewer(licence), answer=command.answer, answered_at=now
    )
    return [answered]


def withdraw_consultation(state: AdviceState, asker: str, now: datetime) -> Outcome:
    asked = state.asked_for("WithdrawConsultation")
    if isinstance(asked, Refusal):
        return asked
    if asked.asked_by != asker:
        return Refusal("advice.not_yours")
    return [ConsultationWithdrawn(withdrawn_at=now)]


def open_medication_review(
    advice_id: UUID,
    opened: CaseOpened | None,
    medication: MedicationState,
    licence: Licence,
    policy: ReviewPolicy,
    knowledge: Knowledge | None,
    today: date,
    now: datetime,
) -> Outcome:
    """Everything the patient takes today, with what stands out; `opened` is the case of the prescription it starts
    from."""
    if opened is None:
        return Refusal("advice.prescription_unknown")
    refusal = may_not_review(licence, opened)
    if refusal:
        return refusal
    medicines = current_medicines(medication, today)
    others = current_medicines(medication, today, apart_from=opened.prescription_id)
    review = MedicationReviewOpened(
        advice_id=advice_id,
        patient_ref=opened.patient_ref,
        prescriptions=(opened.prescription_id,),
        institution=opened.institution,
        prescriber=opened.prescriber,
        pharmacist=as_reviewer(licence),
        medicines=medicines,
        duplicates=duplicates_in(medicines),
        findings=screened_again(opened, others, policy, knowledge, today) or (),
        opened_at=now,
    )
    return [review]


def suggest_changes(state: AdviceState, command: SuggestChanges, now: datetime, licence: Licence) -> Outcome:
    """To the prescriber; what is not on the list cannot be changed."""
    opened = state.opened_for("SuggestChanges")
    if isinstance(opened, Refusal):
        return opened
    refusal = may_not_act_for(licence, opened.institution)
    if refusal:
        return refusal
    listed = {medicine.drug_key for medicine in opened.medicines or ()}
    strange = sorted({candidate.drug_key for candidate in command.candidates} - listed)
    if strange:
        return Refusal("advice.not_taken", {"medicines": strange})
    suggested = ChangesSuggested(
        patient_ref=opened.patient_ref,
        pharmacist=as_reviewer(licence),
        candidates=command.candidates,
        advice=command.advice,
        suggested_at=now,
    )
    return [suggested]


def close_medication_review(state: AdviceState, now: datetime, licence: Licence) -> Outcome:
    opened = state.opened_for("CloseMedicationReview")
    if isinstance(opened, Refusal):
        return opened
    refusal = may_not_act_for(licence, opened.institution)
    if refusal:
        return refusal
    return [MedicationReviewClosed(pharmacist=as_reviewer(licence), closed_at=now)]
