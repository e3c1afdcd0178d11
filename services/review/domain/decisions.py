"""The decisions over one review case, all pure: the state, the command, the time, and what the register says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.review.domain.case import CaseState
from services.review.domain.case_transitions import CASE_TRANSITIONS
from services.review.domain.commands import CodedFinding, PassCase, PutBack, RefuseCase, ReturnCase, TakeCase
from services.review.domain.confirmed import not_confirmed
from services.review.domain.events import (
    CaseClosed,
    CaseLeaseExpired,
    CaseOpened,
    CasePassed,
    CasePutBack,
    CaseRefused,
    CaseReturned,
    CaseScreened,
    CaseTaken,
    ClosedAs,
)
from services.review.domain.policy import ReviewPolicy
from services.review.domain.screening import Subject, screen, unavailable
from services.review.domain.values import Finding, Licence, Reviewer, Severity, Signature
from services.seedwork.model import DomainEvent, Outcome, Refusal
from services.seedwork.transitions import NOT_YET

REVIEWER = "reviewer"
"""The profession in the register that may review."""
CLOSES: Mapping[str, ClosedAs] = {
    "prescription_issued": "superseded",
    "prescription_cancelled": "withdrawn",
    "prescription_expired": "lapsed",
}


def open_case(state: CaseState, opened: CaseOpened, policy: ReviewPolicy) -> list[DomainEvent]:
    """Opened and screened in one go. A repeat changes nothing."""
    if state.status != NOT_YET:
        return []
    if opened.clinical is None:
        return [opened, CaseScreened(findings=unavailable(policy), degraded=True)]
    subject = Subject(opened.lines, opened.clinical, opened.validity_days, opened.emergency)
    return [opened, CaseScreened(findings=screen(subject, policy), degraded=False)]


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


def take_case(state: CaseState, _command: TakeCase, now: datetime, licence: Licence, policy: ReviewPolicy) -> Outcome:
    """A case whose lease is over may be taken before the clock has noticed."""
    expired = expire_lease(state, now)
    opened = _answering(state, "TakeCase", status="queued" if expired else state.status)
    if isinstance(opened, Refusal):
        return opened
    refusal = _may_not_review(licence, opened)
    if refusal:
        return refusal
    lease_until = now + timedelta(minutes=policy.lease_minutes)
    return [*expired, CaseTaken(reviewer=_reviewer(licence), taken_at=now, lease_until=lease_until)]


def put_back(state: CaseState, _command: PutBack, now: datetime, person: str) -> Outcome:
    opened = _answering(state, "PutBack")
    if isinstance(opened, Refusal):
        return opened
    return _not_holding(state, person, now) or [CasePutBack(person=person)]


def pass_case(state: CaseState, command: PassCase, now: datetime, licence: Licence, signature: Signature) -> Outcome:
    """Nobody passes a blocking finding, a serious one only with the pharmacist's word on it; unless the prescriber has
    signed again for it (双签名)."""
    opened = _in_hand(state, "PassCase", now, licence)
    if isinstance(opened, Refusal):
        return opened
    if (command.revision, command.signed_sha256) != (opened.revision, opened.signed_sha256):
        return Refusal("case.signed_something_else", {"revision": opened.revision})
    standing = not_confirmed(state.findings, opened.confirmed)
    refusal = _findings_in_the_way(state.findings, standing, {comment.finding for comment in command.comments})
    if refusal:
        return refusal
    comment = "\n".join(f"{comment.finding}: {comment.comment}" for comment in command.comments) or None
    return [
        CasePassed(
            patient_ref=opened.patient_ref,
            reviewer=_reviewer(licence, signature.sha256),
            comment=comment,
            signature=signature.compact,
        )
    ]


def return_case(
    state: CaseState, command: ReturnCase, now: datetime, licence: Licence, policy: ReviewPolicy
) -> Outcome:
    opened = _in_hand(state, "ReturnCase", now, licence)
    if isinstance(opened, Refusal):
        return opened
    unknown = sorted({finding.code for finding in command.findings} - policy.result_codes.keys())
    if unknown:
        return Refusal("case.unknown_code", {"codes": unknown})
    strange = sorted({line for finding in command.findings for line in finding.lines} - state.line_numbers)
    if strange:
        return Refusal("case.unknown_line", {"lines": strange})
    findings = tuple(
        _written(finding, number, policy)
        for number, finding in enumerate(command.findings, start=len(state.findings) + 1)
    )
    returned = CaseReturned(
        patient_ref=opened.patient_ref, reviewer=_reviewer(licence), findings=findings, comment=command.comment
    )
    return [returned]


def refuse_case(
    state: CaseState, command: RefuseCase, now: datetime, licence: Licence, policy: ReviewPolicy
) -> Outcome:
    opened = _in_hand(state, "RefuseCase", now, licence)
    if isinstance(opened, Refusal):
        return opened
    light = sorted(set(command.codes) - set(policy.serious_codes))
    if light:
        return Refusal("case.code_not_serious", {"codes": light, "serious": list(policy.serious_codes)})
    refused = CaseRefused(
        patient_ref=opened.patient_ref, reviewer=_reviewer(licence), codes=command.codes, reason=command.reason
    )
    return [refused]


def _answering(state: CaseState, trigger: str, status: str | None = None) -> CaseOpened | Refusal:
    """What the case was opened with, when the table has a row for this trigger."""
    if state.opened is None:
        return Refusal("case.unknown")
    if not CASE_TRANSITIONS.allows(status or state.status, trigger):
        return Refusal("case.wrong_state", {"state": state.status, "trigger": trigger})
    return state.opened


def _in_hand(state: CaseState, trigger: str, now: datetime, licence: Licence) -> CaseOpened | Refusal:
    """What the case was opened with, when this person holds it and may still review."""
    opened = _answering(state, trigger)
    if isinstance(opened, Refusal):
        return opened
    return _not_holding(state, licence.person, now) or _may_not_review(licence, opened) or opened


def _may_not_review(licence: Licence, opened: CaseOpened) -> Refusal | None:
    """Licensed today, for this institution, and never the prescriber: two pairs of eyes."""
    if not licence.in_force:
        return Refusal("case.reviewer_not_registered", {"person": licence.person})
    if REVIEWER not in licence.professions:
        return Refusal("case.not_a_reviewer", {"person": licence.person})
    if licence.organisation != opened.institution:
        return Refusal("case.not_yours")
    if not licence.organisation_in_force:
        return Refusal("case.institution_not_admitted", {"institution": licence.organisation})
    if licence.person == opened.prescriber:
        return Refusal("case.own_prescription")
    return None


def _not_holding(state: CaseState, person: str, now: datetime) -> Refusal | None:
    if state.holder is None or state.holder.person != person:
        return Refusal("case.taken_by_another")
    if state.lease_over(now):
        return Refusal("case.lease_expired")
    return None


def _findings_in_the_way(
    findings: tuple[Finding, ...], standing: tuple[Finding, ...], commented: set[int]
) -> Refusal | None:
    unknown = sorted(commented - {finding.number for finding in findings})
    if unknown:
        return Refusal("case.unknown_finding", {"findings": unknown})
    blocking = [finding.number for finding in standing if finding.severity is Severity.BLOCKING]
    if blocking:
        return Refusal("case.blocking_finding", {"findings": blocking})
    silent = [f.number for f in standing if f.severity is Severity.SERIOUS and f.number not in commented]
    return Refusal("case.comment_missing", {"findings": silent}) if silent else None


def _written(finding: CodedFinding, number: int, policy: ReviewPolicy) -> Finding:
    """A pharmacist's finding in the form of the others; its evidence is the official text of the code."""
    return Finding(
        number=number,
        rule="pharmacist",
        knowledge_version=policy.version,
        evidence=policy.result_codes[finding.code],
        severity=Severity.SERIOUS,
        result_code=finding.code,
        lines=finding.lines,
        confirmable=finding.confirmable,
    )


def _reviewer(licence: Licence, signed_sha256: str | None = None) -> Reviewer:
    return Reviewer(
        person=licence.person, name=licence.name, organisation=licence.organisation, signed_sha256=signed_sha256
    )
