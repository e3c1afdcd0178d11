"""The end of validity, found by the clock."""

from __future__ import annotations

from datetime import datetime

from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import PrescriptionExpired
from services.prescribe.domain.values import UNDER_REVIEW, Status
from services.seedwork.model import DomainEvent


def expire(state: PrescriptionState, now: datetime) -> list[DomainEvent]:
    """What nobody holds lapses. Not yet due, or already over: nothing.

    A released prescription closes first: a hold placed in its last second may still be on its way here.
    """
    if state.current is None or not state.past_validity(now) or state.refuses("clock: validity"):
        return []
    if state.current.plan and state.status is Status.RELEASED:  # its instalments have windows of their own
        return []
    return [
        PrescriptionExpired(final=state.status in UNDER_REVIEW, buckets=tuple(state.parts.all_lapsed().total.values()))
    ]
