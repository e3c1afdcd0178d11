"""ReplenishmentOrder: a pharmacy's order with a supplier. What is asked for and what comes is the earliest sign of a
shortage, so each step of each line is told.

`requested = filled + open + short + cancelled` per line; of what is open, `back_ordered` comes later than promised at
first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.replenishment import events as e
from services.dispatch.domain.values import CODE_LENGTH_MAX, LOT_LENGTH_MAX, QUANTITY_MAX
from services.seedwork.model import Aggregate, Command, DomainEvent, Immutable, Outcome, Refusal, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

ORDER_LINES_MAX = 200
ORDER_NO_LENGTH_MAX = 40
REASON_LENGTH_MAX = 200

TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "PlaceLine", "product registered; pharmacy admitted", "placed", "order_line_changed"),
        *(
            row
            for state in ("placed", "confirmed", "back_ordered")
            for row in (
                Transition(
                    state,
                    "ConfirmLine",
                    "by the supplier of the order, or its pharmacy; all that is open is accounted for",
                    "confirmed, back_ordered or short",
                    "order_line_changed",
                ),
                Transition(
                    state,
                    "ReceiveGoods",
                    "not more than is open; lot neither expired nor recalled; booked on the shelf with it",
                    "same; delivered when nothing is open",
                    "order_line_changed, stock_changed",
                ),
                Transition(state, "CloseLine", "reason", "short", "order_line_changed"),
                Transition(state, "CancelLine", "by the pharmacy; reason", "cancelled", "order_line_changed"),
            )
        ),
    )
)


class PlaceLine(Command):
    """One line of an order. The same line again changes nothing."""

    order_no: str = Field(min_length=1, max_length=ORDER_NO_LENGTH_MAX)
    pharmacy: str
    region: str
    supplier: str = Field(min_length=1, max_length=CODE_LENGTH_MAX)
    line: int = Field(ge=1, le=ORDER_LINES_MAX)
    product: str
    drug_key: str
    pack_size: int
    requested: int = Field(gt=0, le=QUANTITY_MAX)
    filled: int = Field(default=0, ge=0)
    back_ordered: int = Field(default=0, ge=0)
    promised_at: date | None = None
    placed_by: str


class ConfirmLine(Immutable):
    """What the supplier says of one line: it adds up to what is open."""

    line: int = Field(ge=1, le=ORDER_LINES_MAX)
    confirmed: int = Field(ge=0, le=QUANTITY_MAX)
    back_ordered: int = Field(default=0, ge=0, le=QUANTITY_MAX)
    short: int = Field(default=0, ge=0, le=QUANTITY_MAX)
    promised_at: date | None = None


class ReceivedGoods(Immutable):
    """Goods of one line and lot, with the price the pharmacy asks from now on, in fen per pack."""

    line: int = Field(ge=1, le=ORDER_LINES_MAX)
    lot: str = Field(min_length=1, max_length=LOT_LENGTH_MAX)
    expiry: date
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    unit_price: int = Field(ge=0, le=100_000_000)


@dataclass(frozen=True)
class Line:
    """Where one line stands."""

    product: str
    drug_key: str
    pack_size: int
    requested: int
    filled: int = 0
    confirmed: int = 0
    """Under way, as the supplier says."""
    back_ordered: int = 0
    short: int = 0
    cancelled: int = 0
    promised_at: date | None = None
    status: str = "placed"

    @property
    def open(self) -> int:
        return self.requested - self.filled - self.short - self.cancelled


@dataclass(frozen=True)
class OrderState:
    """An order; `order_id` None where there is none."""

    order_id: UUID | None = None
    order_no: str = ""
    pharmacy: str = ""
    region: str = ""
    supplier: str = ""
    lines: Mapping[int, Line] = field(default_factory=dict)


def evolve(state: OrderState, event: DomainEvent) -> OrderState:
    match event:
        case e.OrderLinePlaced():
            line = Line(
                event.product,
                event.drug_key,
                event.pack_size,
                event.requested,
                filled=event.filled,
                back_ordered=event.back_ordered,
                promised_at=event.promised_at,
                status=_standing(event.requested - event.filled, event.back_ordered, "placed"),
            )
            about = event.model_dump(include={"order_id", "order_no", "pharmacy", "region", "supplier"})
            return replace(state, lines={**state.lines, event.line: line}, **about)
        case e.OrderLineConfirmed():
            known = state.lines[event.line]
            said = {name: getattr(event, name) for name in ("confirmed", "back_ordered", "promised_at")}
            line = replace(known, short=known.short + event.short, **said)
            status = "short" if not line.open and event.short else _standing(line.open, event.back_ordered, "confirmed")
            return _with(state, event.line, replace(line, status=status))
        case e.OrderGoodsReceived():
            known = state.lines[event.line]
            of_confirmed = min(known.confirmed, event.quantity)
            line = replace(
                known,
                filled=known.filled + event.quantity,
                confirmed=known.confirmed - of_confirmed,
                back_ordered=max(0, known.back_ordered - (event.quantity - of_confirmed)),
            )
            ended = "short" if line.short else "delivered"
            return _with(state, event.line, replace(line, status=line.status if line.open else ended))
        case e.OrderLineClosed():
            known = state.lines[event.line]
            gone = replace(known, confirmed=0, back_ordered=0)
            if event.cancelled:
                return _with(state, event.line, replace(gone, cancelled=known.open, status="cancelled"))
            return _with(state, event.line, replace(gone, short=known.short + known.open, status="short"))
    return state  # pragma: no cover - the aggregate names no other event


def _standing(open_: int, back_ordered: int, otherwise: str) -> str:
    if not open_:
        return "delivered"
    return "back_ordered" if back_ordered else otherwise


def _with(state: OrderState, number: int, line: Line) -> OrderState:
    return replace(state, lines={**state.lines, number: line})


def place(state: OrderState, command: PlaceLine, now: datetime) -> Outcome:
    """A new line; the same content again is nothing new, another content under its number is refused."""
    wanted = e.OrderLinePlaced(order_id=order_id(command.pharmacy, command.order_no), occurred_at=now, **dict(command))
    if command.filled + command.back_ordered > command.requested:
        return Refusal("order.does_not_add_up", {"line": command.line, "open": command.requested - command.filled})
    if state.order_id and state.supplier != command.supplier:
        return Refusal("order.other_supplier", {"supplier": state.supplier})
    if command.line not in state.lines:
        return [wanted]
    known = state.lines[command.line]
    if (known.product, known.requested) == (command.product, command.requested):
        return []
    return Refusal("order.line_differs", {"line": command.line, "requested": known.requested})


def confirm(state: OrderState, said: ConfirmLine, confirmed_by: str, now: datetime) -> Outcome:
    """The supplier's word on one line: under way, later, never; together all that is open."""
    line = _running(state, said.line, "ConfirmLine")
    if isinstance(line, Refusal):
        return line
    if said.confirmed + said.back_ordered + said.short != line.open:
        return Refusal("order.does_not_add_up", {"line": said.line, "open": line.open})
    return [e.OrderLineConfirmed(confirmed_by=confirmed_by, occurred_at=now, **dict(said))]


