"""What happens to a supply that comes back: before the patient had it, or after; and to what is not replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from services.dispatch.domain.values import Disposition, FreedLine, LineQuantity, Road, UndonePack, UndoneWhy
from services.seedwork.model import DomainEvent, Personal, PersonalClass


class SupplyUndone(DomainEvent):
    """A dispensed supply, or what was rejected of it at the door, never reached the patient."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.supply_undone"

    supply_id: UUID
    lines: tuple[FreedLine, ...]
    why: UndoneWhy
    disposition: Disposition = "restocked"
    packs: tuple[UndonePack, ...] = ()
    """Of a parcel, what became of each; empty: none had left the pharmacy, all is back, apart if no good."""
    replace_until: datetime | None = None
    """Until when the same pharmacy may supply again what went to `replaceable`."""
    road: Road | None = None
    """Why it did not arrive, where a courier had it."""


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


RETURN_EVENTS: tuple[type[DomainEvent], ...] = (SupplyUndone, SupplyTakenBack, ReplacementLapsed)
