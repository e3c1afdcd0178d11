"""What a fulfilment's events mean for shelves, packs, parcels and its token: saved together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from services.dispatch.application.recorded import answered
from services.dispatch.domain import delivery, trace_code
from services.dispatch.domain.delivery import DELIVERIES, CancelDelivery
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.ending import concluded
from services.dispatch.domain.fulfilment.evolve import evolve
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, Supply
from services.dispatch.domain.locator import tokens_beside, use_up
from services.dispatch.domain.stock import item as stock
from services.dispatch.domain.stock.events import Pick, UnfilledReason
from services.dispatch.domain.stock.item import STOCK_ITEMS, StockState, stock_item_id
from services.dispatch.domain.trace_code import TRACE_CODES, PackFacts, trace_code_id
from services.dispatch.domain.values import DispensedLine, FreedLine, HeldLine, PickedLine, ProductFacts
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.usecase import Answer, Change, Decision, Load, Moment

Settling = Generator[Load, Any, Decision]
DemandKey = Callable[[UUID, int], str]
"""The opaque key of a prescription's line."""


@dataclass(frozen=True)
class Circumstances:
    """What the shelf must know beside the fulfilment's own events."""

    today: date
    packs_seen: bool = False
    products: tuple[ProductFacts, ...] = ()
    demand_key: DemandKey | None = None
    """Makes the opaque key of an unfilled line; without it none is told."""
    now: datetime | None = None
    """When goods move; `today` is its day."""

    @classmethod
    def at(cls, moment: Moment, **more: Any) -> Circumstances:
        return cls(civil_day(moment.now), now=moment.now, **more)


@dataclass(frozen=True)
class Work:
    """One step on one other aggregate."""

    ref: StreamRef[Any]
    step: Callable[[Any], Outcome]


def settle(
    fulfilment: Loaded[FulfilmentState],
    outcome: Outcome,
    circumstances: Circumstances,
    show: Callable[[FulfilmentState], Answer] = lambda _state: Answer(),
) -> Settling:
    """The whole effect: the fulfilment's events, what follows from them, and what they do to shelf and packs.

    `show` makes the answer out of the fulfilment as it is afterwards.
    """
    outcome = concluded(fulfilment.state, outcome)
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    works = list(_works(fulfilment.state, outcome, circumstances))
    refs = {work.ref.stream_id: work.ref for work in works}
    loaded: tuple[Loaded[Any], ...] = (yield Load(tuple(refs.values()))) if refs else ()
    changes = _perform(works, loaded)
    if isinstance(changes, Refusal):
        return Decision.refused(changes)
    own = (Change(fulfilment, tuple(outcome)),) if outcome else ()
    return Decision((*own, *changes), show(fulfilment.after(outcome)))


def unfilled(
    state: FulfilmentState, held: e.QuantityHeld, refusal: Refusal, today: date, demand_key: DemandKey
) -> Settling:
    """A hold that the books cannot meet: refused, and every line they lack told to shortage monitoring."""
    products = sorted({row.product for row in held.lines})
    items = yield Load(tuple(STOCK_ITEMS.ref(stock_item_id(held.pharmacy, product)) for product in products))
    shelf = dict(zip(products, items, strict=True))
    left = {product: item.state.available(today) for product, item in shelf.items()}
    events: dict[str, list[DomainEvent]] = {}
    for row in held.lines:
        if row.quantity <= left[row.product]:
            left[row.product] -= row.quantity
        else:
            tell = _tell_unfilled(state, held, row, "not_enough_stock", demand_key)
            events.setdefault(row.product, []).extend(tell(shelf[row.product].state))
    changes = tuple(Change(shelf[product], tuple(told)) for product, told in events.items())
    return Decision(changes, answered(refusal))


def _tell_unfilled(
    state: FulfilmentState,
    place: Hold | e.QuantityHeld,
    row: HeldLine | FreedLine,
    reason: UnfilledReason,
    demand_key: DemandKey,
) -> Callable[[StockState], list[DomainEvent]]:
    product = next(held.product for held in place.lines if held.line == row.line)
    return partial(
        stock.unfilled,
        pharmacy=place.pharmacy,
        product=product,
        drug_key=state.lines[row.line].content.drug_key,
        region=place.region,
        quantity=row.quantity,
        reason=reason,
        demand_key=demand_key(state.prescription_id, row.line),
    )


def _perform(works: Iterable[Work], loaded: Iterable[Loaded[Any]]) -> tuple[Change, ...] | Refusal:
    read = {one.stream_id: one for one in loaded}
    state = {stream_id: one.state for stream_id, one in read.items()}
    events: dict[UUID, list[DomainEvent]] = {stream_id: [] for stream_id in read}
    for work in works:
        stream_id = work.ref.stream_id
        done = work.step(state[stream_id])
        if isinstance(done, Refusal):
            return done
        state[stream_id] = work.ref.aggregate.fold(done, state[stream_id])
        events[stream_id] += done
    return tuple(Change(read[stream_id], tuple(new)) for stream_id, new in events.items() if new)


