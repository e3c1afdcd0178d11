"""Breaking the rules on purpose, over HTTP, with everything that lies between the services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

import contracts
from contracts.events.review import CasePassed
from rxflow.client import Problem, Supply
from rxflow.play.journey import Journey
from rxflow.simulation.writing import a_journey, stores_of
from tests.support.invariants import hold_at_rest, hold_at_the_end
from tests.support.town import Town

EXAMPLES = Path(contracts.__file__).parent / "examples"
NUMBERS = iter(range(120))


@pytest.fixture
def at(shared_town: Town) -> Iterator[Town]:
    """Everything arrives at once unless the test says otherwise; afterwards all adds up."""
    shared_town.follows = True
    yield shared_town
    shared_town.follows = True
    shared_town.settle()
    hold_at_rest(shared_town)


def released(town: Town, *, who_pays_a_share: bool = False, **how: Any) -> Journey:
    """Residents (390) have no personal account that would pay all of it."""
    number = next(n for n in NUMBERS if not who_pays_a_share or town.world.patients[n].scheme == "390")
    journey = a_journey(town, number, **how)
    journey.issue()
    journey.pass_review()
    return journey


def refused(code: str) -> Any:
    return pytest.raises(Problem, match=code.replace(".", r"\."))


def collector(journey: Journey) -> dict[str, str]:
    person = journey.admitted.patient
    return {"name": person.name, "identity_no": person.identity_number}


def pickup_code(town: Town, journey: Journey, supply: Supply) -> str:
    return town.cast.patient(journey.admitted.patient_ref).pickup_code(supply)


def cancellation(town: Town, journey: Journey) -> dict[str, Any]:
    shown = town.cast.prescriber(journey.doctor).prescription(journey.prescription_id)
    last: dict[str, Any] = shown["cancellations"][-1]
    return last


def packs(town: Town, journey: Journey, store: Any, quantity: int) -> list[dict[str, Any]]:
    return [{"line": 1, **pack} for pack in town.stage.take_packs(store, journey.product_of(1), quantity)]


def test_one_trace_code_is_sold_once_over_all_pharmacies(at: Town) -> None:
    journey = released(at, packs=2)
    first, second = stores_of(at, journey)[:2]
    size = at.world.product[journey.product_of(1)].drug.pack_size
    part = [{"line": 1, "quantity": size}]
    journey.hold(first, lines=part)
    held = at.cast.pharmacy(first).fetch_secret(journey.wait_for_fulfilment(), _last_hold(at, journey))
    at.cast.pharmacy(first).pass_review(held)
    picked = packs(at, journey, first, size)
    supply = at.cast.pharmacy(first).prepare(held, picked)
    other = journey.hold(second, lines=part)
    at.cast.pharmacy(second).pass_review(other)
    # whatever expires first on the other shelf
    picked = [{**each, "lot_reason": "not_found"} for each in picked]

    with refused("trace_code.not_free"):  # set aside elsewhere
        at.cast.pharmacy(second).prepare(other, picked)
    at.cast.pharmacy(first).check(supply)
    with refused("trace_code.repeated"):  # sold elsewhere
        at.cast.pharmacy(second).prepare(other, picked)


def _last_hold(town: Town, journey: Journey) -> str:
    fulfilment = town.cast.patient(journey.admitted.patient_ref).fulfilments(journey.prescription_id)[0]
    return str(fulfilment["holds"][-1]["hold_id"])


def test_nothing_leaves_before_it_is_cleared(at: Town) -> None:
    journey = released(at, who_pays_a_share=True)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store))
    code = pickup_code(at, journey, supply)

    with refused("supply.not_cleared"):
        at.cast.pharmacy(store).hand_out(supply, code, collector(journey))
    carrier = at.world.carrier_near(store)
    contact = {"name": "某某", "phone": "13912345678", "address": "某路1号"}
    delivery = at.cast.pharmacy(store).arrange_delivery(supply, carrier.code, contact)
    at.cast.pharmacy(store).pack(delivery, "SEAL", "LOGGER")
    with refused("supply.not_cleared"):
        at.cast.pharmacy(store).hand_over(delivery, b"courier")

    journey.clear(store, supply)
    with refused("supply.delivery_arranged"):
        at.cast.pharmacy(store).hand_out(supply, code, collector(journey))
    at.cast.pharmacy(store).hand_over(delivery, b"courier")


def test_who_prepared_does_not_check(at: Town) -> None:
    journey = released(at)
    store = stores_of(at, journey)[0]
    pharmacy, hold = at.cast.pharmacy(store), journey.hold(store)
    pharmacy.pass_review(hold)
    body = {"secret": hold.secret, "lines": packs(at, journey, store, hold.shown["lines"][0]["quantity"])}
    prepared = pharmacy.pharmacist.command("dispatch", f"{hold.path}/supplies", body).body
    path = f"/fulfilments/{hold.fulfilment_id}/supplies/{prepared['supply_id']}/check"

    with refused("supply.checker_is_preparer"):
        pharmacy.pharmacist.command("dispatch", path, {"secret": hold.secret})
    assert pharmacy.checker.command("dispatch", path, {"secret": hold.secret}).body["status"] == "dispensed"


def test_wrong_pickup_codes_lock_even_the_right_one(at: Town) -> None:
    journey = released(at)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store))
    journey.clear(store, supply)
    for _ in range(5):
        with refused("supply.wrong_pickup_code"):
            at.cast.pharmacy(store).hand_out(supply, "WRONG123", collector(journey))

    with refused("token.locked"):
        journey.collect(store, supply)
    checker = at.cast.pharmacy(store).checker  # nor by a colleague
    body = {"code": pickup_code(at, journey, supply), "collector_kind": "patient", "collector": collector(journey)}
    with refused("token.locked"):
        checker.command("dispatch", f"{supply.path}/hand-out", body)
    at.move_clock(timedelta(hours=1, minutes=1))
    journey.collect(store, supply)


def test_a_hand_out_that_came_first_beats_the_cancellation(at: Town) -> None:
    journey = released(at)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store))
    journey.clear(store, supply)
    code = pickup_code(at, journey, supply)
    at.follows = False
    journey.cancel()
    at.cast.pharmacy(store).hand_out(supply, code, collector(journey))
    at.follows = True

    journey.wait_for_settlement()
    assert cancellation(at, journey)["answer"] == "refused"


def test_a_cancellation_that_came_first_beats_the_hand_out(at: Town) -> None:
    journey = released(at, who_pays_a_share=True)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store))
    journey.clear(store, supply)
    code = pickup_code(at, journey, supply)
    journey.cancel()

    with refused("supply.wrong_state"):
        at.cast.pharmacy(store).hand_out(supply, code, collector(journey))

    patient = at.cast.patient(journey.admitted.patient_ref)
    claim = patient.claims(supply.supply_id)[0]
    assert journey.status() == "cancelled"
    assert cancellation(at, journey)["answer"] == "cancelled"
    assert claim["state"] == "voided"
    assert [payment["status"] for payment in patient.payments(claim["claim_id"])] == ["refunded"]


@pytest.mark.parametrize("cancelled_first", [True, False])
def test_a_cancellation_and_a_hold_meet(at: Town, cancelled_first: bool) -> None:
    journey = released(at)
    store = stores_of(at, journey)[0]
    fulfilment = journey.wait_for_fulfilment()
    token = at.cast.patient(journey.admitted.patient_ref).token(fulfilment)
    at.stage.stock_up(store, journey.product_of(1))
    lines = [{"line": 1, "quantity": journey.draft.payload["lines"][0]["quantity"]}]
    journey.cancel() if cancelled_first else None
    at.follows = cancelled_first
    if cancelled_first:
        with refused("fulfilment.wrong_state"):
            at.cast.pharmacy(store).hold(fulfilment, token, lines)
    else:
        journey.cancel()  # under way while the pharmacy holds
        at.cast.pharmacy(store).hold(fulfilment, token, lines)
    at.follows = True

    assert journey.status() == "cancelled"
    assert cancellation(at, journey)["answer"] == "cancelled"


@pytest.mark.parametrize("checked", [True, False])
def test_a_cancellation_finds_packs_that_are_prepared_or_just_checked(at: Town, checked: bool) -> None:
    journey = released(at)
    store = stores_of(at, journey)[0]
    pharmacy, hold = at.cast.pharmacy(store), journey.hold(store)
    pharmacy.pass_review(hold)
    picked = packs(at, journey, store, hold.shown["lines"][0]["quantity"])
    supply = pharmacy.prepare(hold, picked)
    at.follows = False
    journey.cancel()
    if checked:
        pharmacy.check(supply)
    at.follows = True
    at.settle()

    if not checked:
        with refused("supply.wrong_state"):
            pharmacy.check(supply)
    assert journey.status() == "cancelled"
    again = released(at)  # the codes are free again
    if stores_of(at, again)[0].code == store.code and again.product_of(1) == journey.product_of(1):
        assert journey.dispense(store, again.hold(store))


def test_with_the_courier_a_proved_delivery_wins(at: Town) -> None:
    journey = released(at)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store, way="delivery"))
    journey.clear(store, supply)
    carrier = at.world.carrier_near(store)
    pharmacy, courier = at.cast.pharmacy(store), at.cast.courier(carrier)
    delivery = pharmacy.arrange_delivery(
        supply, carrier.code, {"name": "某", "phone": "13912345678", "address": "某路"}
    )
    pharmacy.pack(delivery, "SEAL", "LOGGER")
    pharmacy.hand_over(delivery, b"courier")
    courier.in_transit(delivery)
    courier.arrive(delivery)
    journey.cancel()
    assert cancellation(at, journey)["answer"] == "awaiting_return"
    assert courier.session.read("dispatch", f"/deliveries/{delivery}")["status"] == "returning"
    at.move_clock(timedelta(hours=3))
    at.settle()
    assert cancellation(at, journey)["answer"] == "undecided"

    courier.deliver(delivery, b"proof", pickup_code(at, journey, supply))

    assert cancellation(at, journey)["answer"] == "refused"
    journey.wait_for_settlement()


def test_a_cancellation_before_the_prescription_is_kept_and_the_review_never_sees_it(at: Town) -> None:
    journey = a_journey(at, next(NUMBERS))
    kept = journey.cancel()
    issued = journey.issue()

    assert kept.status == 202
    assert kept.body["answer"] == "kept"
    assert issued.body["status"] == "cancelled"
    reviewer, _ = at.cast.reviewer_of(journey.doctor)
    assert reviewer.case_of(journey.prescription_id) is None


def test_a_strangers_cancellation_before_the_prescription_does_nothing(at: Town) -> None:
    journey = a_journey(at, next(NUMBERS))
    stranger = next(d for d in at.world.doctors if d.organisation != journey.doctor.organisation)
    for _ in range(8):  # as many as are kept
        at.cast.prescriber(stranger).cancel(journey.prescription_id, "wrong_drug")

    assert journey.issue().body["status"] == "issued"
    with refused("prescription.not_yours"):
        at.cast.prescriber(stranger).cancel(journey.prescription_id, "wrong_drug")
    journey.cancel()
    assert journey.status() == "cancelled"


def test_who_knows_the_request_of_another_is_still_a_stranger(at: Town) -> None:
    journey = released(at)
    request_id = uuid4()
    at.cast.prescriber(journey.doctor).cancel(journey.prescription_id, "wrong_drug", request_id=request_id)
    stranger = next(d for d in at.world.doctors if d.organisation != journey.doctor.organisation)

    with refused("prescription.not_yours"):
        at.cast.prescriber(stranger).cancel(journey.prescription_id, "wrong_drug", request_id=request_id)


def test_a_pass_that_crosses_a_cancellation_releases_nothing(at: Town) -> None:
    journey = a_journey(at, next(NUMBERS))
    journey.issue()
    case = journey.take_case()
    at.follows = False
    journey.cancel()
    _, person = at.cast.reviewer_of(journey.doctor)
    reviewer, _ = at.cast.reviewer_of(journey.doctor)
    signed = {"case_id": case["case_id"], "revision": 1, "signed_sha256": case["signed_sha256"], "comments": []}
    reviewer.pass_case(case["case_id"], person.key.sign(orjson.dumps(signed)))
    at.follows = True

    assert journey.status() == "cancelled"
    assert at.cast.patient(journey.admitted.patient_ref).fulfilments(journey.prescription_id) == []


def test_a_pass_of_an_older_revision_releases_nothing(at: Town) -> None:
    """Revision 1 was returned and amended; a pass of it turns up when revision 2 is under review."""
    journey = a_journey(at, next(NUMBERS))
    journey.issue()
    digest = journey.take_case()["signed_sha256"]
    reviewer, _ = at.cast.reviewer_of(journey.doctor)
    case = reviewer.case_of(journey.prescription_id)
    reviewer.return_case(case["case_id"], [{"code": "1-12", "lines": [1]}], "请更正")  # type: ignore[index]
    journey.amend(journey.draft.amended(2))
    at.settle()
    example = json.loads((EXAMPLES / "review.case_passed.v1.json").read_text(encoding="utf-8"))
    told = {"prescription_id": str(journey.prescription_id), "revision": 1, "signed_sha256": digest}
    stale = CasePassed.model_validate({**example, **told})

    at.offices["prescribe"].react(stale)

    assert journey.status() == "issued"
    assert at.cast.patient(journey.admitted.patient_ref).fulfilments(journey.prescription_id) == []
    journey.pass_review()
    shown = at.cast.prescriber(journey.doctor).prescription(journey.prescription_id)
    assert (shown["status"], shown["revision"]) == ("released", 2)


def test_a_declined_payment_voids_the_claim_and_another_one_is_paid(at: Town) -> None:
    journey = released(at, who_pays_a_share=True)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store))
    patient = at.cast.patient(journey.admitted.patient_ref)
    claim = patient.claims(supply.supply_id)[0]
    payment = patient.payments(claim["claim_id"])[0]

    patient.pay(payment["payment_id"], "DECLINE-1")
    with refused("payment.wrong_state"):
        patient.pay(payment["payment_id"], "another")
    with refused("supply.not_cleared"):
        journey.collect(store, supply)
    attempts = patient.claims(supply.supply_id)
    assert [each["state"] for each in attempts] == ["voided", "authorised"]
    patient.pay(patient.payments(attempts[1]["claim_id"])[0]["payment_id"], "pay-again")

    journey.collect(store, supply)
    assert [each["state"] for each in patient.claims(supply.supply_id)] == ["voided", "settled"]
    assert journey.status() == "completed"


@pytest.mark.parametrize("paid", [True, False])
def test_a_supply_given_up_after_authorisation_leaves_nothing_booked(at: Town, paid: bool) -> None:
    journey = released(at, who_pays_a_share=True)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store))
    patient = at.cast.patient(journey.admitted.patient_ref)
    if paid:
        journey.clear(store, supply)
    at.settle()
    patient.give_up(supply)

    claim = patient.claims(supply.supply_id)[0]
    assert claim["state"] == "voided"
    assert [p["status"] for p in patient.payments(claim["claim_id"])] == ["refunded" if paid else "failed"]
    balance = at.cast.insurer(journey.admitted.patient.insurer).trial_balance()
    assert balance["balance"] == 0
    journey.collect(store, refilled(at, journey, store))
    assert journey.status() == "completed"


def refilled(town: Town, journey: Journey, store: Any) -> Supply:
    """What was given up is free again: the same pharmacy fills it anew."""
    supply = journey.dispense(store, journey.hold(store))
    journey.clear(store, supply)
    return supply


def test_validity_that_ends_while_a_pharmacy_holds_lets_it_finish(at: Town) -> None:
    journey = released(at, packs=2, days=1)
    first, second = stores_of(at, journey)[:2]
    size = at.world.product[journey.product_of(1)].drug.pack_size
    fulfilment = journey.wait_for_fulfilment()
    closes_at = at.cast.patient(journey.admitted.patient_ref).fulfilments(journey.prescription_id)[0]["closes_at"]
    at.stage.stock_up(first, journey.product_of(1))
    at.stage.stock_up(second, journey.product_of(1))
    at.move_clock(datetime.fromisoformat(closes_at) - at.now() - timedelta(minutes=5))
    hold = journey.hold(first, lines=[{"line": 1, "quantity": size}])
    token = at.cast.patient(journey.admitted.patient_ref).token(fulfilment)
    at.follows = False
    at.move_clock(timedelta(minutes=6))
    with refused("hold.validity_over"):  # before any clock has noticed
        at.cast.pharmacy(second).hold(fulfilment, token, [{"line": 1, "quantity": size}])
    at.follows = True
    at.settle()
    assert journey.status() == "closing(expired)"
    with refused("fulfilment.wrong_state"):
        at.cast.pharmacy(second).hold(fulfilment, token, [{"line": 1, "quantity": size}])

    supply = journey.dispense(first, hold)
    journey.clear(first, supply)
    journey.collect(first, supply)

    shown = at.cast.prescriber(journey.doctor).prescription(journey.prescription_id)
    assert shown["status"] == "expired"
    line = shown["lines"][0]["buckets"] if "buckets" in shown["lines"][0] else shown["buckets"][0]
    assert (line["in_hands"], line["lapsed"]) == (size, size)


def test_when_the_clock_has_passed_every_deadline_everything_has_ended(at: Town) -> None:
    for _ in range(4):
        at.move_clock(timedelta(days=4))
        at.settle()
    hold_at_the_end(at)
