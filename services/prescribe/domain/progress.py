"""Following what dispatch does with the quantities, and the prescription's end with its last fulfilment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.prescribe.domain.buckets import Feedback, ProgressCause, Told, lapsed, newly_lapsed, unbalanced
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.prescription_events import (
    ExpiryConcluded,
    InstalmentEnded,
    PrescriptionCancelled,
    PrescriptionCompleted,
    PrescriptionExpired,
    ProgressRecorded,
)
from services.seedwork.model import DomainEvent, Outcome, Refusal


@dataclass(frozen=True)
class Progress:
    """What dispatch told of one hold or supply; `buckets` is what stands since then."""

    cause: ProgressCause
    buckets: Told
    hold_id: UUID | None = None
    supply_id: UUID | None = None
    pharmacy: str | None = None
    reason: str | None = None
    rejected: bool = False
    instalment: int | None = 1
    at: datetime | None = None


def follow(state: PrescriptionState, progress: Progress) -> Outcome:
    """Takes over where the quantities are. After the end of validity nothing remains: it has lapsed."""
    if state.current is None:
        return Refusal("prescription.unknown")
    number = progress.instalment
    if refusal := state.refuses(progress.cause):
        return refusal
    if number is None:
        return Refusal("instalment.unknown")
    if refusal := unbalanced(state.parts.known_to_dispatch(number), progress.buckets):
        return refusal
    over = state.validity_over or (number in state.windows and state.windows[number].lapsed)
    after = lapsed(progress.buckets) if over else progress.buckets
    for_good = newly_lapsed(state.parts.known_to_dispatch(number), after)
    return [
        ProgressRecorded(
            cause=progress.cause,
            hold_id=progress.hold_id,
            supply_id=progress.supply_id,
            pharmacy=progress.pharmacy,
            reason=progress.reason,
            feedback=_feedback(progress, for_good),
            buckets=after,
            instalment=number,
            received_at=progress.at if progress.cause == "supply_received" else None,
            lapsed=for_good,
        )
    ]


def _feedback(progress: Progress, for_good: int) -> Feedback | None:
    """What the prescriber should hear of it."""
    match progress.cause:
        case "hold_ended" if progress.reason == "out_of_stock":
            return "out_of_stock"
        case "supply_dispensed" if any(line.remaining or line.held for line in progress.buckets):
            return "partly_dispensed"
        case "supply_received" if progress.rejected:
            return "rejected"
        case "supply_undone":
            return "undone"
        case "supply_taken_back":
            return "taken_back"
        case "fulfilment_closed" if for_good:
            return "not_replaced"
        case _:
            return None


def end_fulfilment(state: PrescriptionState, fulfilment: UUID, outcome: str, buckets: Told) -> Outcome:
    """Dispatch closed a fulfilment. With the last one, when none is to come, the prescription ends: completed when all
    is in hands, else cancelled when anything was cancelled by request, else expired."""
    if state.current is None:
        return Refusal("prescription.unknown")
    instalment = state.instalment_of(fulfilment)
    if instalment not in state.open_instalments:  # none of ours, or ended before: since then something was replaced
        return follow(state, Progress("fulfilment_closed", buckets, instalment=instalment))
    known = state.parts.known_to_dispatch(instalment)
    if refusal := state.refuses("fulfilment_closed") or unbalanced(known, buckets):
        return refusal
    replaceable = sum(line.replaceable for line in known.values())
    ended = InstalmentEnded(
        instalment=instalment,
        outcome=outcome,
        buckets=buckets,
        not_replaced=min(replaceable, newly_lapsed(known, buckets)),
    )
    after = PRESCRIPTION.evolve(state, ended)
    if after.open_instalments or after.to_come:
        return [ended]
    return [ended, *_end(after, tuple(after.buckets.values()))]


def _end(state: PrescriptionState, buckets: Told) -> list[DomainEvent]:
    if all(line.in_hands == line.total for line in buckets):
        return [PrescriptionCompleted()]
    if state.cancellations and any(line.cancelled for line in buckets):
        last = state.cancellations[-1]
        return [
            PrescriptionCancelled(
                request_id=last.request_id,
                requested_by=last.requested_by,
                reason_code=last.reason_code,
                buckets=buckets,
            )
        ]
    return [ExpiryConcluded()] if state.validity_over else [PrescriptionExpired(final=True, buckets=buckets)]
