"""What must hold of goods that pharmacies order, told from both sides' books; see `invariants`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from rxflow.simulation.books import AllBooks, Books
from services.dispatch.domain.replenishment import events as ordered
from services.dispatch.domain.replenishment.order import ORDERS
from services.dispatch.domain.stock import events as stocked
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.shortage.domain.lots import LOT, OrderLinesTaken


class Standing(NamedTuple):
    """Of a line, by its events alone. In base units."""

    requested: int
    filled: int
    short: int
    cancelled: int
    back_ordered: int

    @property
    def open(self) -> int:
        return self.requested - self.filled - self.short - self.cancelled


def orders_add_up(dispatch: Books) -> Iterator[str]:
    """What was ordered of a line has come, comes, is short or cancelled, and no more of it comes later than is open."""
    for stream in dispatch.of(ORDERS):
        for number, line in _lines(stream.events).items():
            known = stream.state.lines[number]
            told = Standing(known.requested, known.filled, known.short, known.cancelled, known.back_ordered)
            about = f"line {number} of order {stream.stream_id}"
            if told._replace(back_ordered=0) != line._replace(back_ordered=0):
                yield f"{about}: {told}, by its events {line}"
            if line.open < 0 or known.confirmed + known.back_ordered > line.open:
                yield f"{about} does not add up: {told}, {known.confirmed} confirmed, {line.open} open"


def ordered_is_on_the_shelf(dispatch: Books) -> Iterator[str]:
    """What came of an order is booked on the shelf of its pharmacy, lot by lot, once; and nothing else as its goods."""
    came: Counter[tuple[UUID, str, str, str]] = Counter()
    for stream in dispatch.of(ORDERS):
        for event in stream.events:
            if isinstance(event, ordered.OrderGoodsReceived):
                product = stream.state.lines[event.line].product
                came[stream.stream_id, stream.state.pharmacy, product, event.lot] += event.quantity
    shelved: Counter[tuple[UUID, str, str, str]] = Counter()
    for events in dispatch.histories(STOCK_ITEMS):
        for event in events:
            if isinstance(event, stocked.StockReceived) and event.order_id is not None:
                shelved[event.order_id, event.pharmacy, event.product, event.lot] += event.quantity
    for key in came.keys() | shelved.keys():
        if came[key] != shelved[key]:
            order_id, pharmacy, product, lot = key
            yield (
                f"{came[key]} of lot {lot} of {product} came of order {order_id}, "
                f"{pharmacy} has {shelved[key]} on its shelf"
            )


def steps_of_orders_are_known(books: AllBooks) -> Iterator[str]:
    """Shortage monitoring knows every step of every line of an order, with where it stood then, and no other."""
    told = {
        (stream.stream_id, number, *line[:4])
        for stream in books["dispatch"].of(ORDERS)
        for upto in range(1, len(stream.events) + 1)
        for number, line in _lines(stream.events[:upto]).items()
    }
    known = {
        (row.order_id, row.line, row.requested, row.filled, row.short, row.cancelled)
        for events in books["shortage"].histories(LOT)
        for event in events
        if isinstance(event, OrderLinesTaken)
        for row in event.rows.rows()
    }
    for order_id, line, *_ in sorted(told ^ known):
        yield f"line {line} of order {order_id}: only one of dispatch and shortage knows of a step of it"


def _lines(events: list[Any]) -> dict[int, Standing]:
    lines: dict[int, Standing] = {}
    for event in events:
        match event:
            case ordered.OrderLinePlaced():
                line = Standing(event.requested, event.filled, 0, 0, event.back_ordered)
            case ordered.OrderLineConfirmed():
                line = lines[event.line]
                line = line._replace(short=line.short + event.short, back_ordered=event.back_ordered)
            case ordered.OrderGoodsReceived():
                line = lines[event.line]
                line = line._replace(filled=line.filled + event.quantity)
            case ordered.OrderLineClosed(cancelled=cancelled):
                line = lines[event.line]
                name = "cancelled" if cancelled else "short"
                line = line._replace(back_ordered=0, **{name: getattr(line, name) + line.open})
            case _:
                continue
        lines[event.line] = line
    return lines
