"""What prescribe tells of a long-term supply (长期处方)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from contracts.events import prescribe_later as public
from contracts.values import LineQuantity
from services.prescribe.domain.prescription_events import InstalmentLapsed
from services.seedwork.composition import Happened


def instalment_lapsed(it: Happened) -> Iterable[public.InstalmentLapsed]:
    """The window has closed; dispatch lets nobody hold of it any more."""
    event = cast(InstalmentLapsed, it.event)
    yield public.InstalmentLapsed(
        prescription_id=it.after.signed.prescription_id,
        patient_ref=it.after.signed.patient_ref,
        instalment=event.instalment,
        lines=tuple(LineQuantity(line=each.line, quantity=each.quantity) for each in event.lines),
    )
