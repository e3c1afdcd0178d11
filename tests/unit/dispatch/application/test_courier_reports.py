"""A courier's interface says things late, twice, in the wrong order, and sometimes what cannot be."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from contracts.events import dispatch_road
from services.dispatch.application.courier_reports import take_report
from services.dispatch.domain import secrets
from services.dispatch.domain.delivery import reports
from services.dispatch.domain.delivery.commands import Proof, Report
from services.dispatch.domain.delivery.events import (
    CourierReported,
    DeliveryDelivered,
    DeliveryLost,
    DeliveryReturnStarted,
)
from services.dispatch.domain.delivery.values import Reading
from services.seedwork.ports import Outcome
from tests.unit.dispatch.road import MINUTES, Road
from tests.unit.dispatch.town import COURIER, KEY, SHA, Town, fine, refused


class Wire:
    """Messages about one parcel; `minute` is when it happened after the hand-over, by the courier's clock."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.start = road.now
        road.wait(hours=2)
        self._sent = 0

    def say(self, kind: Any, minute: float, message_id: str | None = None, **more: Any) -> Outcome:
        self._sent += 1
        if kind == "delivered":
            code = secrets.pickup_code(KEY, self.road.supply_id)
            more = {"proof": Proof(proof_sha256=SHA, code=code, **more)}
        report = Report(
            message_id=message_id or f"msg-{self._sent}",
            courier=more.pop("courier", self.road.courier),
            delivery_id=more.pop("delivery_id", self.road.delivery_id),
            kind=kind,
            at=self.start + minute * MINUTES,
            **more,
        )
        outcome: Outcome = self.road.town.store.run(take_report(report, KEY))
        return outcome

    @property
    def effects(self) -> list[tuple[str, str]]:
        events = self.road.town.store.streams[self.road.delivery_id]
        return [(each.report, each.effect) for each in events if isinstance(each, CourierReported)]

    @property
    def tasks(self) -> list[list[str]]:
        rows = self.road.town.store.rows("irregularities_of", organisation=self.road.courier, before=2**62, limit=9)
        return [row["irregularities"] for row in rows]


@pytest.fixture
def wire(town: Town) -> Wire:
    return Wire(Road(town).handed_over())


def test_told_in_order_it_arrives_without_an_exception(wire: Wire) -> None:
    for minute, kind in enumerate(("picked_up", "in_transit", "arrived", "delivered"), 1):
        fine(wire.say(kind, minute))

    assert wire.road.ended == [("delivered", False)]
    assert {effect for _, effect in wire.effects} == {"applied"}


@pytest.mark.parametrize("order", list(permutations(("in_transit", "arrived", "attempt_failed"))), ids="-".join)
def test_in_whatever_order_words_come_the_newest_counts(town: Town, order: tuple[str, ...]) -> None:
    wire = Wire(Road(town).handed_over())
    minutes = {"in_transit": 1, "arrived": 2, "attempt_failed": 3}

    for kind in order:
        fine(wire.say(kind, minutes[kind]))

    assert (wire.road.state.status, wire.road.state.attempts) == ("attempt_failed", 1)
    assert wire.tasks == []


def test_a_delivery_told_first_stands_for_the_steps_before_it_and_these_are_late(wire: Wire) -> None:
    fine(wire.say("delivered", 30))
    fine(wire.say("in_transit", 1))
    fine(wire.say("arrived", 29))

    assert wire.road.ended == [("delivered", False)]
    assert wire.effects == [("delivered", "applied"), ("in_transit", "late"), ("arrived", "late")]


def test_of_two_words_about_the_same_minute_the_one_further_along_counts(wire: Wire) -> None:
    fine(wire.say("arrived", 5))
    fine(wire.say("in_transit", 5))

    assert wire.road.state.status == "arrived"
    assert wire.effects[-1] == ("in_transit", "out_of_turn")


