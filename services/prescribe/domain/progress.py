"""Following what dispatch does with the quantities, and the prescription's end with its last fulfilment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.prescribe.domain.buckets import Told, lapsed, unbalanced
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import (
    ExpiryConcluded,
    InstalmentEnded,
    PrescriptionCancelled,
    PrescriptionCompleted,
    PrescriptionExpired,
    ProgressRecorded,
)
from services.seedwork.model import DomainEvent, Outcome, Refusal

Cause = Literal["quantity_held", "hold_ended", "supply_dispensed", "supply_received", "supply_undone"]
Feedback = Literal["partly_dispensed", "out_of_stock", "rejected", "undone"]


@dataclass(frozen=True)
class Progress:
    """What dispatch told of one hold or supply; `buckets` is what stands since then."""

    cause: Cause
    buckets: Told
    hold_id: UUID | None = None
    supply_id: UUID | None = None
    pharmacy: str | None = None
    reason: str | None = None
    rejected: bool = False


def follow(state: PrescriptionState, progress: Progress) -> Outcome:
    """Takes over where the quantities are. After the end of validity nothing remains: it has lapsed."""
    if state.current is None:
        return Refusal("prescription.unknown")
    if refusal := state.refuses(progress.cause) or unbalanced(state.buckets, progress.buckets):
        return refusal
    return [
        ProgressRecorded(
            cause=progress.cause,
            hold_id=progress.hold_id,
            supply_id=progress.supply_id,
            pharmacy=progress.pharmacy,
            reason=progress.reason,
            feedback=_feedback(progress),
            buckets=lapsed(progress.buckets) if state.validity_over else progress.buckets,
        )
    ]


def _feedback(progress: Progress) -> Feedback | None:
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
        case _:
            return None


def end_fulfilment(state: PrescriptionState, fulfilment: UUID, outcome: str, buckets: Told) -> Outcome:
    """Dispatch closed a fulfilment. With the last one the prescription ends: completed when all is in hands, else
    cancelled when anything was cancelled by request, else expired."""
    if state.current is None:
        return Refusal("prescription.unknown")
    instalment = state.instalment_of(fulfilment)
    if instalment is None:
        return []
    if refusal := state.refuses("fulfilment_closed") or unbalanced(state.buckets, buckets):
        return refusal
    ended = InstalmentEnded(instalment=instalment, outcome=outcome, buckets=buckets)
    return [ended, *_end(state, buckets)]


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
