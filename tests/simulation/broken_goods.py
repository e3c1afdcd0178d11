"""Faults in what two sides keep of goods that pharmacies order, for `seeded_bugs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

from services.dispatch.application import orders
from services.dispatch.domain.replenishment import order
from services.dispatch.domain.replenishment.events import OrderLineConfirmed
from services.seedwork.model import Outcome
from services.shortage.application import reactions
from services.shortage.domain.lots import OrderLineColumns


@contextmanager
def word_not_added_up() -> Iterator[None]:
    """What a supplier says is written down whether or not it comes to what is open."""

    def confirm(state: order.OrderState, said: order.ConfirmLine, confirmed_by: str, now: datetime) -> Outcome:
        line = order._running(state, said.line, "ConfirmLine")
        if not isinstance(line, order.Line):
            return line
        told = said.model_copy(update={"short": min(said.short, line.open)})
        return [OrderLineConfirmed(confirmed_by=confirmed_by, occurred_at=now, **dict(told))]

    with mock.patch.object(order, "confirm", confirm):
        yield


@contextmanager
def delivery_not_shelved() -> Iterator[None]:
    """The order knows that goods came, the shelf does not."""
    with mock.patch.object(orders, "_booked", return_value=()):
        yield


@contextmanager
def part_counts_as_whole() -> Iterator[None]:
    """Shortage monitoring takes a line of which something came for delivered in full."""
    take = reactions.take_order_lines
    names = list(OrderLineColumns.model_fields)
    change, requested, filled = (names.index(name) for name in ("change", "requested", "filled"))

    def whole(rows: Sequence[Sequence[Any]]) -> Any:
        full = [[row[requested] if at == filled else cell for at, cell in enumerate(row)] for row in rows]
        return take([all_ if row[change] == "delivered" else row for row, all_ in zip(rows, full, strict=True)])

    with mock.patch.object(reactions, "take_order_lines", whole):
        yield


BROKEN_GOODS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "supplier's word not added up": word_not_added_up,
    "delivery not shelved": delivery_not_shelved,
    "part counts as whole": part_counts_as_whole,
}
