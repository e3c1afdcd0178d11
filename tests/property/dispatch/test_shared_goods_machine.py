"""Three prescriptions that want the same few packs in two pharmacies: holds, expiries, cancels, returns, deliveries of
goods and of parcels, codes scanned again, and events that come late, again and in another order.

`test_fulfilment_machine.py` follows one prescription wherever it goes; here it is the goods that are followed.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.events import dispatch as told
from contracts.events import insurance
from services.dispatch.application import deliveries
from services.dispatch.application.stock import adjust_stock
from services.dispatch.domain.delivery.commands import PackDelivery
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, Supply
from services.dispatch.domain.stock.booking import AdjustStock
from services.dispatch.domain.stock.item import stock_item_id
from services.dispatch.domain.stock.movements import Place, movements
from services.dispatch.domain.trace_code import TRACE_CODES
from tests.property.dispatch.test_fulfilment_machine import each_bucket_is_what_holds_and_supplies_say
from tests.unit.dispatch.town import COURIER, DRUGS, NOON, SHA, TABLETS, A, B, Town

PHARMACIES = (A, B)
PACK = DRUGS[TABLETS]["pack_size"]
PACKS_WANTED = 3
"""Prescribed in each prescription: together more than the town has at the start."""
AT_FIRST = 3
"""Packs that lie on each shelf at the start."""
WHOSE, WHICH = st.integers(0, 2), st.integers(0, 9)
PACKS = st.sampled_from([1, 1, 2, 3])
GONE = {"dispensed", "with_courier", "in_hands"}
WORK = ("hold",) * 5 + ("serve",) * 14 + ("clear",) * 4 + ("hand_out",) * 3 + ("send",) * 3 + ("deliver",) * 2
WORK += ("come_back",) * 2 + ("give_up", "take_back", "release")
WORLD = ("an_hour",) * 3 + ("five_hours", "a_day", "goods", "goods", "cancel", "cancel_all", "claim_arrives", "repeat")


class SharedGoods(RuleBasedStateMachine):
    """Whoever comes first has the packs."""

    @initialize(served=st.integers(0, 2), booked=st.sampled_from([AT_FIRST, AT_FIRST, 1]))
    def begin(self, served: int, booked: int) -> None:
        """`served`: prescriptions of which two packs each are dispensed already, one in each pharmacy, and the first of
        them cleared. `booked`: packs that each shelf has by its books, whatever lies there.
        """
        self.town = Town()
        for pharmacy in PHARMACIES:
            less = AdjustStock(
                lot="L1", change=booked * PACK - 200, reason="booking_error", adjusted_by="x", occurred_at=NOON
            )
            assert self.town.store.run(adjust_stock(pharmacy, TABLETS, less)).refusal is None
        self.ids = [self.town.release(PACKS_WANTED * PACK) for _ in range(3)]
        self.codes = {pharmacy: list(self.town.new_codes(AT_FIRST + 1)) for pharmacy in PHARMACIES}
        """Of the packs that lie there, and of one that nobody has booked."""
        self.said: list[Any] = []
        """What others have told: it may come again at any time."""
        self.waiting: list[Any] = []
        """What insurance has told and has not arrived; it comes in any order between supplies."""
        self.checked = 0
        self.folded = dict.fromkeys(self.ids, FULFILMENTS.initial)
        self.levels: Counter[UUID] = Counter()
        """By stock item, what its movements add up to."""
        for whose in range(served):
            codes = tuple(self.codes[PHARMACIES[whose]][:2])
            hold_id = self.town.accepted(self.ids[whose], (1, 2 * PACK), pharmacy=PHARMACIES[whose], packs_seen=True)
            pick = self.town.pick(2 * PACK, trace_codes=codes)
            supply_id = self.town.prepare(self.ids[whose], hold_id, pick, pharmacy=PHARMACIES[whose])
            assert self.town.try_check(self.ids[whose], supply_id, PHARMACIES[whose]).refusal is None
            if whose == 0:
                self.town.clear(self.ids[whose], supply_id)

    # -- who is meant

    def state(self, whose: int) -> FulfilmentState:
        return self.folded[self.ids[whose]]

    def _hold(self, whose: int, which: int) -> Hold | None:
        running = list(self.state(whose).running_holds())
        return running[which % len(running)] if running else None

    def _supply(self, whose: int, which: int, *statuses: str) -> Supply | None:
        found = [supply for supply in self.state(whose).supplies.values() if supply.status in statuses]
        return found[which % len(found)] if found else None

    # -- what happens

    @rule(what=st.sampled_from(WORK), whose=WHOSE, which=WHICH, pharmacy=st.sampled_from(PHARMACIES), packs=PACKS)
    def somebody_works(self, what: str, whose: int, which: int, pharmacy: str, packs: int) -> None:
        if what == "hold":
            way: Any = "delivery" if which % 2 else "counter"
            seen = which == 9
            self.town.try_hold(self.ids[whose], (1, packs * PACK), pharmacy=pharmacy, way=way, packs_seen=seen)
        elif what == "serve":
            self._serve(whose, which)
        elif what == "release":
            if hold := self._hold(whose, which):
                self.town.release_hold(self.ids[whose], hold.hold_id, "out_of_stock", hold.pharmacy)
        else:
            self._with_a_supply(what, whose, which)

    @rule(what=st.sampled_from(WORLD), whose=WHOSE, which=WHICH, pharmacy=st.sampled_from(PHARMACIES), packs=PACKS)
    def the_world_goes_on(self, what: str, whose: int, which: int, pharmacy: str, packs: int) -> None:
        match what:
            case "goods":
                self.town.receive(pharmacy, TABLETS, f"L{1 + which % 2}", packs * PACK)
                self.codes[pharmacy] += self.town.new_codes(packs)
            case "cancel" | "cancel_all":
                scope = [(1, packs * PACK)] if what == "cancel" else []
                self.said.append(self.town.cancel(self.ids[whose], *scope))
            case "claim_arrives" if self.waiting:
                event = self.waiting.pop(which % len(self.waiting))
                self.town.store.react(event)
                self.said.append(event)
            case "repeat" if self.said:
                before = len(self.town.store.log)
                self.town.store.react(self.said[which % len(self.said)])
                assert len(self.town.store.log) == before, "a repeat changes nothing"
            case "an_hour" | "five_hours" | "a_day":
                self.town.store.move_clock(timedelta(hours={"an_hour": 1, "five_hours": 5, "a_day": 25}[what]))

    def _serve(self, whose: int, which: int) -> None:
        """The next steps of a hold: reviewed and picked, then checked. Packs are taken in any order, also such as were
        scanned before."""
        hold = self._hold(whose, which)
        if hold is None:
            return
        prepared = self.state(whose).prepared_supply(hold.hold_id)
        if prepared:
            self.town.try_check(self.ids[whose], prepared.supply_id, hold.pharmacy)
        else:
            self.town.review(self.ids[whose], hold.hold_id, hold.pharmacy)
            quantity = hold.lines[0].quantity
            shelf = self.codes[hold.pharmacy if which % 4 else A]
            codes = [shelf[(which + place) % len(shelf)] for place in range(quantity // PACK)]
            pick = self.town.pick(quantity, trace_codes=tuple(codes))
            self.town.try_prepare(self.ids[whose], hold.hold_id, pick, pharmacy=hold.pharmacy)

    def _with_a_supply(self, what: str, whose: int, which: int) -> None:
        wanted = {"take_back": "in_hands", "deliver": "with_courier", "come_back": "with_courier"}
        supply = self._supply(whose, which, wanted.get(what, "dispensed"))
        if supply is None:
            return
        mine, place = self.ids[whose], supply.pharmacy
        match what:
            case "clear":
                facts = self.town.claim(mine, supply.supply_id, supply.attempt + 1)
                self.waiting.append(insurance.SupplyCleared(how="insured", **facts))
            case "hand_out":
                self.town.try_hand_out(mine, supply.supply_id, place)
            case "give_up":
                self.town.give_up(mine, supply.supply_id)
            case "take_back":
                self.town.try_take_back(mine, supply.supply_id, pharmacy=place)
            case "send":
                self._send(mine, supply)
            case "deliver" if supply.delivery_id:
                self.town.store.run(deliveries.in_transit(supply.delivery_id, COURIER))
                self.town.deliver(supply.delivery_id, supply.supply_id)
            case "come_back":
                ends = {7: ("lost", "lost"), 8: ("damaged", "destroyed"), 9: ("returned", "quarantined")}
                self.town.came_back(mine, supply.supply_id, *ends.get(which, ("returned", "restocked")))

    def _send(self, mine: UUID, supply: Supply) -> None:
        if supply.delivery_id is None:
            arranged = self.town.try_arrange(mine, supply.supply_id, pharmacy=supply.pharmacy)
            if arranged.refusal:
                return
            seal = PackDelivery(pharmacy=supply.pharmacy, packed_by="x", seal_no="S")
            self.town.store.run(deliveries.pack(UUID(arranged.body["delivery_id"]), seal))
        delivery_id = self.town.state(mine).supplies[supply.supply_id].delivery_id
        assert delivery_id is not None
        self.town.store.run(deliveries.hand_over(delivery_id, supply.pharmacy, SHA))

    # -- what holds

    @invariant()
    def every_new_event_keeps_the_rules(self) -> None:
        """All quantities are somewhere, nothing leaves uncleared, no shelf is ever below nothing."""
        log = self.town.store.log
        new, self.checked = log[self.checked :], len(log)
        for recorded in new:
            if recorded.stream_id in self.folded:
                before = self.folded[recorded.stream_id]
                _nothing_forbidden(before, recorded.event)
                after = self.folded[recorded.stream_id] = FULFILMENTS.evolve(before, recorded.event)
                assert all(line.buckets.balanced for line in after.lines.values()), recorded.event
            for movement in movements(recorded.event):
                self.levels[recorded.stream_id] += movement.change(Place.SHELF)
            assert self.levels[recorded.stream_id] >= 0, recorded.event
        if new:
            for state in self.folded.values():
                each_bucket_is_what_holds_and_supplies_say(state)  # once all of a save has happened
            self._books_are_their_movements()
            self._codes_are_sold_once()
            self._what_was_received_was_dispensed()

    def _books_are_their_movements(self) -> None:
        for pharmacy in PHARMACIES:
            shelf = self.town.shelf(pharmacy)
            assert shelf.on_hand == self.levels[stock_item_id(pharmacy, TABLETS)]
            holds = [hold for state in self.folded.values() for hold in state.running_holds()]
            assert sum(shelf.reserved.values()) == sum(hold.held(1) for hold in holds if hold.pharmacy == pharmacy)

    def _codes_are_sold_once(self) -> None:
        """Over all prescriptions and pharmacies."""
        sold: Counter[str] = Counter()
        for state in self.folded.values():
            for supply in state.supplies.values():
                if supply.status in GONE:
                    sold.update(code for row in supply.lines for code in row.trace_codes)
        assert all(count == 1 for count in sold.values()), sold
        refs = [ref for ref in self.town.store.refs.values() if ref.aggregate is TRACE_CODES]
        known = {found.pack.code: found for found in map(self.town.store.state, refs) if found.pack}
        assert all(known[code].sold or known[code].spent for code in sold)
        assert all(0 <= found.left <= PACK for found in known.values())

    def _what_was_received_was_dispensed(self) -> None:
        """Once, and no more of it."""
        dispensed = {
            event.supply_id: sum(row.quantity for row in event.lines)
            for event in self.town.store.told_of(told.SupplyDispensed)
        }
        received = self.town.store.told_of(told.SupplyReceived)
        assert len({event.supply_id for event in received}) == len(received)
        for event in received:
            assert sum(row.quantity for row in event.accepted) <= dispensed[event.supply_id]


def _nothing_forbidden(before: FulfilmentState, event: Any) -> None:
    match event:
        case e.SupplyHandedToCourier(supply_id=supply_id):
            assert before.supplies[supply_id].cleared
        case e.SupplyReceived(supply_id=supply_id, irregularities=irregularities):
            supply = before.supplies[supply_id]
            assert supply.cleared or (supply.status == "with_courier" and "supply.not_cleared" in irregularities)


TestSharedGoods = SharedGoods.TestCase
TestSharedGoods.settings = settings(max_examples=15, stateful_step_count=40, deadline=None)
