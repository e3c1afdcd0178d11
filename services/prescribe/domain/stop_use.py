"""An urgent cancellation of what the patient already has: nothing is taken back, but nobody must go on using it.

Table C: in the patient's hands a quantity is refused; with urgent reasons the patient and the pharmacies get a notice
to stop using it, which the patient or a representative acknowledges.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.prescribe.domain.prescription_events import CancellationAnswered
from services.prescribe.domain.prescription_state import PrescriptionState
from services.prescribe.domain.stop_use_events import StopUseAcknowledged, StopUseNotified
from services.prescribe.domain.values import LineQuantity
from services.seedwork.model import DomainEvent, Outcome, Refusal


def notices(state: PrescriptionState, events: list[DomainEvent]) -> list[DomainEvent]:
    """What an answer to an urgent request left in the patient's hands, told once more when it has become more."""
    found: list[DomainEvent] = []
    for event in events:
        request = state.cancellation(event.request_id) if isinstance(event, CancellationAnswered) else None
        if request is None or not request.urgent or not isinstance(event, CancellationAnswered):
            continue
        lines = tuple(LineQuantity(line=row.line, quantity=row.refused) for row in event.lines if row.refused)
        told = state.stop_use.get(request.request_id)
        if lines and (told is None or told.notified.lines != lines):
            found.append(
                StopUseNotified(
                    request_id=request.request_id,
                    patient_ref=state.signed.patient_ref,
                    reason_code=request.reason_code,
                    lines=lines,
                )
            )
    return found


@dataclass(frozen=True)
class Reader:
    """Who has read a notice: the patient or, `representing` them, somebody else."""

    account: str
    patient_ref: UUID | None
    representing: bool = False


def acknowledge(state: PrescriptionState, request_id: UUID, reader: Reader, now: datetime) -> Outcome:
    """By the patient or a representative, also when the prescription has ended; the first one's word stands."""
    if state.current is None:
        return Refusal("prescription.unknown")
    if reader.patient_ref != state.current.patient_ref:
        return Refusal("prescription.not_yours")
    if refusal := state.refuses("AcknowledgeStopUse"):
        return refusal
    notice = state.stop_use.get(request_id)
    if notice is None:
        return Refusal("stop_use.unknown")
    if notice.acknowledged is not None:
        return []
    return [
        StopUseAcknowledged(
            request_id=request_id,
            acknowledged_at=now,
            acknowledged_by=reader.account,
            acknowledged_as="representative" if reader.representing else "patient",
        )
    ]
