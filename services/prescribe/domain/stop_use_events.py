"""Notices to stop using what the patient already has."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.prescribe.domain.values import LineQuantity
from services.seedwork.model import DomainEvent


class StopUseNotified(DomainEvent):
    """An urgent cancellation found quantities in the patient's hands: they must not be used any more."""

    TOPIC: ClassVar[str] = "prescribe.prescription.stop_use_notified"

    request_id: UUID
    patient_ref: UUID
    reason_code: str
    lines: tuple[LineQuantity, ...]


class StopUseAcknowledged(DomainEvent):
    """The patient has read the notice."""

    TOPIC: ClassVar[str] = "prescribe.prescription.stop_use_acknowledged"

    request_id: UUID
    acknowledged_at: datetime


STOP_USE_EVENTS: tuple[type[DomainEvent], ...] = (StopUseNotified, StopUseAcknowledged)
