"""Every exit of a delivery, by who brings it about: what it means for stock, trace codes, claim and prescription.

The claim and the prescription follow what is told: supply_received, supply_undone, cancellation_decided.
"""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import dispatch_road
from services.dispatch.application import deliveries, parcel_ends
from services.dispatch.domain.delivery.commands import InspectReturn, PackVerdict, ReceiveReturn
from services.dispatch.domain.opened_packs import OPENED_PACKS, opened_packs_id
from services.dispatch.domain.stock import quarantine
from services.dispatch.domain.stock.item import Lot, StockState
from services.seedwork.model import Refusal
from tests.unit.dispatch.application.test_recalls import load
from tests.unit.dispatch.road import QUALITY, Road
from tests.unit.dispatch.town import GOOD_UNTIL, NOON, SYRUP, TABLETS, A, B, Town, fine, person, refused

ON_THE_SHELF = 140
"""Of 200, while 60 are out."""


# the courier -----------------------------------------------------------------------------------------------------
def test_delivered_the_goods_are_the_patients_and_the_code_stays_sold(town: Town) -> None:
    road = Road(town).at_the_door()

    fine(road.deliver(photo_sha256="cd" * 32, identity_checked=True))

    assert (road.ended, road.supply.status) == ([("delivered", False)], "in_hands")
    assert (road.buckets.in_hands, road.lot().on_hand, road.code_is()) == (60, ON_THE_SHELF, "sold")
    (received,) = town.store.told_of(told.SupplyReceived)
    assert [(row.line, row.quantity) for row in received.accepted] == [(1, 60)]
    assert (received.rejected, received.carried) == ((), True)


def test_accepted_in_part_the_rejected_line_comes_back_and_only_that_is_undone(town: Town) -> None:
    road = Road(town, lines=(60, 2)).at_the_door()

    fine(road.deliver(rejected_lines=(2,)))

    (received,) = town.store.told_of(told.SupplyReceived)
    assert [(row.line, row.quantity) for row in received.accepted] == [(1, 60)]
    assert [(row.line, row.quantity) for row in received.rejected] == [(2, 2)]
    (turned,) = town.store.told_of(dispatch_road.DeliveryReturnStarted)
    assert (turned.reason, road.state.status, road.supply.status) == (
        "rejected_in_part",
        "returning",
        "partly_received",
    )
    assert road.ended == []

    fine(road.back(4, 5))
    refused(road.inspect("restocked"), "delivery.not_restockable")
    fine(road.inspect("destroyed"))

    assert [(row.line, row.quantity, row.bucket) for row in road.undone.lines] == [(2, 2, "remaining")]
    assert (road.undone.why, road.undone.disposition, road.undone.road) == (
        "returned",
        "destroyed",
        "rejected_in_part",
    )
    assert (road.ended, road.supply.status) == ([("partly", False)], "in_hands")
    assert road.code_is(0) == "sold"
    assert road.code_is(3) == "spent"
    assert town.shelf(A, SYRUP).on_hand == 8


def test_what_is_rejected_are_lines_of_this_parcel_and_not_all(town: Town) -> None:
    road = Road(town, lines=(60, 2)).at_the_door()

    refused(road.deliver(rejected_lines=(3,)), "delivery.not_in_parcel")
    refused(road.deliver(rejected_lines=(1, 2)), "delivery.nothing_accepted")
    fine(road.deliver(rejected_lines=(2,)))
    told_before = len(town.store.told)
    fine(road.deliver(rejected_lines=(2,)))
    assert len(town.store.told) == told_before


def test_refused_at_the_door_it_comes_back_whole_and_is_sold_again(town: Town) -> None:
    road = Road(town).at_the_door()

    fine(road.refuse())
    fine(road.back())
    fine(road.inspect("restocked"))

    assert (road.undone.why, road.undone.road) == ("returned", "refused_at_the_door")
    assert road.undone.disposition == "restocked"
    assert {pack.code_is for pack in road.undone.packs} == {"freed"}
    assert (road.ended, road.supply.status) == ([("restocked", False)], "undone")
    assert (road.buckets.remaining, road.lot().on_hand, road.code_is()) == (60, 200, "free")
    (turned,) = town.store.told_of(dispatch_road.DeliveryReturnStarted)
    assert turned.reason == "refused_at_the_door"


