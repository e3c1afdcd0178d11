"""An excursion is rejected when the goods are on the shelf again: what is there is set apart, who has it is told."""

from copy import copy
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.dispatch_road import DeliveryReturnStarted
from services.dispatch.application.opened_packs import opened_view
from services.dispatch.application.stock import count_stock
from services.dispatch.domain.opened_packs import OPENED_PACKS, opened_packs_id
from services.dispatch.domain.stock.booking import CountedLot, CountStock
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState, trace_code_id
from services.dispatch.domain.trace_code_events import CodeScanned, PackFacts
from services.dispatch.domain.values import Way
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Decision, UseCase
from tests.unit.dispatch.road import MINUTES, Road
from tests.unit.dispatch.town import COURIER, GOOD_UNTIL, TABLETS, A, B, Town, fine, person, refused


def on_the_shelf_again(town: Town, **how: Any) -> Road:
    """A parcel that froze on the way, which nobody knew when it was put on the shelf again."""
    road = Road(town, cold=True, **how).out()
    fine(road.refuse())
    fine(road.measure(5))
    fine(road.back())
    fine(road.inspect("restocked"))
    road.wait(hours=1)
    return road


def froze(road: Road) -> None:
    fine(road.measure(-5, since=road.now - 200 * MINUTES))


def sold(town: Town, codes: list[str], quantity: int = 60, **more: Any) -> tuple[UUID, UUID]:
    """To another patient, the packs with these codes: dispensed."""
    fulfilment = town.release(quantity)
    hold_id = town.accepted(fulfilment, (1, quantity), **more)
    supply_id = town.prepare(fulfilment, hold_id, town.pick(quantity, trace_codes=tuple(codes)))
    fine(town.try_check(fulfilment, supply_id))
    return fulfilment, supply_id


def another(road: Road, fulfilment: UUID, supply_id: UUID) -> Road:
    """The parcel of a supply that has the same packs."""
    other = copy(road)
    other.courier, other.cold = COURIER, False
    other.fulfilment, other.supply_id = fulfilment, supply_id
    other.delivery_id = road.town.on_the_road(fulfilment, supply_id)
    return other


def code(town: Town, name: str) -> TraceCodeState:
    state: TraceCodeState = town.store.state(TRACE_CODES.ref(trace_code_id(name)))
    return state


def notices(town: Town, patient: UUID) -> list[Any]:
    return town.store.rows("notices_of", patient_ref=patient, after=UUID(int=0), limit=9)


def shelf(road: Road) -> tuple[int, int]:
    return road.lot().on_hand, road.lot().quarantined


def test_what_is_still_there_is_set_apart_and_its_codes_sell_nothing_more(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    froze(road)
    assert shelf(road) == (before, 0), "an open excursion is the quality manager's to judge"

    fine(road.assess("rejected"))

    assert shelf(road) == (before - 60, 60)
    assert {code(town, name).status for name in road.codes} == {"spent"}
    fulfilment = town.release(60)
    hold_id = town.accepted(fulfilment)
    refused(town.try_prepare(fulfilment, hold_id, town.pick(60, trace_codes=tuple(road.codes))), "trace_code.repeated")


def test_a_second_rejection_takes_nothing_more_and_a_release_nothing_at_all(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    fine(road.measure(30, -5, since=road.now - 200 * MINUTES))
    found = road.state.excursions
    frozen = next(number for number, each in found.items() if each.breach.freezing)

    for number in found.keys() - {frozen}:
        fine(road.assess("released", number))
    assert shelf(road) == (before, 0)
    fine(road.assess("rejected", frozen))
    assert shelf(road) == (before - 60, 60)
    fine(road.measure(40, since=road.now - 185 * MINUTES))
    for number in road.state.open_excursions:
        fine(road.assess("rejected", number))
    assert len(road.state.excursions) > len(found)
    assert shelf(road) == (before - 60, 60)


def test_who_was_given_it_is_told_and_whose_it_was_is_not(town: Town) -> None:
    road = on_the_shelf_again(town)
    first, town.patient_ref = town.patient_ref, uuid4()
    fulfilment, supply_id = sold(town, road.codes)
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))
    before = shelf(road)
    froze(road)

    fine(road.assess("rejected"))

    (notice,) = notices(town, town.patient_ref)
    about = (notice["reason"], notice["delivery_id"], notice["product"], notice["lot"], notice["pharmacy"])
    assert about == ("excursion_rejected", road.delivery_id, TABLETS, "L1", A)
    assert notices(town, first) == []
    assert shelf(road) == before


