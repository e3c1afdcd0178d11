"""A pharmacy's stock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.dispatch.application import stock
from services.dispatch.application.stock import Receipt
from services.dispatch.domain.stock.item import AdjustStock
from services.dispatch.domain.values import CODE_LENGTH_MAX, LOT_LENGTH_MAX, QUANTITY_MAX
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/stock")


class ReceiptBody(Body):
    """Goods received: base units, fen per pack. `pharmacy` is the caller's own unless an administrator loads."""

    pharmacy: str | None = Field(default=None, max_length=CODE_LENGTH_MAX)
    product: str = Field(max_length=CODE_LENGTH_MAX)
    lot: str = Field(min_length=1, max_length=LOT_LENGTH_MAX)
    expiry: date
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    unit_price: int = Field(ge=0, le=100_000_000)


class AdjustmentBody(Body):
    """A correction of one lot's books."""

    product: str = Field(max_length=CODE_LENGTH_MAX)
    lot: str = Field(max_length=LOT_LENGTH_MAX)
    change: int = Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)
    reason: str = Field(min_length=1, max_length=200)


@router.get("")
async def levels(actor: Annotated[Actor, Depends(allowed("stock.read"))], read: Read, page: Paging) -> Response:
    """What the caller's pharmacy has, by product."""
    after = page.after[0] if page.after else ""
    rows = await read.find("stock_of_pharmacy", pharmacy=organisation(actor), after=after, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["product"]], item=_level)


def _level(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("product", "drug_key", "on_hand", "reserved", "pack_size", "unit_price")
    return {name: row[name] for name in shown}


@router.post(
    "/receipts",
    responses=problems(
        "stock.not_yours", "pharmacy.not_admitted", "product.unknown", "stock.lot_expired", "stock.lot_differs"
    ),
)
async def receive(body: ReceiptBody, actor: Annotated[Actor, Depends(allowed("stock.receive"))], run: Run) -> Response:
    """Book goods in."""
    pharmacy = body.pharmacy or organisation(actor)
    if actor.role != "system_admin" and pharmacy != organisation(actor):
        raise Refused("stock.not_yours", pharmacy=pharmacy)
    receipt = Receipt(pharmacy=pharmacy, **body.model_dump(exclude={"pharmacy"}))
    return await run(stock.receive_stock(receipt))


@router.post("/adjustments", responses=problems("stock.lot_unknown", "stock.below_zero"))
async def adjust(body: AdjustmentBody, actor: Annotated[Actor, Depends(allowed("stock.adjust"))], run: Run) -> Response:
    """Correct the books, with a reason."""
    command = AdjustStock(lot=body.lot, change=body.change, reason=body.reason, adjusted_by=actor.subject)
    return await run(stock.adjust_stock(organisation(actor), body.product, command))
