"""What came back after validity or after possession: only the same pharmacy may supply it again, for some days."""

from datetime import timedelta

from contracts.events import dispatch as told
from contracts.events.dispatch_returned import SupplyTakenBack
from tests.unit.dispatch.town import HOUR, NOON, VALID_UNTIL, A, B, Town, fine, refused

DAY = timedelta(days=1)
AFTER_VALIDITY = VALID_UNTIL - NOON + HOUR


def lost_after_validity(town: Town, quantity: int = 60) -> tuple[object, object]:
    """A courier loses a supply when the prescription is over."""
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment, quantity)
    town.on_the_road(fulfilment, supply_id)
    town.store.move_clock(AFTER_VALIDITY)
    town.expire(fulfilment)
    fine(town.came_back(fulfilment, supply_id, "lost", "lost"))
    return fulfilment, supply_id


# where what comes back goes --------------------------------------------------------------------------------------
def test_within_validity_it_is_free_for_any_pharmacy(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.on_the_road(fulfilment, supply_id)

    fine(town.came_back(fulfilment, supply_id))

    assert town.buckets(fulfilment) == {"remaining": 60}
    town.hold(fulfilment, pharmacy=B)
    (undone,) = town.store.told_of(told.SupplyUndone)
    assert (undone.why, undone.disposition, undone.replace_until) == ("returned", "restocked", None)


def test_after_validity_it_is_the_same_pharmacys_for_three_days(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    assert town.buckets(fulfilment) == {"replaceable": 60}
    (undone,) = town.store.told_of(told.SupplyUndone)
    assert undone.replace_until == town.store.time + 3 * DAY
    assert (undone.disposition, [row.bucket for row in undone.lines]) == ("lost", ["replaceable"])

    refused(town.try_hold(fulfilment, pharmacy=B, replaces=supply_id), "hold.replaced_elsewhere")
    refused(town.try_hold(fulfilment), "fulfilment.wrong_state")
    town.hold(fulfilment, replaces=supply_id)

    assert town.buckets(fulfilment) == {"held": 60}
    (first, second) = town.store.told_of(told.QuantityHeld)
    assert (first.kind, first.replaces) == ("normal", None)
    assert (second.kind, second.replaces) == ("replacement", supply_id)


def test_validity_is_over_by_the_clock_even_before_prescribe_says_so(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.on_the_road(fulfilment, supply_id)
    town.store.move_clock(AFTER_VALIDITY)

    fine(town.came_back(fulfilment, supply_id, "damaged", "destroyed"))

    assert town.buckets(fulfilment) == {"replaceable": 60}
    town.hold(fulfilment, (1, 20), replaces=supply_id)
    assert town.buckets(fulfilment) == {"replaceable": 40, "held": 20}


def test_only_what_is_put_back_on_the_shelf_is_on_it(town: Town) -> None:
    before = town.shelf().on_hand
    lost_after_validity(town)

    assert town.shelf().on_hand == before - 60


def test_what_the_patient_gave_up_after_validity_has_lapsed(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.expire(fulfilment)
    fine(town.give_up(fulfilment, supply_id))

    assert town.buckets(fulfilment) == {"lapsed": 60}
    assert town.state(fulfilment).status == "closed"


# the replacement -------------------------------------------------------------------------------------------------
def test_a_replacement_is_a_supply_of_its_own(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    hold_id = town.accepted(fulfilment, replaces=supply_id)
    again = town.prepare(fulfilment, hold_id)
    fine(town.try_check(fulfilment, again))
    town.clear(fulfilment, again)
    fine(town.try_hand_out(fulfilment, again))

    assert [row.fill_no for row in town.store.told_of(told.SupplyDispensed)] == [1, 2]
    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert (closed.outcome, closed.buckets[0].in_hands) == ("supplied", 60)


def test_a_replacements_hold_may_run_as_long_as_it_may_be_replaced(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    until = town.state(fulfilment).replaceables[supply_id].until
    hold_id = town.hold(fulfilment, replaces=supply_id)
    assert town.state(fulfilment).holds[hold_id].expires_at == town.store.time + timedelta(minutes=30)
    town.review(fulfilment, hold_id)
    assert town.state(fulfilment).holds[hold_id].expires_at == town.store.time + 4 * HOUR

    town.store.move_clock(3 * DAY - HOUR)
    late = town.hold(fulfilment, replaces=supply_id)
    town.review(fulfilment, late)
    assert town.state(fulfilment).holds[late].expires_at == until + timedelta(minutes=30)


def test_a_replacement_that_ends_stays_replaceable_and_lapses_in_time(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    fine(town.release_hold(fulfilment, town.hold(fulfilment, replaces=supply_id)))
    assert town.buckets(fulfilment) == {"replaceable": 60}
    town.hold(fulfilment, replaces=supply_id)
    town.store.move_clock(HOUR)
    assert town.buckets(fulfilment) == {"replaceable": 60}
    assert [row.offers for row in town.store.told_of(told.HoldEnded)] == [(), ()], "no other pharmacy may"

    town.store.move_clock(3 * DAY - HOUR - timedelta(seconds=1))
    assert town.buckets(fulfilment) == {"replaceable": 60}
    town.store.move_clock(timedelta(seconds=1))

    assert town.buckets(fulfilment) == {"lapsed": 60}
    (closed,) = town.store.told_of(told.FulfilmentClosed)
    assert closed.outcome == "lapsed"


def test_a_hold_that_outlives_the_days_lapses_when_it_ends(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    town.store.move_clock(3 * DAY - timedelta(minutes=1))
    town.hold(fulfilment, (1, 40), replaces=supply_id)
    town.store.move_clock(timedelta(minutes=2))
    assert town.buckets(fulfilment) == {"lapsed": 20, "held": 40}

    town.store.move_clock(timedelta(minutes=30))
    town.store.move_clock(timedelta(0))

    assert town.buckets(fulfilment) == {"lapsed": 60}


def test_too_late_or_too_much_is_not_replaced(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town, 40)
    refused(town.try_hold(fulfilment, (1, 41), replaces=supply_id), "hold.not_enough_remaining")
    refused(town.try_hold(fulfilment, (1, 1), replaces=fulfilment), "hold.nothing_to_replace")
    town.store.time += 3 * DAY  # before the timer has run
    refused(town.try_hold(fulfilment, (1, 40), replaces=supply_id), "hold.replacing_over")
    town.store.move_clock(timedelta(0))
    refused(town.try_hold(fulfilment, (1, 40), replaces=supply_id), "fulfilment.wrong_state")


def test_a_replacement_that_goes_bad_as_well_counts_from_its_own_day(town: Town) -> None:
    fulfilment, supply_id = lost_after_validity(town)
    again = town.prepare(fulfilment, town.accepted(fulfilment, replaces=supply_id))
    fine(town.try_check(fulfilment, again))
    town.on_the_road(fulfilment, again)
    town.store.move_clock(DAY)

    fine(town.came_back(fulfilment, again, "damaged", "destroyed"))

    assert town.state(fulfilment).replaceables[again].until == town.store.time + 3 * DAY
    town.hold(fulfilment, replaces=again)


def test_a_replacement_within_validity_never_becomes_anybodys(town: Town) -> None:
    fulfilment = town.release()
    taken = town.collected(fulfilment, 20)
    fine(town.try_take_back(fulfilment, taken))
    again = town.prepare(fulfilment, town.accepted(fulfilment, (1, 20), replaces=taken), town.pick(20))
    fine(town.try_check(fulfilment, again))

    fine(town.give_up(fulfilment, again))

    assert town.buckets(fulfilment) == {"remaining": 40, "lapsed": 20}


# taken back --------------------------------------------------------------------------------------------------------
def test_what_is_taken_back_is_never_restocked_and_its_codes_stay_spent(town: Town) -> None:
    fulfilment = town.release()
    pick = town.pick()
    supply_id = town.prepare(fulfilment, town.accepted(fulfilment), pick)
    fine(town.try_check(fulfilment, supply_id))
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))
    before = town.shelf().on_hand

    fine(town.try_take_back(fulfilment, supply_id, (1, 20)))

    assert town.shelf().on_hand == before
    (taken,) = town.store.told_of(SupplyTakenBack)
    assert (taken.why, taken.pharmacy, taken.replace_until) == ("quality", A, NOON + 3 * DAY)
    assert [(row.quantity, row.bucket) for row in taken.lines] == [(20, "replaceable")]
    other = town.release()
    refused(town.try_prepare(other, town.accepted(other), pick), "trace_code.repeated")


def test_a_closed_fulfilment_opens_for_the_replacement_only_and_closes_again(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment)
    assert town.state(fulfilment).status == "closed"

    fine(town.try_take_back(fulfilment, supply_id, (1, 20), why="wrong_item"))
    assert (town.state(fulfilment).status, town.state(fulfilment).outcome) == ("closing", None)
    refused(town.try_hold(fulfilment, (1, 20)), "fulfilment.wrong_state")
    again = town.prepare(fulfilment, town.accepted(fulfilment, (1, 20), replaces=supply_id), town.pick(20))
    fine(town.try_check(fulfilment, again))
    town.clear(fulfilment, again)
    fine(town.try_hand_out(fulfilment, again))

    assert town.buckets(fulfilment) == {"in_hands": 60}
    assert [row.outcome for row in town.store.told_of(told.FulfilmentClosed)] == ["supplied", "supplied"]


def test_no_more_is_taken_back_than_the_patient_has(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment)

    refused(town.try_take_back(fulfilment, supply_id, (1, 61)), "supply.not_in_hands")
    refused(town.try_take_back(fulfilment, supply_id, (2, 1)), "supply.not_in_hands")
    refused(town.try_take_back(fulfilment, supply_id, (1, 1), (1, 1)), "supply.line_twice")
    fine(town.try_take_back(fulfilment, supply_id, (1, 20)))
    refused(town.try_take_back(fulfilment, supply_id, (1, 41)), "supply.not_in_hands")
    fine(town.try_take_back(fulfilment, supply_id))
    assert town.buckets(fulfilment) == {"replaceable": 60}
    refused(town.try_take_back(fulfilment, supply_id), "supply.not_in_hands")


def test_only_the_pharmacy_that_supplied_takes_back_and_only_what_was_handed_out(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    refused(town.try_take_back(fulfilment, supply_id), "supply.wrong_state")
    town.clear(fulfilment, supply_id)
    fine(town.try_hand_out(fulfilment, supply_id))
    refused(town.try_take_back(fulfilment, supply_id, pharmacy=B), "supply.not_yours")


def test_what_the_prescriber_cancelled_too_late_is_cancelled_when_it_comes_back(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment)
    other = town.release(60)
    town.collected(other)
    fine(town.try_take_back(other, next(iter(town.state(other).supplies))))
    request = town.cancel(fulfilment, (1, 30))
    assert town.store.told_of(told.CancellationDecided)[-1].lines[0].refused == 30

    fine(town.try_take_back(fulfilment, supply_id, (1, 20)))
    fine(town.try_take_back(fulfilment, supply_id, (1, 20)))

    assert town.buckets(fulfilment) == {"in_hands": 20, "cancelled": 30, "replaceable": 10}
    assert request.scope is not None
    assert town.buckets(other) == {"replaceable": 60}


def test_each_return_lapses_on_its_own_day(town: Town) -> None:
    fulfilment = town.release()
    first, second = town.collected(fulfilment, 20), town.collected(fulfilment, 20)
    fine(town.try_take_back(fulfilment, first))
    town.store.move_clock(DAY)
    fine(town.try_take_back(fulfilment, second))

    town.store.move_clock(2 * DAY)

    found = town.state(fulfilment).replaceables
    assert (found[first].rest, found[second].rest) == ({}, {1: 20})


def test_two_returns_of_one_supply_wait_together(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.collected(fulfilment)
    fine(town.try_take_back(fulfilment, supply_id, (1, 20)))
    town.store.move_clock(DAY)
    fine(town.try_take_back(fulfilment, supply_id, (1, 20)))

    town.store.move_clock(2 * DAY)
    assert town.buckets(fulfilment) == {"in_hands": 20, "replaceable": 40}
    town.store.move_clock(DAY)
    assert town.buckets(fulfilment) == {"in_hands": 20, "lapsed": 40}


# refused by the insurer ---------------------------------------------------------------------------------------------
def test_a_refused_claim_waits_a_day_for_the_patients_own_money(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.refuse_claim(fulfilment, supply_id)
    assert town.state(fulfilment).supplies[supply_id].decide_by == NOON + DAY

    town.store.move_clock(DAY - timedelta(seconds=1))
    assert town.buckets(fulfilment) == {"dispensed": 60}
    town.refuse_claim(fulfilment, supply_id)  # said again: the day does not begin anew
    town.store.move_clock(timedelta(seconds=1))

    (undone,) = town.store.told_of(told.SupplyUndone)
    assert (undone.why, undone.disposition) == ("not_cleared", "restocked")
    assert town.shelf().available(NOON.date()) == 200


def test_who_pays_alone_in_time_keeps_it(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.refuse_claim(fulfilment, supply_id)
    town.clear(fulfilment, supply_id)
    town.store.move_clock(2 * DAY)

    assert town.state(fulfilment).supplies[supply_id].cleared
    fine(town.try_hand_out(fulfilment, supply_id))


def test_where_nobody_may_pay_alone_it_is_undone_at_once(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.refuse_claim(fulfilment, supply_id, may_self_pay=False)
    town.store.move_clock(timedelta(0))

    assert town.buckets(fulfilment) == {"remaining": 60}


def test_a_supply_that_has_left_is_not_undone_by_a_refusal(town: Town) -> None:
    fulfilment = town.release()
    supply_id = town.dispensed(fulfilment)
    town.on_the_road(fulfilment, supply_id)
    town.refuse_claim(fulfilment, supply_id, may_self_pay=False)
    town.store.move_clock(DAY)

    assert town.buckets(fulfilment) == {"dispensed": 60}
