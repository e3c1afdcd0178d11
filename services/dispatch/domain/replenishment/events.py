"""What happens to an order's lines. Quantities in base units; no patient anywhere."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import DomainEvent


class OrderLinePlaced(DomainEvent):
    """A pharmacy wants goods. An order taken over from another system may have come in part already."""

    TOPIC: ClassVar[str] = "dispatch.order.line_placed"

    order_id: UUID
    order_no: str
    pharmacy: str
    region: str
    supplier: str
    line: int
    product: str
    drug_key: str
    pack_size: int
    requested: int
    filled: int = 0
    back_ordered: int = 0
    promised_at: date | None = None
    placed_by: str
    occurred_at: datetime


class OrderLineConfirmed(DomainEvent):
    """The supplier said what of the open quantity is under way, what comes later and what will never come."""

    TOPIC: ClassVar[str] = "dispatch.order.line_confirmed"

    line: int
    confirmed: int
    back_ordered: int
    short: int
    promised_at: date | None
    confirmed_by: str
    occurred_at: datetime


class OrderGoodsReceived(DomainEvent):
    """Goods of a line came in; they are booked on the shelf in the same save."""

    TOPIC: ClassVar[str] = "dispatch.order.goods_received"

    line: int
    lot: str
    expiry: date
    quantity: int
    unit_price: int
    received_by: str
    occurred_at: datetime


class OrderLineClosed(DomainEvent):
    """Nothing more comes: the supplier left the rest short, or the order was called off."""

    TOPIC: ClassVar[str] = "dispatch.order.line_closed"

    line: int
    cancelled: bool
    reason: str
    closed_by: str
    occurred_at: datetime


EVENTS: tuple[type[DomainEvent], ...] = (OrderLinePlaced, OrderLineConfirmed, OrderGoodsReceived, OrderLineClosed)
