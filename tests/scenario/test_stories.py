"""Stories of `flows.md` D over HTTP alone, as far as they are built, on both pairs of database and broker.

The clock of the installation goes on from module to module and from test to test, never back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import uuid4

import pytest

from rxflow.client import Hold, Problem, Supply, wait_until
from rxflow.client.transport import Service
from rxflow.play.journey import Journey
from rxflow.world import Draft, Store, everyday_products, line_for, long_term, prescription_for, signing_again
from tests.scenario.installations import System

AFTER_THE_OTHERS = timedelta(days=5)
"""Ahead of whatever earlier modules have moved it to."""
VALSARTAN, ENALAPRIL, AMLODIPINE = "C09CA03", "C09AA02", "C08CA01"
INTERACTS = "2-8"
PACK = 7
NUMBERS = iter(range(30, 60))


def move_clock(system: System, ahead: timedelta) -> None:
    """To so far ahead of real time."""
    administrator = system.stage.cast.administrator()
    for service in get_args(Service):
        administrator.move_clock(service, round(ahead.total_seconds()))


@pytest.fixture(scope="module", autouse=True)
def later(system: System) -> None:
    move_clock(system, AFTER_THE_OTHERS)


def written(system: System, *atc: str, days: int | None = None, **more: Any) -> Journey:
    """For a patient of their own; not yet issued."""
    stage = system.stage
    patient = stage.world.patients[next(NUMBERS)]
    hospital = next(each for each in stage.world.hospitals if each.institution.region == patient.region)
    everyday = everyday_products(stage.world, patient)
    products = [next(each for each in everyday if each.drug.atc == code) for code in atc]
    admitted = stage.admit(patient)
    draft = prescription_for(
        stage.world,
        patient,
        hospital.doctors[0],
        prescription_id=uuid4(),
        patient_ref=admitted.patient_ref,
        lines=[line_for(number, product, days=days) for number, product in enumerate(products, start=1)],
        validity_days=3,
        **more,
    )
    return Journey(stage, hospital.doctors[0], admitted, draft)


def stores(system: System, journey: Journey) -> tuple[Store, ...]:
    return system.stage.world.stores_in(journey.admitted.patient.region)


def shown(journey: Journey) -> dict[str, Any]:
    """As its doctor reads it."""
    return journey.stage.cast.prescriber(journey.doctor).prescription(journey.prescription_id)


def told(journey: Journey, kind: str) -> dict[str, Any]:
    """What the doctor finds in the inbox, once it has come."""
    doctor = journey.stage.cast.prescriber(journey.doctor)

    def found() -> dict[str, Any] | None:
        entries = (each for each in doctor.feedback() if each["prescription_id"] == str(journey.prescription_id))
        return next((each for each in entries if each["kind"] == kind), None)

    return wait_until(found, f"{kind} in the inbox")


def final_answer(journey: Journey) -> dict[str, Any]:
    def final() -> dict[str, Any] | None:
        last: dict[str, Any] = shown(journey)["cancellations"][-1]
        return last if last["final"] else None

    return wait_until(final, "a final answer to the cancellation")


def buckets(journey: Journey, line: int = 1) -> dict[str, int]:
    """Of one line, those that hold something."""
    row = next(each for each in shown(journey)["lines"] if each["line"] == line)
    return {name: quantity for name, quantity in row["buckets"].items() if quantity}


def hold_of(journey: Journey, hold: Hold) -> dict[str, Any]:
    found = journey.stage.cast.patient(journey.admitted.patient_ref).fulfilments(journey.prescription_id)
    return next(each for one in found for each in one["holds"] if each["hold_id"] == hold.hold_id)


def claim_state(journey: Journey, supply: Supply, state: str) -> bool:
    claims = journey.stage.cast.patient(journey.admitted.patient_ref).claims(supply.supply_id)
    return [claim["state"] for claim in claims] == [state]


def refused(code: str) -> Any:
    return pytest.raises(Problem, match=code.replace(".", r"\."))


# D2: A in part, B holds the rest, cancelled


class InPart:
    """Three packs: A has given one over the counter, and B has set the other two aside."""

    def __init__(self, system: System) -> None:
        self.journey = journey = written(system, AMLODIPINE, days=3 * PACK)
        journey.issue()
        journey.pass_review()
        self.a, self.b = stores(system, journey)[:2]
        self.given = journey.dispense(self.a, journey.hold(self.a), less=2 * PACK)
        journey.clear(self.a, self.given)
        journey.collect(self.a, self.given)
        wait_until(lambda: claim_state(journey, self.given, "settled"), "A's claim to be settled")
        self.held = journey.hold(self.b)
        self.pharmacy = system.stage.cast.pharmacy(self.b)
        self.pharmacy.pass_review(self.held)
        packs = system.stage.take_packs(self.b, journey.product_of(1), 2 * PACK)
        self.set_aside = self.pharmacy.prepare(self.held, [{"line": 1, **pack} for pack in packs])


def test_what_is_held_is_cancelled_and_what_is_in_hands_is_not(system: System) -> None:
    story = InPart(system)
    journey = story.journey

    journey.cancel()

    answer = final_answer(journey)
    assert answer["answer"] == "cancelled_in_part"
    assert [(row["cancelled"], row["refused"]) for row in answer["lines"]] == [(2 * PACK, PACK)]
    journey.wait_for_status("cancelled")
    assert buckets(journey) == {"in_hands": PACK, "cancelled": 2 * PACK}
    assert (hold_of(journey, story.held)["status"], hold_of(journey, story.held)["how"]) == ("ended", "revoked")
    assert claim_state(journey, story.given, "settled")
    assert journey.stage.cast.patient(journey.admitted.patient_ref).claims(story.set_aside.supply_id) == []
    with refused("supply.wrong_state"):
        story.pharmacy.check(story.set_aside)


def test_a_check_that_came_first_is_undone_by_the_cancellation(system: System) -> None:
    story = InPart(system)
    journey = story.journey
    story.pharmacy.check(story.set_aside)

    journey.cancel()

    assert final_answer(journey)["answer"] == "cancelled_in_part"
    journey.wait_for_status("cancelled")
    assert buckets(journey) == {"in_hands": PACK, "cancelled": 2 * PACK}
    wait_until(lambda: claim_state(journey, story.set_aside, "voided"), "B's claim to be voided")
    assert claim_state(journey, story.given, "settled")


def test_a_hand_out_that_came_first_leaves_nothing_to_cancel(system: System) -> None:
    story = InPart(system)
    journey = story.journey
    story.pharmacy.check(story.set_aside)
    journey.clear(story.b, story.set_aside)
    journey.collect(story.b, story.set_aside)

    try:
        journey.cancel()
        answer = final_answer(journey)["answer"]
    except Problem as problem:  # the doctor's side has heard of it
        assert problem.code == "prescription.ended"  # noqa: PT017
        answer = "refused"

    assert answer == "refused"
    journey.wait_for_status("completed")
    assert buckets(journey) == {"in_hands": 3 * PACK}


# D3: interaction; second signature; counter refuses


class Refused:
    """Valsartan and enalapril: confirmed by the doctor, passed by two pharmacists, refused at the counter of A."""

    def __init__(self, system: System) -> None:
        self.journey = journey = written(system, VALSARTAN, ENALAPRIL)
        self.cast = system.stage.cast
        self.first, self.second = system.stage.world.hospital_of(journey.doctor).reviewers
        self.a, self.b = stores(system, journey)[:2]
        journey.issue()
        self.found = journey.take_case()
        finding = {"code": INTERACTS, "lines": [1, 2], "confirmable": True}
        self.cast.reviewer(self.first).return_case(self.found["case_id"], [finding], "两药合用有高钾风险")
        journey.wait_for_status("returned")
        signed = signing_again.confirmation(journey.doctor, shown(journey), "已监测血钾, 需联合用药")
        self.cast.prescriber(journey.doctor).confirm(journey.prescription_id, signed)
        self.again = journey.take_case()
        self._pass(self.first, "taken")

    def _pass(self, person: Any, state: str) -> None:
        case = self.cast.reviewer(person).case(self.again["case_id"])
        assert case["state"] == state
        self.cast.reviewer(person).pass_case(case["case_id"], signing_again.passed(person, case, "同意"))

    def released(self) -> None:
        """By the second pair of eyes."""
        self._pass(self.second, "second_wanted")

    def at_the_counter(self) -> Hold:
        """A holds both lines and does not dispense the second."""
        held = self.journey.hold(self.a)
        self.cast.pharmacy(self.a).refuse(held, INTERACTS, "患者肾功能不全, 请医师核对", [2])
        return held

    def answer(self, words: str) -> str:
        """The prescriber's, by another signature; answers the question's id."""
        question = wait_until(lambda: shown(self.journey)["queries"], "a question")[-1]
        signed = signing_again.answer(self.journey.doctor, shown(self.journey), question["block_id"], words)
        self.cast.prescriber(self.journey.doctor).answer(self.journey.prescription_id, signed)
        return str(question["block_id"])


@pytest.fixture
def story(system: System) -> Refused:
    """Up to the refusal at A."""
    refusing = Refused(system)
    refusing.released()
    return refusing


def test_what_a_prescriber_insists_on_takes_two_pharmacists(system: System) -> None:
    story = Refused(system)

    assert [
        (each["rule"], each["result_code"]) for each in story.found["findings"] if each["severity"] == "serious"
    ] == [("A5.interaction", INTERACTS)]
    assert (story.again["revision"], story.again["confirmation_no"]) == (1, 1)
    with refused("case.second_must_be_another"):
        story._pass(story.first, "second_wanted")
    assert story.journey.status() == "issued"

    story.released()
    story.journey.wait_for_status("released")
    assert {each["person"] for each in shown(story.journey)["reviewers"]} == {story.first.code, story.second.code}


def test_a_refused_line_waits_for_its_prescriber_everywhere(system: System, story: Refused) -> None:
    journey, cast = story.journey, story.cast
    held = story.at_the_counter()
    product = journey.draft.payload["lines"]
    parts = [[{"line": row["line"], "quantity": row["quantity"]}] for row in product]

    assert (hold_of(journey, held)["status"], hold_of(journey, held)["how"]) == ("ended", "refused")
    for store in (story.a, story.b):
        with refused("hold.line_blocked"):
            journey.hold(store, lines=parts[1])
    other = journey.hold(story.b, lines=parts[0])
    question = told(journey, "refused_at_pharmacy")
    block_id = story.answer("已查肾功能正常, 按原处方")

    wait_until(lambda: not shown(journey)["blocked_lines"], "the line to be free")
    token = cast.patient(journey.admitted.patient_ref).token(other.fulfilment_id)

    def dialogue() -> dict[str, Any] | None:
        read = cast.pharmacy(story.b).look_up(token)["prescription"]["dialogue"]
        return next((each for each in read if each["answered"]), None)

    answered = wait_until(dialogue, "the answer at the counter")
    assert question["facts"]["asked_by"] == story.a.code
    assert (answered["block_id"], answered["asked_by"], answered["lines"]) == (block_id, story.a.code, [2])
    assert (answered["reason"], answered["answer"]) == ("患者肾功能不全, 请医师核对", "已查肾功能正常, 按原处方")
    for hold in (other, journey.hold(story.b, lines=parts[1])):
        supply = journey.dispense(story.b, hold)
        journey.clear(story.b, supply)
        journey.collect(story.b, supply)
    journey.wait_for_settlement()


def test_a_refused_prescription_is_cancelled_and_replaced(system: System, story: Refused) -> None:
    journey = story.journey
    story.at_the_counter()
    wait_until(lambda: shown(journey)["blocked_lines"] == [2], "the doctor to hear of it")
    lines = journey.draft.payload["lines"][:1]
    prescription_id = uuid4()
    replacing = {"prescription_id": str(prescription_id), "lines": lines, "replaces": str(journey.prescription_id)}
    draft = Draft(prescription_id, {**journey.draft.payload, **replacing}, journey.draft.signer)
    instead = Journey(system.stage, journey.doctor, journey.admitted, draft)

    instead.issue()
    instead.pass_review()

    journey.wait_for_status("cancelled")
    assert [query["closed"] for query in shown(journey)["queries"]] == [True]
    assert shown(journey)["cancellations"][-1]["answer"] == "cancelled"
    store = story.b
    supply = instead.dispense(store, instead.hold(store))
    instead.clear(store, supply)
    instead.collect(store, supply)
    instead.wait_for_settlement()


# From here on the clock moves.


def test_an_unanswered_question_ends_with_the_prescription(system: System, story: Refused) -> None:
    journey = story.journey
    story.at_the_counter()
    wait_until(lambda: shown(journey)["blocked_lines"] == [2], "the doctor to hear of it")

    move_clock(system, AFTER_THE_OTHERS + timedelta(days=4))

    journey.wait_for_status("expired")
    assert [(query["answered"], query["closed"]) for query in shown(journey)["queries"]] == [(False, True)]
    assert buckets(journey, 2) == {"lapsed": PACK * 2}
    with refused("prescription.ended"):
        story.answer("太晚了")


# D1: long-term, in three instalments, delivered; the second is not taken


def test_a_long_term_supply_comes_in_instalments(system: System) -> None:
    begins = AFTER_THE_OTHERS + timedelta(days=10)
    move_clock(system, begins)
    journey = written(system, AMLODIPINE, days=84, plan=long_term(3, 28))
    patient = system.stage.cast.patient(journey.admitted.patient_ref)
    first, second = stores(system, journey)[:2]
    journey.issue()
    patient.nominate(journey.prescription_id, first.code)
    journey.pass_review()
    supply = journey.dispense(first, journey.hold(first, way="delivery"))
    journey.clear(first, supply)
    journey.deliver(first, system.stage.world.carrier_near(first), supply)
    wait_until(lambda: claim_state(journey, supply, "settled"), "the first instalment to be settled")
    assert shown(journey)["nominated_pharmacy"] == first.code
    handed_over = {"in_hands": 28, "remaining": 56}
    wait_until(lambda: buckets(journey) == handed_over, "prescribe to hear what insurance has settled already")

    for days in (22, 23):  # a lead of five days before the first 28 are used up
        move_clock(system, begins + timedelta(days=days, hours=1))
    untaken = journey.wait_for_fulfilment(2)
    windows = shown(journey)["instalments"]
    received, opened = (datetime.fromisoformat(each) for each in (windows[0]["received_at"], windows[1]["opens_at"]))
    assert timedelta(days=23) <= opened - received < timedelta(days=23, hours=2)
    reviewer, _ = system.stage.cast.reviewer_of(journey.doctor)
    case_id = next(
        event["summary"]["case_id"] for event in shown_trace(journey) if event["type"] == "review.case_passed.v1"
    )
    wait_until(lambda: reviewer.case(case_id)["rescreened"] == [2], "the second instalment to be screened again")

    move_clock(system, begins + timedelta(days=23 + 14, hours=1))
    assert told(journey, "instalment_lapsed")["facts"] == {"instalment": 2, "lapsed": 28}
    wait_until(lambda: is_closed(patient, journey, untaken), "the second instalment to be over")
    with refused("token.used_up"):
        journey.hold(second, lines=[{"line": 1, "quantity": 28}], instalment=2)
    assert journey.status() == "released"

    move_clock(system, begins + timedelta(days=52))
    journey.wait_for_fulfilment(3)
    last = journey.dispense(second, journey.hold(second, instalment=3))
    journey.clear(second, last)
    journey.collect(second, last)
    journey.wait_for_status("expired")  # not all of it was taken
    assert buckets(journey) == {"in_hands": 56, "lapsed": 28}
    assert [each["lapsed"] for each in shown(journey)["instalments"]] == [False, True, False]


def shown_trace(journey: Journey) -> list[dict[str, Any]]:
    return journey.stage.cast.prescriber(journey.doctor).trace(journey.prescription_id)


def is_closed(patient: Any, journey: Journey, fulfilment_id: str) -> bool:
    found = patient.fulfilments(journey.prescription_id)
    return next(each["status"] for each in found if each["fulfilment_id"] == fulfilment_id) == "closed"
