"""One prescription over several pharmacies under any order of commands, events and time: a Hypothesis state machine.

What insurance says comes late and in any order between supplies; what prescribe says may come again at any time.
"""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.events import dispatch as told
from contracts.events import insurance, prescribe_later
from services.dispatch.application import deliveries
from services.dispatch.application.blocks import refuse_at_pharmacy
from services.dispatch.domain.delivery.commands import PackDelivery
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import RefuseAtPharmacy
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, Supply
from services.dispatch.domain.trace_code import TRACE_CODES
from services.dispatch.domain.values import Bucket
from tests.unit.dispatch.town import COURIER, KEY, SHA, SYRUP, TABLETS, A, B, Town, person, place

C = "P43010200021"
PHARMACIES = (A, B, C)
PLACES = st.sampled_from(PHARMACIES)
LINES = {1: (TABLETS, 60, 200), 2: (SYRUP, 6, 10)}
"""Line -> product, prescribed, on each shelf at the start."""
NUMBER = st.sampled_from([1, 1, 1, 2])
TABLETS_WANTED = st.sampled_from([7, 20, 40, 60])
WHICH = st.integers(0, 9)
BUSY = ("hold",) * 5 + ("release", "refuse", "give_up", "send", "send", "deliver", "come_back", "come_back")
BUSY += ("claim_arrives",) + ("take_back",) * 3 + ("replace",) * 4 + ("clear",) * 5 + ("hand_out",) * 4
BUSY += ("serve",) * 12
QUIET = ("an_hour",) * 3 + ("repeat", "cancel_part", "cancel_part", "stop", "five_hours", "a_day", "three_days")
QUIET += ("expire", "cancel_all") + ("answer",) * 4 + ("claim_arrives",) * 4 + ("insurance_says",) * 4
"""How often each is tried: many rules of their own would starve each other, and nothing would get far."""


