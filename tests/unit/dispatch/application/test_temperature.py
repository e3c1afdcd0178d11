"""What a logger says, and what the quality manager makes of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.events import dispatch_road
from services.dispatch.application import deliveries, recalls
from services.dispatch.domain.delivery import excursions
from services.dispatch.domain.delivery.commands import PackDelivery
from services.seedwork.usecase import Actor
from tests.unit.dispatch.road import COLD, MINUTES, Road
from tests.unit.dispatch.town import SYRUP, TABLETS, A, Town, fine, person, refused


def test_what_must_stay_cold_travels_with_a_logger(town: Town) -> None:
    road = Road(town, cold=True)
    command = PackDelivery(pharmacy=A, packed_by=person("checker"), seal_no="S")

    refused(town.store.run(deliveries.pack(road.delivery_id, command)), "delivery.logger_missing")


def test_a_breach_is_told_with_the_threshold_in_force_and_stops_the_parcel(town: Town) -> None:
    road = Road(town, cold=True).packed()
    road.wait(hours=4)

    fine(road.measure(5, 9, 11, 11, 10, 6))

    (breached,) = town.store.told_of(dispatch_road.TemperatureBreached)
    assert (breached.kind, breached.way, breached.limit_hundredths, breached.minutes) == ("hot", "consecutive", 800, 30)
    assert breached.worst_hundredths == 1100
    assert breached.ended_at - breached.started_at == 30 * MINUTES
    refused(road.hand_over(), "delivery.excursion_open")
    assert road.state.status == "packed"


def test_a_short_warming_is_no_breach(town: Town) -> None:
    road = Road(town, cold=True).packed()
    road.wait(hours=4)

    fine(road.measure(5, 9, 9, 9, 5, 5))

    assert town.store.told_of(dispatch_road.TemperatureBreached) == []
    fine(road.hand_over())


def test_released_it_goes_on_as_before_and_the_assessment_names_the_mean(town: Town) -> None:
    road = Road(town, cold=True).packed()
    road.wait(hours=4)
    fine(road.measure(5, 9, 11, 11, 10, 6))

    fine(road.assess("released"))

    (assessed,) = town.store.told_of(dispatch_road.TemperatureAssessed)
    assert (assessed.decision, assessed.kind) == ("released", "hot")
    assert assessed.mkt_hundredths is not None
    assert 866 < assessed.mkt_hundredths < 1100, "above the plain mean, because warmth counts more"
    fine(road.hand_over())
    refused(road.assess("rejected"), "delivery.excursion_assessed")
    refused(road.assess("rejected", 9), "delivery.excursion_unknown")


def test_the_same_readings_again_open_nothing_and_an_open_excursion_is_not_opened_twice(town: Town) -> None:
    road = Road(town, cold=True).packed()
    road.wait(hours=4)
    first = road.now - 50 * MINUTES
    fine(road.measure(5, 9, 11, 11, 10, 6))
    before = len(town.store.told)

    fine(road.measure(5, 9, 11, 11, 10, 6, since=first))
    assert len(town.store.told) == before
    road.wait(minutes=20)
    fine(road.measure(9, 9))
    assert [each.rule for each in town.store.told_of(dispatch_road.TemperatureBreached)] == ["warm"]


def test_many_short_warmings_are_a_breach_in_sum(town: Town) -> None:
    road = Road(town, cold=True).packed()
    road.wait(hours=6)

    fine(road.measure(*([9, 9, 9, 5] * 4)))

    (breached,) = town.store.told_of(dispatch_road.TemperatureBreached)
    assert (breached.way, breached.minutes) == ("cumulative", 60)


@pytest.mark.parametrize("decision", ["released", "rejected"])
def test_what_must_not_freeze_is_never_released_once_it_froze(town: Town, decision: str) -> None:
    road = Road(town, cold=True).out()
    fine(road.measure(5, -1, 5))
    found = [each.rule for each in town.store.told_of(dispatch_road.TemperatureBreached)]

    outcome = road.assess(decision, 1)

    assert found == ["frozen"]
    if decision == "released":
        refused(outcome, "delivery.frozen")
    else:
        fine(outcome)
        assert road.state.status == "returning"


def test_rejected_on_the_road_it_comes_back_and_is_never_sold_again(town: Town) -> None:
    road = Road(town, cold=True).out()
    fine(road.measure(5, 30, 5))

    fine(road.assess("rejected"))
    assert town.store.told_of(dispatch_road.DeliveryReturnStarted)[0].reason == "excursion_rejected"
    fine(road.back())
    refused(road.inspect("restocked"), "delivery.not_restockable")
    fine(road.inspect("quarantined"))
    refused(road.decide("restocked"), "delivery.not_restockable")
    fine(road.decide("destroyed"))

    assert (road.undone.why, road.code_is(), road.lot().quarantined) == ("damaged", "spent", 0)
    assert road.undone.road == "excursion_rejected"


def test_rejected_in_the_pharmacy_it_is_set_apart_and_the_supply_is_undone(town: Town) -> None:
    road = Road(town, cold=True).packed()
    fine(road.measure(30))

    fine(road.assess("rejected"))

    assert (road.state.status, road.ended) == ("quarantined", [("quarantined", False)])
    assert (road.undone.disposition, road.supply.status, road.code_is()) == ("quarantined", "undone", "locked")
    assert road.undone.road is None
    assert (road.lot().on_hand, road.lot().quarantined) == (140, 60)


def test_an_open_excursion_blocks_another_attempt_and_makes_a_delivery_an_exception(town: Town) -> None:
    road = Road(town, cold=True).out()
    fine(road.fail())
    refused(road.retry(), "delivery.logger_out_of_range")
    fine(road.measure(5))
    fine(road.retry())
    fine(road.measure(30, since=road.now + 5 * MINUTES))

    refused(road.retry(), "delivery.excursion_open")
    refused(road.go(), "delivery.excursion_open")
    fine(road.deliver())

    assert road.ended == [("delivered", True)]
    assert "delivery.excursion_open" in road.supply.irregularities


def test_a_logger_read_after_the_delivery_still_opens_an_excursion_and_a_task(town: Town) -> None:
    road = Road(town, cold=True).at_the_door()
    fine(road.deliver())
    road.wait(hours=1)

    fine(road.measure(30))

    assert len(town.store.told_of(dispatch_road.TemperatureBreached)) == 1
    assert road.state.status == "delivered"
    tasks = town.store.rows("irregularities_of", organisation=COLD, before=2**62, limit=9)
    assert [row["irregularities"] for row in tasks] == [["delivery.excursion_open"]]
    fine(road.assess("rejected"))
    assert road.state.status == "delivered"


def test_a_gap_of_the_logger_keeps_what_must_stay_cold_from_the_shelf(town: Town) -> None:
    road = Road(town, cold=True).out()
    fine(road.measure(5))
    fine(road.refuse())
    road.wait(hours=1)
    fine(road.back())

    refused(road.inspect("restocked"), "delivery.not_restockable")
    fine(road.measure(5, 5, 5, every=30))
    fine(road.inspect("restocked"))

    assert (road.lot().on_hand, road.code_is()) == (200, "free")


@pytest.mark.parametrize(
    ("celsius", "code"),
    [((5.0,) * 2, "delivery.time_in_future")],
    ids=["a clock that is wrong"],
)
def test_readings_out_of_the_future_are_refused(town: Town, celsius: Any, code: str) -> None:
    road = Road(town, cold=True).packed()

    refused(road.measure(*celsius, since=datetime(2027, 1, 1, tzinfo=UTC)), code)


def test_swinging_across_the_limit_from_reading_to_reading_is_a_breach_in_sum(town: Town) -> None:
    road = Road(town, cold=True).packed()
    road.wait(hours=6)

    fine(road.measure(9, 5, 9, 5, every=30))

    assert rules(town) == ["warm in sum"]


def test_however_many_readings_a_parcel_has_a_breach_is_seen_and_little_is_kept(town: Town) -> None:
    road = Road(town, cold=True).out()
    start = road.now
    road.wait(days=5)
    for batch in range(12):
        fine(road.measure(*[5] * 500, every=1, since=start + batch * 500 * MINUTES))
    assert 5_000 + 1_000 / 30 <= len(road.state.readings) <= 5_000 + 1_000 / 15 + 1
    assert rules(town) == []

    fine(road.measure(*[9] * 31, every=1, since=start + 6_000 * MINUTES))

    assert rules(town) == ["warm"]


def test_a_logger_gone_wild_is_refused_at_last(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excursions, "READINGS_MAX", 3)
    monkeypatch.setattr(excursions, "READINGS_KEPT_MAX", 5)
    road = Road(town, cold=True).out()
    road.wait(days=1)
    fine(road.measure(5, 9, 5, 9, 5))

    refused(road.measure(9, 5, 9, every=1), "delivery.too_many_readings")


def rules(town: Town) -> list[str]:
    return [each.rule for each in town.store.told_of(dispatch_road.TemperatureBreached)]


def test_what_a_logger_says_late_counts_although_later_readings_were_assessed(town: Town) -> None:
    road = Road(town, cold=True).packed()
    road.wait(hours=4)
    fine(road.measure(5, 9, 11, 11, 10, 6))
    fine(road.assess("released"))

    fine(road.measure(-5, since=road.now - 45 * MINUTES))

    assert rules(town) == ["warm", "frozen"]
    refused(road.hand_over(), "delivery.excursion_open")
    refused(road.assess("released", 2), "delivery.frozen")


def test_late_readings_are_a_run_only_where_nothing_in_range_was_read_between_them(town: Town) -> None:
    road = Road(town, cold=True).packed()
    road.wait(hours=4)
    fine(road.measure(9, 9, 9, 9, 5, 5, 5))
    fine(road.assess("released"))
    start = road.now - 60 * MINUTES

    fine(road.measure(9, 9, every=50, since=start + 5 * MINUTES))  # beside the warm ones, and between two good ones

    assert rules(town) == ["warm"]
    fine(road.hand_over())


def test_a_logger_read_when_the_goods_are_on_the_shelf_again_is_a_task_of_the_pharmacy(town: Town) -> None:
    road = Road(town, cold=True).out()
    fine(road.refuse())
    fine(road.measure(5))
    fine(road.back())
    fine(road.inspect("restocked"))
    road.wait(hours=1)

    fine(road.measure(-5, since=road.now - 65 * MINUTES))

    assert rules(town) == ["frozen"]
    (task,) = town.store.rows("irregularities_of", organisation=A, before=2**62, limit=9)
    assert task["irregularities"] == ["delivery.excursion_open"]
    fine(road.assess("rejected"))
    assert road.state.status == "restocked"


def told_of(town: Town) -> list[Any]:
    return town.store.rows("notices_of", patient_ref=town.patient_ref, after=UUID(int=0), limit=9)


def test_what_is_rejected_after_the_delivery_is_not_to_be_used_and_its_patient_is_told_once(town: Town) -> None:
    road = Road(town, cold=True).at_the_door()
    fine(road.deliver())
    road.wait(hours=1)
    fine(road.measure(30, -5))
    assert told_of(town) == [], "an open excursion is the quality manager's to judge"

    fine(road.assess("rejected", 1))
    fine(road.assess("rejected", 2))

    (notice,) = told_of(town)
    about = ("reason", "recall_id", "delivery_id", "product", "lot", "pharmacy", "acknowledged")
    assert [notice[name] for name in about] == ["excursion_rejected", None, road.delivery_id, TABLETS, "L1", A, False]
    assert "停止使用" in notice["instruction"]
    patient = Actor(subject="p", role="patient", patient_ref=town.patient_ref)
    fine(town.store.run(recalls.acknowledge(notice["notice_id"], patient), patient))
    assert told_of(town)[0]["acknowledged"]


def test_what_is_delivered_although_it_was_rejected_is_told_of_at_the_delivery(town: Town) -> None:
    road = Road(town, cold=True).out()
    fine(road.measure(30))
    fine(road.assess("rejected"))

    fine(road.deliver())

    assert [notice["reason"] for notice in told_of(town)] == ["excursion_rejected"]


def test_nobody_is_told_of_what_was_released_or_of_what_they_do_not_have(town: Town) -> None:
    road = Road(town, cold=True).at_the_door()
    fine(road.measure(30))
    fine(road.deliver())
    fine(road.assess("released"))
    other = Road(town, cold=True).out()
    fine(other.measure(30))
    fine(other.assess("rejected"))

    assert told_of(town) == []


def test_of_a_parcel_accepted_in_part_only_what_was_accepted_is_told_of(town: Town) -> None:
    road = Road(town, cold=True, lines=(60, 5)).at_the_door()
    fine(road.deliver(rejected_lines=(1,)))
    fine(road.measure(30))

    fine(road.assess("rejected"))

    assert [notice["product"] for notice in told_of(town)] == [SYRUP]