def test_the_same_message_again_changes_nothing_and_is_answered(wire: Wire) -> None:
    fine(wire.say("arrived", 5, "msg-x"))
    before = len(wire.road.town.store.log)

    assert fine(wire.say("arrived", 5, "msg-x")).body == {"status": "arrived"}
    assert len(wire.road.town.store.log) == before


def test_the_same_word_later_is_a_sign_of_life(wire: Wire) -> None:
    fine(wire.say("in_transit", 1))
    wire.road.wait(days=6)
    fine(wire.say("in_transit", 60 * 24 * 6))
    wire.road.wait(days=2)

    assert wire.road.state.status == "in_transit"
    assert wire.tasks == []


def test_after_the_end_words_are_recorded_and_change_nothing(wire: Wire) -> None:
    fine(wire.say("delivered", 10))
    state, told_before = wire.road.state, len(wire.road.town.store.told)

    for minute, kind in enumerate(("attempt_failed", "lost", "damaged", "refused", "delivered"), 20):
        fine(wire.say(kind, minute))

    assert len(wire.road.town.store.told) == told_before
    assert (wire.road.state.status, wire.road.state.attempts) == (state.status, state.attempts)
    assert {effect for _, effect in wire.effects[1:]} == {"late"}


def test_three_failed_attempts_told_alone_send_it_back(wire: Wire) -> None:
    for attempt in range(3):
        fine(wire.say("attempt_failed", attempt + 1, reason="nobody_there"))

    assert (wire.road.state.status, wire.road.state.attempts) == ("returning", 3)
    fine(wire.say("arrived", 9))
    assert wire.effects[-1] == ("arrived", "out_of_turn")


def test_refused_lost_and_damaged(town: Town) -> None:
    ends = {}
    for kind in ("refused", "lost", "damaged"):
        wire = Wire(Road(town).handed_over())
        fine(wire.say(kind, 4))
        ends[kind] = (wire.road.state.status, wire.road.state.return_reason)

    assert ends == {
        "refused": ("returning", "refused_at_the_door"),
        "lost": ("lost", None),
        "damaged": ("returning", "damaged"),
    }


def test_a_proof_beats_a_recall(wire: Wire) -> None:
    fine(wire.road.recall())

    fine(wire.say("delivered", 3))

    assert wire.road.ended == [("delivered", True)]


def test_accepted_in_part(town: Town) -> None:
    wire = Wire(Road(town, lines=(60, 2)).handed_over())

    fine(wire.say("delivered", 3, rejected_lines=(2,)))

    assert (wire.road.state.status, wire.road.supply.status) == ("returning", "partly_received")
    fine(wire.say("delivered", 4))
    assert wire.effects[-1] == ("delivered", "against_a_rule")


@pytest.mark.parametrize("kind", ["picked_up", "in_transit", "delivered", "lost", "damaged", "refused"])
def test_what_the_pharmacy_never_gave_away_is_a_task_for_the_courier(town: Town, kind: str) -> None:
    wire = Wire(Road(town).packed())

    fine(wire.say(kind, 3))

    assert wire.effects == [(kind, "against_a_rule")]
    assert wire.tasks == [["delivery.wrong_state"]]
    assert wire.road.state.status == "packed"


@pytest.mark.parametrize("kind", ["in_transit", "delivered"])
def test_a_word_out_of_the_future_is_a_task_for_the_courier(wire: Wire, kind: str) -> None:
    fine(wire.say(kind, 60 * 24))

    assert wire.tasks == [["delivery.time_in_future"]]
    assert wire.road.state.status == "handed_over"


YEARS_BEFORE = -60 * 24 * 400


@pytest.mark.parametrize("kind", ["damaged", "lost", "delivered"])
def test_what_happened_before_the_courier_had_it_counts_from_the_hand_over_on_and_is_a_task(
    wire: Wire, kind: str
) -> None:
    """A clock that starts in 1970 is no reason to lose what has happened, nor to take a parcel for lost."""
    road, after = wire.road, {"damaged": "returning", "lost": "lost", "delivered": "delivered"}[kind]
    fine(wire.say("in_transit", 5))
    fine(wire.say(kind, YEARS_BEFORE))
    road.wait(minutes=1)

    assert road.state.status == after
    assert wire.effects[-1] == (kind, "applied")
    assert wire.tasks == [["delivery.time_before_handover"]]
    ends = (DeliveryDelivered, DeliveryLost, DeliveryReturnStarted)
    (end,) = [each for each in road.town.store.streams[road.delivery_id] if isinstance(each, ends)]
    assert (end.delivered_at if isinstance(end, DeliveryDelivered) else end.at) == wire.start


