"""The cancel table (flows.md C), row by row, as far as dispatch decides it."""

from typing import Any
from uuid import uuid4

from contracts.events import dispatch as told
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.evolve import evolve
from services.dispatch.domain.values import CancelDecision
from tests.unit.dispatch.application.test_replacements import lost_after_validity
from tests.unit.dispatch.town import B, Town, fine, refused


def answers(town: Town) -> list[tuple[int, int, int, str | None, bool]]:
    """(cancelled, awaiting return, refused, reason, final) of line 1, answer by answer."""
    return [
        (row.cancelled, row.awaiting_return, row.refused, row.reason, event.final)
        for event in town.store.told_of(told.CancellationDecided)
        for row in event.lines[:1]
    ]


def on_the_road(town: Town, *quantities: int) -> tuple[Any, list[Any]]:
    fulfilment = town.release()
    supplies = [town.dispensed(fulfilment, quantity) for quantity in quantities]
    for supply_id in supplies:
        town.on_the_road(fulfilment, supply_id)
    return fulfilment, supplies


def test_what_comes_back_from_the_courier_is_cancelled_not_remaining(town: Town) -> None:
    fulfilment, (supply_id,) = on_the_road(town, 60)
    town.cancel(fulfilment)
    fine(town.came_back(fulfilment, supply_id))

    assert answers(town) == [(0, 60, 0, None, False), (60, 0, 0, None, True)]
    assert town.buckets(fulfilment) == {"cancelled": 60}
    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert closed.outcome == "cancelled"


def test_what_is_lost_is_cancelled_as_lost(town: Town) -> None:
    fulfilment, (supply_id,) = on_the_road(town, 60)
    town.cancel(fulfilment)
    fine(town.came_back(fulfilment, supply_id, "lost", "lost"))

    assert answers(town)[-1] == (60, 0, 0, "lost", True)


def test_a_part_of_what_comes_back_is_cancelled_the_rest_is_free(town: Town) -> None:
    fulfilment, (supply_id,) = on_the_road(town, 60)
    town.cancel(fulfilment, (1, 20))
    fine(town.came_back(fulfilment, supply_id))

    assert answers(town) == [(0, 20, 0, None, False), (20, 0, 0, None, True)]
    assert town.buckets(fulfilment) == {"remaining": 40, "cancelled": 20}


def test_one_parcel_delivered_one_back(town: Town) -> None:
    fulfilment, (first, second) = on_the_road(town, 20, 40)
    town.cancel(fulfilment)
    delivery_id = town.state(fulfilment).supplies[first].delivery_id
    assert delivery_id is not None
    fine(town.deliver(delivery_id, first))
    assert len(answers(town)) == 1
    fine(town.came_back(fulfilment, second))

    assert answers(town)[-1] == (40, 0, 20, "delivered", True)
    assert town.buckets(fulfilment) == {"in_hands": 20, "cancelled": 40}


def test_two_requests_do_not_wait_for_the_same_quantity(town: Town) -> None:
    fulfilment, (supply_id,) = on_the_road(town, 60)
    town.cancel(fulfilment, (1, 20))
    town.cancel(fulfilment, (1, 50))
    assert answers(town) == [(0, 20, 0, None, False), (0, 40, 0, None, False)]
    fine(town.came_back(fulfilment, supply_id))

    assert answers(town)[2:] == [(20, 0, 0, None, True), (40, 0, 0, None, True)]
    assert town.buckets(fulfilment) == {"cancelled": 60}


def test_what_waits_to_be_replaced_is_cancelled(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    town.cancel(fulfilment, (1, 20))
    assert answers(town) == [(20, 0, 0, None, True)]
    assert town.buckets(fulfilment) == {"replaceable": 40, "cancelled": 20}
    refused(town.try_hold(fulfilment, (1, 41), replaces=supply_id), "hold.not_enough_remaining")

    town.cancel(fulfilment)

    assert town.buckets(fulfilment) == {"cancelled": 60}
    assert town.state(fulfilment).status == "closed"


def test_only_as_much_as_is_asked_for_of_what_waits_to_be_replaced(town: Town) -> None:
    fulfilment = town.release(60, 2)
    first, second = town.collected(fulfilment, 20), town.collected(fulfilment, 20)
    for supply_id in (first, second):
        fine(town.try_take_back(fulfilment, supply_id))
    town.cancel(fulfilment, (1, 30))

    found = town.state(fulfilment).replaceables
    assert (found[first].rest, found[second].rest) == ({1: 10}, {1: 20}), "20 were free"
    town.cancel(fulfilment, (2, 2))
    assert town.buckets(fulfilment) == {"replaceable": 30, "cancelled": 30}


def test_a_replacements_hold_is_revoked_and_its_rest_stays_replaceable(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    town.hold(fulfilment, replaces=supply_id)
    town.cancel(fulfilment, (1, 20))

    assert town.buckets(fulfilment) == {"replaceable": 40, "cancelled": 20}


def test_a_replacement_at_the_counter_is_undone(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    again = town.prepare(fulfilment, town.accepted(fulfilment, replaces=supply_id))
    fine(town.try_check(fulfilment, again))
    town.cancel(fulfilment, (1, 20))

    assert town.buckets(fulfilment) == {"cancelled": 20, "lapsed": 40}


def test_a_supply_that_is_not_on_the_road_does_not_come_back_from_it(town: Town) -> None:
    fulfilment = town.release()
    refused(town.came_back(fulfilment, town.collected(fulfilment, pharmacy=B)), "supply.wrong_state")


def test_an_answer_of_before_that_names_no_parts_is_read_by_its_sums(town: Town) -> None:
    fulfilment, (first, second) = on_the_road(town, 20, 40)
    old = e.CancellationDecided(
        request_id=uuid4(),
        lines=(CancelDecision(line=1, awaiting_return=50),),
        awaiting=(first, second),
        final=False,
    )

    (pending,) = evolve(town.state(fulfilment), old).cancellations.values()

    assert [(row.supply_id, row.quantity) for row in pending.awaited] == [(first, 20), (second, 30)]


def test_an_answer_of_before_that_waits_for_one_of_two_names_that_one(town: Town) -> None:
    fulfilment, (first, second) = on_the_road(town, 20, 40)
    lines = (CancelDecision(line=1, awaiting_return=20),)
    old = e.CancellationDecided(request_id=uuid4(), lines=lines, awaiting=(first, second), final=False)

    (pending,) = evolve(town.state(fulfilment), old).cancellations.values()

    assert [row.supply_id for row in pending.awaited] == [first]
