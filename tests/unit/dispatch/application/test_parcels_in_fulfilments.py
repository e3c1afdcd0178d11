"""How a parcel ends by the rules of its fulfilment: whose the quantity is then, and what may be brought back."""

from contracts.events import dispatch as told
from tests.unit.dispatch.road import Road
from tests.unit.dispatch.town import B, Town, fine, refused


def in_part(town: Town) -> Road:
    """The tablets are the patient's, the syrup is on its way back."""
    road = Road(town, lines=(60, 2)).at_the_door()
    fine(road.deliver(rejected_lines=(2,)))
    return road


def test_lost_after_validity_the_same_pharmacy_may_replace_it(town: Town) -> None:
    road = Road(town).out()
    road.wait(hours=13)
    town.expire(road.fulfilment)
    fine(road.lose())

    assert town.buckets(road.fulfilment) == {"replaceable": 60}
    assert (road.undone.disposition, [row.bucket for row in road.undone.lines]) == ("lost", ["replaceable"])
    refused(town.try_hold(road.fulfilment, pharmacy=B, replaces=road.supply_id), "hold.replaced_elsewhere")
    fine(town.try_hold(road.fulfilment, replaces=road.supply_id))


def test_what_was_rejected_at_the_door_after_validity_is_replaceable_too(town: Town) -> None:
    road = in_part(town)
    road.wait(hours=13)
    town.expire(road.fulfilment)
    fine(road.back(4, 5))
    fine(road.inspect("quarantined"))

    assert town.buckets(road.fulfilment) == {"in_hands": 60}
    assert town.buckets(road.fulfilment, 2) == {"replaceable": 2}
    assert town.state(road.fulfilment).replaceables[road.supply_id].rest == {2: 2}


def test_only_what_the_patient_was_given_is_taken_back(town: Town) -> None:
    road = in_part(town)
    refused(town.try_take_back(road.fulfilment, road.supply_id), "supply.wrong_state")
    fine(road.back(4, 5))
    fine(road.inspect("quarantined"))

    refused(town.try_take_back(road.fulfilment, road.supply_id, (2, 1)), "supply.not_in_hands")
    fine(town.try_take_back(road.fulfilment, road.supply_id))

    assert town.buckets(road.fulfilment) == {"replaceable": 60}
    assert town.buckets(road.fulfilment, 2) == {"remaining": 2}


def test_a_second_request_does_not_wait_for_what_the_first_waits_for_or_the_patient_has(town: Town) -> None:
    road = Road(town, lines=(60, 2)).at_the_door()
    town.cancel(road.fulfilment, (1, 60), (2, 1))
    fine(road.deliver(rejected_lines=(2,)))
    town.cancel(road.fulfilment)

    second = town.store.told_of(told.CancellationDecided)[-1]
    assert [(row.line, row.refused, row.awaiting_return) for row in second.lines] == [(1, 60, 0), (2, 0, 1)]
    fine(road.back(4, 5))
    fine(road.inspect("destroyed"))

    last = town.store.told_of(told.CancellationDecided)[-2:]
    assert all(answer.final for answer in last)
    assert [[(row.refused, row.cancelled) for row in answer.lines] for answer in last] == [
        [(60, 0), (0, 1)],
        [(60, 0), (0, 1)],
    ]
    assert town.buckets(road.fulfilment, 2) == {"cancelled": 2}