def test_a_courier_that_has_just_spoken_of_days_ago_is_not_silent(wire: Wire) -> None:
    """Its words come in when its interface is back; the days of silence run from then on."""
    road = wire.road
    fine(wire.say("in_transit", 5))
    road.wait(days=6, hours=20)
    fine(wire.say("damaged", 6))
    road.wait(hours=6)
    assert road.state.status == "returning"

    road.wait(days=7)
    assert road.state.status == "lost"


def test_going_again_with_an_excursion_open_is_a_task_for_the_courier(town: Town) -> None:
    wire = Wire(Road(town, cold=True).handed_over())
    fine(wire.say("attempt_failed", 3))
    fine(wire.say("temperature", 4, readings=(Reading(at=wire.start + 3 * MINUTES, celsius_hundredths=3000),)))
    assert len(town.store.told_of(dispatch_road.TemperatureBreached)) == 1

    fine(wire.say("arrived", 9))

    assert (wire.effects[-1], wire.road.state.status) == (("arrived", "against_a_rule"), "attempt_failed")
    assert wire.tasks == [["delivery.excursion_open"]]
    fine(wire.say("delivered", 10))
    assert wire.road.ended == [("delivered", True)]


def test_a_logger_is_read_late_or_too_late(town: Town) -> None:
    wire = Wire(Road(town, cold=True).handed_over())
    reading = (Reading(at=wire.start, celsius_hundredths=500),)
    fine(wire.say("delivered", 3))
    fine(wire.say("temperature", 4, readings=reading))
    assert wire.effects[-1] == ("temperature", "applied")
    other = Wire(Road(town, cold=True).handed_over())
    fine(other.say("lost", 1))
    fine(other.say("temperature", 4, readings=reading))
    assert other.effects[-1] == ("temperature", "late")


def test_what_is_rejected_must_be_in_the_parcel(wire: Wire) -> None:
    fine(wire.say("delivered", 3, rejected_lines=(9,)))

    assert (wire.effects, wire.road.state.status) == ([("delivered", "against_a_rule")], "handed_over")


def test_only_its_courier_reports_about_a_parcel(wire: Wire) -> None:
    refused(wire.say("arrived", 1, courier="another"), "delivery.not_yours")
    refused(wire.say("arrived", 1, delivery_id=uuid4()), "delivery.unknown")
    assert wire.road.courier == COURIER


def test_a_logger_that_is_read_in_ever_so_many_messages_is_heard_and_so_is_everything_else(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "REPORTS_MAX", 3)
    wire = Wire(Road(town, cold=True).handed_over())

    def read(minute: int, celsius: int) -> None:
        reading = Reading(at=wire.start + minute * MINUTES, celsius_hundredths=celsius * 100)
        fine(wire.say("temperature", minute, readings=(reading,)))

    for minute in range(1, 6):
        read(minute, 5)
    assert wire.effects == [("temperature", "applied")] * 3
    read(6, 30)

    assert len(town.store.told_of(dispatch_road.TemperatureBreached)) == 1
    fine(wire.say("temperature", 60 * 24))
    fine(wire.say("delivered", 9))
    assert wire.effects[3:] == [("delivered", "applied")]
    assert wire.road.state.status == "delivered"


def test_about_one_parcel_there_is_not_so_much_to_say(wire: Wire) -> None:
    for number in range(500):
        fine(wire.say("in_transit", 1 + number / 60))

    refused(wire.say("in_transit", 60), "delivery.too_many_reports")
    assert wire.start + timedelta(hours=2) == wire.road.now