class Fills(RuleBasedStateMachine):
    """Three pharmacies, a courier, an insurer, a prescriber, a patient and a clock."""

    @initialize(
        start=st.sampled_from(["in_hands", "nothing", "on_the_road", "two_parcels", "nothing", "dispensed", "blocked"])
    )
    def begin(self, start: str) -> None:
        self.town = Town()
        self.town.load("pharmacy", C, place(28.21, 112.98, "430102"))
        for role in ("pharmacist", "preparer", "checker"):
            staff = {"name": "x", "professions": [role], "organisation": C, "registration_no": "R1"}
            self.town.refer("person", person(role, C), staff)
        self.town.receive(C, TABLETS, "L1", 200)
        self.town.receive(C, SYRUP, "S1", 10, price=2990)
        self.id = self.town.release(*(prescribed for _, prescribed, _ in LINES.values()))
        self.said: list[Any] = []
        """What prescribe has told: it may come again at any time."""
        self.claims: dict[UUID, list[Any]] = {}
        """What insurance has told of each supply and has not arrived."""
        self.asked: list[UUID] = []
        """Blocks that wait for an answer."""
        self.checked, self.folded = 0, FULFILMENTS.initial
        if start == "in_hands":
            self.town.collected(self.id, 40)
        elif start == "blocked":
            self.town.accepted(self.id, (1, 20))
            self._block(1)
        elif start != "nothing":
            supplies = [self.town.dispensed(self.id, 20, A), self.town.dispensed(self.id, 20, B)]
            for supply_id in supplies[: {"dispensed": 0, "on_the_road": 1, "two_parcels": 2}[start]]:
                self.town.clear(self.id, supply_id)
                supply = self.state.supplies[supply_id]
                self._send_off(supply)

    # -- who is meant

    @property
    def state(self) -> FulfilmentState:
        return self.town.state(self.id)

    def _hold(self, which: int) -> Hold | None:
        running = list(self.state.running_holds())
        return running[which % len(running)] if running else None

    def _supply(self, which: int, *statuses: str) -> Supply | None:
        found = [supply for supply in self.state.supplies.values() if supply.status in statuses]
        return found[which % len(found)] if found else None

    # -- what happens

    @rule(
        what=st.sampled_from(BUSY),
        which=WHICH,
        pharmacy=PLACES,
        line=NUMBER,
        tablets=TABLETS_WANTED,
        flag=st.booleans(),
    )
    def somebody_works(self, what: str, which: int, pharmacy: str, line: int, tablets: int, flag: bool) -> None:
        quantity = tablets if line == 1 else max(1, tablets // 20)
        match what:
            case "hold":
                way: Any = "delivery" if flag else "counter"
                self.town.try_hold(self.id, (line, quantity), pharmacy=pharmacy, way=way)
            case "serve":
                self._serve(which, part=flag and tablets == 7)
            case "release" | "refuse":
                getattr(self, f"_{what}")(which, flag)
            case "replace":
                self._replace(which, None if flag else pharmacy)
            case "send" | "deliver":
                getattr(self, f"_{what}")(which)
            case "come_back":
                self._come_back(which, tablets)
            case "claim_arrives":
                self._claim_arrives(which, again=flag)
            case _:
                self._with_a_supply(what, which, flag)

    @rule(what=st.sampled_from(QUIET), which=WHICH, line=NUMBER, quantity=st.sampled_from([1, 5, 20, 50]))
    def the_world_goes_on(self, what: str, which: int, line: int, quantity: int) -> None:
        hours = {"an_hour": 1, "five_hours": 5, "a_day": 25, "three_days": 73}
        match what:
            case "insurance_says":
                self._insurance_says(which, quantity)
            case "claim_arrives":
                self._claim_arrives(which, again=quantity == 1)
            case "cancel_part" | "cancel_all":
                self.said.append(self.town.cancel(self.id, *([(line, quantity)] if what == "cancel_part" else [])))
            case "stop" | "answer":
                self._block(line) if what == "stop" else self._answer()
            case "repeat":
                self._repeat(which)
            case "expire":
                self.town.expire(self.id)
            case _:
                self.town.store.move_clock(timedelta(hours=hours[what]))

    def _serve(self, which: int, *, part: bool) -> None:
        """The next step of a hold: reviewed, packs picked, or checked."""
        hold = self._hold(which)
        if hold is None:
            return
        prepared = self.state.prepared_supply(hold.hold_id)
        if hold.status == "active":
            self.town.review(self.id, hold.hold_id, hold.pharmacy)
        elif prepared:
            self.town.try_check(self.id, prepared.supply_id, hold.pharmacy)
        else:
            row = hold.lines[0]
            pick = self.town.pick(max(1, row.quantity // 2) if part else row.quantity, line=row.line)
            self.town.try_prepare(self.id, hold.hold_id, pick, pharmacy=hold.pharmacy)

    def _release(self, which: int, part: bool) -> None:
        if hold := self._hold(which):
            row = hold.lines[0]
            lines = {"lines": ({"line": row.line, "quantity": max(1, row.quantity // 2)},)} if part else {}
            self.town.release_hold(self.id, hold.hold_id, "out_of_stock", hold.pharmacy, **lines)

    def _refuse(self, which: int, _flag: bool) -> None:
        if hold := self._hold(which):
            pharmacist = person("pharmacist", hold.pharmacy)
            command = RefuseAtPharmacy(
                hold_id=hold.hold_id, pharmacy=hold.pharmacy, pharmacist=pharmacist, code="2-8", reason="x"
            )
            secret, before = self.town.secret(hold.hold_id, hold.pharmacy), set(self.state.blocks)
            self.town.store.run(refuse_at_pharmacy(self.id, command, secret, KEY))
            self.asked += [block for block in self.state.blocks if block not in before]

    def _replace(self, which: int, elsewhere: str | None) -> None:
        found = [(key, each) for key, each in self.state.replaceables.items() if each.rest]
        if found:
            key, waiting = found[which % len(found)]
            line, quantity = next(iter(waiting.rest.items()))
            where = elsewhere or waiting.pharmacy
            self.town.try_hold(self.id, (line, quantity), pharmacy=where, replaces=key)

    def _with_a_supply(self, what: str, which: int, flag: bool) -> None:
        supply = self._supply(which, "in_hands" if what == "take_back" else "dispensed")
        if supply is None:
            return
        match what:
            case "clear":
                self.town.clear(self.id, supply.supply_id, supply.attempt + 1)
            case "hand_out":
                self.town.try_hand_out(self.id, supply.supply_id, supply.pharmacy)
            case "give_up":
                self.town.give_up(self.id, supply.supply_id)
            case "take_back":
                line = supply.line_numbers[0]
                lines = [(line, max(1, supply.quantity(line) // 3))] if flag else []
                self.town.try_take_back(self.id, supply.supply_id, *lines, pharmacy=supply.pharmacy)

    # -- the courier

    def _send(self, which: int) -> None:
        if supply := self._supply(which, "dispensed"):
            self._send_off(supply)

    def _send_off(self, supply: Supply) -> None:
        if supply.delivery_id is None:
            arranged = self.town.try_arrange(self.id, supply.supply_id, pharmacy=supply.pharmacy)
            if arranged.refusal:
                return
            seal = PackDelivery(pharmacy=supply.pharmacy, packed_by="x", seal_no="S")
            self.town.store.run(deliveries.pack(UUID(arranged.body["delivery_id"]), seal))
        delivery_id = self.state.supplies[supply.supply_id].delivery_id
        assert delivery_id is not None
        self.town.store.run(deliveries.hand_over(delivery_id, supply.pharmacy, SHA))

    def _deliver(self, which: int) -> None:
        supply = self._supply(which, "with_courier")
        if supply and supply.delivery_id:
            self.town.store.run(deliveries.in_transit(supply.delivery_id, COURIER))
            self.town.deliver(supply.delivery_id, supply.supply_id)

    def _come_back(self, which: int, how: int) -> None:
        ends = {7: ("lost", "lost"), 20: ("damaged", "destroyed")}
        if supply := self._supply(which, "with_courier"):
            self.town.came_back(self.id, supply.supply_id, *ends.get(how, ("returned", "restocked")))

    # -- insurer, prescriber, review

    def _insurance_says(self, which: int, how: int) -> None:
        supply = self._supply(which, "dispensed", "with_courier")
        if supply is None:
            return
        queue = self.claims.setdefault(supply.supply_id, [])
        attempt = max([supply.attempt, *(each.attempt for each in queue)]) + 1
        facts = self.town.claim(self.id, supply.supply_id, attempt)
        if how == 1:
            queue.append(insurance.ClaimRefused(stage="authorise", reasons=("x",), may_self_pay=True, **facts))
        elif how == 5:
            queue.append(insurance.ClaimVoided(reason="payment_failed", **facts))
        else:
            queue.append(insurance.SupplyCleared(how="insured", **facts))

    def _claim_arrives(self, which: int, *, again: bool) -> None:
        """Late, twice, and before another that was told earlier."""
        waiting = [queue for queue in self.claims.values() if queue]
        if waiting:
            queue = waiting[which % len(waiting)]
            event = queue.pop(which % len(queue))
            for _ in range(2 if again else 1):
                self.town.store.react(event)

    def _block(self, line: int) -> None:
        block = uuid4()
        event = prescribe_later.LinesBlocked(
            **self._about(), block_id=block, lines=(line,), source="rescreen", asked_by="review", reason="x"
        )
        self.asked.append(block)
        self.said.append(event)
        self.town.store.react(event)

    def _answer(self) -> None:
        if self.asked:
            answered = self.asked.pop()
            event = prescribe_later.LinesUnblocked(
                **self._about(), block_id=answered, lines=(), answer="x", signed_sha256=SHA
            )
            self.said.append(event)
            self.town.store.react(event)

    def _about(self) -> dict[str, Any]:
        return {"prescription_id": self.state.prescription_id, "patient_ref": self.town.patient_ref}

    def _repeat(self, which: int) -> None:
        if self.said:
            before = len(self.town.store.log)
            self.town.store.react(self.said[which % len(self.said)])
            assert len(self.town.store.log) == before, "a repeat changes nothing"

    # -- what holds

    @invariant()
    def after_every_event_all_quantities_are_somewhere(self) -> None:
        stream = self.town.store.streams.get(self.id, [])
        for event in stream[self.checked :]:
            _nothing_forbidden(self.folded, event)
            self.folded = FULFILMENTS.evolve(self.folded, event)
            assert all(line.buckets.balanced for line in self.folded.lines.values()), event
        self.checked = len(stream)
        each_bucket_is_what_holds_and_supplies_say(self.folded)  # once all of a save has happened

    @invariant()
    def shelves_and_packs_are_what_moved(self) -> None:
        state = self.state
        for number, (product, _, at_first) in LINES.items():
            for pharmacy in PHARMACIES:
                out = [s for s in state.supplies.values() if s.pharmacy == pharmacy and s.lines]
                gone = sum(s.quantity(number) for s in out if (s.status, s.disposition) != ("undone", "restocked"))
                held = [h for h in state.running_holds() if h.pharmacy == pharmacy]
                shelf = self.town.shelf(pharmacy, product)
                assert shelf.on_hand == at_first - gone, "what was taken back is not restocked, what is undone is"
                assert sum(shelf.reserved.values()) == sum(hold.held(number) for hold in held)
        sold: Counter[str] = Counter()
        for supply in state.supplies.values():
            if supply.status in {"dispensed", "with_courier", "in_hands"}:
                sold.update(code for row in supply.lines for code in row.trace_codes)
        assert all(count == 1 for count in sold.values()), "one code, one sale"
        refs = [ref for ref in self.town.store.refs.values() if ref.aggregate is TRACE_CODES]
        codes = {found.pack.code: found for found in map(self.town.store.state, refs) if found.pack}
        assert all(codes[code].sold or codes[code].spent for code in sold), "taken back entirely: spent"

    @invariant()
    def a_request_is_answered_at_most_twice_and_for_good_once(self) -> None:
        answers: dict[UUID, list[bool]] = {}
        for event in self.town.store.told_of(told.CancellationDecided):
            answers.setdefault(event.request_id, []).append(event.final)
        assert all(found in ([True], [False], [False, True]) for found in answers.values())

    def teardown(self) -> None:
        """Nobody comes any more: everything ends but what a courier has."""
        if not hasattr(self, "town"):
            return
        self.town.expire(self.id)
        for _ in range(10):
            self.town.store.move_clock(timedelta(hours=80))
        self.after_every_event_all_quantities_are_somewhere()
        self.shelves_and_packs_are_what_moved()
        if not any(supply.status == "with_courier" for supply in self.state.supplies.values()):
            assert self.state.status == "closed"
            assert all(each.final for each in self.state.cancellations.values())


def _nothing_forbidden(state: FulfilmentState, event: Any) -> None:
    """Against the state as it was: nothing leaves uncleared, blocked lines are neither held nor dispensed, a
    replacement is its own pharmacy's, and no offer sends the patient back."""
    match event:
        case e.QuantityHeld(lines=lines):
            assert not {row.line for row in lines} & state.blocked_lines
            if event.replaces:
                assert state.replaceables[event.replaces].pharmacy == event.pharmacy
        case e.SupplyDispensed(lines=dispensed):
            assert not {row.line for row in dispensed} & state.blocked_lines
        case e.SupplyHandedToCourier(supply_id=supply_id):
            assert state.supplies[supply_id].cleared
        case e.SupplyReceived(supply_id=supply_id, irregularities=irregularities):
            assert state.supplies[supply_id].cleared or "supply.not_cleared" in irregularities
            assert state.supplies[supply_id].status == "with_courier" or not irregularities
        case e.HoldEnded(hold_id=hold_id, offers=offers):
            assert state.holds[hold_id].pharmacy not in {offer.pharmacy for offer in offers}
            assert not offers or state.status == "open"


def each_bucket_is_what_holds_and_supplies_say(state: FulfilmentState) -> None:
    for number, line in state.lines.items():
        supplies = [supply for supply in state.supplies.values() if supply.lines]
        here = {"dispensed", "with_courier"}
        buckets = line.buckets
        assert buckets.held == sum(hold.held(number) for hold in state.running_holds())
        assert buckets.dispensed == sum(s.quantity(number) for s in supplies if s.status in here)
        given = (s.quantity(number) - s.taken_back.get(number, 0) for s in supplies if s.status == "in_hands")
        assert buckets.in_hands == sum(given)
        assert buckets.replaceable == sum(found.lines.get(number, 0) for found in state.replaceables.values())
        assert not any(hold.held(number) for hold in state.running_holds() if number in state.blocked_lines)
        assert buckets.of(Bucket.REMAINING) == 0 or state.status == "open"


TestFills = Fills.TestCase
TestFills.settings = settings(max_examples=40, stateful_step_count=60, deadline=None)