def _works(state: FulfilmentState, events: Iterable[DomainEvent], about: Circumstances) -> Iterator[Work]:
    for event in events:
        match event:
            case e.QuantityHeld():
                yield from _reservations(event, about)
            case e.HoldEnded(hold_id=hold_id):
                yield from _freed(state, state.holds[hold_id], event, about)
            case e.SupplyPrepared(hold_id=hold_id):
                yield from _scans(state.holds[hold_id].pharmacy, event, about)
            case e.SupplyUnprepared(supply_id=supply_id):
                yield from _unscans(state.supplies[supply_id])
            case e.SupplyDispensed(supply_id=supply_id):
                yield from _taken(state.supplies[supply_id], event, about)
            case e.SupplyUndone(supply_id=supply_id):
                yield from _put_back(state.supplies[supply_id], about)
            case e.FulfilmentClosed():
                ended = state.fulfilment_id
                yield Work(tokens_beside(ended), partial(use_up, fulfilment_id=ended))
        state = evolve(state, event)


def _stock(pharmacy: str, product: str, step: Callable[[StockState], Outcome]) -> Work:
    return Work(STOCK_ITEMS.ref(stock_item_id(pharmacy, product)), step)


def _code(code: str, step: Callable[[Any], Outcome]) -> Work:
    return Work(TRACE_CODES.ref(trace_code_id(code)), step)


def _reservations(event: e.QuantityHeld, about: Circumstances) -> Iterator[Work]:
    keep = partial(stock.reserve, hold_id=event.hold_id, today=about.today, packs_seen=about.packs_seen)
    for row in event.lines:
        yield _stock(event.pharmacy, row.product, partial(keep, quantity=row.quantity))


def _freed(state: FulfilmentState, hold: Hold, event: e.HoldEnded, about: Circumstances) -> Iterator[Work]:
    products = {row.line: row.product for row in hold.lines}
    reason: UnfilledReason | None = "partial_dispense" if event.how == "rest_freed" else None
    if event.reason == "out_of_stock":
        reason = "out_of_stock"
    for row in event.freed:
        product = products[row.line]
        yield _stock(hold.pharmacy, product, partial(stock.free, hold_id=hold.hold_id, quantity=row.quantity))
        if reason and about.demand_key:
            yield _stock(hold.pharmacy, product, _tell_unfilled(state, hold, row, reason, about.demand_key))


def _scans(pharmacy: str, event: e.SupplyPrepared, about: Circumstances) -> Iterator[Work]:
    for product, rows in _by_product(event.lines).items():
        reason = next((row.lot_reason for row in rows if row.lot_reason), None)
        check = partial(stock.check_picks, picks=_picks(rows), today=about.today, reason=reason)
        yield _stock(pharmacy, product, check)
    sizes = {facts.product: facts.pack_size for facts in about.products}
    for row in event.lines:
        size = sizes[row.product]
        for number, code in enumerate(row.trace_codes):
            pack = PackFacts(code=code, pharmacy=pharmacy, product=row.product, pack_size=size)
            quantity = min(size, row.quantity - number * size)
            yield _code(code, partial(trace_code.scan, supply_id=event.supply_id, pack=pack, quantity=quantity))


def _unscans(supply: Supply) -> Iterator[Work]:
    for row in supply.picked:
        for code in row.trace_codes:
            yield _code(code, partial(trace_code.unscan, supply_id=supply.supply_id))


def _taken(supply: Supply, event: e.SupplyDispensed, about: Circumstances) -> Iterator[Work]:
    for product, rows in _by_product(event.lines).items():
        take = partial(
            stock.dispense, hold_id=event.hold_id, supply_id=event.supply_id, picks=_picks(rows), now=about.now
        )
        yield _stock(supply.pharmacy, product, take)
    for row in event.lines:
        for code in row.trace_codes:
            yield _code(code, partial(trace_code.sell, supply_id=event.supply_id, code=code))


def _put_back(supply: Supply, about: Circumstances) -> Iterator[Work]:
    for product, rows in _by_product(supply.lines).items():
        back = partial(stock.give_back, supply_id=supply.supply_id, picks=_picks(rows), now=about.now)
        yield _stock(supply.pharmacy, product, back)
    for row in supply.lines:
        for code in row.trace_codes:
            yield _code(code, partial(trace_code.free, supply_id=supply.supply_id))
    if supply.delivery_id:
        call_off = CancelDelivery(pharmacy=supply.pharmacy, reason="supply_undone")
        yield Work(DELIVERIES.ref(supply.delivery_id), partial(delivery.cancel, command=call_off))


def _by_product(rows: Iterable[PickedLine | DispensedLine]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.product, []).append(row)
    return grouped


def _picks(rows: Iterable[PickedLine | DispensedLine]) -> tuple[Pick, ...]:
    return tuple(Pick(lot=row.lot, expiry=row.expiry, quantity=row.quantity) for row in rows)