@pytest.mark.parametrize(("verdict", "left"), [("restocked", 20), ("destroyed", 10)])
def test_a_part_of_a_pack_that_comes_back_is_in_its_opened_pack_again_if_it_is_good(
    town: Town, verdict: str, left: int
) -> None:
    road = Road(town, lines=(50,)).at_the_door()
    fine(road.refuse())
    fine(road.back())

    fine(road.inspect(verdict))

    opened = town.store.state(OPENED_PACKS.ref(opened_packs_id(A, TABLETS)))
    assert [pack.remaining for pack in opened.packs.values()] == [left]


def test_a_part_that_was_set_apart_is_in_its_opened_pack_again_once_it_is_released(town: Town) -> None:
    road = Road(town, lines=(50,)).at_the_door()
    fine(road.refuse())
    fine(road.back())
    fine(road.inspect("quarantined"))
    stream = OPENED_PACKS.ref(opened_packs_id(A, TABLETS))
    assert [pack.remaining for pack in town.store.state(stream).packs.values()] == [10]

    fine(road.decide("restocked"))

    assert [pack.remaining for pack in town.store.state(stream).packs.values()] == [20]


def test_after_the_last_attempt_it_goes_back_by_itself(town: Town) -> None:
    road = Road(town).out()

    for _ in range(2):
        fine(road.fail())
        fine(road.go())
    fine(road.fail())

    assert road.state.status == "returning"
    (turned,) = town.store.told_of(dispatch_road.DeliveryReturnStarted)
    assert turned.reason == "attempts_used_up"
    refused(road.go(), "delivery.attempts_used_up")
    refused(road.retry(), "delivery.wrong_state")


def test_what_must_stay_cold_has_an_attempt_less(town: Town) -> None:
    road = Road(town, cold=True).out()

    fine(road.fail())
    fine(road.go())
    fine(road.fail())

    assert road.state.status == "returning"


def test_a_retry_that_is_agreed_keeps_the_parcel_out_and_nobody_going_sends_it_back(town: Town) -> None:
    road = Road(town).out()
    fine(road.fail())
    fine(road.retry())
    refused(road.retry(after=town.store.time - town.store.time), "delivery.retry_time")

    road.wait(hours=72)
    assert road.state.status == "attempt_failed"
    road.wait(hours=6)

    assert road.state.status == "returning"
    assert town.store.told_of(dispatch_road.DeliveryReturnStarted)[0].reason == "no_retry"


def test_lost_money_and_quantity_follow_at_once_and_the_codes_are_spent(town: Town) -> None:
    road = Road(town).out()

    fine(road.lose())

    assert (road.undone.why, road.undone.disposition, road.ended) == ("lost", "lost", [("lost", False)])
    assert road.undone.road == "lost"
    assert {pack.code_is for pack in road.undone.packs} == {"spent"}
    assert (road.buckets.remaining, road.lot().on_hand, road.code_is()) == (60, ON_THE_SHELF, "spent")
    refused(road.deliver(), "delivery.wrong_state")


def test_no_word_for_days_is_a_loss(town: Town) -> None:
    road = Road(town).out()

    road.wait(days=6, hours=23)
    assert road.state.status == "in_transit"
    road.wait(hours=2)

    assert (road.state.status, road.undone.why) == ("lost", "lost")


def test_a_clock_that_fires_too_early_or_too_late_sends_nothing_back_and_loses_nothing(town: Town) -> None:
    road = Road(town).out()
    fine(road.fail())

    def fires() -> None:
        fine(town.store.run(deliveries.give_up_retrying(road.delivery_id)))
        fine(town.store.run(parcel_ends.silence(road.delivery_id)))

    fires()
    assert road.state.status == "attempt_failed"
    fine(road.go())
    road.wait(hours=30)  # by now nobody would have gone again
    fires()

    assert road.state.status == "in_transit"
    assert town.store.told_of(dispatch_road.DeliveryReturnStarted) == road.ended == []


