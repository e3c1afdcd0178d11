"""What happens to a product on a pharmacy's shelf. No event names a patient or a prescription."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.seedwork.model import DomainEvent, Immutable

UnfilledReason = Literal["out_of_stock", "partial_dispense", "not_enough_stock"]


class Pick(Immutable):
    """A quantity of one lot."""

    lot: str = Field(min_length=1)
    expiry: date
    quantity: int = Field(gt=0)


class StockReceived(DomainEvent):
    """Packs came in; the price is the pharmacy's from now on."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_received"

    pharmacy: str
    product: str
    drug_key: str
    region: str
    pack_size: int
    lot: str
    expiry: date
    quantity: int
    unit_price: int


class StockReserved(DomainEvent):
    """A hold has this quantity."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_reserved"

    hold_id: UUID
    quantity: int


class ReservationFreed(DomainEvent):
    """A hold gave this quantity back."""

    TOPIC: ClassVar[str] = "dispatch.stock.reservation_freed"

    hold_id: UUID
    quantity: int


class StockCounted(DomainEvent):
    """A lot was found to hold another quantity than the books said."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_counted"

    lot: str
    expiry: date
    before: int
    after: int
    source: Literal["scanned_pack"]


class StockDispensed(DomainEvent):
    """Packs left the shelf for a patient."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_dispensed"

    hold_id: UUID
    supply_id: UUID
    picks: tuple[Pick, ...]


class StockReturned(DomainEvent):
    """Packs of a supply are back: on the shelf, or set apart until somebody decides about them."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_returned"

    supply_id: UUID
    picks: tuple[Pick, ...]
    occurred_at: datetime | None = None
    quarantined: bool = False


class QuarantineReleased(DomainEvent):
    """The quality manager (质量负责人) put packs back on the shelf."""

    TOPIC: ClassVar[str] = "dispatch.stock.quarantine_released"

    lot: str
    expiry: date
    quantity: int
    reason: str
    decided_by: str
    occurred_at: datetime | None = None


class QuarantineDestroyed(DomainEvent):
    """The quality manager had packs destroyed, or sent back to where they came from."""

    TOPIC: ClassVar[str] = "dispatch.stock.quarantine_destroyed"

    lot: str
    expiry: date
    quantity: int
    reason: str
    decided_by: str
    occurred_at: datetime | None = None


class StockAdjusted(DomainEvent):
    """Somebody corrected the books, with a reason."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_adjusted"

    lot: str
    expiry: date
    change: int
    reason: str
    adjusted_by: str


class DemandUnfilled(DomainEvent):
    """The pharmacy could not give what was asked for. Names no patient and no prescription."""

    TOPIC: ClassVar[str] = "dispatch.stock.demand_unfilled"

    pharmacy: str
    product: str
    drug_key: str
    region: str
    quantity: int
    reason: UnfilledReason
    demand_key: str
    on_hand_known: bool
    on_hand: int
