"""Deliveries that were stored before packs, storage and times were kept in them go on to their end."""

from typing import Any
from uuid import UUID

import pytest

from contracts.events import dispatch_road
from services.dispatch.domain.delivery import events as e
from services.dispatch.domain.delivery.state import DELIVERIES
from services.dispatch.domain.fulfilment.courier import came_back_from_courier
from services.dispatch.domain.policy import POLICIES
from services.seedwork.model import DomainEvent, Refusal
from tests.unit.dispatch.road import Road
from tests.unit.dispatch.town import NOON, SHA, Town, fine, refused

LATER = {
    e.DeliveryCreated: ("storage", "freeze_sensitive", "identity_required", "packs", "booking_due"),
    e.DeliveryPacked: ("logger_id", "at"),
    e.DeliveryHandedOver: ("at", "eta", "word_due"),
    e.DeliveryMoved: ("at", "word_due"),
    e.DeliveryAttemptFailed: ("at", "word_due", "retry_due"),
}
"""Fields that older events lack."""


def older(event: DomainEvent) -> DomainEvent:
    said = event.model_dump(exclude=set(LATER.get(type(event), ())))
    return type(event).model_validate(said)


def aged(road: Road) -> Road:
    """The same parcel as it would have been stored before."""
    events = road.town.store.streams[road.delivery_id]
    road.town.store.streams[road.delivery_id] = [older(event) for event in events]
    return road


def packs_of_now(road: Road) -> tuple[int, ...]:
    return (1, 2, 3)


def test_an_older_parcel_is_lost_with_the_packs_of_its_supply(town: Town) -> None:
    road = aged(Road(town).out())
    assert road.state.packs == {}

    fine(road.lose())

    assert [pack.code_is for pack in road.undone.packs] == ["spent"] * 3
    assert road.code_is() == "spent"


def test_an_older_parcel_comes_back_and_is_looked_at(town: Town) -> None:
    road = aged(Road(town).out())
    road.wait(days=30)
    assert road.state.status == "in_transit", "nobody set a deadline then"

    fine(road.refuse())
    fine(road.back(*packs_of_now(road)))
    fine(road.inspect("quarantined"))
    fine(road.decide("restocked"))

    assert (road.state.status, road.lot().on_hand, road.code_is()) == ("restocked", 200, "free")


def test_an_older_cold_parcel_has_no_complete_logger(town: Town) -> None:
    road = aged(Road(town, cold=True).out())
    assert (road.state.storage, road.state.freeze_sensitive) == ("refrigerated", True)
    fine(road.refuse())
    fine(road.back(*packs_of_now(road)))

    refused(road.inspect("restocked"), "delivery.not_restockable")


def test_an_older_parcel_whose_attempts_are_used_up_is_called_back_by_hand(town: Town) -> None:
    road = Road(town).out()
    for _ in range(2):
        fine(road.fail())
        fine(road.go())
    fine(road.fail())
    events: list[Any] = road.town.store.streams[road.delivery_id]
    road.town.store.streams[road.delivery_id] = [
        older(event) for event in events if not isinstance(event, e.DeliveryReturnStarted)
    ]

    refused(road.go(), "delivery.attempts_used_up")
    refused(road.retry(), "delivery.attempts_used_up")
    fine(road.recall())
    assert len(town.store.told_of(dispatch_road.DeliveryReturnStarted)) == 2


def test_an_older_delivery_was_accepted_as_a_whole() -> None:
    event = e.DeliveryDelivered.model_validate(
        {"proof_sha256": SHA, "delivered_at": "2026-03-02T04:00:00Z", "exception": False}
    )
    state = DELIVERIES.evolve(DELIVERIES.initial, event)

    assert (state.status, state.accepted, state.ended, state.storage) == ("delivered", (), True, "ambient")


def test_a_supply_that_is_with_the_patient_does_not_come_back(town: Town) -> None:
    road = Road(town).at_the_door()
    fine(road.deliver())

    state, policy = town.state(road.fulfilment), POLICIES.on(NOON.date(), "cn")

    found = came_back_from_courier(state, road.supply_id, "returned", (), NOON, policy)

    assert isinstance(found, Refusal)
    with pytest.raises(KeyError):
        came_back_from_courier(state, road.delivery_id, "returned", (), NOON, policy)


def test_goods_without_codes_come_back_too(town: Town) -> None:
    road = Road(town, lines=(20,))
    fulfilment = town.release(60)
    hold = town.accepted(fulfilment, (1, 60))
    supply_id = town.prepare(fulfilment, hold, town.pick(60, 1, trace_codes=(), no_code_reason="no_code_printed"))
    fine(town.try_check(fulfilment, supply_id))
    town.clear(fulfilment, supply_id)
    road.fulfilment, road.supply_id = fulfilment, supply_id
    road.delivery_id = UUID(fine(road.arrange()).body["delivery_id"])

    fine(road.at_the_door().refuse())
    fine(road.back(seal_intact=False))
    fine(road.inspect("quarantined"))
    fine(road.decide("restocked"))

    assert [pack.code_is for pack in road.undone.packs] == [None]
    assert road.lot().on_hand == 180