def test_found_again_it_is_set_apart_or_destroyed_and_nothing_that_was_decided_changes(town: Town) -> None:
    road = Road(town).out()
    fine(road.lose())

    fine(road.back(found=True))
    refused(road.inspect("restocked"), "delivery.not_restockable")
    fine(road.inspect("quarantined"))

    assert len(town.store.told_of(told.SupplyUndone)) == 1
    assert (road.ended, road.lot().on_hand, road.lot().quarantined) == ([("lost", False)], ON_THE_SHELF, 60)
    refused(road.decide("restocked"), "delivery.not_restockable")
    fine(road.decide("destroyed"))
    assert (road.lot().quarantined, road.code_is(), road.state.status) == (0, "spent", "destroyed")


def test_damaged_it_goes_back_and_is_destroyed(town: Town) -> None:
    road = Road(town).out()

    fine(road.damage())
    fine(road.back(seal_intact=False))
    refused(road.inspect("restocked"), "delivery.not_restockable")
    fine(road.inspect("destroyed"))

    assert (road.undone.why, road.undone.disposition) == ("damaged", "destroyed")
    assert road.undone.road == "damaged"
    assert (road.lot().on_hand, road.lot().quarantined, road.code_is()) == (ON_THE_SHELF, 0, "spent")


# the pharmacy ----------------------------------------------------------------------------------------------------
def test_called_off_before_the_courier_has_it_the_supply_waits_at_the_counter(town: Town) -> None:
    road = Road(town).packed()

    fine(town.give_up(road.fulfilment, road.supply_id))

    assert (road.ended, road.undone.why, road.undone.packs) == ([("cancelled", False)], "given_up", ())
    assert road.undone.road is None
    assert road.code_is() == "free"


def test_called_back_it_turns_round_and_a_proved_delivery_still_wins(town: Town) -> None:
    road = Road(town).out()

    fine(road.recall())
    assert road.state.status == "returning"
    fine(road.deliver())

    assert (road.ended, road.supply.status) == ([("delivered", True)], "in_hands")
    refused(road.recall(), "delivery.wrong_state")


def test_what_is_missing_of_a_return_is_lost_the_rest_may_wait_or_be_sold_again(town: Town) -> None:
    road = Road(town).at_the_door()
    fine(road.refuse())

    fine(road.back(1, 3))
    fine(road.inspect("restocked", "quarantined"))

    assert [(pack.disposition, pack.code_is) for pack in road.undone.packs] == [
        ("restocked", "freed"),
        ("quarantined", "locked"),
        ("lost", "spent"),
    ]
    assert (road.undone.disposition, road.ended) == ("mixed", [("quarantined", True)])
    assert (road.lot().on_hand, road.lot().quarantined, road.buckets.remaining) == (ON_THE_SHELF + 20, 20, 60)
    tasks = town.store.rows("irregularities_of", organisation=A, before=2**62, limit=9)
    assert [row["irregularities"] for row in tasks] == [["delivery.count_differs"]]


def test_a_return_that_nobody_announced_is_recorded_as_an_exception(town: Town) -> None:
    road = Road(town).out()

    fine(road.back())

    assert road.state.status == "return_arrived"
    assert [event.reason for event in town.store.told_of(dispatch_road.DeliveryReturnStarted)] == ["unannounced"]
    tasks = town.store.rows("irregularities_of", organisation=A, before=2**62, limit=9)
    assert [row["irregularities"] for row in tasks] == [["delivery.wrong_state"]]


def test_a_return_counts_packs_of_the_parcel_once_each(town: Town) -> None:
    road = Road(town).at_the_door()
    fine(road.refuse())

    refused(road.back(1, 9), "delivery.not_in_parcel")
    refused(road.back(1, 1), "delivery.not_in_parcel")
    fine(road.back(1, 2))
    foreign = ReceiveReturn(pharmacy=B, received_by="x", seal_intact=True, packs=(1,))
    refused(town.store.run(parcel_ends.receive_return(road.delivery_id, foreign)), "delivery.not_yours")
    refused(town.store.run(parcel_ends.receive_return(uuid4(), foreign)), "delivery.unknown")


