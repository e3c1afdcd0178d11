"""Cancelling, by table C: prescribe decides before release, dispatch about everything after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.prescribe.domain.buckets import Told, cancelled, lapsed, running, unbalanced
from services.prescribe.domain.commands import CancelPrescription
from services.prescribe.domain.parts import as_lines, quantities
from services.prescribe.domain.policy import Policy
from services.prescribe.domain.prescription import PRESCRIPTION, Cancellation, PrescriptionState, fulfilment_id
from services.prescribe.domain.prescription_events import (
    CancellationAnswered,
    CancellationKept,
    CancellationRequested,
    CancellationUndecided,
    PrescriptionCancelled,
)
from services.prescribe.domain.stop_use import notices
from services.prescribe.domain.values import UNDER_REVIEW, CancelledLine, LineQuantity, Status
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
    if known := state.cancellation(command.request_id) or state.kept_cancellation(command.request_id):
        return [] if known.is_for(command) else Refusal("cancellation.other_request")
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
    request = CancellationRequested(
        request_id=command.request_id,
        requested_by=requested_by,
        scope=command.scope,
        reason_code=command.reason_code,
        urgent=command.urgent,
        answer_due_at=now + timedelta(minutes=policy.cancellation_answer_minutes),
        unopened=_never_to_open(state, command),
    )
    asked = PRESCRIPTION.evolve(state, request)
    answered = _answered_here(asked, request)
    return [request, *answered, *notices(asked, answered)]


def _never_to_open(state: PrescriptionState, command: CancelPrescription) -> tuple[LineQuantity, ...]:
    """What the request takes from instalments that have not opened: prescribe alone decides about them."""
    waiting = quantities((state.parts.instalments[number] for number in state.to_come), "remaining")
    if command.scope is None:
        return as_lines(waiting)
    return as_lines({part.line: min(part.quantity, waiting.get(part.line, 0)) for part in command.scope})


def _answered_here(state: PrescriptionState, request: CancellationRequested) -> list[DomainEvent]:
    """The final answer at once, where no fulfilment has to be asked."""
    if not asked_of_dispatch(request) and request.scope is not None:
        lines = tuple(CancelledLine(line=each.line, cancelled=each.quantity) for each in request.unopened)
    elif not state.open_instalments:
        taken = {each.line: each.quantity for each in request.unopened}
        lines = tuple(_told_of(number, taken.get(number, 0), each.in_hands) for number, each in state.buckets.items())
    else:
        return []
    status = Status.RELEASED if request.scope is not None else Status.CLOSING_CANCELLED
    events: list[DomainEvent] = [
        CancellationAnswered(
            request_id=request.request_id,
            answer=combined(lines, final=True),
            lines=lines,
            final=True,
            buckets=(),
            status=str(status),
        )
    ]
    if not state.open_instalments and not state.to_come:
        events.append(
            PrescriptionCancelled(
                request_id=request.request_id,
                requested_by=request.requested_by,
                reason_code=request.reason_code,
                buckets=tuple(state.buckets.values()),
            )
        )
    return events


def _told_of(line: int, cancelled: int, in_hands: int) -> CancelledLine:
    return CancelledLine(line=line, cancelled=cancelled, refused=in_hands, reason="in_hands" if in_hands else None)


def asked_of_dispatch(request: CancellationRequested) -> tuple[LineQuantity, ...]:
    """What is left of a part for dispatch to decide about, once the instalments that never open have given theirs."""
    given = {each.line: each.quantity for each in request.unopened}
    return as_lines({each.line: each.quantity - given.get(each.line, 0) for each in request.scope or ()})


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
    state: PrescriptionState,
    request_id: UUID,
    lines: tuple[CancelledLine, ...],
    buckets: Told,
    *,
    final: bool,
    fulfilment: UUID | None = None,
) -> Outcome:
    """Records what one fulfilment decided so far; the answer is final when every one of the request has had its last
    word, and with it the prescription may be open again."""
    request = None if state.current is None else state.cancellation(request_id)
    if request is None:
        return Refusal("cancellation.unknown", {"request_id": str(request_id)})
    answering = fulfilment or fulfilment_id(state.signed.prescription_id, 1)
    if request.final or request.decided.get(answering, ((), False))[1]:
        return []
    number = state.instalment_of(answering)
    if number is None:
        return Refusal("instalment.unknown")
    known = state.parts.known_to_dispatch(number)
    if refusal := state.refuses("cancellation_decided") or unbalanced(known, buckets):
        return refusal
    decided = {**request.decided, answering: (lines, final)}
    ended = all(each in decided and decided[each][1] for each in request.fulfilments)
    told = lapsed(buckets) if state.validity_over or state.windows[number].lapsed else buckets
    totals = _totals(request, decided)
    left = sum(line.still_open for line in state.parts.told(number, told).total.values())
    answered: list[DomainEvent] = [
        CancellationAnswered(
            request_id=request_id,
            answer=combined(totals, final=ended),
            lines=totals,
            final=ended,
            buckets=told,
            status=_status_after(state, request, final=ended, left=left),
            instalment=number,
            fulfilment=answering,
            decided=lines,
            decided_final=final,
        )
    ]
    return [*answered, *notices(state, answered)]


def _totals(
    request: Cancellation, decided: Mapping[UUID, tuple[tuple[CancelledLine, ...], bool]]
) -> tuple[CancelledLine, ...]:
    """What became of each line over all fulfilments and over what never opened. A part of a line is refused once."""
    asked = {each.line: each.quantity for each in request.scope or ()}
    found = {each.line: CancelledLine(line=each.line, cancelled=each.quantity) for each in request.unopened}
    for lines, _ in decided.values():
        for each in lines:
            so_far = found.get(each.line, CancelledLine(line=each.line))
            found[each.line] = CancelledLine(
                line=each.line,
                cancelled=so_far.cancelled + each.cancelled,
                awaiting_return=so_far.awaiting_return + each.awaiting_return,
                refused=so_far.refused + each.refused,
                reason=each.reason or so_far.reason,
            )
    return tuple(_capped(each, asked.get(line)) for line, each in sorted(found.items()))


def _capped(line: CancelledLine, asked: int | None) -> CancelledLine:
    if asked is None:
        return line
    return line.model_copy(update={"refused": min(line.refused, asked - line.cancelled - line.awaiting_return)})


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
