"""Who may do what to a case: licence, institution or agreement, lease, and never twice the same pair of eyes."""

from __future__ import annotations

from datetime import datetime

from services.review.domain.case import CaseState
from services.review.domain.case_transitions import CASE_TRANSITIONS
from services.review.domain.events import CaseOpened
from services.review.domain.values import Licence, Reviewer
from services.seedwork.model import Refusal

REVIEWER = "reviewer"
"""The profession in the register that may review."""
SUPERVISOR = "supervisor"
"""Beside it: the profession that may take over what somebody else holds."""


def answering(state: CaseState, trigger: str, status: str | None = None) -> CaseOpened | Refusal:
    """What the case was opened with, when the table has a row for this trigger."""
    if state.opened is None:
        return Refusal("case.unknown")
    if not CASE_TRANSITIONS.allows(status or state.status, trigger):
        return Refusal("case.wrong_state", {"state": state.status, "trigger": trigger})
    return state.opened


def in_hand(state: CaseState, trigger: str, now: datetime, licence: Licence) -> CaseOpened | Refusal:
    """What the case was opened with, when this person may decide it: the holder, or another one than the first."""
    opened = answering(state, trigger)
    if isinstance(opened, Refusal):
        return opened
    refusal = _first_again(state, licence) if state.second_wanted else not_holding(state, licence.person, now)
    return refusal or may_not_review(licence, opened) or opened


def may_not_review(licence: Licence, opened: CaseOpened) -> Refusal | None:
    """Licensed today, for this institution or one it agreed with, and never the prescriber: two pairs of eyes."""
    if refusal := not_licensed(licence):
        return refusal
    if licence.organisation != opened.institution and not licence.agreement_in_force:
        return Refusal("case.not_yours")
    if not licence.organisation_in_force:
        return Refusal("case.institution_not_admitted", {"institution": licence.organisation})
    if licence.person == opened.prescriber:
        return Refusal("case.own_prescription")
    return None


def not_licensed(licence: Licence) -> Refusal | None:
    """A reviewing pharmacist by the register, today."""
    if not licence.in_force:
        return Refusal("case.reviewer_not_registered", {"person": licence.person})
    if REVIEWER not in licence.professions:
        return Refusal("case.not_a_reviewer", {"person": licence.person})
    return None


def may_not_supervise(licence: Licence) -> Refusal | None:
    if SUPERVISOR not in licence.professions:
        return Refusal("case.not_a_supervisor", {"person": licence.person})
    return None


def not_holding(state: CaseState, person: str, now: datetime) -> Refusal | None:
    if state.holder is None or state.holder.person != person:
        return Refusal("case.taken_by_another")
    if state.lease_over(now):
        return Refusal("case.lease_expired")
    return None


def as_reviewer(licence: Licence, signed_sha256: str | None = None) -> Reviewer:
    """The person as the others are told."""
    return Reviewer(
        person=licence.person, name=licence.name, organisation=licence.organisation, signed_sha256=signed_sha256
    )


def _first_again(state: CaseState, licence: Licence) -> Refusal | None:
    if licence.person in {reviewer.person for reviewer in state.reviewers}:
        return Refusal("case.second_must_be_another", {"person": licence.person})
    return None
