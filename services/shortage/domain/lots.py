"""A lot: what pharmacies told in one batch, as it was taken, and how far it has had its effect.

A lot is one event with a column for each field, whatever the number of signals in it, in a stream of its own: nobody
else writes there, and its link in the chain is made once. Who reports what, what detectors count and which cases are
opened follows at the next turn of the clock, a piece at a time, out of the lot alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

import orjson

from services.seedwork.calendar import civil_day
from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id
from services.shortage.domain.orders import OrderLineReported
from services.shortage.domain.values import Signal

SPREAD = "spread"
"""The deadline by which the rest of it has its effect."""


class UnfilledRow(NamedTuple):
    """A demand that stayed unfilled. Ordered by its first fields: whatever the order in which rows arrived, they have
    their effect by drug, place and time."""

    drug_key: str
    region: str
    occurred_at: datetime
    demand_key: str
    pharmacy: str
    quantity: int
    reason: str
    on_hand: int | None
    contradictory: bool
    event: str | None

    @property
    def day(self) -> date:
        return civil_day(self.occurred_at)

    @property
    def signal(self) -> Signal:
        return Signal(
            demand_key=self.demand_key,
            pharmacy=self.pharmacy,
            region=self.region,
            occurred_at=self.occurred_at,
            contradictory=self.contradictory,
            event=self.event,
        )


class UnfilledColumns(Immutable):
    """Demands that stayed unfilled, a column for each field. `on_hand` none: the pharmacy's stock is not known;
    `event`: the very event that told it."""

    drug_key: tuple[str, ...]
    region: tuple[str, ...]
    occurred_at: tuple[datetime, ...]
    demand_key: tuple[str, ...]
    pharmacy: tuple[str, ...]
    quantity: tuple[int, ...]
    reason: tuple[str, ...]
    on_hand: tuple[int | None, ...]
    contradictory: tuple[bool, ...]
    event: tuple[str | None, ...]

    @classmethod
    def of(cls, rows: Sequence[UnfilledRow]) -> UnfilledColumns:
        """Of one row at least."""
        return cls.model_validate(columns(UnfilledRow._fields, rows))

    def rows(self) -> list[UnfilledRow]:
        """In their order."""
        cells = zip(*(getattr(self, name) for name in UnfilledRow._fields), strict=True)
        return sorted((UnfilledRow(*row) for row in cells), key=_place)


class OrderLineColumns(Immutable):
    """What came of lines of orders with suppliers, a column for each field of `OrderLineReported`."""

    drug_key: tuple[str, ...]
    region: tuple[str, ...]
    pharmacy: tuple[str, ...]
    order_id: tuple[UUID, ...]
    line: tuple[int, ...]
    supplier: tuple[str, ...]
    change: tuple[str, ...]
    requested: tuple[int, ...]
    filled: tuple[int, ...]
    open: tuple[int, ...]
    back_ordered: tuple[int, ...]
    short: tuple[int, ...]
    cancelled: tuple[int, ...]
    promised_at: tuple[date | None, ...]
    occurred_at: tuple[datetime, ...]
    event: tuple[str | None, ...]

    def rows(self) -> list[OrderLineReported]:
        names = tuple(OrderLineColumns.model_fields)
        cells = zip(*(getattr(self, name) for name in names), strict=True)
        return [OrderLineReported(**dict(zip(names, row, strict=True))) for row in cells]


class UnfilledTaken(DomainEvent):
    """Pharmacies could not fill demands."""

    TOPIC: ClassVar[str] = "shortage.lot.unfilled_taken"

    rows: UnfilledColumns
    taken_at: datetime


class DemandsCounted(DomainEvent):
    """A detector took demands into account that it did not know yet, and no longer counts what is older than
    `forget_before`."""

    TOPIC: ClassVar[str] = "shortage.detector.demands_counted"

    rows: UnfilledColumns
    forget_before: datetime


class OrderLinesTaken(DomainEvent):
    """Lines of orders were placed or got on."""

    TOPIC: ClassVar[str] = "shortage.lot.order_lines_taken"

    rows: OrderLineColumns
    taken_at: datetime


class LotSpread(DomainEvent):
    """The rows up to `upto` have had their effect; the next piece's turn is at `next_at`. None: it was the last one."""

    TOPIC: ClassVar[str] = "shortage.lot.spread"

    upto: int
    next_at: datetime | None


LotEvent = UnfilledTaken | OrderLinesTaken | LotSpread


@dataclass(frozen=True)
class LotState:
    """`done`: so many rows have had their effect."""

    taken: UnfilledTaken | OrderLinesTaken | None = None
    done: int = 0
    spread_at: datetime | None = None


def evolve_lot(state: LotState, event: LotEvent) -> LotState:
    if isinstance(event, LotSpread):
        return replace(state, done=event.upto, spread_at=event.next_at)
    return LotState(event, 0, event.taken_at)


def next_due(state: LotState) -> Mapping[str, datetime]:
    return {SPREAD: state.spread_at} if state.spread_at else {}


LOT: Aggregate[LotState] = Aggregate(
    name="lot",
    events=(UnfilledTaken, OrderLinesTaken, LotSpread),
    initial=LotState(),
    evolve=evolve_lot,
    next_due=next_due,
)


def lot_ref(content: Mapping[str, Sequence[Any]]) -> StreamRef[LotState]:
    """By its content: the same lot again is the same stream."""
    return LOT.ref(derived_id("lot", sha256(orjson.dumps(content)).hexdigest()))


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """These rows, of which there is one at least, as columns."""
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _place(row: UnfilledRow) -> tuple[Any, ...]:
    return (*row[:5], row.event or "")
