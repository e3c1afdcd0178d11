"""What a fulfilment's events mean for shelves, packs, parcels and its token: saved together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import date
from functools import partial
from typing import Any

from services.dispatch.application.circumstances import Circumstances, DemandKey
from services.dispatch.application.offers import with_offers
from services.dispatch.application.owners import told_to_owners
from services.dispatch.application.packs import leaves, put_back, scans, stock_work, taken, unscans
from services.dispatch.application.parcel_goods import called_back, called_off, come_back, taken_back
from services.dispatch.application.recorded import answered
from services.dispatch.application.work import Broken, Work, perform_all
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.ending import concluded
from services.dispatch.domain.fulfilment.evolve import evolve
from services.dispatch.domain.fulfilment.offers import still_wanted
from services.dispatch.domain.fulfilment.return_events import SupplyTakenBack, SupplyUndone
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold
from services.dispatch.domain.locator import tokens_beside, use_up
from services.dispatch.domain.stock import item as stock
from services.dispatch.domain.stock.events import UnfilledReason
from services.dispatch.domain.stock.item import STOCK_ITEMS, StockState, stock_item_id
from services.dispatch.domain.values import FreedLine, HeldLine
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.usecase import Answer, Change, Decision, Load

__all__ = ["Circumstances", "DemandKey", "settle", "unfilled"]

Settling = Generator[Any, Any, Decision]
"""Asks by `Load` and `Find`."""


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
    wanted = still_wanted(fulfilment.state, outcome, circumstances.now)
    if wanted:
        outcome = yield from with_offers(fulfilment.state, outcome, wanted, circumstances.today, circumstances.policy)
    works = list(_works(fulfilment.state, outcome, circumstances))
    refs = {work.ref.stream_id: work.ref for work in works}
    loaded: tuple[Loaded[Any], ...] = (yield Load(tuple(refs.values()))) if refs else ()
    changes = perform_all(works, loaded)
    if isinstance(changes, Broken):
        return _refused(changes)
    own = (Change(fulfilment, tuple(outcome)),) if outcome else ()
    return Decision((*own, *changes), show(fulfilment.after(outcome)))


def _refused(broken: Broken) -> Decision:
    """Nothing of it happens; but a repeated trace code is told (一码一销)."""
    if broken.refusal.code != "trace_code.repeated" or broken.work.alarm is None:
        return Decision.refused(broken.refusal)
    told = broken.work.alarm(broken.found.state)
    changes = (Change(broken.found, tuple(told)),) if told else ()
    return Decision(changes, answered(broken.refusal))


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
        if row.units(row.quantity) <= left[row.product]:
            left[row.product] -= row.units(row.quantity)
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
    held = next(held for held in place.lines if held.line == row.line)
    prescribed = state.lines[row.line].content.drug_key
    return partial(
        stock.unfilled,
        pharmacy=place.pharmacy,
        product=held.product,
        drug_key=held.substitution.drug_key if held.substitution else prescribed,
        region=place.region,
        quantity=row.quantity,
        reason=reason,
        demand_key=demand_key(state.prescription_id, row.line),
    )


def _works(state: FulfilmentState, events: Iterable[DomainEvent], about: Circumstances) -> Iterator[Work]:
    for event in events:
        match event:
            case e.QuantityHeld():
                yield from _reservations(event, about)
            case e.HoldEnded(hold_id=hold_id):
                yield from _freed(state, state.holds[hold_id], event, about)
            case e.SupplyPrepared(hold_id=hold_id):
                yield from scans(state.holds[hold_id], event, about)
            case e.SupplyUnprepared(supply_id=supply_id):
                yield from unscans(state.supplies[supply_id])
            case e.SupplyDispensed(supply_id=supply_id):
                yield from taken(state.supplies[supply_id], event, about)
            case e.SupplyHandedToCourier(supply_id=supply_id):
                yield from leaves(state.supplies[supply_id])
            case e.SupplyReceived(supply_id=supply_id) if state.supplies[supply_id].status == "dispensed":
                yield from leaves(state.supplies[supply_id])  # over the counter; from a courier it is a fact
            case SupplyUndone(supply_id=supply_id, packs=packs) if packs:
                yield from come_back(state.fulfilment_id, state.supplies[supply_id], packs, about.now)
            case SupplyUndone(supply_id=supply_id):
                yield from put_back(state.fulfilment_id, state.supplies[supply_id], about)
                yield from called_off(state.supplies[supply_id])
            case SupplyTakenBack(supply_id=supply_id, lines=lines):
                yield from taken_back(state.supplies[supply_id], lines)
            case e.CancellationDecided(awaiting=awaiting):
                out = [state.supplies[supply_id] for supply_id in awaiting]
                yield from called_back(out, "cancelled", about.now, about.jurisdiction)
            case e.FulfilmentClosed():
                ended = state.fulfilment_id
                yield Work(tokens_beside(ended), partial(use_up, fulfilment_id=ended))
        yield from told_to_owners(state, event, about.now)
        state = evolve(state, event)


def _reservations(event: e.QuantityHeld, about: Circumstances) -> Iterator[Work]:
    keep = partial(stock.reserve, hold_id=event.hold_id, today=about.lasts_until, packs_seen=about.packs_seen)
    for row in event.lines:
        yield stock_work(event.pharmacy, row.product, partial(keep, quantity=row.units(row.quantity)))


def _freed(state: FulfilmentState, hold: Hold, event: e.HoldEnded, about: Circumstances) -> Iterator[Work]:
    held = {row.line: row for row in hold.lines}
    reason: UnfilledReason | None = "partial_dispense" if event.how == "rest_freed" else None
    if event.reason == "out_of_stock":
        reason = "out_of_stock"
    for row in event.freed:
        product, units = held[row.line].product, held[row.line].units(row.quantity)
        yield stock_work(hold.pharmacy, product, partial(stock.free, hold_id=hold.hold_id, quantity=units))
        if reason and about.demand_key:
            yield stock_work(hold.pharmacy, product, _tell_unfilled(state, hold, row, reason, about.demand_key))
