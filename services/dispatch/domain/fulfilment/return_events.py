"""What happens to a supply after the patient had it, and to what came back and is not replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from services.dispatch.domain.values import FreedLine, LineQuantity
from services.seedwork.model import DomainEvent, Personal, PersonalClass


class SupplyTakenBack(DomainEvent):
    """The patient brought it back: bad, recalled, or the wrong thing. Never restocked; its trace codes stay spent."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.supply_taken_back"

    supply_id: UUID
    patient_ref: UUID
    lines: tuple[FreedLine, ...]
    why: Literal["quality", "recall", "wrong_item"]
    taken_back_by: str
    note: Annotated[str | None, Personal(PersonalClass.CLINICAL)] = None
    replace_until: datetime


class ReplacementLapsed(DomainEvent):
    """The time to replace it is over."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.replacement_lapsed"

    supply_id: UUID
    lines: tuple[LineQuantity, ...]


RETURN_EVENTS: tuple[type[DomainEvent], ...] = (SupplyTakenBack, ReplacementLapsed)
