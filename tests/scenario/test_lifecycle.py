"""From a doctor's signature to the insurers' settlement, over HTTP alone, on both pairs of database and broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from rxflow.client import Problem, wait_until
from rxflow.client.hints import Hint, Place, Priced, Said
from rxflow.play.journey import Journey
from rxflow.play.script import STORIES, Play, Report, scenes
from rxflow.world import Draft, prescription_for
from tests.scenario.installations import System

FAR = len(STORIES) + 10
"""Patients from here on are in no scene."""


@pytest.fixture(scope="module")
def report(system: System) -> Report:
    """Every story once, and one ordinary prescription."""
    return Play(system.stage).run(scenes(system.stage, count=len(STORIES) + 1))


def journey(system: System, number: int) -> Journey:
    """A new prescription for a patient of their own."""
    stage = system.stage
    patient = stage.world.patients[FAR + number]
    hospital = next(each for each in stage.world.hospitals if each.institution.region == patient.region)
    admitted = stage.admit(patient)
    draft = prescription_for(
        stage.world,
        patient,
        hospital.doctors[0],
        prescription_id=uuid4(),
        patient_ref=admitted.patient_ref,
        validity_days=3,
    )
    return Journey(stage, hospital.doctors[0], admitted, draft)


def place(trace: Sequence[dict[str, Any]], event_type: str) -> int:
    return next(number for number, event in enumerate(trace) if event["type"] == event_type)


def test_a_lost_answer_is_given_again(system: System) -> None:
    way = journey(system, 0)
    session = system.stage.cast.prescriber(way.doctor).session
    key = uuid4().hex

    first = session.command("prescribe", "/prescriptions", jws=way.draft.jws, key=key)
    jws = way.draft.signer.sign(way.draft.body + b" ")  # the same content in other bytes
    with pytest.raises(Problem) as raised:
        session.command("prescribe", "/prescriptions", jws=jws, key=key)

    assert first.status == 201
    assert raised.value.code == "idempotency.reused"
    assert way.status() == "issued"


def test_the_same_bytes_under_the_same_key_have_one_effect(system: System) -> None:
    way = journey(system, 1)
    session = system.stage.cast.prescriber(way.doctor).session
    key, jws = uuid4().hex, way.draft.jws

    answers = [session.command("prescribe", "/prescriptions", jws=jws, key=key) for _ in range(3)]

    assert [answer.replayed for answer in answers] == [False, True, True]
    assert answers[0].body == answers[1].body == answers[2].body


def test_two_pharmacies_cannot_hold_the_same_quantity(system: System) -> None:
    way = journey(system, 2)
    way.issue()
    way.pass_review()
    stores = system.stage.world.stores_in(way.admitted.patient.region)
    way.hold(stores[0])

    with pytest.raises(Problem) as raised:
        way.hold(stores[1], lines=[{"line": 1, "quantity": 1}])

    assert raised.value.code == "hold.not_enough_remaining"


def test_nothing_leaves_the_pharmacy_before_it_is_cleared(system: System) -> None:
    way = journey(system, 3)
    way.issue()
    way.pass_review()
    store = system.stage.world.stores_in(way.admitted.patient.region)[0]
    supply = way.dispense(store, way.hold(store))

    with pytest.raises(Problem) as raised:
        way.collect(store, supply)
    assert raised.value.code == "supply.not_cleared"

    way.clear(store, supply)
    way.collect(store, supply)
    way.wait_for_settlement()


def test_a_patient_sees_nobody_elses_prescription(system: System) -> None:
    mine, theirs = journey(system, 4), journey(system, 5)
    theirs.issue()

    with pytest.raises(Problem) as raised:
        system.stage.cast.patient(mine.admitted.patient_ref).prescription(theirs.prescription_id)

    assert (raised.value.status, raised.value.code) == (403, "prescription.not_yours")


def test_what_a_doctor_saw_before_signing_is_in_the_trace(system: System) -> None:
    way = journey(system, 6)
    world, region = system.stage.world, way.admitted.patient.region
    store, doctor = world.stores_in(region)[0], system.stage.cast.prescriber(way.doctor)
    product = world.product[way.draft.payload["lines"][0]["product"]]
    system.stage.stock_up(store, product.code)
    place = Place(region, store.pharmacy.latitude, store.pharmacy.longitude)

    def hinted() -> tuple[Hint, ...] | None:
        """Once the list of shelves has what was just received."""
        found = system.stage.once_known(lambda: doctor.hints(place, {product.code: product.drug.drug_key}))
        return found if store.code in {pharmacy["pharmacy"] for pharmacy in found[0].facts["items"]} else None

    def issue_of_the_trace() -> dict[str, Any] | None:
        told = (event for event in doctor.trace(way.prescription_id) if event["type"].endswith("prescription_issued"))
        return next(told, None)

    shown = system.stage.cast.wait_until(hinted, "the shelf in the hints")
    line = way.draft.payload["lines"][0]
    priced = Priced(product.code, line["quantity"], product.drug.pack_size, 1500, line["days"])
    patient, codes = way.admitted.patient, tuple(each["code"] for each in way.draft.payload["diagnoses"])
    said = Said(patient.sex, (world.as_of - patient.born).days, codes)
    share = doctor.share_hints(way.admitted.patient_ref, "pooled_outpatient", [priced], store.code, said)
    seen = [hint.seen for hint in (*shown, *share)]
    doctor.issue(Draft(way.prescription_id, {**way.draft.payload, "hints_seen": seen}, way.draft.signer).jws)

    issued = system.stage.cast.wait_until(issue_of_the_trace, "the issue in the trace")
    assert issued["summary"]["hints_seen"] == seen
    assert share[0].kind == "patient_share"
    assert share[0].facts["audit_unchecked"] == []
    assert 0 < share[0].facts["fund"] + share[0].facts["person_share"] == share[0].facts["total"]


# From here on the clock of the installation has moved: what is unfinished expires.


def test_every_story_ends_as_it_is_written(report: Report) -> None:
    assert report.failures == []
    assert report.ended == {"settled": 4, "refused": 1, "cancelled while held": 1, "expired": 2}


def test_three_pharmacies_out_of_one_drug_open_a_shortage_case(system: System, report: Report) -> None:
    assert report.shortage is not None
    authority = system.stage.cast.regulator(f"{report.shortage['region'][:2]}0000")
    whole = authority.shortage(report.shortage["case_id"])

    assert whole["state"] == "confirmed"
    assert whole["drug_key"] == report.shortage["drug_key"]


def test_the_trace_tells_the_whole_way_causes_first(report: Report) -> None:
    order = [
        "review.case_passed.v1",
        "dispatch.fulfilment_opened.v1",
        "dispatch.quantity_held.v1",
        "dispatch.supply_dispensed.v1",
        "insurance.claim_quoted.v1",
        "insurance.claim_authorised.v1",
        "insurance.supply_cleared.v1",
        "dispatch.delivery_handed_over.v1",
        "dispatch.supply_received.v1",
        "insurance.claim_settled.v1",
    ]

    places = [place(report.trace, event_type) for event_type in order]

    assert places == sorted(places)
    assert {event["service"] for event in report.trace} == {"prescribe", "review", "dispatch", "insurance"}
    assert all(event["proof"]["hash"] for event in report.trace)


def test_the_insurers_books_balance(system: System, report: Report) -> None:
    officers = [system.stage.cast.insurer(authority.code) for authority in system.stage.world.authorities]

    def told() -> list[dict[str, Any]]:
        """What insurers are told; who pays alone is settled without one."""
        return [item for officer in officers for item in officer.settlements()]

    assert wait_until(told, "settlements")
    assert report.ended["settled"] == 4
    assert [officer.trial_balance()["balance"] for officer in officers] == [0] * len(officers)
