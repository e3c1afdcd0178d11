"""Replenishment orders: placed, confirmed, received, closed; each step is told to shortage monitoring."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from pydantic import Field

from services.dispatch.application.registers import admitted_pharmacy, drug_refs, pharmacy_ref, product_facts
from services.dispatch.application.stock import policy_at, warning_day
from services.dispatch.domain.recall import none_recalled, recalled_ref
from services.dispatch.domain.replenishment import order as rules
from services.dispatch.domain.replenishment.order import (
    ORDER_LINES_MAX,
    ORDER_NO_LENGTH_MAX,
    ORDERS,
    ConfirmLine,
    OrderState,
    PlaceLine,
    ReceivedGoods,
    order_id,
)
from services.dispatch.domain.stock import booking
from services.dispatch.domain.stock.booking import ReceiveStock
from services.dispatch.domain.stock.item import STOCK_ITEMS, stock_item_id
from services.dispatch.domain.stock.state import StockState
from services.dispatch.domain.values import CODE_LENGTH_MAX, QUANTITY_MAX
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, DomainEvent, Immutable, Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Actor, Answer, Change, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


class Step(Protocol):
    """One thing said of an order."""

    def __call__(self, state: OrderState, moment: Moment) -> Outcome: ...


LINES_PER_REQUEST_MAX = 40


class WantedLine(Immutable):
    """A line as it is ordered. `filled`, `back_ordered`, `promised_at`: of an order that runs already elsewhere."""

    line: int = Field(ge=1, le=ORDER_LINES_MAX)
    product: str = Field(max_length=CODE_LENGTH_MAX)
    requested: int = Field(gt=0, le=QUANTITY_MAX)
    filled: int = Field(default=0, ge=0, le=QUANTITY_MAX)
    back_ordered: int = Field(default=0, ge=0, le=QUANTITY_MAX)
    promised_at: date | None = None


class OrderRequest(Command):
    """An order, or further lines of one."""

    order_no: str = Field(min_length=1, max_length=ORDER_NO_LENGTH_MAX)
    pharmacy: str
    supplier: str = Field(min_length=1, max_length=CODE_LENGTH_MAX)
    lines: tuple[WantedLine, ...] = Field(min_length=1, max_length=LINES_PER_REQUEST_MAX)


def order_view(state: OrderState) -> dict[str, Any]:
    """An order with its lines."""
    shown = ("product", "requested", "filled", "confirmed", "back_ordered", "short", "cancelled", "status")
    return {
        "order_id": str(state.order_id),
        "order_no": state.order_no,
        "pharmacy": state.pharmacy,
        "supplier": state.supplier,
        "lines": [
            {
                "line": number,
                **{name: getattr(line, name) for name in shown},
                "promised_at": line.promised_at.isoformat() if line.promised_at else None,
            }
            for number, line in sorted(state.lines.items())
        ],
    }


def place_order(request: OrderRequest, actor: Actor) -> UseCase:
    """All lines, or none: a line that stands already as it is wanted stays as it is."""
    products = sorted({row.product for row in request.lines})

    def decide(
        moment: Moment, placed: Loaded[OrderState], pharmacy: Loaded[EntryState], *drugs: Loaded[EntryState]
    ) -> Decision:
        place = admitted_pharmacy(pharmacy.state, moment)
        if isinstance(place, Refusal):
            return Decision.refused(place)
        facts = {row.product: row for row in product_facts(drugs)}

        def line_of(row: WantedLine) -> Callable[[OrderState], Outcome]:
            def step(state: OrderState) -> Outcome:
                if row.product not in facts:
                    return Refusal("product.unknown", {"product": row.product})
                about = {"drug_key": facts[row.product].drug_key, "pack_size": facts[row.product].pack_size}
                wanted = PlaceLine(
                    order_no=request.order_no,
                    pharmacy=request.pharmacy,
                    region=place.region,
                    supplier=request.supplier,
                    placed_by=actor.subject,
                    **about,
                    **dict(row),
                )
                return rules.place(state, wanted, moment.now)

            return step

        return _answered(placed, _all(placed, map(line_of, request.lines)), 201)

    streams = (ORDERS.ref(order_id(request.pharmacy, request.order_no)),)
    return UseCase(streams, decide, relaxed=(pharmacy_ref(request.pharmacy), *drug_refs(products)))


def confirm_order(placed_id: UUID, lines: Sequence[ConfirmLine], actor: Actor) -> UseCase:
    """What the supplier says of lines; the pharmacy may write it down for one that has no access."""
    return _on_lines(placed_id, actor, [_confirming(row, actor) for row in lines])


def _confirming(row: ConfirmLine, actor: Actor) -> Step:
    return lambda state, moment: rules.confirm(state, row, actor.subject, moment.now)


def close_lines(placed_id: UUID, lines: Sequence[int], reason: str, actor: Actor, *, cancelled: bool) -> UseCase:
    """Nothing more comes: short (supplier or pharmacy), or called off (pharmacy)."""

    def closing(number: int) -> Step:
        return lambda state, moment: rules.close(state, number, reason, actor.subject, moment.now, cancelled=cancelled)

    return _on_lines(placed_id, actor, [closing(number) for number in lines])


def _on_lines(placed_id: UUID, actor: Actor, steps: Sequence[Step]) -> UseCase:
    def decide(moment: Moment, placed: Loaded[OrderState]) -> Decision:
        refused = foreign(placed.state, actor)
        if refused:
            return Decision.refused(refused)
        return _answered(placed, _all(placed, [partial(step, moment=moment) for step in steps]))

    return UseCase((ORDERS.ref(placed_id),), decide)


def foreign(state: OrderState, actor: Actor) -> Refusal | None:
    """None for the two sides of an order."""
    if state.order_id is None:
        return Refusal("order.unknown", {})
    if actor.organisation not in {state.pharmacy, state.supplier}:
        return Refusal("order.not_yours", {})
    return None


def receive_goods(placed_id: UUID, goods: Sequence[ReceivedGoods], actor: Actor) -> UseCase:
    """Goods of an order come in: its lines and the shelves in one save."""

    def decide(moment: Moment, placed: Loaded[OrderState]) -> Thinking:
        refused = foreign(placed.state, actor)
        if refused:
            return Decision.refused(refused)
        came = [partial(rules.receive, goods=row, received_by=actor.subject, now=moment.now) for row in goods]
        outcome = _all(placed, came)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        products = sorted({placed.state.lines[row.line].product for row in goods})
        shelves = yield Load(tuple(STOCK_ITEMS.ref(stock_item_id(placed.state.pharmacy, name)) for name in products))
        recalled = yield Load(tuple(map(recalled_ref, products)))
        for product, lots in zip(products, recalled, strict=True):
            came_of = {row.lot for row in goods if placed.state.lines[row.line].product == product}
            refusal = none_recalled(lots.state, frozenset(came_of))
            if isinstance(refusal, Refusal):
                return Decision.refused(refusal)
        booked = _booked(dict(zip(products, shelves, strict=True)), placed.state, goods, moment)
        if isinstance(booked, Refusal):
            return Decision.refused(booked)
        decision = _answered(placed, outcome)
        return Decision((*decision.changes, *booked), decision.answer)

    return UseCase((ORDERS.ref(placed_id),), decide)


def _booked(
    shelves: dict[str, Loaded[StockState]], placed: OrderState, goods: Iterable[ReceivedGoods], moment: Moment
) -> tuple[Change, ...] | Refusal:
    events: dict[str, list[DomainEvent]] = {product: [] for product in shelves}
    for row in goods:
        line = placed.lines[row.line]
        receipt = ReceiveStock(
            pharmacy=placed.pharmacy,
            region=placed.region,
            product=line.product,
            drug_key=line.drug_key,
            pack_size=line.pack_size,
            occurred_at=moment.now,
            warn_on=warning_day(row.expiry, policy_at(moment)),
            order_id=placed.order_id,
            **row.model_dump(exclude={"line"}),
        )
        shelf = shelves[line.product].after(events[line.product])
        done = booking.receive(shelf, receipt, civil_day(moment.now))
        if isinstance(done, Refusal):
            return done
        events[line.product] += done
    return tuple(Change(shelves[product], tuple(new)) for product, new in events.items())


def _all(placed: Loaded[OrderState], steps: Iterable[Callable[[OrderState], Outcome]]) -> Outcome:
    """Every step, each on what the ones before it left; the first refusal is the refusal of all."""
    events: list[DomainEvent] = []
    for step in steps:
        outcome = step(placed.after(events))
        if isinstance(outcome, Refusal):
            return outcome
        events += outcome
    return events


def _answered(placed: Loaded[OrderState], outcome: Outcome, status: int = 200) -> Decision:
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    return Decision.on(placed, outcome, Answer(status, order_view(placed.after(outcome))))
