"""The decisions over one review case but for its end, all pure: state, command, time, and what the register says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from services.review.domain.authority import (
    answering,
    as_reviewer,
    may_not_review,
    may_not_supervise,
    not_holding,
)
from services.review.domain.case import CaseState
from services.review.domain.case_transitions import CASE_TRANSITIONS
from services.review.domain.commands import PutBack, TakeCase, TakeOver
from services.review.domain.events import (
    CaseClosed,
    CaseEscalated,
    CaseLeaseExpired,
    CaseOpened,
    CasePutBack,
    CaseRescreened,
    CaseScreened,
    CaseTaken,
    ClosedAs,
)
from services.review.domain.knowledge.index import Knowledge
from services.review.domain.policy import ReviewPolicy
from services.review.domain.screening import Subject, screen, unavailable
from services.review.domain.values import PHARMACIST, ConfirmedFinding, Finding, Licence, Medicine, Severity
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Outcome, Refusal
from services.seedwork.transitions import NOT_YET

RESCREENED_FROM = 2
"""Instalment 1 opens with the review itself."""
CLOSES: Mapping[str, ClosedAs] = {
    "prescription_issued": "superseded",
    "prescription_cancelled": "withdrawn",
    "prescription_expired": "lapsed",
}


def deadline_of(opened_at: datetime, policy: ReviewPolicy, *, emergency: bool) -> datetime:
    """Until when a case should be decided."""
    limits = policy.escalation
    return opened_at + timedelta(minutes=limits.minutes_emergency if emergency else limits.minutes)


def open_case(
    state: CaseState,
    opened: CaseOpened,
    policy: ReviewPolicy,
    knowledge: Knowledge | None,
    before: tuple[Finding, ...] = (),
) -> list[DomainEvent]:
    """Opened and screened in one go; without readable content or readable knowledge it says so. A repeat changes
    nothing. `before`: what was found in the case that the prescriber answered; what is found again and was confirmed
    counts as confirmed."""
    if state.status != NOT_YET:
        return []
    subject = subject_of(opened)
    degraded = subject is None or knowledge is None
    if subject is None or knowledge is None:
        findings = unavailable(knowledge.version if knowledge else policy.version)
    else:
        findings = screen(subject, knowledge, policy)
    insisted = _insisted_on(before, opened.confirmed or (), after=len(findings))
    confirmed = _confirmed(findings, before, opened.confirmed or ()) + tuple(each.number for each in insisted)
    return [opened, CaseScreened(findings=findings + insisted, degraded=degraded, confirmed=confirmed)]


def rescreen(
    state: CaseState,
    instalment: int,
    medicines: tuple[Medicine, ...],
    policy: ReviewPolicy,
    knowledge: Knowledge | None,
    today: date,
) -> list[DomainEvent]:
    """A later instalment opens: screened again, once, with what is known and taken today. Only what blocks and is new
    is found; the prescription was passed with the rest."""
    allowed = CASE_TRANSITIONS.allows(state.status, "instalment_opened")
    if state.opened is None or not allowed or instalment < RESCREENED_FROM or instalment in state.rescreened:
        return []
    found = screened_again(state.opened, medicines, policy, knowledge, today)
    if found is None:
        return [CaseRescreened(instalment=instalment, findings=(), degraded=True)]
    known = {_what(finding) for finding in state.findings}
    new = [finding for finding in found if finding.severity is Severity.BLOCKING and _what(finding) not in known]
    numbered = (
        finding.model_copy(update={"number": number})
        for number, finding in enumerate(new, start=len(state.findings) + 1)
    )
    return [CaseRescreened(instalment=instalment, findings=tuple(numbered), degraded=False)]


def subject_of(opened: CaseOpened) -> Subject | None:
    """What was screened when the case was opened, also when it is screened again; None where the patient's facts
    cannot be read, or are forgotten."""
    clinical = opened.clinical
    if clinical is None:
        return None
    return Subject(
        on=civil_day(opened.opened_at),
        emergency=opened.emergency,
        herbal=opened.herbal,
        validity_days=opened.validity_days,
        facts=clinical.patient,
        lines=opened.lines,
        diagnoses=clinical.diagnoses,
        tcm_diagnoses=clinical.tcm_diagnoses,
        validity_reason=clinical.validity_reason,
        long_supply_reason=clinical.long_supply_reason,
        beyond_level_reason=clinical.beyond_level_reason,
        prescriber=opened.registered,
        signature=opened.signature,
        planned=opened.planned,
        current_medicines=clinical.current_medicines,
    )


def close_case(state: CaseState, trigger: str) -> list[DomainEvent]:
    """Something became of the prescription that makes the review pointless; a decided case stays as it is."""
    if state.opened is None or not CASE_TRANSITIONS.allows(state.status, trigger):
        return []
    return [CaseClosed(closed_as=CLOSES[trigger])]


def expire_lease(state: CaseState, now: datetime) -> list[DomainEvent]:
    """The clock: a taken case whose lease is over waits again."""
    if state.holder is None or not state.lease_over(now):
        return []
    return [CaseLeaseExpired(person=state.holder.person)]


def escalate(state: CaseState, now: datetime, policy: ReviewPolicy) -> list[DomainEvent]:
    """The clock: a case past its deadline climbs one level, and again after a while, up to the top level."""
    if state.deadline is None or now < state.deadline or not CASE_TRANSITIONS.allows(state.status, "clock: deadline"):
        return []
    limits, level = policy.escalation, state.level + 1
    again = now + timedelta(minutes=limits.repeat_minutes) if level < limits.levels_max else None
    return [CaseEscalated(level=level, deadline=state.deadline, next_deadline=again)]


def take_case(state: CaseState, _command: TakeCase, now: datetime, licence: Licence, policy: ReviewPolicy) -> Outcome:
    """A case whose lease is over may be taken before the clock has noticed."""
    expired = expire_lease(state, now)
    opened = answering(state, "TakeCase", status="queued" if expired else state.status)
    if isinstance(opened, Refusal):
        return opened
    refusal = may_not_review(licence, opened)
    if refusal:
        return refusal
    return [*expired, _taken(licence, now, policy)]


def take_over(state: CaseState, _command: TakeOver, now: datetime, licence: Licence, policy: ReviewPolicy) -> Outcome:
    """A supervisor goes on with what somebody else holds, with a lease of their own."""
    opened = answering(state, "TakeOver")
    if isinstance(opened, Refusal):
        return opened
    refusal = may_not_review(licence, opened) or may_not_supervise(licence)
    if refusal:
        return refusal
    return [_taken(licence, now, policy, over_from=state.holder.person if state.holder else None)]


def put_back(state: CaseState, _command: PutBack, now: datetime, person: str) -> Outcome:
    opened = answering(state, "PutBack")
    if isinstance(opened, Refusal):
        return opened
    return not_holding(state, person, now) or [CasePutBack(person=person)]


def _taken(licence: Licence, now: datetime, policy: ReviewPolicy, over_from: str | None = None) -> CaseTaken:
    lease_until = now + timedelta(minutes=policy.lease_minutes)
    return CaseTaken(reviewer=as_reviewer(licence), taken_at=now, lease_until=lease_until, taken_over_from=over_from)


def _confirmed(
    findings: tuple[Finding, ...], before: tuple[Finding, ...], confirmations: tuple[ConfirmedFinding, ...]
) -> tuple[int, ...]:
    """Which of the findings the prescriber has signed for: the same finding again, not just the same number."""
    told = {(each.number, each.rule) for each in confirmations}
    signed = [_what(finding) for finding in before if (finding.number, finding.rule) in told]
    return tuple(finding.number for finding in findings if finding.confirmable and _what(finding) in signed)


def _insisted_on(
    before: tuple[Finding, ...], confirmations: tuple[ConfirmedFinding, ...], after: int
) -> tuple[Finding, ...]:
    """What a pharmacist had found and the prescriber has signed for, numbered on `after` the others: no rule finds it
    again, and whoever decides now must know of it."""
    told = {(each.number, each.rule) for each in confirmations}
    found = [each for each in before if each.rule == PHARMACIST and (each.number, each.rule) in told]
    return tuple(finding.model_copy(update={"number": number}) for number, finding in enumerate(found, start=after + 1))


def screened_again(
    opened: CaseOpened,
    medicines: tuple[Medicine, ...],
    policy: ReviewPolicy,
    knowledge: Knowledge | None,
    today: date,
) -> tuple[Finding, ...] | None:
    """What the rules find today, with what the patient takes today. None: they cannot look."""
    subject = subject_of(opened)
    if subject is None or knowledge is None:
        return None
    return screen(replace(subject, on=today, current_medicines=medicines), knowledge, policy)


def _what(finding: Finding) -> tuple[object, ...]:
    """What makes it the same finding: one that weighs more by what is known today is another, nobody has judged it."""
    return (finding.rule, finding.result_code, finding.severity, finding.lines, finding.evidence)
