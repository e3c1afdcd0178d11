"""Checks of goods that two sides of a simulated world know of: each finds what only one of them says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from rxflow.simulation import goods
from services.dispatch.domain.replenishment import events as ordered
from services.dispatch.domain.replenishment.order import ORDERS
from services.dispatch.domain.stock import events as stocked
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.shortage.domain.lots import LOT, OrderLineColumns, OrderLinesTaken
from services.shortage.domain.orders import OrderLineReported
from tests.unit.rxflow.simulation.test_books_agree import books, kept, standing, stream

NOW, EXPIRY = datetime(2026, 3, 2, 4, tzinfo=UTC), date(2028, 1, 31)
ORDER_ID = UUID(int=1)
DRUG = {"pharmacy": "P1", "product": "X1", "drug_key": "drug", "region": "330102", "pack_size": 10}
PLACED = ordered.OrderLinePlaced(
    order_id=ORDER_ID,
    order_no="D1",
    supplier="S1",
    line=1,
    requested=100,
    placed_by="HY1",
    occurred_at=NOW,
    **DRUG,  # type: ignore[arg-type]
)
CANCELLED = ordered.OrderLineClosed(line=1, cancelled=True, reason="缺货", closed_by="HY1", occurred_at=NOW)


def said(confirmed: int, back_ordered: int, short: int) -> ordered.OrderLineConfirmed:
    return ordered.OrderLineConfirmed(
        line=1,
        confirmed=confirmed,
        back_ordered=back_ordered,
        short=short,
        promised_at=None,
        confirmed_by="S1",
        occurred_at=NOW,
    )


def came(quantity: int, lot: str = "L1") -> ordered.OrderGoodsReceived:
    return ordered.OrderGoodsReceived(
        line=1, lot=lot, expiry=EXPIRY, quantity=quantity, unit_price=1, received_by="HY1", occurred_at=NOW
    )


def booked(quantity: int, lot: str = "L1", order_id: UUID | None = ORDER_ID) -> stocked.StockReceived:
    return stocked.StockReceived(
        lot=lot,
        expiry=EXPIRY,
        quantity=quantity,
        unit_price=1,
        order_id=order_id,
        **DRUG,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ((PLACED, said(40, 50, 10), came(40), came(10), CANCELLED), 0),
        ((PLACED, said(40, 61, 0)), 1),
        ((PLACED, came(101)), 1),
    ],
)
def test_a_line_that_does_not_add_up_is_found(events: Any, found: int) -> None:
    assert len(list(goods.orders_add_up(kept(stream(ORDERS, ORDER_ID, *events))))) == found


@pytest.mark.parametrize(
    ("shelved", "found"),
    [
        ((booked(40), booked(60, order_id=None)), 0),
        ((), 1),
        ((booked(40), booked(40)), 1),
        ((booked(40, lot="L2"),), 2),
    ],
)
def test_goods_that_only_the_order_or_only_the_shelf_knows_are_found(shelved: Any, found: int) -> None:
    dispatch = kept(stream(ORDERS, ORDER_ID, PLACED, came(40)), stream(STOCK_ITEMS, uuid4(), *shelved))

    assert len(list(goods.ordered_is_on_the_shelf(dispatch))) == found


def told(change: str, filled: int = 0, cancelled: int = 0) -> OrderLineReported:
    return OrderLineReported(
        order_id=ORDER_ID,
        line=1,
        pharmacy="P1",
        region="330102",
        supplier="S1",
        drug_key="drug",
        change=change,
        requested=100,
        filled=filled,
        open=100 - filled - cancelled,
        back_ordered=0,
        short=0,
        cancelled=cancelled,
        promised_at=None,
        occurred_at=NOW,
    )


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ((told("placed"), told("delivered", 40), told("cancelled", 40, 60)), 0),
        ((told("placed"), told("cancelled", 40, 60)), 1),
        ((told("placed"), told("delivered", 100), told("cancelled", 40, 60)), 2),
    ],
)
def test_a_step_of_an_order_that_only_one_side_knows_is_found(known: Any, found: int) -> None:
    names = tuple(OrderLineColumns.model_fields)
    rows = OrderLineColumns.model_validate({name: tuple(getattr(row, name) for row in known) for name in names})
    taken = OrderLinesTaken(rows=rows, taken_at=NOW)
    both = books(
        dispatch=kept(stream(ORDERS, ORDER_ID, PLACED, came(40), CANCELLED)),
        shortage=kept(standing(LOT, uuid4(), None, taken)),
    )

    assert len(list(goods.steps_of_orders_are_known(both))) == found
