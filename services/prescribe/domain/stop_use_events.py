"""Notices to stop using what the patient already has."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
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
    """The patient, or a representative for them, has read the notice. Who it was is not known of what was recorded
    before representatives were."""

    TOPIC: ClassVar[str] = "prescribe.prescription.stop_use_acknowledged"

    request_id: UUID
    acknowledged_at: datetime
    acknowledged_by: str | None = None
    acknowledged_as: Literal["patient", "representative"] | None = None


STOP_USE_EVENTS: tuple[type[DomainEvent], ...] = (StopUseNotified, StopUseAcknowledged)
