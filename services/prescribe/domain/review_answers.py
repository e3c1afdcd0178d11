"""Decisions about what the review says of a revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.prescribe.domain.instalments import first_instalment
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import (
    PrescriptionRefused,
    PrescriptionReleased,
    PrescriptionReturned,
    ReviewAnswered,
    ReviewAnswerStale,
)
from services.prescribe.domain.validity import expire
from services.prescribe.domain.values import Finding, Reviewer
from services.seedwork.model import Outcome, Refusal

Why = Literal["not_current", "other_content", "not_under_review", "validity_over"]


@dataclass(frozen=True)
class ReviewAnswer:
    """A pharmacist's answer to one case: one revision and confirmation, of one exact content."""

    answer: Literal["passed", "returned", "refused"]
    case_id: UUID
    revision: int
    confirmation_no: int
    signed_sha256: str
    reviewers: tuple[Reviewer, ...] = ()
    findings: tuple[Finding, ...] = ()
    codes: tuple[str, ...] = ()
    comment: str | None = None


_ANSWERS: Mapping[str, type[ReviewAnswered]] = {
    "passed": PrescriptionReleased,
    "returned": PrescriptionReturned,
    "refused": PrescriptionRefused,
}


def take_answer(state: PrescriptionState, answer: ReviewAnswer, now: datetime) -> Outcome:
    """Released, returned or refused when the answer is about what is under review now; otherwise recorded."""
    if state.current is None:
        return Refusal("prescription.unknown")
    why = _stale(state, answer, now)
    if why is not None:
        return [_recorded(answer, why), *(expire(state, now) if why == "validity_over" else ())]
    event = _about(_ANSWERS[answer.answer], state, answer)
    return [event, first_instalment(state, now)] if answer.answer == "passed" else [event]


def _stale(state: PrescriptionState, answer: ReviewAnswer, now: datetime) -> Why | None:
    """Why the answer is not about what is under review now."""
    current = state.signed
    if (answer.revision, answer.confirmation_no) != (current.revision, current.confirmation_no):
        return "not_current"
    if state.refuses(f"case_{answer.answer}"):
        return "not_under_review"
    if answer.signed_sha256 != current.signature.sha256:
        return "other_content"
    return "validity_over" if state.past_validity(now) else None


def _recorded(answer: ReviewAnswer, why: Why) -> ReviewAnswerStale:
    return ReviewAnswerStale(
        case_id=answer.case_id,
        answer=answer.answer,
        revision=answer.revision,
        confirmation_no=answer.confirmation_no,
        why=why,
    )


def _about(event: type[ReviewAnswered], state: PrescriptionState, answer: ReviewAnswer) -> ReviewAnswered:
    return event(
        case_id=answer.case_id,
        patient_ref=state.signed.patient_ref,
        revision=answer.revision,
        confirmation_no=answer.confirmation_no,
        reviewers=answer.reviewers,
        findings=answer.findings,
        codes=answer.codes,
        comment=answer.comment,
    )