def receive(state: OrderState, goods: ReceivedGoods, received_by: str, now: datetime) -> Outcome:
    """Goods of a line; what is more than ordered is booked as a receipt of its own."""
    line = _running(state, goods.line, "ReceiveGoods")
    if isinstance(line, Refusal):
        return line
    if goods.quantity > line.open:
        return Refusal("order.more_than_open", {"line": goods.line, "open": line.open})
    return [e.OrderGoodsReceived(received_by=received_by, occurred_at=now, **dict(goods))]


def close(state: OrderState, number: int, reason: str, closed_by: str, now: datetime, *, cancelled: bool) -> Outcome:
    """Nothing more comes of a line: left short by the supplier, or called off by the pharmacy."""
    line = _running(state, number, "CancelLine" if cancelled else "CloseLine")
    if isinstance(line, Refusal):
        return line
    return [e.OrderLineClosed(line=number, cancelled=cancelled, reason=reason, closed_by=closed_by, occurred_at=now)]


def _running(state: OrderState, number: int, trigger: str) -> Line | Refusal:
    line = state.lines.get(number)
    if line is None:
        return Refusal("order.line_unknown", {"line": number})
    if not TRANSITIONS.allows(line.status, trigger):
        return Refusal("order.wrong_state", {"line": number, "state": line.status, "tried": trigger})
    return line


ORDERS: Aggregate[OrderState] = Aggregate(name="order", events=e.EVENTS, initial=OrderState(), evolve=evolve)


def order_id(pharmacy: str, order_no: str) -> UUID:
    return derived_id("replenishment_order", pharmacy, order_no)
