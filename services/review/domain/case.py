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
    CaseEvent,
    CaseLeaseExpired,
    CaseOpened,
    CasePassed,
    CasePutBack,
    CaseRefused,
    CaseReturned,
    CaseScreened,
    CaseTaken,
)
from services.review.domain.values import Finding, Reviewer
from services.seedwork.model import Aggregate, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET

LEASE = "lease"
"""The deadline of a taken case."""


@dataclass(frozen=True)
class CaseState:
    """A case as it is now. `opened` is what it was opened with; `closed_as` is set where nobody decided."""

    status: str = NOT_YET
    opened: CaseOpened | None = None
    findings: tuple[Finding, ...] = ()
    degraded: bool = False
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
            return replace(state, status="opened", opened=event)
        case CaseScreened():
            return replace(state, status="queued", findings=event.findings, degraded=event.degraded)
        case CaseTaken():
            return replace(state, status="taken", holder=event.reviewer, lease_until=event.lease_until)
        case CasePutBack() | CaseLeaseExpired():
            return replace(state, status="queued", holder=None, lease_until=None)
        case CasePassed():
            return _decided(state, "passed", event.reviewer, (), event.comment)
        case CaseReturned():
            codes = tuple(finding.result_code for finding in event.findings if finding.result_code)
            returned = _decided(state, "returned", event.reviewer, codes, event.comment)
            return replace(returned, findings=state.findings + event.findings)
        case CaseRefused():
            return _decided(state, "refused", event.reviewer, event.codes, event.reason)
        case CaseClosed():
            return replace(state, status="closed", closed_as=event.closed_as, holder=None, lease_until=None)
        case _:
            assert_never(event)


def _decided(state: CaseState, status: str, reviewer: Reviewer, codes: tuple[str, ...], words: str | None) -> CaseState:
    return replace(state, status=status, holder=None, lease_until=None, reviewers=(reviewer,), codes=codes, words=words)


def due(state: CaseState) -> Mapping[str, datetime]:
    return {LEASE: state.lease_until} if state.lease_until else {}


CASE: Aggregate[CaseState] = Aggregate(
    name="case", events=CASE_EVENTS, initial=CaseState(), evolve=evolve_case, next_due=due
)


def case_ref(identity: UUID) -> StreamRef[CaseState]:
    return CASE.ref(identity)
