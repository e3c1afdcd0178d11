"""A shortage from the first lines that do not come to its end, as its people see it over HTTP, on both pairs.

The clock of the installation goes on from module to module, never back; this one goes on by weeks, so it is the last.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any, get_args
from uuid import uuid4

import pytest

from rxflow.client import wait_until
from rxflow.client.failures import Problem, TimedOut
from rxflow.client.hints import Place
from rxflow.client.people import Administrator
from rxflow.client.transport import Service
from rxflow.play.journey import Journey
from rxflow.world import Patient, Store, everyday_products, line_for, prescription_for
from tests.scenario.installations import System

COUNTY, PROVINCE = "430211", "430000"
ATC = "C10AA05"
"""Of no other story."""
DAY = timedelta(days=1)
BEGINS = timedelta(days=20)
"""Ahead of whatever earlier modules have moved the clock to."""
TICK = timedelta(minutes=2)
"""Detectors are asked once a minute."""
DAYS_MAX = 45
SECONDS_MAX, TICKS_MAX = 60.0, 20


class Shortage:
    """One drug in a county of four pharmacies, of which one has some."""

    def __init__(self, system: System) -> None:
        self.system, self.stage = system, system.stage
        world = self.stage.world
        self.doctor = next(each for each in world.hospitals if each.institution.region == COUNTY).doctors[0]
        self.patients = [each for each in world.patients if each.region == COUNTY]
        self.product = next(each for each in everyday_products(world) if each.drug.atc == ATC)
        self.giver, *self.empty = world.stores_in(COUNTY)
        self.authority = self.stage.cast.regulator(PROVINCE)
        self.ahead = BEGINS
        self.move_clock(timedelta())

    @property
    def drug_key(self) -> str:
        return self.product.drug.drug_key

    def move_clock(self, by: timedelta) -> None:
        self.ahead += by
        administrator = self.stage.cast.administrator()
        for service in get_args(Service):
            administrator.move_clock(service, round(self.ahead.total_seconds()))

    def orders_come_short(self) -> None:
        """Every pharmacy of the county has ordered, and nothing comes."""
        administrator = self.stage.cast.administrator()
        line = {"order_no": "STORY-1", "supplier": "S430001", "product": self.product.code}
        rows = [{**line, "line": number, "requested": 100, "back_ordered": 100} for number in (1, 2, 3)]
        for store in (self.giver, *self.empty):
            self.stage.cast.wait_until(lambda code=store.code: _booked(administrator, code, rows), "the product")  # type: ignore[misc]

    def found(self, state: str) -> dict[str, Any] | None:
        """The province's case, if it is in this state."""
        cases = self.authority.shortages(region=PROVINCE, drug_key=self.drug_key)
        listed = next((each for each in cases if each["state"] == state and each["region"] == PROVINCE[:2]), None)
        return self.authority.shortage(listed["case_id"]) if listed else None

    def case(self, state: str) -> dict[str, Any]:
        """The province's case, once it is in this state."""
        return wait_until(lambda: self.found(state), f"a case that is {state}", seconds=SECONDS_MAX)

    def case_at_a_tick(self, state: str) -> dict[str, Any]:
        """The same, while the detectors' clock strikes: what has arrived by then counts."""
        for _ in range(TICKS_MAX):
            self.move_clock(TICK)
            with suppress(TimedOut):
                return wait_until(lambda: self.found(state), f"a case that is {state}", seconds=SECONDS_MAX / TICKS_MAX)
        return self.case(state)

    def end_in_days(self, case_id: str) -> dict[str, Any]:
        """How a case ended that nothing more is told of, while the days go by: it eases on one and ends on a later one,
        so that each has to be long enough for somebody to look."""

        def ended() -> dict[str, Any] | None:
            return self.authority.shortage(case_id)["ended"]  # type: ignore[no-any-return]

        for _ in range(DAYS_MAX):
            self.move_clock(DAY)
            with suppress(TimedOut):
                return wait_until(ended, "the end of the case", seconds=SECONDS_MAX / DAYS_MAX)
        return wait_until(ended, "the end of the case")

    def hinted(self) -> list[str]:
        """What its doctor is told before prescribing it, as grades."""
        place = Place(COUNTY, self.giver.pharmacy.latitude, self.giver.pharmacy.longitude)
        shown = self.stage.cast.prescriber(self.doctor).hints(place, {self.product.code: self.drug_key})
        return [hint.facts["grade"] for hint in shown if hint.kind == "shortage"]

    def released(self, patient: Patient) -> Journey:
        """A prescription of it, ready to be fetched."""
        stage = self.stage
        admitted = stage.admit(patient)
        draft = prescription_for(
            stage.world,
            patient,
            self.doctor,
            prescription_id=uuid4(),
            patient_ref=admitted.patient_ref,
            lines=[line_for(1, self.product)],
            validity_days=3,
        )
        journey = Journey(stage, self.doctor, admitted, draft)
        journey.issue()
        journey.pass_review()
        return journey

    def turned_away(self, journey: Journey, store: Store) -> None:
        """The shelf is empty, and the books know it."""
        fulfilment_id = journey.wait_for_fulfilment()
        token = self.stage.cast.patient(journey.admitted.patient_ref).token(fulfilment_id)
        line = {"line": 1, "quantity": self.product.usual_quantity}
        with pytest.raises(Problem, match=r"stock\.not_enough"):
            self.stage.once_known(lambda: self.stage.cast.pharmacy(store).hold(fulfilment_id, token, [line]))

    def on_the_shelf(self, store: Store) -> int:
        rows = self.stage.cast.pharmacy(store).stock()
        return sum(row["on_hand"] for row in rows if row["product"] == self.product.code)


