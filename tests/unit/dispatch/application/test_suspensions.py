"""A register entry that is not in force is obeyed at every step; what has happened is recorded all the same."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from contracts.events import dispatch as told
from services.dispatch.application import deliveries
from services.dispatch.domain.delivery.commands import CancelDelivery
from tests.unit.dispatch.town import COURIER, SHA, A, Town, fine, person, place, refused, staff


def suspend_pharmacy(town: Town) -> None:
    town.load("pharmacy", A, place(28.2, 112.98, "430102"), suspended=True)


def suspend_person(role: str) -> Callable[[Town], None]:
    return lambda town: town.refer("person", person(role), staff(role, A), suspended=True)


def suspend_courier(town: Town) -> None:
    facts = {"name": "示例医药配送", "agreement_until": "2027-12-31", "cold_chain": False}
    town.load("courier", COURIER, facts, suspended=True)


@pytest.mark.parametrize(("step", "role"), [("review", "pharmacist"), ("prepare", "preparer"), ("check", "checker")])
@pytest.mark.parametrize("whose", ["pharmacy", "person"])
def test_no_step_in_the_pharmacy_while_it_or_the_person_is_suspended(
    town: Town, step: str, role: str, whose: str
) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment) if step == "review" else town.accepted(fulfilment)
    supply_id = town.prepare(fulfilment, hold_id) if step == "check" else UUID(int=0)
    steps: dict[str, Callable[[], Any]] = {
        "review": lambda: town.review(fulfilment, hold_id),
        "prepare": lambda: town.try_prepare(fulfilment, hold_id),
        "check": lambda: town.try_check(fulfilment, supply_id),
    }
    (suspend_pharmacy if whose == "pharmacy" else suspend_person(role))(town)

    refused(steps[step](), "pharmacy.not_admitted" if whose == "pharmacy" else "person.not_qualified")


@pytest.mark.parametrize(
    ("suspend", "code"), [(suspend_pharmacy, "pharmacy.not_admitted"), (suspend_courier, "courier.not_admitted")]
)
def test_nothing_is_given_to_a_courier_while_it_or_the_pharmacy_is_suspended(
    town: Town, suspend: Callable[[Town], None], code: str
) -> None:
    arranged, other = town.release(), town.release()
    supply_id, unsent = town.dispensed(arranged), town.dispensed(other)
    town.clear(arranged, supply_id)
    delivery_id = town.packed(arranged, supply_id)
    suspend(town)

    refused(town.try_arrange(other, unsent), code)
    refused(town.store.run(deliveries.hand_over(delivery_id, A, SHA)), code)
    assert town.delivery(delivery_id).status == "packed"
    fine(town.store.run(deliveries.cancel(delivery_id, CancelDelivery(pharmacy=A, reason="courier_absent"))))


@pytest.mark.parametrize(
    ("suspend", "code"),
    [(suspend_pharmacy, "pharmacy.not_admitted"), (suspend_person("pharmacist"), "person.not_qualified")],
)
def test_what_was_handed_out_is_recorded_as_an_exception_of_the_pharmacy(
    town: Town, suspend: Callable[[Town], None], code: str
) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)
    suspend(town)

    shown = fine(town.try_hand_out(fulfilment, supply_id)).body

    assert (shown["status"], shown["irregularities"]) == ("in_hands", [code])
    (received,) = town.store.told_of(told.SupplyReceived)
    assert received.exception


def test_what_a_suspended_courier_has_delivered_is_recorded_as_an_exception(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    suspend_courier(town)
    fine(town.store.run(deliveries.arrive(delivery_id, COURIER)))

    fine(town.deliver(delivery_id, supply_id))

    (received,) = town.store.told_of(told.SupplyReceived)
    (ended,) = town.store.told_of(told.DeliveryEnded)
    assert received.exception
    assert ended.exception
    assert town.state(fulfilment).supplies[supply_id].irregularities == ("courier.not_admitted",)
