"""What must hold in a town: after every step, when it is at rest, and when everything has ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from services.dispatch.domain.fulfilment import events as fulfilment_events
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.stock import events as stock_events
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.dispatch.domain.trace_code import TRACE_CODES
from services.dispatch.domain.values import Bucket
from services.insurance.domain.accumulator import ACCUMULATOR
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.payment import PAYMENT
from services.prescribe.domain.prescription import PRESCRIPTION, fulfilment_id
from tests.support.town import Town

OUT = {"dispensed", "with_courier", "in_hands"}
ENDED = {"completed", "cancelled", "expired", "refused"}
BOOKED = {"authorised", "authorised(cleared)", "settled", "voiding"}


def hold_always(town: Town) -> None:
    """After every single step, whatever is still under way between the services."""
    dispatch, insurance = town.offices["dispatch"], town.offices["insurance"]
    fulfilments = dispatch.states(FULFILMENTS)
    for state in fulfilments:
        _quantities_add_up(state)
    for history in dispatch.histories(FULFILMENTS):
        _nothing_leaves_uncleared(history)
    _shelves_are_what_moved(town, fulfilments)
    _codes_are_sold_once(town, fulfilments)
    in_hands = {supply_id: supply for state in fulfilments for supply_id, supply in state.supplies.items()}
    claims = insurance.states(CLAIM)
    for claim in claims:
        _ledger_is_zero(claim)
        if claim.state == "settled":
            supply = in_hands[claim.opened.supply.supply_id]
            claimed = sum(line.quantity for line in claim.opened.lines)
            assert supply.status == "in_hands"
            assert claimed <= sum(line.quantity for line in supply.lines)
    standing = Counter(claim.opened.supply.supply_id for claim in claims if claim.state not in {"voided", "-"})
    assert all(count == 1 for count in standing.values()), "two claims stand for one supply"
    _money_follows_the_claims(town, claims)
    for state in town.offices["prescribe"].states(PRESCRIPTION):
        if state.current is not None:
            prescribed = {line.line: line.quantity for line in state.current.lines}
            assert {line: buckets.total for line, buckets in state.buckets.items()} == prescribed


def hold_at_rest(town: Town) -> None:
    """When everything that was said has arrived."""
    hold_always(town)
    fulfilments = {state.fulfilment_id: state for state in town.offices["dispatch"].states(FULFILMENTS)}
    for state in town.offices["prescribe"].states(PRESCRIPTION):
        if state.current is None:
            continue
        found = fulfilments.get(fulfilment_id(state.current.prescription_id, 1))
        if found is not None:
            told = {line: {b.value: row.buckets.of(b) for b in Bucket} for line, row in found.lines.items()}
            known = {line: {b.value: row.of(b.value) for b in Bucket} for line, row in state.buckets.items()}
            assert known == told
            assert state.ended == (found.status == "closed")
    claims = {c.opened.supply.supply_id: c for c in town.offices["insurance"].states(CLAIM) if c.replaced_by is None}
    for state in fulfilments.values():
        for supply in state.supplies.values():
            if supply.status == "undone":
                assert claims[supply.supply_id].state == "voided"
    for name, office in town.offices.items():
        for table in ("parked", "poison", "blocked", "attempts"):
            assert office.count(table) == 0, f"{name}: {office.query(f'SELECT * FROM {table}')}"
    assert town.refused == []


def hold_at_the_end(town: Town) -> None:
    """When the clock has passed every deadline."""
    hold_at_rest(town)
    for state in town.offices["prescribe"].states(PRESCRIPTION):
        if state.current is not None:
            assert str(state.status) in ENDED
    for stock in town.offices["dispatch"].states(STOCK_ITEMS):
        assert not stock.reserved
    for found in town.offices["insurance"].states(ACCUMULATOR):
        assert not found.reserved


def _quantities_add_up(state: FulfilmentState) -> None:
    for line, row in state.lines.items():
        holds = (held.quantity for hold in state.running_holds() for held in hold.lines if held.line == line)
        supplies = defaultdict(int)
        for supply in state.supplies.values():
            supplies[supply.status] += sum(given.quantity for given in supply.lines if given.line == line)
        assert row.buckets.balanced
        assert row.buckets.held == sum(holds)
        assert row.buckets.dispensed == supplies["dispensed"] + supplies["with_courier"]
        assert row.buckets.in_hands == supplies["in_hands"]


def _nothing_leaves_uncleared(history: list[Any]) -> None:
    """Not without clearance, not without a check by a second person."""
    state = FULFILMENTS.initial
    for event in history:
        match event:
            case fulfilment_events.SupplyHandedToCourier(supply_id=supply_id):
                assert state.supplies[supply_id].cleared
            case fulfilment_events.SupplyReceived(supply_id=supply_id, exception=False):
                assert state.supplies[supply_id].cleared
                assert state.supplies[supply_id].checker not in {None, state.supplies[supply_id].preparer}
        state = FULFILMENTS.evolve(state, event)


def _shelves_are_what_moved(town: Town, fulfilments: list[FulfilmentState]) -> None:
    held: Counter[tuple[UUID, str]] = Counter()
    for state in fulfilments:
        for hold in state.running_holds():
            for line in hold.lines:
                held[hold.hold_id, line.product] += line.quantity
    reserved: Counter[tuple[UUID, str]] = Counter()
    for history in town.offices["dispatch"].histories(STOCK_ITEMS):
        on_hand = 0
        for event in history:
            on_hand += _moved(event)
            assert on_hand >= 0
        stock = STOCK_ITEMS.fold(history)
        assert stock.on_hand == on_hand
        assert all(lot.on_hand >= 0 for lot in stock.lots.values())
        for hold_id, quantity in stock.reserved.items():
            reserved[hold_id, stock.product] += quantity
    assert reserved == held


def _moved(event: Any) -> int:
    match event:
        case stock_events.StockReceived(quantity=quantity):
            return int(quantity)
        case stock_events.StockCounted(before=before, after=after):
            return int(after - before)
        case stock_events.StockDispensed(picks=picks):
            return -sum(pick.quantity for pick in picks)
        case stock_events.StockReturned(picks=picks):
            return sum(pick.quantity for pick in picks)
        case stock_events.StockAdjusted(change=change):
            return int(change)
    return 0


def _codes_are_sold_once(town: Town, fulfilments: list[FulfilmentState]) -> None:
    codes = {state.pack.code: state for state in town.offices["dispatch"].states(TRACE_CODES)}
    given: Counter[str] = Counter()
    for fulfilment in fulfilments:
        for supply in fulfilment.supplies.values():
            if supply.status in OUT:
                for line in supply.lines:
                    for code in line.trace_codes:
                        given[code] += 1
                        assert supply.supply_id in codes[code].sold
    for code, state in codes.items():
        assert sum(state.sold.values()) <= state.pack.pack_size
        assert len(state.sold) == given[code]


def _ledger_is_zero(claim: ClaimState) -> None:
    accounts: Counter[str] = Counter()
    for posting in claim.postings:
        accounts[posting.account] += posting.amount
    assert sum(accounts.values()) == 0
    left = {account for account, amount in accounts.items() if amount}
    if claim.state == "voided":
        assert left == set()
    if claim.state == "settled":
        assert not any(account == "receivable.patient" or account.startswith("held.") for account in left)


def _money_follows_the_claims(town: Town, claims: list[ClaimState]) -> None:
    insurance = town.offices["insurance"]
    by_id = {claim.opened.claim_id: claim for claim in claims}
    for payment in insurance.states(PAYMENT):
        claim = by_id[payment.requested.claim_id]
        if claim.state in {"authorised(cleared)", "settled"}:
            assert payment.state == "paid"
        if claim.state == "voided":
            assert payment.state in {"failed", "refunded"}
        if payment.state == "paid":
            assert claim.state in {"authorised(cleared)", "settled", "voiding"}
    for found in insurance.states(ACCUMULATOR):
        assert all(by_id[claim_id].state in BOOKED for claim_id in found.reserved)
