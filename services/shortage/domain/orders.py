"""What pharmacies' orders with suppliers came to, as dispatch told it: facts.

What is ordered and does not come is the earliest sign of a shortage. The facts are kept as they came, in lots
(`services.shortage.domain.lots`); who detects something in them reads them from the log. Earlier releases kept them in
a stream for each reporter and day: what they stored still loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent


class OrderLineReported(DomainEvent):
    """A line of an order was placed or got on. Quantities in base units."""

    TOPIC: ClassVar[str] = "shortage.order_signal.line_reported"

    order_id: UUID
    line: int
    pharmacy: str
    region: str
    supplier: str
    drug_key: str
    change: str
    requested: int
    filled: int
    open: int
    back_ordered: int
    short: int
    cancelled: int
    promised_at: date | None
    occurred_at: datetime
    event: str | None = None
    """The very event that told it: `<stream>/<number in it>` of its producer."""


@dataclass(frozen=True)
class OrderSignalsState:
    """What was told that day."""

    reported: frozenset[OrderLineReported] = frozenset()


def evolve(state: OrderSignalsState, event: OrderLineReported) -> OrderSignalsState:
    return OrderSignalsState(state.reported | {event})


ORDER_SIGNALS: Aggregate[OrderSignalsState] = Aggregate(
    name="order_signal", events=(OrderLineReported,), initial=OrderSignalsState(), evolve=evolve
)


def told_short(told: OrderLineReported) -> bool | None:
    """What this step says came of the line: something of it is missing, or it came; None: it says neither yet."""
    if told.short or told.back_ordered:
        return True
    return False if told.filled else None