def test_quarantine_is_the_quality_managers_and_an_inspection_a_pharmacists(town: Town) -> None:
    road = Road(town).at_the_door()
    fine(road.refuse())
    fine(road.back(seal_intact=False))

    refused(road.inspect("quarantined", by=person("preparer")), "person.not_qualified")
    fine(road.inspect("quarantined", by=person("pharmacist")))
    refused(road.decide("restocked", by=person("pharmacist")), "person.not_qualified")
    refused(road.decide("restocked", 7), "delivery.packs_differ")
    fine(road.decide("restocked", 1))

    assert (road.state.status, road.code_is(0), road.code_is(1)) == ("quarantined", "free", "locked")
    assert (road.lot().on_hand, road.lot().quarantined) == (ON_THE_SHELF + 20, 40)
    levels = town.store.rows("stock_of_pharmacy", pharmacy=A, after="", limit=9)
    assert [row["on_hand"] for row in levels if row["product"] == TABLETS] == [ON_THE_SHELF + 20]
    fine(road.decide("destroyed"))
    assert (road.state.status, road.lot().quarantined, road.code_is(1)) == ("restocked", 0, "spent")
    refused(road.decide("destroyed"), "delivery.wrong_state")


def test_every_pack_has_its_verdict_with_a_reason_unless_it_is_sold_again(town: Town) -> None:
    road = Road(town).at_the_door()
    fine(road.refuse())
    fine(road.back())

    def said(*verdicts: PackVerdict) -> Any:
        command = InspectReturn(pharmacy=A, inspected_by=QUALITY, verdicts=verdicts)
        return town.store.run(parcel_ends.inspect_return(road.delivery_id, command))

    refused(said(PackVerdict(pack=1, verdict="restocked")), "delivery.packs_differ")
    silent = [PackVerdict(pack=number, verdict="destroyed") for number in (1, 2, 3)]
    refused(said(*silent), "delivery.reason_missing")


def test_a_return_is_looked_at_once_it_is_there_and_by_its_own_pharmacy(town: Town) -> None:
    road = Road(town).at_the_door()
    fine(road.refuse())
    all_good = tuple(PackVerdict(pack=number, verdict="restocked") for number in (1, 2, 3))

    def said(pharmacy: str) -> Any:
        command = InspectReturn(pharmacy=pharmacy, inspected_by=person("pharmacist", pharmacy), verdicts=all_good)
        return town.store.run(parcel_ends.inspect_return(road.delivery_id, command))

    refused(said(A), "delivery.wrong_state")
    fine(road.back())
    refused(said(B), "delivery.not_yours")

    assert (road.lot().on_hand, road.code_is()) == (ON_THE_SHELF, "sold")
    fine(said(A))
    refused(said(A), "delivery.wrong_state")
    assert (road.lot().on_hand, road.code_is()) == (200, "free")


def why_not(outcome: Any) -> list[str]:
    refused(outcome, "delivery.not_restockable")
    because: list[str] = outcome.refusal.facts["because"]
    return because


def test_why_nothing_of_a_parcel_is_sold_again_is_said(town: Town) -> None:
    opened = Road(town, lines=(20, 2)).at_the_door()
    fine(opened.deliver(rejected_lines=(2,)))
    fine(opened.back(2, 3, seal_intact=False))
    assert why_not(opened.inspect("restocked")) == ["delivery.was_with_patient", "delivery.seal_broken"]

    lost = Road(town, lines=(20,)).out()
    fine(lost.lose())
    fine(lost.back(found=True))
    assert why_not(lost.inspect("restocked")) == ["delivery.was_lost"]

    warm = Road(town, cold=True, lines=(20,)).out()
    fine(warm.measure(30))
    fine(warm.refuse())
    fine(warm.back())
    assert why_not(warm.inspect("restocked")) == ["delivery.excursion_open"]

    silent = Road(town, cold=True, lines=(20,)).out()
    silent.wait(minutes=40)
    fine(silent.refuse())
    fine(silent.back())
    assert why_not(silent.inspect("restocked")) == ["delivery.logger_incomplete"]


def test_what_was_recalled_meanwhile_is_not_sold_again_and_no_code_of_it_is_free(town: Town) -> None:
    recalled = Road(town, lines=(20,)).out()
    fine(load(town, "L1"))
    fine(recalled.refuse())
    fine(recalled.back())
    refused(recalled.inspect("restocked"), "stock.lot_recalled")
    fine(recalled.inspect("quarantined"))
    assert (recalled.code_is(), recalled.undone.disposition) == ("locked", "quarantined")
    refused(recalled.decide("restocked"), "stock.lot_recalled")


