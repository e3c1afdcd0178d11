"""How goods are told to the others: levels, unfilled demands, orders with suppliers. One table, like its neighbour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contracts.envelope import IntegrationEvent
from contracts.events import dispatch_stock as goods
from services.dispatch.domain.recall import RecallLoaded
from services.dispatch.domain.replenishment import events as order
from services.dispatch.domain.replenishment.order import OrderState
from services.dispatch.domain.stock import events as stock
from services.seedwork.composition import Happened
from services.seedwork.model import DomainEvent
from services.seedwork.reference import EntryRecorded

Told = Iterable[IntegrationEvent]


def _line_unfilled(_happened: Happened, event: stock.DemandUnfilled) -> Told:
    yield goods.LineUnfilled.model_validate(event.model_dump())


def _level(_happened: Happened, event: stock.StockLevelPublished) -> Told:
    yield goods.StockChanged.model_validate(event.model_dump())


def _placed(happened: Happened, event: order.OrderLinePlaced) -> Told:
    yield _line(happened, event.line, "placed", event)


def _confirmed(happened: Happened, event: order.OrderLineConfirmed) -> Told:
    said = "back_ordered" if event.back_ordered else "short" if event.short else "confirmed"
    yield _line(happened, event.line, said, event)


def _delivered(happened: Happened, event: order.OrderGoodsReceived) -> Told:
    yield _line(happened, event.line, "delivered", event)


def _closed(happened: Happened, event: order.OrderLineClosed) -> Told:
    yield _line(happened, event.line, "cancelled" if event.cancelled else "short", event)


def _line(happened: Happened, number: int, change: str, event: Any) -> goods.OrderLineChanged:
    state: OrderState = happened.after
    line = state.lines[number]
    about = ("order_id", "pharmacy", "region", "supplier")
    stands = ("product", "drug_key", "requested", "filled", "open", "back_ordered", "short", "cancelled", "promised_at")
    return goods.OrderLineChanged.model_validate(
        {
            **{name: getattr(state, name) for name in about},
            **{name: getattr(line, name) for name in stands},
            "line": number,
            "change": change,
            "occurred_at": event.occurred_at,
        }
    )


def _recalled(_happened: Happened, event: RecallLoaded) -> Told:
    facts = event.model_dump(include={"recall_id", "product", "drug_key", "lots", "recall_class", "reason"})
    yield goods.LotRecalled.model_validate({**facts, "recalled_at": event.loaded_at})


def _entry(_happened: Happened, event: EntryRecorded) -> Told:
    """Pharmacies, which are dispatch's own; copies of others' entries are told by their owners."""
    if event.kind == "pharmacy":
        yield goods.RegisterEntryRecorded.model_validate(event.model_dump())


BY_EVENT: Mapping[type[DomainEvent], Callable[[Happened, Any], Told]] = {
    stock.DemandUnfilled: _line_unfilled,
    stock.StockLevelPublished: _level,
    order.OrderLinePlaced: _placed,
    order.OrderLineConfirmed: _confirmed,
    order.OrderGoodsReceived: _delivered,
    order.OrderLineClosed: _closed,
    RecallLoaded: _recalled,
    EntryRecorded: _entry,
}
