"""What happens to a trace code, and the values it is told in. No event names a patient or a prescription."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from services.seedwork.model import DomainEvent, Immutable


class PackFacts(Immutable):
    """What the code stands for; lot, expiry and region are empty in what was scanned before they were kept."""

    code: str
    pharmacy: str
    product: str
    pack_size: int
    lot: str = ""
    expiry: date | None = None
    region: str = ""


class Place(Immutable):
    """Where a code was met, when, and by which supply if by one."""

    pharmacy: str
    region: str = ""
    at: datetime | None = None
    supply_id: UUID | None = None


class CodeScanned(DomainEvent):
    """The pack is set aside for a supply."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_scanned"

    supply_id: UUID
    pack: PackFacts
    quantity: int


class CodeUnscanned(DomainEvent):
    """The pack is back on the shelf, unsold."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_unscanned"

    supply_id: UUID


class CodeSold(DomainEvent):
    """The pack, or a part of it, was dispensed."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_sold"

    supply_id: UUID
    at: datetime | None = None
    store: str = ""
    """The regional store whose supply it is; empty: this one."""


class CodeFreed(DomainEvent):
    """The pack, or the part of it, may be sold again: its sale was undone, or its quarantine released."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_freed"

    supply_id: UUID


class CodeLocked(DomainEvent):
    """The pack came back and waits in quarantine."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_locked"

    supply_id: UUID


class CodeSpent(DomainEvent):
    """The pack is gone or may never be sold again: destroyed, lost, or taken back from a patient."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_spent"

    supply_id: UUID


class CodeDiscarded(DomainEvent):
    """What was left of the pack was thrown away, or set apart as spoilt: never sold, and never to be."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_discarded"

    quantity: int
    discarded_by: str


class ReservationReleased(DomainEvent):
    """Another regional store has no use for the code, whether it had reserved it or not: what it asked before and what
    arrives late is not reserved any more."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.reservation_released"

    supply_id: UUID


class CodeRepeated(DomainEvent):
    """The code was met where it cannot be. Refused; nothing about the pack changes."""

    TOPIC: ClassVar[str] = "dispatch.trace_code.code_repeated"

    attempt: UUID
    """Names the try (a hold, a person's return): repeated tries of one are one alarm."""
    kind: Literal["sale", "return"]
    found: str
    first: Place
    second: Place
    code: str = ""
    """With its product, where nobody here has ever scanned it: only its owner in another region knows them."""
    product: str = ""