def test_what_waits_in_quarantine_when_its_lot_is_recalled_is_destroyed(town: Town) -> None:
    road = Road(town, lines=(20,)).out()
    fine(road.refuse())
    fine(road.back())
    fine(road.inspect("quarantined"))
    fine(load(town, "L1"))

    refused(road.decide("restocked"), "stock.lot_recalled")
    assert (road.code_is(), road.lot().quarantined) == ("locked", 20)
    fine(road.decide("destroyed"))
    assert (road.code_is(), road.lot().quarantined) == ("spent", 0)


def test_what_has_expired_before_it_is_looked_at_is_not_sold_again(town: Town) -> None:
    road = Road(town, lines=(20,)).out()
    fine(road.refuse())
    fine(road.back())
    road.wait(days=(GOOD_UNTIL - NOON.date()).days + 1)

    refused(road.inspect("restocked"), "stock.lot_expired")
    fine(road.inspect("destroyed"))
    assert road.code_is() == "spent"


def test_nothing_leaves_quarantine_that_is_not_in_it(town: Town) -> None:
    item, now = town.shelf(), town.store.time
    decided = quarantine.DecideQuarantine(lot="L1", quantity=1, reason="r", decided_by="q")

    for step in (quarantine.release, quarantine.destroy):
        assert code(step(item, decided, now)) == "stock.not_in_quarantine"
        assert code(step(item, decided.model_copy(update={"lot": "L9"}), now)) == "stock.lot_unknown"
    old = StockState(lots={"L1": Lot(date(2026, 1, 1), 0, quarantined=5)})
    assert code(quarantine.release(old, decided, now)) == "stock.lot_expired"


def code(outcome: Any) -> str:
    assert isinstance(outcome, Refusal)
    return outcome.code


# the prescriber --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scope", "cancelled", "remaining"), [((), 60, 0), (((1, 20),), 20, 40)], ids=["all of it", "a part"]
)
def test_cancelled_on_the_road_it_is_called_back_and_cancelled_once_it_was_looked_at(
    town: Town, scope: Any, cancelled: int, remaining: int
) -> None:
    road = Road(town).out()

    town.cancel(road.fulfilment, *scope)
    assert road.state.status == "returning"
    assert town.store.told_of(dispatch_road.DeliveryReturnStarted)[0].reason == "cancelled"
    fine(road.back())
    fine(road.inspect("restocked"))

    first, last = town.store.told_of(told.CancellationDecided)
    assert (first.final, first.lines[0].awaiting_return) == (False, cancelled)
    assert (last.final, last.lines[0].cancelled, last.lines[0].awaiting_return) == (True, cancelled, 0)
    assert (road.buckets.cancelled, road.buckets.remaining) == (cancelled, remaining)


def test_cancelled_on_the_road_and_lost_it_is_cancelled_with_that_reason(town: Town) -> None:
    road = Road(town).out()

    town.cancel(road.fulfilment)
    fine(road.lose())

    last = town.store.told_of(told.CancellationDecided)[-1]
    assert (last.final, last.lines[0].cancelled, last.lines[0].reason) == (True, 60, "lost")
    assert road.buckets.cancelled == 60


def test_cancelled_on_the_road_and_delivered_all_the_same_it_is_refused(town: Town) -> None:
    road = Road(town).at_the_door()

    town.cancel(road.fulfilment)
    fine(road.deliver())

    last = town.store.told_of(told.CancellationDecided)[-1]
    assert (last.final, last.lines[0].refused, last.lines[0].reason) == (True, 60, "delivered")


def test_cancelled_and_accepted_in_part_the_rest_is_cancelled_after_inspection(town: Town) -> None:
    road = Road(town, lines=(60, 2)).at_the_door()

    town.cancel(road.fulfilment)
    fine(road.deliver(rejected_lines=(2,)))
    assert not town.store.told_of(told.CancellationDecided)[-1].final
    fine(road.back(4, 5))
    fine(road.inspect("quarantined"))

    last = town.store.told_of(told.CancellationDecided)[-1]
    assert [(row.line, row.refused, row.cancelled) for row in last.lines] == [(1, 60, 0), (2, 0, 2)]
