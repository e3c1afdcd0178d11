"""A pharmacy's stock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.dispatch.application import stock
from services.dispatch.application.stock import Receipt
from services.dispatch.domain.stock.booking import COUNTED_LOTS_MAX, AdjustStock, CountedLot, CountStock
from services.dispatch.domain.stock.events import QuarantineReason
from services.dispatch.domain.stock.item import STOCK_ITEMS, offered, stock_item_id
from services.dispatch.domain.stock.quarantine import DecideQuarantine, QuarantineStock
from services.dispatch.domain.values import CODE_LENGTH_MAX, LOT_LENGTH_MAX, QUANTITY_MAX
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/stock")
AFTER_THE_LAST = 2**63 - 1
SERVING = ("pharmacy.not_admitted", "person.not_qualified")
MayRead = Annotated[Actor, Depends(allowed("stock.read"))]


OCCURRED = Field(default=None, description="when it happened, with its offset; null: now")
OWN_LOT = ("stock.unknown", "stock.lot_unknown", "stock.below_zero")
Moment = Annotated[AwareDatetime | None, OCCURRED]
Lot = Annotated[str, Field(max_length=LOT_LENGTH_MAX, description="empty: packs whose lot nobody knows")]
Product = Annotated[str, Field(max_length=CODE_LENGTH_MAX)]
MayDecide = Annotated[Actor, Depends(allowed("stock.quarantine"))]


class ReceiptBody(Body):
    """Goods received: base units, fen per pack. `pharmacy` is the caller's own unless an administrator loads."""

    pharmacy: str | None = Field(default=None, max_length=CODE_LENGTH_MAX)
    product: Product
    lot: str = Field(min_length=1, max_length=LOT_LENGTH_MAX)
    expiry: date
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    unit_price: int = Field(ge=0, le=100_000_000)
    occurred_at: Moment = None


class AdjustmentBody(Body):
    """A correction of one lot's books, by a reason of the table."""

    product: Product
    lot: Lot
    change: int = Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)
    reason: str = Field(min_length=1, max_length=200, examples=["broken"])
    note: str | None = Field(default=None, max_length=200)
    occurred_at: Moment = None


class CountBody(Body):
    """What is on the shelf of one product; `complete`: lots that are not named are not there."""

    product: Product
    lots: tuple[CountedLot, ...] = Field(max_length=COUNTED_LOTS_MAX)
    complete: bool = False
    occurred_at: Moment = None


class ApartBody(Body):
    """Packs of one lot to set apart."""

    product: Product
    lot: Lot
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    reason: QuarantineReason


class DecisionBody(Body):
    """What becomes of packs that were set apart, and why."""

    product: Product
    lot: Lot
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    reason: str = Field(min_length=1, max_length=200)


@router.get("")
async def levels(actor: MayRead, read: Read, page: Paging) -> Response:
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
        "stock.not_yours",
        "pharmacy.not_admitted",
        "product.unknown",
        "stock.lot_expired",
        "stock.lot_differs",
        "stock.lot_recalled",
        "stock.ahead_of_time",
        "stock.too_long_ago",
    ),
)
async def receive(body: ReceiptBody, actor: Annotated[Actor, Depends(allowed("stock.receive"))], run: Run) -> Response:
    """Book goods in."""
    pharmacy = body.pharmacy or organisation(actor)
    if actor.role != "system_admin" and pharmacy != organisation(actor):
        raise Refused("stock.not_yours", pharmacy=pharmacy)
    receipt = Receipt(pharmacy=pharmacy, **body.model_dump(exclude={"pharmacy"}))
    return await run(stock.receive_stock(receipt))


@router.post(
    "/adjustments",
    responses=problems(*OWN_LOT, "stock.adjustment_reason", "stock.ahead_of_time", "stock.too_long_ago"),
)
async def adjust(body: AdjustmentBody, actor: Annotated[Actor, Depends(allowed("stock.adjust"))], run: Run) -> Response:
    """Correct the books, with a reason of the table."""
    command = AdjustStock(adjusted_by=actor.subject, **body.model_dump(exclude={"product"}))
    return await run(stock.adjust_stock(organisation(actor), body.product, command))


