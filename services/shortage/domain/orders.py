"""What a pharmacy's orders with suppliers came to on one day, as dispatch told it: facts, kept with their reporter.

What is ordered and does not come is the earliest sign of a shortage. The facts are kept as they came; who detects
something in them reads them from the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


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


@dataclass(frozen=True)
class OrderSignalsState:
    """What was told that day."""

    reported: frozenset[OrderLineReported] = frozenset()


def evolve(state: OrderSignalsState, event: OrderLineReported) -> OrderSignalsState:
    return OrderSignalsState(state.reported | {event})


ORDER_SIGNALS: Aggregate[OrderSignalsState] = Aggregate(
    name="order_signal", events=(OrderLineReported,), initial=OrderSignalsState(), evolve=evolve
)


def order_signals_ref(reporter: str, day: date) -> StreamRef[OrderSignalsState]:
    """One stream per reporter and day: no reporter can become a hot spot."""
    return ORDER_SIGNALS.ref(derived_id("order_signal", reporter, day))


def report(state: OrderSignalsState, told: OrderLineReported) -> list[DomainEvent]:
    """The same again is nothing new."""
    return [] if told in state.reported else [told]
