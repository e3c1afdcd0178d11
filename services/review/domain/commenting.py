"""Prescription comment (处方点评): passed cases are drawn, and another pharmacist says what they think of them, by the
official codes (医院处方点评管理规范); no code means rational (合理). It changes nothing about the prescription."""

from __future__ import annotations

from datetime import datetime

from services.review.domain.authority import answering, as_reviewer, may_not_review
from services.review.domain.case import CaseState
from services.review.domain.commands import CommentCase, SampleCase
from services.review.domain.events import CaseCommented, CaseSampled
from services.review.domain.policy import ReviewPolicy
from services.review.domain.values import Licence
from services.seedwork.model import DomainEvent, Outcome, Refusal


def sample_case(state: CaseState, _command: SampleCase, now: datetime, licence: Licence) -> Outcome:
    """Somebody wants this case commented. One that is drawn already stays drawn."""
    opened = answering(state, "SampleCase")
    if isinstance(opened, Refusal):
        return opened
    refusal = may_not_review(licence, opened)
    if refusal:
        return refusal
    return [] if state.sampled else [CaseSampled(by=licence.person, sampled_at=now)]


def sample_refused(state: CaseState, pharmacist: str, now: datetime) -> list[DomainEvent]:
    """A pharmacist at a counter has refused what was passed here: somebody else should say who is right."""
    if isinstance(answering(state, "supply_refused"), Refusal) or state.sampled:
        return []
    return [CaseSampled(by=pharmacist, sampled_at=now)]


def comment_case(
    state: CaseState, command: CommentCase, now: datetime, licence: Licence, policy: ReviewPolicy
) -> Outcome:
    """Once, by a pharmacist who has not passed the case."""
    opened = answering(state, "CommentCase")
    if isinstance(opened, Refusal):
        return opened
    refusal = may_not_review(licence, opened)
    if refusal:
        return refusal
    if state.sampled is None:
        return Refusal("case.not_sampled")
    if state.commented is not None:
        return Refusal("case.commented_already")
    if licence.person in {reviewer.person for reviewer in state.reviewers}:
        return Refusal("case.comment_on_own_review", {"person": licence.person})
    unknown = sorted(set(command.codes) - policy.result_codes.keys())
    if unknown:
        return Refusal("case.unknown_code", {"codes": unknown})
    commented = CaseCommented(
        patient_ref=opened.patient_ref,
        reviewer=as_reviewer(licence),
        codes=tuple(dict.fromkeys(command.codes)),
        comment=command.comment,
        commented_at=now,
    )
    return [commented]
