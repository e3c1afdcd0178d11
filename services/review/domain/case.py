"""The aggregate ReviewCase: one revision and confirmation of one prescription under review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from services.review.domain.events import (
    CASE_EVENTS,
    CaseClosed,
    CaseCommented,
    CaseEscalated,
    CaseEvent,
    CaseFirstPassed,
    CaseLeaseExpired,
    CaseOpened,
    CasePassed,
    CasePutBack,
    CaseRefused,
    CaseRescreened,
    CaseReturned,
    CaseSampled,
    CaseScreened,
    CaseTaken,
    SecondWanted,
    SubstituteScreened,
)
from services.review.domain.values import Finding, Reviewer
from services.seedwork.model import Aggregate, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET

LEASE = "lease"
"""The deadline of a taken case."""
DEADLINE = "deadline"
"""The deadline of a decision; what is past it climbs."""


@dataclass(frozen=True)
class CaseState:
    """A case as it is now. `opened` is what it was opened with; `closed_as` is set where nobody decided; `confirmed`
    are the numbers of findings the prescriber has confirmed."""

    status: str = NOT_YET
    opened: CaseOpened | None = None
    findings: tuple[Finding, ...] = ()
    degraded: bool = False
    confirmed: frozenset[int] = frozenset()
    level: int = 0
    deadline: datetime | None = None
    rescreened: frozenset[int] = frozenset()
    found_later: frozenset[int] = frozenset()
    """Numbers of findings that a later instalment brought: nobody who decided had them before them."""
    substitutes: frozenset[UUID] = frozenset()
    sampled: CaseSampled | None = None
    commented: CaseCommented | None = None
    second_wanted: SecondWanted | None = None
    holder: Reviewer | None = None
    lease_until: datetime | None = None
    reviewers: tuple[Reviewer, ...] = ()
    codes: tuple[str, ...] = ()
    words: str | None = None
    closed_as: str | None = None

    @property
    def line_numbers(self) -> frozenset[int]:
        return frozenset(line.line for line in self.opened.lines) if self.opened else frozenset()

    def lease_over(self, now: datetime) -> bool:
        return self.lease_until is not None and now >= self.lease_until


def case_id(prescription_id: UUID, revision: int, confirmation_no: int) -> UUID:
    """The same revision and confirmation are the same case, however often they are told."""
    return derived_id("case", prescription_id, revision, confirmation_no)


def evolve_case(state: CaseState, event: CaseEvent) -> CaseState:
    match event:
        case CaseOpened():
            return replace(state, status="opened", opened=event, deadline=event.deadline)
        case CaseScreened():
            screened = replace(state, findings=event.findings, degraded=event.degraded)
            return replace(screened, status="queued", confirmed=frozenset(event.confirmed))
        case CaseTaken():
            return replace(state, status="taken", holder=event.reviewer, lease_until=event.lease_until)
        case CasePutBack() | CaseLeaseExpired():
            return replace(state, status="queued", holder=None, lease_until=None)
        case CaseEscalated():
            return replace(state, level=event.level, deadline=event.next_deadline)
        case CaseFirstPassed():
            first = _decided(state, "second_wanted", event.reviewer, (), event.comment)
            return replace(first, second_wanted=event.why, deadline=state.deadline)
        case CasePassed():
            passed = _decided(state, "passed", event.reviewer, (), _both(state.words, event.comment))
            return replace(passed, reviewers=(*state.reviewers, event.reviewer))
        case CaseRescreened():
            rescreened = state.rescreened | {event.instalment}
            later = state.found_later | {finding.number for finding in event.findings}
            return replace(state, rescreened=rescreened, found_later=later, findings=state.findings + event.findings)
        case SubstituteScreened():
            return replace(state, substitutes=state.substitutes | {event.proposal_id})
        case CaseSampled():
            return replace(state, sampled=event)
        case CaseCommented():
            return replace(state, commented=event)
        case CaseReturned():
            codes = tuple(finding.result_code for finding in event.findings if finding.result_code)
            returned = _decided(state, "returned", event.reviewer, codes, event.comment)
            return replace(returned, findings=state.findings + event.findings)
        case CaseRefused():
            return _decided(state, "refused", event.reviewer, event.codes, event.reason)
        case CaseClosed():
            return replace(_free(state), status="closed", closed_as=event.closed_as)
        case _:
            assert_never(event)


def _decided(state: CaseState, status: str, reviewer: Reviewer, codes: tuple[str, ...], words: str | None) -> CaseState:
    return replace(_free(state), status=status, reviewers=(reviewer,), codes=codes, words=words)


def _free(state: CaseState) -> CaseState:
    """Nobody holds it and no deadline runs."""
    return replace(state, holder=None, lease_until=None, deadline=None)


def _both(first: str | None, second: str | None) -> str | None:
    return "\n".join(filter(None, (first, second))) or None


def due(state: CaseState) -> Mapping[str, datetime]:
    deadlines = {LEASE: state.lease_until, DEADLINE: state.deadline}
    return {kind: moment for kind, moment in deadlines.items() if moment is not None}


CASE: Aggregate[CaseState] = Aggregate(
    name="case", events=CASE_EVENTS, initial=CaseState(), evolve=evolve_case, next_due=due
)


def case_ref(identity: UUID) -> StreamRef[CaseState]:
    return CASE.ref(identity)
