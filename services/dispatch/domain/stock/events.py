"""What happens to a product on a pharmacy's shelf. No event names a patient or a prescription.

`occurred_at` is when it happened, the store's own time beside it when it was recorded; None in events of before it was
told apart, where both are one. `lot` and `expiry` of goods whose lot nobody told are those of the unnamed lot.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.seedwork.model import DomainEvent, Immutable

UNNAMED_LOT = ""
"""Goods of which only the number is known: a mirrored level, books of before lots were kept."""
NO_EXPIRY = date.max
UnfilledReason = Literal["out_of_stock", "partial_dispense", "not_enough_stock"]
CountSource = Literal["scanned_pack", "mirror", "counted", "reported"]
"""`mirror` (older events: `scanned_pack`): packs that were there although the books had none; `counted`: by people;
`reported`: the level that the pharmacy's own system says."""
QuarantineReason = Literal["suspect", "damaged", "temperature", "returned", "complaint", "authority"]
Source = Literal["own", "mirror"]
"""Whether the books are kept here, or are a copy of what the pharmacy's own system says."""


class Pick(Immutable):
    """A quantity of one lot."""

    lot: str = UNNAMED_LOT
    expiry: date = NO_EXPIRY
    quantity: int = Field(gt=0)


class StockReceived(DomainEvent):
    """Packs came in; the price is the pharmacy's from now on."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_received"

    pharmacy: str
    product: str
    drug_key: str
    region: str
    pack_size: int
    lot: str = UNNAMED_LOT
    expiry: date = NO_EXPIRY
    quantity: int
    unit_price: int
    occurred_at: datetime | None = None
    warn_on: date | None = None
    """The day on which the pharmacy is told that the lot expires soon."""
    order_id: UUID | None = None
    """Of the order whose goods these are."""


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
    """A lot was found to hold another quantity than the books said, or the same: `after` - `before` is booked."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_counted"

    lot: str = UNNAMED_LOT
    expiry: date = NO_EXPIRY
    before: int
    after: int
    source: CountSource
    occurred_at: datetime | None = None
    counted_by: str | None = None
    pharmacy: str | None = None
    """Of a count by people or by the pharmacy's own system; not kept in older events, and neither is the drug."""
    drug_key: str | None = None
    recalled: bool = False
    """Nothing of this lot is given out, however much there is of it."""


class StockDispensed(DomainEvent):
    """Packs left the shelf for a patient."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_dispensed"

    hold_id: UUID
    supply_id: UUID
    picks: tuple[Pick, ...]
    occurred_at: datetime | None = None


class StockReturned(DomainEvent):
    """Packs of a supply are back: on the shelf, or set apart until somebody decides about them."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_returned"

    supply_id: UUID
    picks: tuple[Pick, ...]
    occurred_at: datetime | None = None
    quarantined: bool = False
    pharmacy: str | None = None
    """Not kept in older events, and neither is the drug."""
    drug_key: str | None = None
    fulfilment_id: UUID | None = None
    """Whose supply it was; not kept in older events."""


class StockAdjusted(DomainEvent):
    """Somebody corrected the books, with a reason (of `adjustment_reasons`; any words in older events)."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_adjusted"

    lot: str = UNNAMED_LOT
    expiry: date = NO_EXPIRY
    change: int
    reason: str
    adjusted_by: str
    note: str | None = None
    occurred_at: datetime | None = None
    pharmacy: str | None = None
    """Not kept in older events, and neither is the drug."""
    drug_key: str | None = None
    recalled: bool = False
    """Nothing of this lot is given out, however much there is of it."""


class StockQuarantined(DomainEvent):
    """Packs were taken from the shelf and set apart."""

    TOPIC: ClassVar[str] = "dispatch.stock.stock_quarantined"

    lot: str
    expiry: date
    quantity: int
    reason: QuarantineReason
    decided_by: str
    occurred_at: datetime | None = None


class QuarantineReleased(DomainEvent):
    """The quality manager (质量负责人) put packs back on the shelf."""

    TOPIC: ClassVar[str] = "dispatch.stock.quarantine_released"

    lot: str
    expiry: date
    quantity: int
    reason: str
    decided_by: str
    occurred_at: datetime | None = None
    pharmacy: str | None = None
    """Not kept in older events, and neither is the drug."""
    drug_key: str | None = None


class QuarantineDestroyed(DomainEvent):
    """The quality manager had packs destroyed, or sent back to where they came from."""

    TOPIC: ClassVar[str] = "dispatch.stock.quarantine_destroyed"

    lot: str
    expiry: date
    quantity: int
    reason: str
    decided_by: str
    occurred_at: datetime | None = None


class LotExpired(DomainEvent):
    """The lot's last day is over: what was on the shelf is set apart."""

    TOPIC: ClassVar[str] = "dispatch.stock.lot_expired"

    lot: str
    expiry: date
    quantity: int
    occurred_at: datetime
    pharmacy: str | None = None
    """Not kept in older events, and neither is the product."""
    product: str | None = None


class LotWithdrawn(DomainEvent):
    """The lot is recalled: what was on the shelf is set apart, and nothing of it comes back to the shelf."""

    TOPIC: ClassVar[str] = "dispatch.stock.lot_withdrawn"

    recall_id: UUID
    lot: str
    expiry: date
    quantity: int
    occurred_at: datetime
    pharmacy: str | None = None
    """Not kept in older events, and neither is the product."""
    product: str | None = None


class ExpiryWarned(DomainEvent):
    """A lot with packs on the shelf expires soon (近效期)."""

    TOPIC: ClassVar[str] = "dispatch.stock.expiry_warned"

    pharmacy: str
    product: str
    lot: str
    expiry: date
    quantity: int


class StockLevelPublished(DomainEvent):
    """The level as the others are told it: at most once a second for one item."""

    TOPIC: ClassVar[str] = "dispatch.stock.level_published"

    pharmacy: str
    product: str
    drug_key: str
    region: str
    on_hand: int
    reserved: int
    quarantined: int
    dispensed_in_day: int
    source: Source
    occurred_at: datetime
    pack_size: int | None = None


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

    @property
    def contradicts_the_books(self) -> bool:
        """Nothing was there, it is said, and the books say otherwise; unless they had some but not enough."""
        return self.reason != "not_enough_stock" and self.on_hand_known and self.on_hand > 0


EVENTS: tuple[type[DomainEvent], ...] = (
    StockReceived,
    StockReserved,
    ReservationFreed,
    StockCounted,
    StockDispensed,
    StockReturned,
    StockAdjusted,
    StockQuarantined,
    QuarantineReleased,
    QuarantineDestroyed,
    LotExpired,
    LotWithdrawn,
    ExpiryWarned,
    StockLevelPublished,
    DemandUnfilled,
)
LotEvent = StockReceived | StockQuarantined | QuarantineReleased | QuarantineDestroyed | LotExpired | LotWithdrawn
"""Events that move one quantity of one lot."""