def test_a_supply_that_is_only_prepared_ends_with_its_hold(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    fulfilment = town.release(60)
    hold_id = town.accepted(fulfilment)
    town.prepare(fulfilment, hold_id, town.pick(60, trace_codes=tuple(road.codes)))
    froze(road)

    fine(road.assess("rejected"))

    hold = town.state(fulfilment).holds[hold_id]
    assert (hold.status, hold.how) == ("ended", "revoked")
    assert town.buckets(fulfilment)["remaining"] == 60
    assert shelf(road) == (before - 60, 60)
    assert hold_id not in town.shelf().reserved


def test_a_supply_that_waits_in_the_pharmacy_is_undone(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    fulfilment, supply_id = sold(town, road.codes)
    froze(road)

    fine(road.assess("rejected"))

    assert town.state(fulfilment).supplies[supply_id].status == "undone"
    assert shelf(road) == (before - 60, 60)
    assert {code(town, name).status for name in road.codes} == {"spent"}
    assert notices(town, town.patient_ref) == []


def test_a_supply_that_is_on_its_way_turns_round(town: Town) -> None:
    road = on_the_shelf_again(town)
    fulfilment, supply_id = sold(town, road.codes, way=Way.DELIVERY)
    town.clear(fulfilment, supply_id)
    delivery_id = town.on_the_road(fulfilment, supply_id)
    froze(road)

    fine(road.assess("rejected"))

    other = town.delivery(delivery_id)
    assert (other.status, other.return_reason) == ("returning", "excursion_rejected")
    fine(road.measure(30, since=road.now - 185 * MINUTES))
    fine(road.assess("rejected", 2))
    assert town.delivery(delivery_id).status == "returning"


@pytest.mark.parametrize("so_far", ["out", "returning", "return_arrived"])
def test_a_parcel_that_has_it_is_never_restocked_wherever_it_was_turned_round(town: Town, so_far: str) -> None:
    road = on_the_shelf_again(town)
    fulfilment, supply_id = sold(town, road.codes, way=Way.DELIVERY)
    other = another(road, fulfilment, supply_id)
    if so_far != "out":
        fine(other.refuse())
    if so_far == "return_arrived":
        fine(other.back())
    froze(road)

    fine(road.assess("rejected"))
    if so_far != "return_arrived":
        fine(other.damage())  # which is no better reason
        fine(other.back())

    assert (other.state.status, other.state.excursions) == ("return_arrived", {})
    refused(other.inspect("restocked"), "delivery.not_restockable")
    fine(other.inspect("quarantined"))
    refused(other.decide("restocked"), "delivery.not_restockable")
    undone = town.state(fulfilment).supplies[supply_id]
    assert undone.status == "undone"


def quarantined_before(town: Town, road: Road, *verdicts: str) -> Road:
    """The packs in another parcel that is back and looked at when nobody has decided yet what the cold did to them."""
    fulfilment, supply_id = sold(town, road.codes, way=Way.DELIVERY)
    other = another(road, fulfilment, supply_id)
    fine(other.refuse())
    fine(other.back())
    fine(other.inspect(*verdicts))
    return other


def test_a_parcel_that_waits_in_quarantine_with_it_is_destroyed_and_never_restocked(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    other = quarantined_before(town, road, "quarantined")
    told = len(town.store.told_of(DeliveryReturnStarted))
    froze(road)
    assert shelf(road) == (before - 60, 60)
    assert {code(town, name).status for name in road.codes} == {"locked"}

    fine(road.assess("rejected"))

    assert (other.state.status, other.state.return_reason) == ("quarantined", "refused_at_the_door")
    assert len(town.store.told_of(DeliveryReturnStarted)) == told, "its end was told, and it goes nowhere"
    assert shelf(road) == (before - 60, 60), "no other packs of the lot in their place"
    refused(other.decide("restocked"), "delivery.not_restockable")
    assert shelf(road) == (before - 60, 60)
    assert {code(town, name).status for name in road.codes} == {"locked"}
    fine(other.decide("destroyed"))
    assert (other.state.status, shelf(road)) == ("destroyed", (before - 60, 0))
    assert {code(town, name).status for name in road.codes} == {"spent"}
    assert notices(town, town.patient_ref) == []


def test_of_a_parcel_in_quarantine_in_part_the_rest_is_taken_off_the_shelf(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    other = quarantined_before(town, road, "restocked", "quarantined", "destroyed")
    froze(road)
    assert shelf(road) == (before - 40, 20)

    fine(road.assess("rejected"))

    assert shelf(road) == (before - 60, 40)
    assert [code(town, name).status for name in road.codes] == ["spent", "locked", "spent"]
    refused(other.decide("restocked"), "delivery.not_restockable")
    fine(other.decide("destroyed"))
    assert shelf(road) == (before - 60, 20)
    assert [code(town, name).status for name in road.codes] == ["spent"] * 3


@pytest.mark.parametrize(("verdict", "left"), [("restocked", (-60, 60)), ("destroyed", (-60, 0))])
def test_a_parcel_that_was_done_with_before_has_nothing_to_stop(
    town: Town, verdict: str, left: tuple[int, int]
) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    other = quarantined_before(town, road, "quarantined")
    fine(other.decide(verdict))
    froze(road)

    fine(road.assess("rejected"))

    assert (other.state.status, other.state.spoilt) == (verdict, False)
    assert shelf(road) == (before + left[0], left[1])
    assert {code(town, name).status for name in road.codes} == {"spent"}


def test_every_parcel_that_has_some_of_it_is_stopped_where_it_is(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    waiting = another(road, *sold(town, road.codes[:1], 20, way=Way.DELIVERY))
    fine(waiting.refuse())
    fine(waiting.back())
    fine(waiting.inspect("quarantined"))
    on_its_way = another(road, *sold(town, road.codes[1:2], 20, way=Way.DELIVERY))
    froze(road)

    fine(road.assess("rejected"))

    assert shelf(road) == (before - 60, 40), "one was there, one waits, one is on its way"
    assert [code(town, name).status for name in road.codes] == ["locked", "sold", "spent"]
    assert (on_its_way.state.status, on_its_way.state.return_reason) == ("returning", "excursion_rejected")
    refused(waiting.decide("restocked"), "delivery.not_restockable")
    fine(on_its_way.back())
    refused(on_its_way.inspect("restocked"), "delivery.not_restockable")
    fine(on_its_way.inspect("destroyed"))
    fine(waiting.decide("destroyed"))
    assert shelf(road) == (before - 60, 20)
    assert {code(town, name).status for name in road.codes} == {"spent"}


def test_a_parcel_stopped_for_others_still_sets_apart_what_it_brought_back_itself(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    own = town.new_codes(1)[0]
    other = another(road, *sold(town, [road.codes[0], own], 40, way=Way.DELIVERY))
    fine(other.refuse())
    fine(other.back())
    fine(other.inspect("quarantined", "restocked"))
    froze(road)
    fine(road.assess("rejected"))
    assert (code(town, own).status, shelf(road)) == ("free", (before - 60, 60))

    fine(other.measure(50))
    fine(other.assess("rejected"))

    assert (code(town, own).status, shelf(road)) == ("spent", (before - 80, 80))


def test_who_is_given_it_although_it_was_called_back_is_told(town: Town) -> None:
    road = on_the_shelf_again(town)
    first, town.patient_ref = town.patient_ref, uuid4()
    fulfilment, supply_id = sold(town, road.codes, way=Way.DELIVERY)
    other = another(road, fulfilment, supply_id)
    fine(other.arrive())
    froze(road)
    fine(road.assess("rejected"))

    fine(other.deliver())

    assert other.state.status == "delivered"
    assert other.state.exception
    (notice,) = notices(town, town.patient_ref)
    assert (notice["reason"], notice["delivery_id"]) == ("excursion_rejected", other.delivery_id)
    assert notices(town, first) == []


def test_several_supplies_of_one_prescription_are_stopped_together(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    fulfilment = town.release(60)
    supplies = []
    for name in road.codes:
        hold_id = town.accepted(fulfilment, (1, 20))
        supplies.append(town.prepare(fulfilment, hold_id, town.pick(20, trace_codes=(name,))))
        fine(town.try_check(fulfilment, supplies[-1]))
    froze(road)

    fine(road.assess("rejected"))

    assert {town.state(fulfilment).supplies[each].status for each in supplies} == {"undone"}
    assert shelf(road) == (before - 60, 60)


def test_of_an_opened_pack_the_rest_is_set_apart_and_who_had_a_part_before_is_not_told(town: Town) -> None:
    name = town.new_codes(1)[0]
    before, early = sold(town, [name], 10)
    town.clear(before, early)
    fine(town.try_hand_out(before, early))
    first, town.patient_ref = town.patient_ref, uuid4()
    town.store.time += 10 * MINUTES
    road = on_the_shelf_again(town, lines=(10,), picked={"trace_codes": (name,)})
    third, town.patient_ref = town.patient_ref, uuid4()
    late, supply_id = sold(town, [name], 5)
    town.clear(late, supply_id)
    fine(town.try_hand_out(late, supply_id))
    on_hand = road.lot().on_hand
    froze(road)

    fine(road.assess("rejected"))

    assert (code(town, name).left, code(town, name).status) == (0, "sold")
    assert shelf(road) == (on_hand - 5, 5)
    opened = town.store.state(OPENED_PACKS.ref(opened_packs_id(A, TABLETS)))
    assert opened_view(opened, civil_day(road.now)) == []
    assert [len(notices(town, patient)) for patient in (first, third, town.patient_ref)] == [0, 0, 1]


def test_packs_without_a_code_are_set_apart_as_far_as_there_are_any(town: Town) -> None:
    road = on_the_shelf_again(town, picked={"trace_codes": (), "no_code_reason": "no_code_printed"})
    on_hand = road.lot().on_hand
    froze(road)

    fine(road.assess("rejected"))

    assert shelf(road) == (on_hand - 60, 60)


def test_what_was_prepared_a_moment_ago_is_asked_about_again(town: Town) -> None:
    road = on_the_shelf_again(town)
    froze(road)
    town.store.rows("supplied_by", supply_id=road.supply_id)
    town.store.lists_lag = True
    sold(town, road.codes)

    refused(road.assess("rejected"), "delivery.just_taken")

    assert road.state.open_excursions
    town.store.lists_lag = False
    fine(road.assess("rejected"))
    assert {code(town, name).status for name in road.codes} == {"spent"}


def test_a_code_that_is_scanned_at_another_place_is_left_alone(town: Town) -> None:
    road = on_the_shelf_again(town)
    before = road.lot().on_hand
    facts = {"code": road.codes[0], "product": TABLETS, "pharmacy": B, "region": "430103", "lot": "L1"}
    elsewhere = PackFacts(**facts, pack_size=20, expiry=GOOD_UNTIL)
    scanned = CodeScanned(supply_id=uuid4(), pack=elsewhere, quantity=20)
    ref = TRACE_CODES.ref(trace_code_id(road.codes[0]))
    town.store.run(UseCase((ref,), lambda _moment, known: Decision.on(known, [scanned])))
    froze(road)

    fine(road.assess("rejected"))

    assert shelf(road) == (before - 40, 40)
    assert code(town, road.codes[0]).status == "scanned"


def test_what_the_books_do_not_have_cannot_be_set_apart(town: Town) -> None:
    road = on_the_shelf_again(town)
    nothing = CountedLot(lot="L1", expiry=GOOD_UNTIL, quantity=0)
    counted = CountStock(lots=(nothing,), counted_by=person("preparer"), source="counted")
    fine(town.store.run(count_stock(A, TABLETS, counted)))
    froze(road)

    fine(road.assess("rejected"))

    assert road.lot().quarantined == 0
    assert {code(town, name).status for name in road.codes} == {"spent"}
