"""Goods by lot, every movement of them with both its times, and orders: what a pharmacy's own books show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.dispatch.domain.fulfilment import events as f
from services.dispatch.domain.recall import RecallLoaded
from services.dispatch.domain.recall_notice import RecallNoticeAcknowledged, RecallNoticeGiven
from services.dispatch.domain.replenishment.events import OrderLinePlaced
from services.dispatch.domain.stock.events import LotWithdrawn, StockReceived
from services.dispatch.domain.stock.movements import Movement, Place, movements
from services.dispatch.projections import METADATA
from services.dispatch.projections.availability import STOCK
from services.seedwork.clock import to_micros
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

LOTS = sa.Table(
    "stock_lots",
    METADATA,
    sa.Column("stock_item_id", sa.Uuid, primary_key=True),
    sa.Column("lot", sa.Text, primary_key=True),
    sa.Column("expiry", sa.Text, nullable=False),
    sa.Column("on_hand", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("quarantined", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("recalled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("product", sa.Text),
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


SUPPLIED = sa.Table(
    "supplied_lots",
    METADATA,
    sa.Column("product", sa.Text, primary_key=True),
    sa.Column("lot", sa.Text, primary_key=True),
    sa.Column("supply_id", sa.Uuid, primary_key=True),
    sa.Column("fulfilment_id", sa.Uuid, nullable=False),
    sa.Index("supplied_lots_of_supply", "supply_id"),
)
HOLDS = sa.Table(
    "running_holds",
    METADATA,
    sa.Column("hold_id", sa.Uuid, primary_key=True),
    sa.Column("fulfilment_id", sa.Uuid, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False, server_default="0"),
)
"""Holds until their end. `held`: of all lines, in prescribed units; what is given back in parts is told by part."""
RECALLS = sa.Table(
    "recalls",
    METADATA,
    sa.Column("recall_id", sa.Uuid, primary_key=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("recall_class", sa.Text, nullable=False),
)
NOTICES = sa.Table(
    "recall_notices",
    METADATA,
    sa.Column("notice_id", sa.Uuid, primary_key=True),
    sa.Column("recall_id", sa.Uuid),
    sa.Column("patient_ref", sa.Uuid, nullable=False, index=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("lot", sa.Text, nullable=False),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("instruction", sa.Text, nullable=False),
    sa.Column("acknowledged", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("reason", sa.Text, nullable=False, server_default="lot_recalled"),
    sa.Column("delivery_id", sa.Uuid),
    sa.Index("recall_notices_of_recall", "recall_id"),
)
SHOWN = {"notice_id", "reason", "recall_id", "delivery_id", "patient_ref", "product", "lot", "pharmacy", "instruction"}
"""Of a notice."""


def project(recorded: Recorded) -> Iterator[Operation]:
    yield from _goods(recorded)
    match recorded.event:
        case f.QuantityHeld(hold_id=hold_id, lines=held):
            quantity = sum(row.quantity for row in held)
            yield Put(HOLDS, {"hold_id": hold_id, "fulfilment_id": recorded.stream_id, "held": quantity})
        case f.HoldEnded(hold_id=hold_id, freed=freed):
            rest = HOLDS.c.held - sum(row.quantity for row in freed)
            yield Amend(HOLDS, {"hold_id": hold_id}, {"held": rest})
            yield Remove(HOLDS, {"hold_id": hold_id, "held": 0})
        case f.SupplyDispensed(hold_id=hold_id):
            yield Remove(HOLDS, {"hold_id": hold_id})
        case f.SupplyPrepared(supply_id=supply_id, lines=lines):
            for row in lines:
                lot = {"product": row.product, "lot": row.lot, "supply_id": supply_id}
                yield Put(SUPPLIED, {**lot, "fulfilment_id": recorded.stream_id})
        case f.SupplyUnprepared(supply_id=supply_id):
            yield Remove(SUPPLIED, {"supply_id": supply_id})
        case RecallLoaded() as loaded:
            yield Put(RECALLS, loaded.model_dump(include={"recall_id", "product", "recall_class"}))
        case RecallNoticeGiven() as given:
            yield Put(NOTICES, given.model_dump(include=SHOWN))
        case RecallNoticeAcknowledged():
            yield Amend(NOTICES, {"notice_id": recorded.stream_id}, {"acknowledged": True})
        case PatientForgotten(patient_ref=patient_ref):
            yield Remove(NOTICES, {"patient_ref": patient_ref})


def _goods(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    for number, movement in enumerate(movements(event)):
        yield from _lot(recorded, movement)
        yield Put(MOVED, _row(recorded, number, movement))
    if isinstance(event, StockReceived):
        received = {"stock_item_id": recorded.stream_id, "lot": event.lot}
        yield Put(LOTS, {**received, "expiry": event.expiry.isoformat(), "product": event.product})
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


def _id(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Uuid)


def _number(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger)


_other = LOTS.alias("of_shelf")
_of_product = sa.exists().where(_other.c.stock_item_id == LOTS.c.stock_item_id, _other.c.product == _text("product"))
"""Shelves that ever received the product: only a receipt names it, and a lot may also come by a count or a scan."""

PROJECTION = Projection(
    name="goods",
    tables=(LOTS, MOVED, ORDERS, SUPPLIED, HOLDS, RECALLS, NOTICES),
    project=project,
    version=2,
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
        "recall_shown": sa.select(RECALLS).where(RECALLS.c.recall_id == _id("recall_id")),
        "shelves_of_lot": sa.select(LOTS.c.stock_item_id)
        .where(LOTS.c.lot == _text("lot"), _of_product, LOTS.c.stock_item_id > _id("after"))
        .order_by(LOTS.c.stock_item_id)
        .limit(1),
        "supplies_of_lot": sa.select(SUPPLIED)
        .where(
            SUPPLIED.c.product == _text("product"), SUPPLIED.c.lot == _text("lot"), SUPPLIED.c.supply_id > _id("after")
        )
        .order_by(SUPPLIED.c.supply_id)
        .limit(1),
        "supplied_by": sa.select(SUPPLIED).where(SUPPLIED.c.supply_id == _id("supply_id")).limit(1),
        "fulfilment_of_hold": sa.select(HOLDS).where(HOLDS.c.hold_id == _id("hold_id")),
        "notices_of": sa.select(NOTICES)
        .where(NOTICES.c.patient_ref == _id("patient_ref"), NOTICES.c.notice_id > _id("after"))
        .order_by(NOTICES.c.notice_id)
        .limit(_number("limit")),
        "notices_counted": sa.select(NOTICES.c.acknowledged, sa.func.count().label("notices"))
        .where(NOTICES.c.recall_id == _id("recall_id"))
        .group_by(NOTICES.c.acknowledged),
        "orders_of": sa.select(ORDERS)
        .where(
            sa.or_(ORDERS.c.pharmacy == _text("organisation"), ORDERS.c.supplier == _text("organisation")),
            sa.tuple_(ORDERS.c.order_no, ORDERS.c.pharmacy) > sa.tuple_(_text("after"), _text("after_pharmacy")),
        )
        .order_by(ORDERS.c.order_no, ORDERS.c.pharmacy)
        .limit(_number("limit")),
    },
)
