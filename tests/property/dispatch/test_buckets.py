"""Whatever is asked for in whatever order: quantities are conserved and shelves are never negative."""

from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import dispatch as told
from services.dispatch.application import deliveries
from services.dispatch.domain.delivery.commands import PackDelivery
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import COURIER, HOUR, SHA, A, B, Town

QUANTITY = st.sampled_from([7, 20, 40, 60])
PHARMACY = st.sampled_from([A, B])
STEP = st.one_of(
    st.tuples(st.just("hold"), QUANTITY, PHARMACY),
    st.tuples(st.just("review"), st.integers(0, 3)),
    st.tuples(st.just("prepare"), QUANTITY, st.integers(0, 3)),
    st.tuples(st.just("check"), st.integers(0, 3)),
    st.tuples(st.just("release"), st.integers(0, 3), st.sampled_from(["out_of_stock", "mistake"])),
    st.tuples(st.just("clear"), st.integers(0, 3)),
    st.tuples(st.just("hand_out"), st.integers(0, 3)),
    st.tuples(st.just("give_up"), st.integers(0, 3)),
    st.tuples(st.just("send"), st.integers(0, 3)),
    st.tuples(st.just("deliver"), st.integers(0, 3)),
    st.tuples(st.just("cancel"), st.sampled_from([None, 20, 50])),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 73])),
    st.tuples(st.just("expire")),
)


class Play:
    """Does what it is told and lets refusals be refusals."""

    def __init__(self) -> None:
        self.town = Town()
        self.fulfilment = self.town.release(60, 2)

    def do(self, name: str, *arguments: object) -> Outcome | None:
        found: Outcome | None = getattr(self, name)(*arguments)
        return found

    def hold(self, quantity: int, pharmacy: str) -> Outcome:
        return self.town.try_hold(self.fulfilment, (1, quantity), pharmacy=pharmacy)

    def review(self, place: int) -> None:
        for hold in list(self.town.state(self.fulfilment).holds.values())[place : place + 1]:
            self.town.review(self.fulfilment, hold.hold_id, hold.pharmacy)

    def prepare(self, quantity: int, place: int) -> None:
        for hold in list(self.town.state(self.fulfilment).holds.values())[place : place + 1]:
            pick = self.town.pick(quantity)
            self.town.try_prepare(self.fulfilment, hold.hold_id, pick, pharmacy=hold.pharmacy)

    def release(self, place: int, reason: str) -> None:
        for hold in list(self.town.state(self.fulfilment).holds.values())[place : place + 1]:
            self.town.release_hold(self.fulfilment, hold.hold_id, reason, hold.pharmacy)

    def check(self, place: int) -> None:
        for supply_id, pharmacy in self._supplies(place):
            self.town.try_check(self.fulfilment, supply_id, pharmacy)

    def clear(self, place: int) -> None:
        for supply_id, _ in self._supplies(place):
            self.town.clear(self.fulfilment, supply_id)

    def hand_out(self, place: int) -> None:
        for supply_id, pharmacy in self._supplies(place):
            self.town.try_hand_out(self.fulfilment, supply_id, pharmacy)

    def give_up(self, place: int) -> None:
        for supply_id, _ in self._supplies(place):
            self.town.give_up(self.fulfilment, supply_id)

    def send(self, place: int) -> None:
        for supply_id, pharmacy in self._supplies(place):
            arranged = self.town.try_arrange(self.fulfilment, supply_id, pharmacy=pharmacy)
            if arranged.refusal is None:
                delivery_id = UUID(arranged.body["delivery_id"])
                seal = PackDelivery(pharmacy=pharmacy, packed_by="x", seal_no="S")
                self.town.store.run(deliveries.pack(delivery_id, seal))
                self.town.store.run(deliveries.hand_over(delivery_id, pharmacy, SHA))

    def deliver(self, place: int) -> None:
        for supply_id, _ in self._supplies(place):
            delivery_id = self.town.state(self.fulfilment).supplies[supply_id].delivery_id
            if delivery_id:
                self.town.store.run(deliveries.in_transit(delivery_id, COURIER))
                self.town.deliver(delivery_id, supply_id)

    def cancel(self, quantity: int | None) -> None:
        self.town.cancel(self.fulfilment, *([(1, quantity)] if quantity else []))

    def wait(self, hours: int) -> None:
        self.town.store.move_clock(hours * HOUR)

    def expire(self) -> None:
        self.town.expire(self.fulfilment)

    def _supplies(self, place: int) -> list[tuple[UUID, str]]:
        supplies = list(self.town.state(self.fulfilment).supplies.values())[place : place + 1]
        return [(supply.supply_id, supply.pharmacy) for supply in supplies]


def check_the_books(play: Play) -> None:
    """The identity after every single event, not only after every save."""
    aggregate = FULFILMENTS
    state = aggregate.initial
    for event in play.town.store.streams[play.fulfilment]:
        state = aggregate.evolve(state, event)
        assert all(line.buckets.balanced for line in state.lines.values()), event
    held = sum(row.quantity for hold in state.running_holds() for row in hold.lines)
    assert held == sum(line.buckets.held for line in state.lines.values())
    for stream_id, ref in play.town.store.refs.items():
        if ref.aggregate is STOCK_ITEMS:
            shelf = play.town.store.state(STOCK_ITEMS.ref(stream_id))
            assert all(lot.on_hand >= 0 for lot in shelf.lots.values())
            assert all(quantity > 0 for quantity in shelf.reserved.values())


@given(st.lists(STEP, max_size=14))
@settings(max_examples=60, deadline=None)
def test_quantities_are_conserved_whatever_happens(steps: list[tuple[object, ...]]) -> None:
    play = Play()
    for step in steps:
        name, *arguments = step
        play.do(str(name), *arguments)
    check_the_books(play)


@given(st.lists(STEP, max_size=12))
@settings(max_examples=40, deadline=None)
def test_everything_ends_once_validity_is_over_and_nobody_comes(steps: list[tuple[object, ...]]) -> None:
    play = Play()
    for step in steps:
        name, *arguments = step
        play.do(str(name), *arguments)
    play.expire()
    for _ in range(4):
        play.town.store.move_clock(timedelta(hours=25))

    state = play.town.state(play.fulfilment)
    if all(supply.status != "with_courier" for supply in state.supplies.values()):
        assert state.status == "closed"
        assert len(play.town.store.told_of(told.FulfilmentClosed)) == 1
        for product in ("XC09AAA040A001010102699", "XR05CBA040A001010102701"):
            assert not any(play.town.shelf(pharmacy, product).reserved for pharmacy in (A, B))
    check_the_books(play)
