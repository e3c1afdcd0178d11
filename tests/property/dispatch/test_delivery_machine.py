"""Whatever pharmacies, couriers, loggers and clocks do with a parcel, in any order: only what the table lists happens,
every delivered quantity is dispensed quantity, and nothing is sold again that must not be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.events import dispatch as told
from services.dispatch.application import deliveries
from services.dispatch.application.courier_reports import take_report
from services.dispatch.domain import secrets
from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.commands import CancelDelivery, Proof, Report
from services.dispatch.domain.delivery.state import DELIVERIES, DeliveryState, evolve
from services.dispatch.domain.delivery.transitions import TRANSITIONS
from services.dispatch.domain.delivery.values import Reading
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.stock import events as stock
from services.seedwork.model import DomainEvent
from tests.unit.dispatch.road import Road
from tests.unit.dispatch.town import KEY, SHA, SYRUP, TABLETS, A, Town

CELSIUS = st.sampled_from([500, 500, 500, 790, 950, 2600, -50])
VERDICT = st.sampled_from(["restocked", "quarantined", "destroyed"])
REPORTS = ("picked_up", "in_transit", "arrived", "attempt_failed", "delivered", "refused", "lost", "damaged")
LINES = {1: 60, 2: 2}
TRIGGERS: dict[type[DomainEvent], tuple[str, ...]] = {
    e.DeliveryPacked: ("PackDelivery",),
    e.DeliveryHandedOver: ("HandOverToCourier",),
    e.DeliveryDelivered: ("Deliver",),
    e.DeliveryAttemptFailed: ("FailAttempt",),
    e.RetryScheduled: ("ScheduleRetry",),
    e.DeliveryReturnArrived: ("ReturnArrived",),
    e.ReturnInspected: ("InspectReturn", "excursion rejected"),
    e.QuarantineDecided: ("ReleaseQuarantine", "DestroyQuarantined"),
    e.DeliveryFound: ("ReportFound",),
    e.DeliveryLost: ("ReportLost", "clock: silence"),
    e.TemperaturesLogged: ("TemperatureLogged",),
    e.ExcursionAssessed: ("AssessExcursion",),
    e.CourierReported: ("courier's report",),
    e.DeliveryCancelled: ("CancelDelivery",),
}
"""Which row of the table stands behind each event."""


class Parcel(RuleBasedStateMachine):
    """One parcel of two lines, and everybody who has a hand in it."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()
        self.sent = 0

    @initialize(cold=st.booleans())
    def dispense(self, cold: bool) -> None:
        self.road = Road(self.town, cold=cold, lines=(60, 2))
        self.start = self.road.now

    # the pharmacy ------------------------------------------------------------------------------------------------
    @rule()
    def pack_and_hand_over(self) -> None:
        if self.state.status == "created":
            self.road.packed()
        self.road.hand_over()

    @rule()
    def bring_to_the_door(self) -> None:
        self.pack_and_hand_over()
        self.road.go()
        self.road.arrive()

    @rule(seal_intact=st.booleans(), verdict=VERDICT)
    def come_back_whole(self, seal_intact: bool, verdict: str) -> None:
        self.road.refuse()
        self.road.back(seal_intact=seal_intact)
        if self.state.status == "return_arrived" and self.state.counted:
            self.road.inspect(verdict)

    @rule()
    def call_off(self) -> None:
        command = CancelDelivery(pharmacy=A, reason="patient_wish")
        self.town.store.run(deliveries.cancel(self.road.delivery_id, command))

    @rule()
    def recall(self) -> None:
        self.road.recall()

    @rule(packs=st.sets(st.integers(1, 6)), seal_intact=st.booleans(), found=st.booleans())
    def take_back(self, packs: set[int], seal_intact: bool, found: bool) -> None:
        self.road.back(*sorted(packs), seal_intact=seal_intact, found=found)

    @precondition(lambda self: self.state.status == "return_arrived")
    @rule(verdicts=st.lists(VERDICT, min_size=5, max_size=5))
    def inspect(self, verdicts: list[str]) -> None:
        counted = len(self.state.counted)
        self.road.inspect(*(verdicts[:counted] if counted != 1 else verdicts[:1]))

    @rule(to=st.sampled_from(["restocked", "destroyed"]), one=st.booleans())
    def decide(self, to: str, one: bool) -> None:
        waiting = self.state.with_verdict("quarantined")
        self.road.decide(to, *(waiting[:1] if one else ()))

    @rule(decision=st.sampled_from(["released", "rejected"]))
    def assess(self, decision: str) -> None:
        for number in self.state.open_excursions[:1]:
            self.road.assess(decision, number)

    # the courier -------------------------------------------------------------------------------------------------
    @rule(what=st.sampled_from(["go", "arrive", "fail", "retry", "refuse", "lose", "damage"]))
    def carry(self, what: str) -> None:
        getattr(self.road, what)()

    @rule(rejected=st.sets(st.sampled_from([1, 2])), code=st.booleans())
    def deliver(self, rejected: set[int], code: bool) -> None:
        shown = {} if code else {"code": None}
        self.road.deliver(rejected_lines=tuple(rejected), **shown)

    @rule(celsius=st.lists(CELSIUS, min_size=1, max_size=5))
    def measure(self, celsius: list[int]) -> None:
        self.road.measure(*(value / 100 for value in celsius), every=10)

    @rule(kind=st.sampled_from(REPORTS), minute=st.integers(0, 90), again=st.booleans())
    def report(self, kind: Any, minute: int, again: bool) -> None:
        self.sent += 0 if again else 1
        proof = Proof(proof_sha256=SHA, code=secrets.pickup_code(KEY, self.road.supply_id))
        report = Report(
            message_id=f"m-{self.sent}",
            courier=self.road.courier,
            delivery_id=self.road.delivery_id,
            kind=kind,
            at=self.start + timedelta(minutes=minute),
            proof=proof if kind == "delivered" else None,
            readings=(Reading(at=self.start, celsius_hundredths=500),) if kind == "temperature" else (),
        )
        self.town.store.run(take_report(report, KEY))

    # others ------------------------------------------------------------------------------------------------------
    @rule(scope=st.sampled_from([(), ((1, 20),), ((2, 2),)]))
    def cancel(self, scope: Any) -> None:
        self.town.cancel(self.road.fulfilment, *scope)

    @rule(hours=st.sampled_from([1, 30, 80, 200]))
    def wait(self, hours: int) -> None:
        self.road.wait(hours=hours)

    # what always holds -------------------------------------------------------------------------------------------
    @property
    def state(self) -> DeliveryState:
        return self.road.state

    def steps(self) -> Iterator[tuple[DeliveryState, DomainEvent, DeliveryState]]:
        state = DELIVERIES.initial
        for event in self.town.store.streams[self.road.delivery_id]:
            after = evolve(state, event)
            yield state, event, after
            state = after

    @invariant()
    def every_step_is_listed(self) -> None:
        for before, event, _ in self.steps():
            triggers = TRIGGERS.get(type(event), ())
            if triggers:
                allowed = any(TRANSITIONS.allows(before.status, trigger) for trigger in triggers)
                assert allowed, f"{type(event).__name__} in {before.status}"

    @invariant()
    def quantities_add_up_and_what_is_in_hands_was_dispensed(self) -> None:
        state = FULFILMENTS.initial
        for event in self.town.store.streams[self.road.fulfilment]:
            state = FULFILMENTS.evolve(state, event)
            assert all(line.buckets.balanced for line in state.lines.values()), event
        supply = state.supplies[self.road.supply_id]
        for line, dispensed in LINES.items():
            received, outside = supply.received.get(line, 0), supply.outstanding(line)
            assert received in {0, dispensed}
            assert state.lines[line].buckets.in_hands == received
            ended = supply.status in {"undone", "in_hands"}
            assert state.lines[line].buckets.dispensed == (0 if ended else outside)
        undone = self.town.store.told_of(told.SupplyUndone)
        assert len(undone) <= 1

    @invariant()
    def the_end_is_told_once(self) -> None:
        ended = self.town.store.told_of(told.DeliveryEnded)
        assert len(ended) == (1 if self.state.ended else 0)

    @invariant()
    def nothing_is_sold_again_that_must_not_be(self) -> None:
        for before, event, after in self.steps():
            back = set(after.with_verdict("restocked")) - set(before.with_verdict("restocked"))
            if not back:
                continue
            assert not before.doubtful, "an excursion is open or rejected"
            assert not before.was_lost
            assert not before.opened_at_door, "the patient had it"
            assert before.seal_intact or isinstance(event, e.QuarantineDecided), "the seal was broken"
            if before.created and before.created.cold_chain:
                assert before.readings, "nobody knows how warm it was"
            assert back <= set(before.counted)

    @invariant()
    def shelf_quarantine_and_codes_say_the_same(self) -> None:
        books = {TABLETS: (200, "L1"), SYRUP: (10, "S1")}
        for product, (received, lot_name) in books.items():
            item, moved, apart = self.town.shelf(A, product), 0, 0
            for ref in self.town.store.refs.values():
                for event in self.town.store.streams[ref.stream_id] if ref.aggregate.name == "stock" else ():
                    if self.town.store.state(ref).product == product and self.town.store.state(ref).pharmacy == A:
                        shelf, quarantine = _moved(event)
                        moved, apart = moved + shelf, apart + quarantine
            lot = item.lots[lot_name]
            assert (lot.on_hand, lot.quarantined) == (moved, apart)
            assert lot.on_hand >= 0
            assert lot.quarantined >= 0
            assert lot.on_hand + lot.quarantined <= received
        supply = self.road.supply
        if supply.status in {"with_courier", "partly_received"}:
            assert {self.road.code_is(number) for number in range(len(self.road.codes))} == {"sold"}
        if supply.status == "undone":
            assert "sold" not in {self.road.code_is(number) for number in range(len(self.road.codes))}


def _moved(event: Any) -> tuple[int, int]:
    match event:
        case stock.StockReceived(quantity=quantity):
            return quantity, 0
        case stock.StockDispensed(picks=picks):
            return -sum(pick.quantity for pick in picks), 0
        case stock.StockReturned(picks=picks, quarantined=apart):
            quantity = sum(pick.quantity for pick in picks)
            return (0, quantity) if apart else (quantity, 0)
        case stock.QuarantineReleased(quantity=quantity):
            return quantity, -quantity
        case stock.QuarantineDestroyed(quantity=quantity):
            return 0, -quantity
    return 0, 0


TestParcel = Parcel.TestCase
TestParcel.settings = settings(max_examples=40, stateful_step_count=14, deadline=None)
