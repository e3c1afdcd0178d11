"""Integration events of the dispatch service about goods: levels, what was not there, orders, recalled lots.

No patient and no prescription is in any of them. Quantities in base units (最小制剂单位).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent

RecallClass = Literal["1", "2", "3"]
"""一级, 二级, 三级召回 (药品召回管理办法 第14条): 1 may do or has done grave harm, 2 passing harm, 3 hardly any."""


class StockChanged(IntegrationEvent):
    """The level of a product in a pharmacy is another than the one told last; at most one a second and item."""

    TYPE: ClassVar[str] = "dispatch.stock_changed.v1"
    FAMILY: ClassVar[str] = "stock"

    pharmacy: str
    region: str
    product: str
    drug_key: str
    on_hand: int = Field(ge=0, description="on the shelf")
    reserved: int = Field(ge=0, description="of it, what holds have")
    quarantined: int = Field(ge=0, description="set apart, beside what is on the shelf")
    dispensed_in_day: int = Field(ge=0, description="on the day of `occurred_at`, in China")
    occurred_at: datetime
    source: Literal["own", "mirror"] = Field(description="whether the pharmacy's own system keeps the books")
    pack_size: int | None = Field(default=None, gt=0, description="base units in a pack; None: not told")


class OrderLineChanged(IntegrationEvent):
    """A line of an order with a supplier was placed, or got on; what is asked for and does not come is the earliest
    sign of a shortage. `requested` = `filled` + `open` + `short` + `cancelled`."""

    TYPE: ClassVar[str] = "dispatch.order_line_changed.v1"
    FAMILY: ClassVar[str] = "order"

    order_id: UUID
    line: int = Field(ge=1)
    pharmacy: str
    region: str
    supplier: str
    product: str
    drug_key: str
    change: Literal["placed", "confirmed", "delivered", "short", "back_ordered", "cancelled"]
    requested: int = Field(gt=0)
    filled: int = Field(ge=0)
    open: int = Field(ge=0)
    back_ordered: int = Field(ge=0)
    short: int = Field(ge=0)
    cancelled: int = Field(ge=0)
    promised_at: date | None = None
    occurred_at: datetime


class LotRecalled(IntegrationEvent):
    """Lots of a product are called back (药品召回): nothing of them is received, prepared or dispensed from now on."""

    TYPE: ClassVar[str] = "dispatch.lot_recalled.v1"
    FAMILY: ClassVar[str] = "recall"

    recall_id: UUID
    product: str
    drug_key: str
    lots: tuple[str, ...]
    recall_class: RecallClass
    reason: str
    recalled_at: datetime


class RegisterEntryRecorded(IntegrationEvent):
    """A pharmacy was admitted, changed, suspended or ended (准入, 退出): where it is and whose chain it belongs to."""

    TYPE: ClassVar[str] = "dispatch.register_entry_recorded.v1"
    FAMILY: ClassVar[str] = "pharmacy_register"

    kind: Literal["pharmacy"]
    code: str
    content: dict[str, Any] = Field(description="`contracts.registers.CONTENT[kind]`")
    valid_from: date
    valid_until: date | None = None
    suspended: bool = False


class LineUnfilled(IntegrationEvent):
    """A pharmacy could not give what a patient asked for. No patient and no prescription in it.

    `demand_key` is opaque and the same for one prescription line over all pharmacies, so that three tries of one line
    count as one demand. Stock on hand beside it is a contradiction, unless the books had some but not enough.
    """

    TYPE: ClassVar[str] = "dispatch.line_unfilled.v1"
    FAMILY: ClassVar[str] = "stock"

    drug_key: str
    product: str
    pharmacy: str
    region: str
    quantity: int = Field(gt=0)
    reason: Literal["out_of_stock", "partial_dispense", "not_enough_stock"]
    on_hand_known: bool
    on_hand: int = Field(ge=0)
    demand_key: str
