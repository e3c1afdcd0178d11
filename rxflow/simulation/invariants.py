"""What must hold: after every commit, when everything has arrived, and when every deadline has passed.

Each check yields what is wrong, one sentence per finding; later services and rules add theirs here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from rxflow.simulation import accounts, circulation, demand, goods, lawful, packs, shown
from rxflow.simulation.books import AllBooks, Books, Stream
from rxflow.simulation.money import money_always, money_at_rest, money_at_the_end
from services.dispatch.domain.delivery.state import DELIVERIES
from services.dispatch.domain.fulfilment import events as fulfilment_events
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState, Supply
from services.dispatch.domain.prescription_content import CONTENTS
from services.dispatch.domain.recall import RECALLS
from services.dispatch.domain.replenishment.order import ORDERS
from services.dispatch.domain.stock import events as stock_events
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.dispatch.domain.trace_code import TRACE_CODES
from services.insurance.domain.accumulator import ACCUMULATOR
from services.insurance.domain.claim import CLAIM
from services.insurance.domain.member import MEMBER
from services.insurance.domain.payment import PAYMENT
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.review.application.licences import REFERENCE
from services.review.domain.case import CASE
from services.seedwork.model import Aggregate
from services.shortage.domain.case import CASE as SHORTAGE_CASE
from services.shortage.domain.detector import DETECTOR
from services.shortage.domain.lots import LOT

WATCHED: Mapping[str, tuple[Aggregate[Any], ...]] = {
    "prescribe": (PRESCRIPTION,),
    "review": (CASE, REFERENCE),
    "dispatch": (FULFILMENTS, CONTENTS, STOCK_ITEMS, TRACE_CODES, DELIVERIES, RECALLS, ORDERS),
    "insurance": (CLAIM, PAYMENT, ACCUMULATOR, MEMBER),
    "shortage": (SHORTAGE_CASE, LOT, DETECTOR),
}
"""What the checks look at, by service."""
OUT = {"dispensed", "with_courier", "partly_received", "in_hands"}
WITHOUT_PATIENT = ("dispensed", "with_courier", "partly_received")
"""Of these supplies the patient does not have everything yet."""
ENDED = {"completed", "cancelled", "expired", "refused"}


def always(books: AllBooks, name: str) -> Iterator[str]:
    """After each commit of one service, whatever is still under way between the services."""
    match name:
        case "prescribe":
            yield from _prescribed_is_in_buckets(books)
            yield from lawful.released_was_passed(books)
        case "review":
            yield from lawful.reviews_are_lawful(books["review"])
        case "dispatch":
            yield from _goods(books)
            yield from lawful.blocked_everywhere(books["dispatch"])
            yield from circulation.opened_is_prescribed(books["dispatch"])
            yield from packs.shelves_follow_the_supplies(books["dispatch"])
            yield from packs.recalled_stays(books["dispatch"])
            yield from goods.orders_add_up(books["dispatch"])
            yield from goods.ordered_is_on_the_shelf(books["dispatch"])
        case "insurance":
            yield from money_always(books)
            yield from accounts.payments_are_true(books["insurance"])
            yield from accounts.years_follow_the_claims(books["insurance"])
            yield from accounts.billed_is_dispensed(books)


def at_rest(books: AllBooks) -> Iterator[str]:
    """When everything that was said has arrived."""
    for name in books:
        yield from always(books, name)
    fulfilments = {state.fulfilment_id: state for state in books["dispatch"].states(FULFILMENTS)}
    for state in books["prescribe"].states(PRESCRIPTION):
        if state.current is not None:
            yield from circulation.both_know_the_same(state, fulfilments)
            yield from lawful.both_ask_the_same(state, books)
            yield from circulation.urgent_was_told(state)
    yield from circulation.ends_or_waits(books)
    yield from money_at_rest(books, fulfilments)
    yield from accounts.settled_is_in_hands(books)
    yield from demand.unfilled_is_known(books)
    yield from goods.steps_of_orders_are_known(books)
    yield from shown.lists_say_what_is(books)
    for name, book in books.items():
        for table in ("parked", "attempts"):
            if book.count(table):
                yield f"{name}: left in {table}: {book.rows_of(table)}"


def at_the_end(books: AllBooks) -> Iterator[str]:
    """When the clock has passed every deadline."""
    yield from at_rest(books)
    yield from circulation.requests_are_answered(books)
    yield from packs.recalled_is_off_the_shelves(books["dispatch"])
    for state in still_open(books):
        yield f"prescription {state.signed.prescription_id} has not ended: {state.status}"
    for stock in books["dispatch"].states(STOCK_ITEMS):
        if stock.reserved:
            yield f"stock of {stock.product} is still reserved: {stock.reserved}"
    yield from money_at_the_end(books)


def still_open(books: AllBooks) -> list[PrescriptionState]:
    """Prescriptions that have not ended."""
    found = books["prescribe"].states(PRESCRIPTION)
    return [state for state in found if state.current is not None and str(state.status) not in ENDED]


def nobody_was_set_aside(books: AllBooks) -> Iterator[str]:
    """Where no store came back from a backup, nothing waits for a person."""
    for name, book in books.items():
        for table in ("poison", "blocked"):
            if book.count(table):
                yield f"{name}: left in {table}: {book.rows_of(table)}"


def _prescribed_is_in_buckets(books: AllBooks) -> Iterator[str]:
    """The buckets of every prescribed line come to what was prescribed."""
    for state in books["prescribe"].states(PRESCRIPTION):
        if state.current is not None:
            prescribed = {line.line: line.quantity for line in state.current.lines}
            told = {line: buckets.total for line, buckets in state.buckets.items()}
            if told != prescribed:
                yield f"prescription {state.current.prescription_id}: {told} in buckets, {prescribed} prescribed"


def _goods(books: AllBooks) -> Iterator[str]:
    dispatch = books["dispatch"]
    fulfilments = dispatch.states(FULFILMENTS)
    for state in fulfilments:
        yield from _quantities_add_up(state)
    for stream in dispatch.of(FULFILMENTS):
        yield from _every_step_was_allowed(stream)
        yield from lawful.blocked_stays_in_the_shop(stream)
    yield from _shelves_are_what_moved(dispatch, fulfilments)
    yield from _codes_are_sold_once(dispatch, fulfilments)


def _quantities_add_up(state: FulfilmentState) -> Iterator[str]:
    """What is held, dispensed and in hands by the buckets is so by the holds and supplies."""
    for line, row in state.lines.items():
        held = sum(held.quantity for hold in state.running_holds() for held in hold.lines if held.line == line)
        supplied: defaultdict[str, int] = defaultdict(int)
        for supply in state.supplies.values():
            received = supply.received.get(line, 0)
            supplied["in_hands"] += received - supply.taken_back.get(line, 0)
            supplied[supply.status] += supply.quantity(line) - received if supply.status in WITHOUT_PATIENT else 0
        replaceable = sum(found.lines.get(line, 0) for found in state.replaceables.values())
        buckets = row.buckets
        right = (held, sum(supplied[status] for status in WITHOUT_PATIENT), supplied["in_hands"], replaceable)
        if not buckets.balanced or (buckets.held, buckets.dispensed, buckets.in_hands, buckets.replaceable) != right:
            said = f"but held, dispensed, in hands, replaceable are {right}"
            yield f"fulfilment {state.fulfilment_id} line {line}: {buckets}, {said}"


def _every_step_was_allowed(stream: Stream) -> Iterator[str]:
    """Nothing leaves without clearance and a check by a second person; no hold ends before its time, nor goes on after
    it."""
    state = FULFILMENTS.initial
    for event, moment in zip(stream.events, stream.moments, strict=True):
        match event:
            case fulfilment_events.HoldEnded(hold_id=hold_id, how="expired"):
                if moment < state.holds[hold_id].expires_at:
                    yield f"hold {hold_id} expired at {moment}, before {state.holds[hold_id].expires_at}"
            case (
                fulfilment_events.HoldAccepted(hold_id=hold_id)
                | fulfilment_events.SupplyPrepared(hold_id=hold_id)
                | fulfilment_events.SupplyDispensed(hold_id=hold_id)
            ):
                if moment >= state.holds[hold_id].expires_at:
                    yield f"hold {hold_id}: {type(event).__name__} at {moment}, past {state.holds[hold_id].expires_at}"
            case fulfilment_events.SupplyHandedToCourier(supply_id=supply_id):
                if not state.supplies[supply_id].cleared:
                    yield f"supply {supply_id} went to the courier uncleared"
            case fulfilment_events.SupplyReceived(supply_id=supply_id, exception=False):
                supply = state.supplies[supply_id]
                if not supply.cleared or supply.checker in {None, supply.preparer}:
                    yield f"supply {supply_id} was handed out uncleared or unchecked"
        state = FULFILMENTS.evolve(state, event)


def _shelves_are_what_moved(dispatch: Books, fulfilments: list[FulfilmentState]) -> Iterator[str]:
    """Stock equals its movements and is never negative; what is reserved is what is held."""
    held: Counter[tuple[UUID, str]] = Counter()
    for state in fulfilments:
        for hold in state.running_holds():
            for line in hold.lines:
                held[hold.hold_id, line.product] += line.quantity
    reserved: Counter[tuple[UUID, str]] = Counter()
    for stream in dispatch.of(STOCK_ITEMS):
        moved, stock = sum(map(_moved, stream.events)), stream.state
        if stock.on_hand != moved or moved < 0 or any(lot.on_hand < 0 for lot in stock.lots.values()):
            yield f"stock {stream.stream_id} of {stock.product}: {stock.on_hand} on hand, {moved} moved, {stock.lots}"
        for hold_id, quantity in stock.reserved.items():
            reserved[hold_id, stock.product] += quantity
    if reserved != held:
        yield f"reserved beside what is held: {reserved - held or held - reserved}"


def _moved(event: Any) -> int:
    match event:
        case stock_events.StockReceived(quantity=quantity):
            return int(quantity)
        case stock_events.StockCounted(before=before, after=after):
            return int(after - before)
        case stock_events.StockDispensed(picks=picks):
            return -sum(pick.quantity for pick in picks)
        case stock_events.StockReturned(picks=picks, quarantined=False):
            return sum(pick.quantity for pick in picks)
        case stock_events.QuarantineReleased(quantity=quantity):
            return int(quantity)
        case stock_events.StockAdjusted(change=change):
            return int(change)
        case (
            stock_events.StockQuarantined(quantity=quantity)
            | stock_events.LotExpired(quantity=quantity)
            | stock_events.LotWithdrawn(quantity=quantity)
        ):
            return -int(quantity)
    return 0


def _is_out(supply: Supply, line: int) -> bool:
    """With the patient, or not back yet; of a supply that was accepted in part some lines have come back, and of one
    that was taken back some or all."""
    left = supply.received.get(line, 0) - supply.taken_back.get(line, 0)
    return supply.status in OUT and (supply.status != "in_hands" or left > 0)


def _codes_are_sold_once(dispatch: Books, fulfilments: list[FulfilmentState]) -> Iterator[str]:
    """A trace code is sold once, to the supply that is out with it, and no more than its pack holds."""
    codes = {state.pack.code: state for state in dispatch.states(TRACE_CODES)}
    given: Counter[str] = Counter()
    for fulfilment in fulfilments:
        for supply in fulfilment.supplies.values():
            for code in [code for line in supply.lines for code in line.trace_codes if _is_out(supply, line.line)]:
                given[code] += 1
                if supply.supply_id not in codes[code].sold:
                    yield f"supply {supply.supply_id} is out with code {code}, which was not sold to it"
    for code, state in codes.items():
        if sum(state.sold.values()) > state.pack.pack_size or len(state.sold) != given[code]:
            yield f"code {code} was sold {state.sold}, and is out {given[code]} times"
