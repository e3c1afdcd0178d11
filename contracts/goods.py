"""Rows in which pharmacies bring goods in bulk: opening stock, and orders that run already.

Used by whoever sends them and by dispatch, which reads each row for itself.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from contracts.rows import ROW_KEY_LENGTH_MAX, ImportRow

QUANTITY_MAX = 10_000_000
Code = Annotated[str, Field(min_length=1, max_length=30)]
Quantity = Annotated[int, Field(ge=0, le=QUANTITY_MAX)]


class StockRow(ImportRow):
    """Goods of one lot on the shelf: base units, fen per pack. The same key with the same content is booked once."""

    row_key: str | None = Field(default=None, min_length=1, max_length=ROW_KEY_LENGTH_MAX)
    product: Code
    lot: str = Field(default="", max_length=64)
    expiry: date | None = Field(default=None, validate_default=True, description="wanted where a lot is named")
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    unit_price: int = Field(ge=0, le=100_000_000)
    occurred_at: AwareDatetime | None = None

    @field_validator("expiry")
    @classmethod
    def known_of_a_lot(cls, expiry: date | None, row: ValidationInfo) -> date | None:
        """Only what has no lot has no expiry: without one it would never be set apart."""
        if expiry is None and row.data.get("lot"):
            raise ValueError("wanted where a lot is named")
        return expiry

    @property
    def key(self) -> str:
        """The row's own key, or product and lot."""
        return self.row_key or f"{self.product}/{self.lot}"


class OrderRow(ImportRow):
    """One line of an order; number and line are its key."""

    order_no: str = Field(min_length=1, max_length=40)
    line: int = Field(ge=1, le=200)
    supplier: Code
    product: Code
    requested: int = Field(gt=0, le=QUANTITY_MAX)
    filled: Quantity = 0
    back_ordered: Quantity = 0
    promised_at: date | None = None

    @property
    def key(self) -> str:
        return f"{self.order_no}/{self.line}"


ROWS: dict[str, type[StockRow] | type[OrderRow]] = {"stock": StockRow, "orders": OrderRow}