def _booked(administrator: Administrator, pharmacy: str, rows: list[dict[str, Any]]) -> bool:
    """Once the register of products has arrived."""
    return all(each["result"] == "booked" for each in administrator.import_goods("orders", pharmacy, rows))


@pytest.fixture(scope="module")
def story(system: System) -> Shortage:
    return Shortage(system)


def test_lines_that_do_not_come_are_a_suspicion_that_only_authorities_see(story: Shortage) -> None:
    story.orders_come_short()

    case = story.case_at_a_tick("suspected")

    assert case["sources"] == ["order_lines"]
    assert case["events"], "the very lines it rests on"
    assert story.hinted() == []


def test_three_empty_shelves_confirm_and_grade_it_and_its_doctor_is_told(story: Shortage) -> None:
    fetched, *others = story.patients[:2]
    given = story.released(fetched)
    given.dispense(story.giver, given.hold(story.giver))
    asking = story.released(others[0])
    for store in story.empty:
        story.turned_away(asking, store)

    case = story.case("confirmed")

    assert (case["grade"], case["owner_level"]) == ("III", "city")
    assert wait_until(story.hinted, "the hint") == ["III"]


def test_what_nobody_does_climbs_to_the_next_level(story: Shortage) -> None:
    story.move_clock(1.1 * DAY)

    def climbed() -> list[dict[str, Any]]:
        tasks = story.case("confirmed")["tasks"]
        return [each for each in tasks if each["kind"] == "acknowledge" and each["escalations"]]

    (task,) = wait_until(climbed, "a task that climbs")
    assert task["owner_level"] == "province"


def test_packs_move_by_order_of_the_authority(story: Shortage) -> None:
    case = story.case("confirmed")
    cast = story.stage.cast
    proposals = story.authority.propose_transfers(case["case_id"], "全省缺货调剂")
    first = proposals[0]
    assert first["from_pharmacy"] == story.giver.code
    giver = cast.stockroom(story.giver)
    store = next(each for each in story.empty if each.code == first["to_pharmacy"])
    taker = cast.stockroom(store)

    def known() -> str | None:
        listed = (each for each in taker.transfers() if each.get("to_pharmacy") == store.code)
        return next((each["transfer_id"] for each in listed if each["state"] == "offered"), None)

    transfer = wait_until(known, "the transfer at the taker")
    giver.agree_to_transfer(transfer)
    taker.agree_to_transfer(transfer)
    giver.send_transfer(transfer)
    taker.receive_transfer(transfer)

    wait_until(
        lambda: story.on_the_shelf(store) == first["quantity"], "the packs on the taker's shelf, as others see it"
    )
    assert next(story.authority.responses(case["case_id"]))["kind"] == "transfer"


def test_it_ends_when_nothing_more_is_told_and_so_does_the_hint(story: Shortage) -> None:
    ended = story.end_in_days(story.case("confirmed")["case_id"])

    assert ended["ended_as"] == "resolved"
    assert wait_until(lambda: not story.hinted(), "no hint any more")