@router.post(
    "/counts",
    responses=problems(
        "stock.unknown",
        "stock.below_zero",
        "stock.lot_differs",
        "stock.lot_twice",
        "stock.ahead_of_time",
        "stock.too_long_ago",
    ),
)
async def count(body: CountBody, actor: Annotated[Actor, Depends(allowed("stock.adjust"))], run: Run) -> Response:
    """Book a count (盘点): per lot the difference to what the books say of the end of that day."""
    command = CountStock(counted_by=actor.subject, lots=body.lots, complete=body.complete, occurred_at=body.occurred_at)
    return await run(stock.count_stock(organisation(actor), body.product, command))


@router.post("/quarantine", responses=problems(*OWN_LOT))
async def set_apart(
    body: ApartBody, actor: Annotated[Actor, Depends(allowed("stock.set_apart"))], run: Run
) -> Response:
    """Set packs apart: they are not given out until the quality manager has decided."""
    command = QuarantineStock(decided_by=actor.subject, **body.model_dump(exclude={"product"}))
    return await run(stock.quarantine_stock(organisation(actor), body.product, command))


@router.post(
    "/quarantine/releases",
    responses=problems(
        *SERVING, "stock.lot_unknown", "stock.not_in_quarantine", "stock.lot_recalled", "stock.lot_expired"
    ),
)
async def release(body: DecisionBody, actor: MayDecide, run: Run) -> Response:
    """Put packs back on the shelf; never recalled or expired ones."""
    return await run(stock.release_quarantine(organisation(actor), body.product, _decision(body, actor)))


@router.post("/quarantine/destructions", responses=problems(*SERVING, "stock.lot_unknown", "stock.not_in_quarantine"))
async def destroy(body: DecisionBody, actor: MayDecide, run: Run) -> Response:
    """Packs leave the books for good (不合格药品处理)."""
    return await run(stock.destroy_quarantine(organisation(actor), body.product, _decision(body, actor)))


def _decision(body: DecisionBody, actor: Actor) -> DecideQuarantine:
    return DecideQuarantine(decided_by=actor.subject, **body.model_dump(exclude={"product"}))


@router.get("/item", responses=problems("stock.unknown"))
async def one_item(
    actor: MayRead,
    read: Read,
    product: Annotated[str, Query(max_length=CODE_LENGTH_MAX)],
    quantity: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="to be offered lots for")] = 0,
) -> Response:
    """One product by lot, and the lots to take a quantity from, first expired first."""
    now = await read.now()
    (shelf,) = await read.load(STOCK_ITEMS.ref(stock_item_id(organisation(actor), product)))
    if not shelf.exists:
        raise Refused("stock.unknown", product=product)
    today = civil_day(now)
    offer = [pick.model_dump(mode="json") for pick in offered(shelf.state, quantity, today)]
    return answer({**stock.stock_view(shelf.state, today), "offer": offer})


@router.get("/expiring")
async def expiring(
    actor: MayRead,
    read: Read,
    page: Paging,
    within_days: Annotated[int, Query(ge=0, le=3660)] = 180,
) -> Response:
    """Lots on the shelf that expire within so many days (近效期), those that have expired first."""
    after = page.after or ["", "", ""]
    rows = await read.find(
        "lots_expiring",
        pharmacy=organisation(actor),
        until=(civil_day(await read.now()) + timedelta(days=within_days)).isoformat(),
        after_expiry=after[0],
        after_product=after[1],
        after_lot=after[2],
        limit=page.fetch,
    )
    return page.answer(rows, key=lambda row: [row["expiry"], row["product"], row["lot"]])


@router.get("/movements")
async def moved(
    actor: MayRead, read: Read, page: Paging, product: Annotated[str, Query(max_length=CODE_LENGTH_MAX)]
) -> Response:
    """What happened to a product's goods, newest record first: when it happened and when it was recorded."""
    before = page.after or [AFTER_THE_LAST, 0]
    rows = await read.find(
        "movements_of",
        stock_item_id=stock_item_id(organisation(actor), product),
        before=before[0],
        before_number=before[1],
        limit=page.fetch,
    )
    return page.answer(rows, key=lambda row: [row["log_index"], row["number"]], item=_movement)


def _movement(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("kind", "lot", "shelf", "quarantine", "actor")
    moments = {name: from_micros(row[name]) for name in ("occurred_at", "recorded_at")}
    return {**{name: row[name] for name in shown}, **moments}
