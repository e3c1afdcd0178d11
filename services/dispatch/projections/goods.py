"""Goods by lot, every movement of them with both its times, and orders: what a pharmacy's own books show."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.dispatch.domain.replenishment.events import OrderLinePlaced
from services.dispatch.domain.stock.events import LotWithdrawn
from services.dispatch.domain.stock.movements import Movement, Place, movements
from services.dispatch.projections import METADATA
from services.dispatch.projections.availability import STOCK
from services.seedwork.clock import to_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

LOTS = sa.Table(
    "stock_lots",
    METADATA,
    sa.Column("stock_item_id", sa.Uuid, primary_key=True),
    sa.Column("lot", sa.Text, primary_key=True),
    sa.Column("expiry", sa.Text, nullable=False),
    sa.Column("on_hand", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("quarantined", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("recalled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("stock_lots_by_lot", "lot"),
)
MOVED = sa.Table(
    "stock_movements",
    METADATA,
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("stock_item_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("lot", sa.Text, nullable=False),
    sa.Column("shelf", sa.BigInteger, nullable=False),
    sa.Column("quarantine", sa.BigInteger, nullable=False),
    sa.Column("occurred_at", sa.BigInteger, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Index("stock_movements_of_item", "stock_item_id", "log_index", "number"),
)
ORDERS = sa.Table(
    "orders",
    METADATA,
    sa.Column("order_id", sa.Uuid, primary_key=True),
    sa.Column("order_no", sa.Text, nullable=False),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("supplier", sa.Text, nullable=False),
    sa.Index("orders_of_pharmacy", "pharmacy", "order_no"),
    sa.Index("orders_of_supplier", "supplier", "order_no"),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    for number, movement in enumerate(movements(event)):
        yield from _lot(recorded, movement)
        yield Put(MOVED, _row(recorded, number, movement))
    if isinstance(event, LotWithdrawn):
        known = {"stock_item_id": recorded.stream_id, "lot": event.lot}
        yield Put(LOTS, {**known, "expiry": event.expiry.isoformat(), "recalled": True})
    if isinstance(event, OrderLinePlaced):
        yield Put(ORDERS, event.model_dump(include={"order_id", "order_no", "pharmacy", "supplier"}))


def _lot(recorded: Recorded, movement: Movement) -> Iterator[Operation]:
    pick = movement.pick
    where = {"stock_item_id": recorded.stream_id, "lot": pick.lot}
    yield Put(LOTS, {**where, "expiry": pick.expiry.isoformat()})
    for place, column in ((Place.SHELF, "on_hand"), (Place.QUARANTINE, "quarantined")):
        change = movement.change(place)
        if change:
            yield Amend(LOTS, where, {column: LOTS.c[column] + change})


def _row(recorded: Recorded, number: int, movement: Movement) -> dict[str, object]:
    occurred_at = getattr(recorded.event, "occurred_at", None) or recorded.recorded_at
    return {
        "log_index": recorded.log_index,
        "number": number,
        "stock_item_id": recorded.stream_id,
        "kind": movement.kind.name,
        "lot": movement.pick.lot,
        "shelf": movement.change(Place.SHELF),
        "quarantine": movement.change(Place.QUARANTINE),
        "occurred_at": to_micros(occurred_at),
        "recorded_at": to_micros(recorded.recorded_at),
        "actor": recorded.actor,
    }


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


def _number(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger)


PROJECTION = Projection(
    name="goods",
    tables=(LOTS, MOVED, ORDERS),
    project=project,
    queries={
        "lots_expiring": sa.select(STOCK.c.product, STOCK.c.drug_key, LOTS.c.lot, LOTS.c.expiry, LOTS.c.on_hand)
        .join(STOCK, STOCK.c.stock_item_id == LOTS.c.stock_item_id)
        .where(
            STOCK.c.pharmacy == _text("pharmacy"),
            LOTS.c.on_hand > 0,
            LOTS.c.expiry <= _text("until"),
            sa.tuple_(LOTS.c.expiry, STOCK.c.product, LOTS.c.lot)
            > sa.tuple_(_text("after_expiry"), _text("after_product"), _text("after_lot")),
        )
        .order_by(LOTS.c.expiry, STOCK.c.product, LOTS.c.lot)
        .limit(_number("limit")),
        "movements_of": sa.select(MOVED)
        .where(
            MOVED.c.stock_item_id == sa.bindparam("stock_item_id", type_=sa.Uuid),
            sa.tuple_(MOVED.c.log_index, MOVED.c.number) < sa.tuple_(_number("before"), _number("before_number")),
        )
        .order_by(MOVED.c.log_index.desc(), MOVED.c.number.desc())
        .limit(_number("limit")),
        "orders_of": sa.select(ORDERS)
        .where(
            sa.or_(ORDERS.c.pharmacy == _text("organisation"), ORDERS.c.supplier == _text("organisation")),
            sa.tuple_(ORDERS.c.order_no, ORDERS.c.pharmacy) > sa.tuple_(_text("after"), _text("after_pharmacy")),
        )
        .order_by(ORDERS.c.order_no, ORDERS.c.pharmacy)
        .limit(_number("limit")),
    },
)
