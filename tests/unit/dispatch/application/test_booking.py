"""The clock orders couriers by their interfaces."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from services.dispatch.application.booking import booking_timer
from services.dispatch.domain.delivery.booking import Booked, Order
from tests.unit.dispatch.road import Road
from tests.unit.dispatch.town import COURIER, Town, fine


@dataclass
class Gateway:
    """Answers as it is told."""

    answers: list[Booked]
    asked: list[Order] = field(default_factory=list)

    def book(self, courier: str, interface: str, url: str | None, order: Order) -> Booked:
        assert (courier, interface, url) == (COURIER, "webhook", "https://courier.example/orders")
        self.asked.append(order)
        return self.answers.pop(0)


FACTS = {
    "name": "示例医药配送",
    "agreement_until": "2027-12-31",
    "interface": "webhook",
    "booking_url": "https://courier.example/orders",
}


@pytest.fixture
def road(town: Town) -> Road:
    town.load("courier", COURIER, FACTS)
    return Road(town)


def ask(road: Road, gateway: Gateway) -> None:
    fine(road.town.store.run(booking_timer(gateway)(road.delivery_id)))


def test_a_courier_with_an_interface_is_ordered_at_once(road: Road) -> None:
    gateway = Gateway([Booked("accepted", "R-1")])
    assert road.state.booking_due == road.now

    ask(road, gateway)
    ask(road, gateway)

    assert (road.state.booking, len(gateway.asked)) == ("R-1", 1)
    assert gateway.asked[0].contact.address == "长沙市示例路1号"


def test_what_is_not_known_is_asked_again_after_growing_waits_and_then_left_to_people(road: Road) -> None:
    gateway = Gateway([Booked("unknown")] * 6)
    waits = []
    for _ in range(6):
        road.town.store.time = road.state.booking_due
        before = road.now
        ask(road, gateway)
        waits.append(road.state.booking_due - before if road.state.booking_due else None)

    assert waits == [*(timedelta(seconds=5 * 2**number) for number in range(5)), None]
    ask(road, gateway)
    assert len(gateway.asked) == 6


def test_before_its_time_nobody_is_asked(road: Road) -> None:
    gateway = Gateway([Booked("unknown")])
    ask(road, gateway)
    ask(road, gateway)

    assert len(gateway.asked) == 1


def test_a_refused_order_is_left_to_people(road: Road) -> None:
    ask(road, Gateway([Booked("refused")]))

    assert (road.state.booking, road.state.booking_due) == (None, None)


def test_a_courier_that_gave_its_interface_up_meanwhile_is_not_asked(road: Road) -> None:
    road.town.load("courier", COURIER, {"name": "示例", "agreement_until": "2027-12-31"})

    ask(road, Gateway([]))

    assert road.state.booking_due is None


def test_what_was_called_off_or_handed_over_is_ordered_no_more(road: Road) -> None:
    fine(road.town.give_up(road.fulfilment, road.supply_id))

    ask(road, Gateway([]))
    assert road.state.status == "cancelled"


def test_a_courier_without_an_interface_is_asked_by_people(town: Town) -> None:
    assert Road(town).state.booking_due is None


def test_a_courier_that_may_not_carry_it_any_more_learns_no_address(road: Road) -> None:
    road.town.load("courier", COURIER, {**FACTS, "agreement_until": "2026-03-01"})
    gateway = Gateway([Booked("accepted", "R-1")])

    ask(road, gateway)

    assert gateway.asked == []
    assert (road.state.booking, road.state.booking_due) == (None, None)
