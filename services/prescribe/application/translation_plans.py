"""What prescribe tells of instalments (长期处方) that lapse and of what must not be used any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from contracts.events import prescribe_later as public
from contracts.values import LineQuantity
from services.prescribe.domain.prescription_events import InstalmentLapsed
from services.prescribe.domain.stop_use_events import StopUseNotified
from services.seedwork.composition import Happened


def stop_use_notified(it: Happened) -> Iterable[public.StopUseNotified]:
    """What is in the patient's hands must not be used any more."""
    event = cast(StopUseNotified, it.event)
    yield public.StopUseNotified(
        prescription_id=it.after.signed.prescription_id,
        patient_ref=event.patient_ref,
        request_id=event.request_id,
        reason_code=event.reason_code,
        lines=tuple(LineQuantity(line=each.line, quantity=each.quantity) for each in event.lines),
    )


def instalment_lapsed(it: Happened) -> Iterable[public.InstalmentLapsed]:
    """The window has closed; dispatch lets nobody hold of it any more."""
    event = cast(InstalmentLapsed, it.event)
    yield public.InstalmentLapsed(
        prescription_id=it.after.signed.prescription_id,
        patient_ref=it.after.signed.patient_ref,
        instalment=event.instalment,
        lines=tuple(LineQuantity(line=each.line, quantity=each.quantity) for each in event.lines),
    )
