"""A parcel's way to the patient."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import insurance
from services.dispatch.application import deliveries
from services.dispatch.application.views import delivery_view
from services.dispatch.domain.delivery.commands import CancelDelivery, FailAttempt, PackDelivery
from services.dispatch.domain.fulfilment.commands import DeliverSupply
from services.dispatch.domain.fulfilment.courier import deliver, detach_delivery, hand_to_courier
from services.seedwork.model import PersonalClass, Refusal
from services.seedwork.store.sealing import personal_fields
from tests.unit.dispatch.town import COURIER, SHA, A, B, Town, fine, refused


def test_a_parcel_reaches_the_patient_with_proof(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    fine(town.store.run(deliveries.arrive(delivery_id, COURIER)))

    fine(town.deliver(delivery_id, supply_id))

    (created,) = town.store.told_of(told.DeliveryCreated)
    assert (created.courier, created.pharmacy, created.prescription_id) == (
        COURIER,
        A,
        town.state(fulfilment).prescription_id,
    )
    (handed,) = town.store.told_of(told.DeliveryHandedOver)
    assert (handed.seal_no, handed.proof_sha256) == ("SEAL-1", SHA)
    (received,) = town.store.told_of(told.SupplyReceived)
    assert (received.proof_sha256, received.exception) == (SHA, False)
    (ended,) = town.store.told_of(told.DeliveryEnded)
    assert (ended.outcome, ended.exception) == ("delivered", False)
    assert town.state(fulfilment).outcome == "supplied"


def test_the_same_proof_again_changes_nothing(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    fine(town.deliver(delivery_id, supply_id))
    before = len(town.store.told)

    assert fine(town.deliver(delivery_id, supply_id)).body["status"] == "delivered"
    assert len(town.store.told) == before


@pytest.mark.parametrize("wrong", [{"code": "00000000"}, {"code": None}])
def test_a_delivery_without_the_right_code_is_recorded_as_an_exception(town: Town, wrong: dict[str, Any]) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    fine(town.store.run(deliveries.arrive(delivery_id, COURIER)))

    fine(town.deliver(delivery_id, supply_id, **wrong))

    (received,) = town.store.told_of(told.SupplyReceived)
    (ended,) = town.store.told_of(told.DeliveryEnded)
    assert received.exception
    assert ended.exception


def test_nobody_undelivers_a_parcel_whose_clearance_was_withdrawn(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    town.store.react(insurance.ClaimVoided(reason="payment_failed", **town.claim(fulfilment, supply_id)))
    fine(town.store.run(deliveries.arrive(delivery_id, COURIER)))

    fine(town.deliver(delivery_id, supply_id))

    (received,) = town.store.told_of(told.SupplyReceived)
    assert received.exception
    assert town.state(fulfilment).lines[1].buckets.in_hands == 60


def test_uncleared_goods_do_not_leave_with_the_courier(town: Town) -> None:
    fulfilment = town.release()
    delivery_id = town.packed(fulfilment, town.dispensed(fulfilment))

    refused(town.store.run(deliveries.hand_over(delivery_id, A, SHA)), "supply.not_cleared")
    assert town.delivery(delivery_id).status == "packed"


def test_attempts_are_counted_and_end(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    delivery_id = town.on_the_road(fulfilment, supply_id)

    for attempt in range(1, 4):
        fine(town.store.run(deliveries.fail_attempt(delivery_id, FailAttempt(courier=COURIER, reason="nobody_there"))))
        if attempt < 3:
            fine(town.store.run(deliveries.in_transit(delivery_id, COURIER)))

    refused(town.store.run(deliveries.in_transit(delivery_id, COURIER)), "delivery.attempts_used_up")
    failed = [(event.attempt, event.may_retry) for event in town.store.told_of(told.DeliveryAttemptFailed)]
    assert failed == [(1, True), (2, True), (3, False)]
    fine(town.deliver(delivery_id, supply_id))


def test_what_is_written_beside_a_reason_is_sealed_and_told_to_nobody(town: Town) -> None:
    sent, kept = town.release(), town.release()
    on_the_road = town.on_the_road(sent, town.dispensed(sent))
    packed = town.packed(kept, town.dispensed(kept))
    words = "王先生搬到隔壁楼了"

    fine(town.store.run(deliveries.fail_attempt(on_the_road, FailAttempt(courier=COURIER, reason="other", note=words))))
    fine(town.store.run(deliveries.cancel(packed, CancelDelivery(pharmacy=A, reason="other", note=words))))

    said = [town.store.streams[each][-1] for each in (on_the_road, packed)]
    assert [event.note for event in said] == [words, words]  # type: ignore[attr-defined]
    assert [personal_fields(type(event)) for event in said] == [{"note": PersonalClass.CONTACT}] * 2
    assert [event.patient_ref for event in said] == [town.patient_ref] * 2  # type: ignore[attr-defined]
    assert not any(words in event.model_dump_json() for event in town.store.told)
    (failed,) = town.store.told_of(told.DeliveryAttemptFailed)
    assert failed.reason == "other"


def test_only_its_courier_moves_a_parcel_and_only_its_pharmacy_packs_it(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    delivery_id = town.arranged(fulfilment, supply_id)
    foreign = PackDelivery(pharmacy=B, packed_by="x", seal_no="S")

    refused(town.store.run(deliveries.pack(delivery_id, foreign)), "delivery.not_yours")
    refused(town.store.run(deliveries.in_transit(delivery_id, "another")), "delivery.not_yours")
    refused(town.store.run(deliveries.in_transit(delivery_id, COURIER)), "delivery.wrong_state")
    refused(town.store.run(deliveries.arrive(uuid4(), COURIER)), "delivery.unknown")
    refused(town.store.run(deliveries.hand_over(uuid4(), A, SHA)), "delivery.unknown")
    refused(town.deliver(delivery_id, supply_id), "delivery.wrong_state")
    not_out = FailAttempt(courier=COURIER, reason="nobody_there")
    refused(town.store.run(deliveries.fail_attempt(delivery_id, not_out)), "delivery.wrong_state")
    not_theirs = CancelDelivery(pharmacy=B, reason="mistake")
    refused(town.store.run(deliveries.cancel(delivery_id, not_theirs)), "delivery.not_yours")


def test_only_a_qualified_courier_is_sent(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    facts = {"name": "x", "agreement_until": "2026-03-01"}
    town.load("courier", "91430100MA4L00001X", facts)

    refused(town.try_arrange(fulfilment, supply_id, courier="nobody"), "courier.not_admitted")
    refused(town.try_arrange(fulfilment, supply_id, courier="91430100MA4L00001X"), "courier.not_qualified")


def test_what_must_stay_cold_needs_a_courier_that_can(town: Town) -> None:
    fulfilment = town.release(cold_chain=True)
    supply_id = town.dispensed(fulfilment)

    refused(town.try_arrange(fulfilment, supply_id), "courier.not_qualified")


def test_what_is_for_the_counter_only_is_not_sent(town: Town) -> None:
    fulfilment = town.release(deliverable=False)

    refused(town.try_arrange(fulfilment, town.dispensed(fulfilment)), "supply.counter_only")


def test_there_is_one_delivery_at_a_time_and_it_can_be_called_off(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)
    delivery_id = town.packed(fulfilment, supply_id)

    refused(town.try_arrange(fulfilment, supply_id), "supply.delivery_arranged")
    refused(town.try_hand_out(fulfilment, supply_id), "supply.delivery_arranged")
    refused(town.try_arrange(fulfilment, uuid4()), "supply.unknown")
    fine(town.store.run(deliveries.cancel(delivery_id, CancelDelivery(pharmacy=A, reason="patient_wish"))))

    (ended,) = town.store.told_of(told.DeliveryEnded)
    assert ended.outcome == "cancelled"
    fine(town.try_hand_out(fulfilment, supply_id))


def test_giving_up_calls_the_delivery_off(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    delivery_id = town.packed(fulfilment, supply_id)

    fine(town.give_up(fulfilment, supply_id))

    assert town.delivery(delivery_id).status == "cancelled"
    refused(town.give_up(fulfilment, supply_id), "supply.wrong_state")


def test_a_label_masks_the_telephone_and_names_no_drug(town: Town) -> None:
    fulfilment = town.release()
    delivery_id = town.packed(fulfilment, town.dispensed(fulfilment))

    shown = delivery_view(town.delivery(delivery_id), with_contact=True)

    assert shown["contact"]["phone"] == "138****0000"
    assert "contact" not in delivery_view(town.delivery(delivery_id), with_contact=False)
    assert "卡托普利" not in str(shown)
    assert delivery_view(town.delivery(uuid4()), with_contact=True) == {}


def test_a_supply_that_is_not_on_the_road_is_neither_delivered_nor_called_off_twice(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    state = town.state(fulfilment)
    said = DeliverSupply(
        supply_id=supply_id,
        courier=COURIER,
        collector_kind="patient",
        identity_checked=True,
        proof_sha256=SHA,
    )

    assert isinstance(deliver(state, said), Refusal)
    assert isinstance(hand_to_courier(state, supply_id, B, UUID(int=0)), Refusal)
    assert detach_delivery(state, supply_id, A) == []
    assert isinstance(detach_delivery(state, UUID(int=0), A), Refusal)
