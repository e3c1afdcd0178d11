"""Replenishment orders of a pharmacy with its suppliers; both see them. Goods that come are on the shelf at once."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.dispatch.application import orders
from services.dispatch.application.orders import LINES_PER_REQUEST_MAX, OrderRequest, WantedLine
from services.dispatch.domain.replenishment.order import (
    ORDER_LINES_MAX,
    ORDER_NO_LENGTH_MAX,
    ORDERS,
    REASON_LENGTH_MAX,
    ConfirmLine,
    ReceivedGoods,
)
from services.dispatch.domain.values import CODE_LENGTH_MAX
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/orders")
MayPlace = Annotated[Actor, Depends(allowed("order.place"))]
MayConfirm = Annotated[Actor, Depends(allowed("order.confirm"))]
MayRead = Annotated[Actor, Depends(allowed("order.read"))]
OWN = ("order.unknown", "order.not_yours", "order.line_unknown", "order.wrong_state")
LineNumber = Annotated[int, Field(ge=1, le=ORDER_LINES_MAX)]


class OrderBody(Body):
    """An order, or further lines of one; base units."""

    order_no: str = Field(min_length=1, max_length=ORDER_NO_LENGTH_MAX)
    supplier: str = Field(min_length=1, max_length=CODE_LENGTH_MAX)
    lines: tuple[WantedLine, ...] = Field(min_length=1, max_length=LINES_PER_REQUEST_MAX)


class ConfirmationBody(Body):
    """What the supplier says: per line what is under way, comes later and never comes."""

    lines: tuple[ConfirmLine, ...] = Field(min_length=1, max_length=LINES_PER_REQUEST_MAX)


class GoodsBody(Body):
    """What came: per line and lot."""

    lines: tuple[ReceivedGoods, ...] = Field(min_length=1, max_length=LINES_PER_REQUEST_MAX)


class EndBody(Body):
    """Lines of which nothing more comes, and why."""

    lines: tuple[LineNumber, ...] = Field(min_length=1, max_length=LINES_PER_REQUEST_MAX)
    reason: str = Field(min_length=1, max_length=REASON_LENGTH_MAX)


@router.get("")
async def list_orders(actor: MayRead, read: Read, page: Paging) -> Response:
    """The caller's orders by number: a pharmacy's own, a supplier's of every pharmacy."""
    after = page.after or ["", ""]
    rows = await read.find(
        "orders_of", organisation=organisation(actor), after=after[0], after_pharmacy=after[1], limit=page.fetch
    )
    return page.answer(rows, key=lambda row: [row["order_no"], row["pharmacy"]])


@router.post(
    "",
    status_code=201,
    responses=problems(
        "pharmacy.not_admitted",
        "product.unknown",
        "order.line_differs",
        "order.other_supplier",
        "order.does_not_add_up",
    ),
)
async def place(body: OrderBody, actor: MayPlace, run: Run) -> Response:
    """Order goods from a supplier; the same lines again change nothing."""
    request = OrderRequest(
        order_no=body.order_no, pharmacy=organisation(actor), supplier=body.supplier, lines=body.lines
    )
    return await run(orders.place_order(request, actor))


@router.get("/{order_id}", responses=problems("order.unknown", "order.not_yours"))
async def read_order(order_id: UUID, actor: MayRead, read: Read) -> Response:
    """One order with its lines."""
    (placed,) = await read.load(ORDERS.ref(order_id))
    refused = orders.foreign(placed.state, actor)
    if refused:
        raise Refused(refused.code, **refused.facts)
    return answer(orders.order_view(placed.state))


@router.post("/{order_id}/confirmations", responses=problems(*OWN, "order.does_not_add_up"))
async def confirm(order_id: UUID, body: ConfirmationBody, actor: MayConfirm, run: Run) -> Response:
    """The supplier's word; a pharmacy writes it down for a supplier that has no access."""
    return await run(orders.confirm_order(order_id, body.lines, actor))


@router.post(
    "/{order_id}/receipts",
    responses=problems(*OWN, "order.more_than_open", "stock.lot_expired", "stock.lot_differs", "stock.lot_recalled"),
)
async def receive(order_id: UUID, body: GoodsBody, actor: MayPlace, run: Run) -> Response:
    """Goods of the order came in: its lines and the shelf in one save."""
    return await run(orders.receive_goods(order_id, body.lines, actor))


@router.post("/{order_id}/shortfalls", responses=problems(*OWN))
async def leave_short(order_id: UUID, body: EndBody, actor: MayConfirm, run: Run) -> Response:
    """The rest of these lines will not come."""
    return await run(orders.close_lines(order_id, body.lines, body.reason, actor, cancelled=False))


@router.post("/{order_id}/cancellations", responses=problems(*OWN))
async def cancel(order_id: UUID, body: EndBody, actor: MayPlace, run: Run) -> Response:
    """The pharmacy does not want the rest of these lines any more."""
    return await run(orders.close_lines(order_id, body.lines, body.reason, actor, cancelled=True))
