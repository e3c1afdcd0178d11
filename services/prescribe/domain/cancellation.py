"""Cancelling, by table C: prescribe decides before release, dispatch about everything after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.prescribe.domain.buckets import Told, cancelled, lapsed, running, still_open, unbalanced
from services.prescribe.domain.commands import CancelPrescription
from services.prescribe.domain.policy import Policy
from services.prescribe.domain.prescription import Cancellation, PrescriptionState
from services.prescribe.domain.prescription_events import (
    CancellationAnswered,
    CancellationKept,
    CancellationRequested,
    CancellationUndecided,
    PrescriptionCancelled,
)
from services.prescribe.domain.values import UNDER_REVIEW, CancelledLine, Status
from services.seedwork.model import DomainEvent, Outcome, Refusal

CombinedAnswer = Literal["awaiting_return", "cancelled", "cancelled_in_part", "refused"]


def cancel(
    state: PrescriptionState,
    command: CancelPrescription,
    requested_by: str,
    delegate_of: str | None,
    *,
    policy: Policy,
    now: datetime,
) -> Outcome:
    """Cancelled at once before release; asked of dispatch after it; kept when the prescription has not come yet.

    `delegate_of` is the institution on whose behalf somebody else than the prescriber cancels.
    """
    current = state.current
    if current is not None and requested_by != current.prescriber and delegate_of != current.institution:
        return Refusal("prescription.not_yours")
    if command.request_id in {*(kept.request_id for kept in state.kept), *(c.request_id for c in state.cancellations)}:
        return []
    # What was kept counts until the prescription arrives: later it may be that of somebody who had no right to it.
    if len(state.kept if current is None else state.cancellations) >= policy.cancellations_max:
        return Refusal("cancellation.too_many", {"max": policy.cancellations_max})
    if current is None:
        return _keep(command, requested_by, delegate_of)
    if refusal := state.refuses("CancelPrescription") or _unfit_scope(state, command):
        return refusal
    if state.status in UNDER_REVIEW:
        return [
            PrescriptionCancelled(
                request_id=command.request_id,
                requested_by=requested_by,
                reason_code=command.reason_code,
                buckets=cancelled(state.buckets),
            )
        ]
    if state.status is Status.CLOSING_EXPIRED and not running(state.buckets):
        return Refusal("cancellation.nothing_runs")
    return [
        CancellationRequested(
            request_id=command.request_id,
            requested_by=requested_by,
            scope=command.scope,
            reason_code=command.reason_code,
            urgent=command.urgent,
            answer_due_at=now + timedelta(minutes=policy.cancellation_answer_minutes),
        )
    ]


def _keep(command: CancelPrescription, requested_by: str, delegate_of: str | None) -> Outcome:
    if command.scope is not None:
        return Refusal("cancellation.part_before_release")
    return [
        CancellationKept(
            prescription_id=command.prescription_id,
            request_id=command.request_id,
            requested_by=requested_by,
            organisation=delegate_of,
            reason_code=command.reason_code,
            urgent=command.urgent,
        )
    ]


def _unfit_scope(state: PrescriptionState, command: CancelPrescription) -> Refusal | None:
    """A part names known lines once each, with no more than was prescribed; only a released prescription has parts."""
    if command.scope is None:
        return None
    if state.status is not Status.RELEASED:
        return Refusal("cancellation.part_before_release", {"state": str(state.status)})
    for part in command.scope:
        known = state.buckets.get(part.line)
        if known is None or not 1 <= part.quantity <= known.total:
            return Refusal("cancellation.scope", {"line": part.line, "quantity": part.quantity})
    if len({part.line for part in command.scope}) < len(command.scope):
        return Refusal("cancellation.scope", {"lines": [part.line for part in command.scope]})
    return None


def take_decision(
    state: PrescriptionState, request_id: UUID, lines: tuple[CancelledLine, ...], buckets: Told, *, final: bool
) -> Outcome:
    """Records what dispatch decided so far; with the final word the prescription may be open again."""
    request = None if state.current is None else state.cancellation(request_id)
    if request is None:
        return Refusal("cancellation.unknown", {"request_id": str(request_id)})
    if request.final:
        return []
    if refusal := state.refuses("cancellation_decided") or unbalanced(state.buckets, buckets):
        return refusal
    return [
        CancellationAnswered(
            request_id=request_id,
            answer=combined(lines, final=final),
            lines=lines,
            final=final,
            buckets=lapsed(buckets) if state.validity_over else buckets,
            status=_status_after(state, request, final=final, left=still_open(buckets)),
        )
    ]


def combined(lines: tuple[CancelledLine, ...], *, final: bool) -> CombinedAnswer:
    """One word for all lines."""
    if not final:
        return "awaiting_return"
    if not any(line.cancelled for line in lines):
        return "refused"
    return "cancelled_in_part" if any(line.refused for line in lines) else "cancelled"


def _status_after(state: PrescriptionState, request: Cancellation, *, final: bool, left: int) -> str:
    """Open again when the final word leaves quantity open, unless another whole cancellation still waits."""
    waits = any(not each.final and each.scope is None for each in state.cancellations if each is not request)
    if state.status is not Status.CLOSING_CANCELLED or not final or not left or waits:
        return str(state.status)
    return str(Status.CLOSING_EXPIRED if state.validity_over else Status.RELEASED)


def answer_overdue(state: PrescriptionState, now: datetime) -> list[DomainEvent]:
    """Tells the prescriber that nothing is decided yet and who has the quantities; nothing ends by itself."""
    if state.refuses("clock: answer_due"):
        return []
    holders = tuple(sorted(set(state.holders.values())))
    return [
        CancellationUndecided(request_id=each.request_id, holders=holders)
        for each in state.cancellations
        if not each.final and not each.undecided and each.answer_due_at and now >= each.answer_due_at
    ]
