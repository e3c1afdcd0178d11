"""What review tells the others: the public twins of its events, family `case`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from contracts.events import review as public
from services.review.domain.advice import (
    AdviceState,
    ChangesSuggested,
    ConsultationAnswered,
    ConsultationAsked,
    MedicationReviewOpened,
)
from services.review.domain.case import CaseState
from services.review.domain.events import (
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CasePassed,
    CaseRefused,
    CaseRescreened,
    CaseReturned,
    CaseScreened,
    SubstituteScreened,
)
from services.review.domain.values import Finding, Reviewer
from services.seedwork.composition import Happened, Translation
from services.seedwork.model import DomainEvent


def tell_screened(happened: Happened) -> Iterator[public.CaseScreened]:
    state: CaseState = happened.after
    yield public.CaseScreened(**_case(happened), findings=_findings(state), degraded=state.degraded)


def tell_passed(happened: Happened) -> Iterator[public.CasePassed]:
    state: CaseState = happened.after
    organisation = state.reviewers[-1].organisation
    yield public.CasePassed(
        **_case(happened),
        reviewers=_reviewers(state),
        findings=_findings(state),
        comment=state.words,
        organisation=organisation,
        delegated=organisation != happened.after.opened.institution,
        confirmed=tuple(sorted(state.confirmed)),
    )


def tell_returned(happened: Happened) -> Iterator[public.CaseReturned]:
    state: CaseState = happened.after
    yield public.CaseReturned(
        **_case(happened),
        reviewers=_reviewers(state),
        findings=_findings(state),
        codes=state.codes,
        comment=state.words,
    )


def tell_refused(happened: Happened) -> Iterator[public.CaseRefused]:
    state: CaseState = happened.after
    yield public.CaseRefused(
        **_case(happened),
        reviewers=_reviewers(state),
        findings=_findings(state),
        codes=state.codes,
        reason=state.words,
    )


def tell_rescreened(happened: Happened) -> Iterator[public.RescreenFound]:
    """Only what blocks is told. A finding without lines is about all of them."""
    rescreened, opened = cast(CaseRescreened, happened.event), happened.after.opened
    if rescreened.findings:
        lines = {line for finding in rescreened.findings for line in finding.lines or happened.after.line_numbers}
        yield public.RescreenFound(
            prescription_id=opened.prescription_id,
            patient_ref=opened.patient_ref,
            instalment=rescreened.instalment,
            lines=tuple(sorted(lines)),
            findings=tuple(_finding(finding) for finding in rescreened.findings),
        )


def tell_substitute_screened(happened: Happened) -> Iterator[public.SubstituteScreened]:
    screened, opened = cast(SubstituteScreened, happened.event), happened.after.opened
    yield public.SubstituteScreened(
        prescription_id=opened.prescription_id,
        patient_ref=opened.patient_ref,
        proposal_id=screened.proposal_id,
        line=screened.line,
        findings=tuple(_finding(finding) for finding in screened.findings),
        degraded=screened.degraded,
    )


def tell_escalated(happened: Happened) -> Iterator[public.CaseEscalated]:
    escalated = cast(CaseEscalated, happened.event)
    yield public.CaseEscalated(**_case(happened), level=escalated.level, deadline=escalated.deadline)


def tell_closed(happened: Happened) -> Iterator[public.CaseClosed]:
    yield public.CaseClosed(**_case(happened), closed_as=happened.after.closed_as)


def tell_advice(happened: Happened) -> Iterator[public.AdviceGiven]:
    """Once for each prescription it is about: its trace and its prescriber hear of it."""
    state: AdviceState = happened.after
    begun, pharmacist = cast(ConsultationAsked | MedicationReviewOpened, state.begun), cast(Reviewer, state.pharmacist)
    for prescription_id in begun.prescriptions:
        yield public.AdviceGiven(
            advice_id=happened.stream_id,
            prescription_id=prescription_id,
            patient_ref=begun.patient_ref,
            kind=state.kind,
            prescriptions=begun.prescriptions,
            text=state.words,
            candidates=tuple(public.AdviceCandidate(**each.model_dump()) for each in state.candidates),
            pharmacist=_reviewer(pharmacist),
        )


def _case(happened: Happened) -> dict[str, Any]:
    opened: CaseOpened = happened.after.opened
    names = ("case_id", "prescription_id", "patient_ref", "revision", "confirmation_no", "signed_sha256")
    return {name: getattr(opened, name) for name in names}


def _findings(state: CaseState) -> tuple[public.Finding, ...]:
    return tuple(_finding(finding) for finding in state.findings)


def _finding(finding: Finding) -> public.Finding:
    return public.Finding(**finding.model_dump(exclude={"severity"}), severity=public.Severity(finding.severity.word))


def _reviewers(state: CaseState) -> tuple[public.Reviewer, ...]:
    return tuple(_reviewer(reviewer) for reviewer in state.reviewers)


def _reviewer(reviewer: Reviewer) -> public.Reviewer:
    return public.Reviewer(**reviewer.model_dump())


TRANSLATE: Mapping[type[DomainEvent], Translation] = {
    CaseScreened: tell_screened,
    CasePassed: tell_passed,
    CaseReturned: tell_returned,
    CaseRefused: tell_refused,
    ConsultationAnswered: tell_advice,
    ChangesSuggested: tell_advice,
    CaseRescreened: tell_rescreened,
    SubstituteScreened: tell_substitute_screened,
    CaseEscalated: tell_escalated,
    CaseClosed: tell_closed,
}
