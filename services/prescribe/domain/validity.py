"""The end of validity, found by the clock."""

from __future__ import annotations

from datetime import datetime

from services.prescribe.domain.buckets import lapsed
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import PrescriptionExpired
from services.prescribe.domain.values import UNDER_REVIEW
from services.seedwork.model import DomainEvent


def expire(state: PrescriptionState, now: datetime) -> list[DomainEvent]:
    """What nobody holds lapses. Not yet due, or already over: nothing.

    A released prescription closes first: a hold placed in its last second may still be on its way here.
    """
    if state.current is None or not state.past_validity(now) or state.refuses("clock: validity"):
        return []
    return [PrescriptionExpired(final=state.status in UNDER_REVIEW, buckets=lapsed(state.buckets.values()))]
