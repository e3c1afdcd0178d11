"""What a prescriber does after a prescription is written, over HTTP and with everything that lies between the services:
by SM2 from the first signature to the answer at a counter, renewed, continued by a family doctor, replaced while it is
held, a substitute declined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from contracts.events import shortage
from rxflow.client import Problem
from rxflow.play.journey import Journey
from rxflow.simulation.writing import a_journey, follow_up, stores_of
from rxflow.world import Draft, Person, signing_again
from services.seedwork.signing import sm2
from tests.support.invariants import hold_at_rest
from tests.support.town import Town

NUMBERS = iter(range(120))
NO_SM2 = pytest.mark.skipif(sm2.unavailable() is not None, reason=str(sm2.unavailable()))


@pytest.fixture
def at(shared_town: Town) -> Iterator[Town]:
    """Everything arrives at once; afterwards all adds up."""
    yield shared_town
    shared_town.settle()
    hold_at_rest(shared_town)


def refused(code: str) -> Any:
    return pytest.raises(Problem, match=code.replace(".", r"\."))


def written(town: Town, curve: str = "P-256") -> Journey:
    """By a doctor whose key is on this curve."""
    while True:
        journey = a_journey(town, next(NUMBERS))
        if journey.doctor.key.public_jwk["crv"] == curve:
            return journey


def released(town: Town) -> Journey:
    journey = written(town)
    journey.issue()
    journey.pass_review()
    return journey


def fetched(town: Town, journey: Journey) -> Journey:
    store = stores_of(town, journey)[0]
    supply = journey.dispense(store, journey.hold(store))
    journey.clear(store, supply)
    journey.collect(store, supply)
    journey.wait_for_settlement()
    return journey


def shown(town: Town, journey: Journey) -> dict[str, Any]:
    return town.cast.prescriber(journey.doctor).prescription(journey.prescription_id)


def another_doctor(town: Town, journey: Journey) -> Person:
    """Of another hospital."""
    own = town.world.hospital_of(journey.doctor)
    return next(each for each in town.world.doctors if town.world.hospital_of(each) != own)


@NO_SM2
def test_a_doctor_signs_by_sm2_from_the_issue_to_the_answer_at_a_counter(at: Town) -> None:
    journey = written(at, "SM2")
    doctor, store = at.cast.prescriber(journey.doctor), stores_of(at, journey)[0]
    header, _payload, signature = journey.draft.jws.split(".")
    assert orjson.loads(urlsafe_b64decode(header.encode()))["alg"] == "SM2"
    changed = {**journey.draft.payload, "validity_days": 1}
    with refused("signature.invalid"):
        doctor.issue(f"{header}.{urlsafe_b64encode(orjson.dumps(changed)).decode()}.{signature}")

    journey.issue()
    journey.pass_review()
    hold = journey.hold(store)
    at.cast.pharmacy(store).refuse(hold, "2-5", "请医师核对剂量")
    seen = shown(at, journey)
    assert (seen["signature"]["algorithm"], seen["blocked_lines"]) == ("SM2", [1])
    (question,) = seen["queries"]
    doctor.answer(
        journey.prescription_id, signing_again.answer(journey.doctor, seen, question["block_id"], "已核对, 按原处方")
    )

    assert shown(at, journey)["blocked_lines"] == []
    fetched(at, journey)


def test_a_prescription_is_renewed_by_its_own_doctor_alone(at: Town) -> None:
    journey = fetched(at, released(at))
    link = {"renews": str(journey.prescription_id)}
    with refused("link.not_yours"):
        follow_up(at, journey, another_doctor(at, journey), **link).issue()

    renewed = follow_up(at, journey, journey.doctor, **link)
    renewed.issue()
    renewed.pass_review()

    assert shown(at, renewed)["renews"] == str(journey.prescription_id)
    fetched(at, renewed)


def test_a_family_doctor_under_contract_continues_another_hospitals_regimen(at: Town) -> None:
    journey = fetched(at, released(at))
    doctor = another_doctor(at, journey)
    code = "FC330102000001"
    link = {"extends": str(journey.prescription_id), "family_contract": code}
    with refused("link.no_contract"):
        follow_up(at, journey, doctor, **link).issue()
    content = {"doctor": doctor.code, "patient_ref": str(journey.admitted.patient_ref)}
    entry = {"code": code, "content": content, "valid_from": at.world.as_of.isoformat()}
    assert at.cast.administrator().record("prescribe", "family_contract", [entry]) == [None]
    extended = follow_up(at, journey, doctor, **link)
    lines = [{**line, "route": "含服"} for line in extended.draft.payload["lines"]]
    other = Draft(extended.prescription_id, {**extended.draft.payload, "lines": lines}, doctor.key)
    with refused("link.other_regimen"):
        Journey(at.stage, doctor, journey.admitted, other).issue()

    extended.issue()
    extended.pass_review()

    assert shown(at, extended)["extends"] == str(journey.prescription_id)
    fetched(at, extended)


def test_what_is_replaced_while_a_pharmacy_holds_it_is_cancelled_and_the_hold_revoked(at: Town) -> None:
    journey = released(at)
    store = stores_of(at, journey)[0]
    hold = journey.hold(store)

    instead = follow_up(at, journey, journey.doctor, replaces=str(journey.prescription_id))
    instead.issue()
    instead.pass_review()

    journey.wait_for_status("cancelled")
    with refused("hold.wrong_state"):
        at.cast.pharmacy(store).pass_review(hold)
    fetched(at, instead)


def protocol(town: Town, from_key: str, to_key: str, mode: str = "prescriber_confirms") -> UUID:
    """As shortage would tell it."""
    issued = shortage.ProtocolIssued.model_validate(
        {
            "protocol_id": uuid4(),
            "case_id": uuid4(),
            "from_drug_key": from_key,
            "to_drug_key": to_key,
            "ratio": {"numerator": 1, "denominator": 1},
            "regions": [""],
            "mode": mode,
            "issuer": {"authority": "000000", "level": "nation", "person": "R1", "signed_sha256": "ab" * 32},
            "valid_from": town.world.as_of,
        }
    )
    for name in ("dispatch", "prescribe"):
        town.offices[name].react(issued)
    return issued.protocol_id


def test_a_declined_substitute_is_held_no_longer_and_the_pharmacy_hears_of_it(at: Town) -> None:
    journey = released(at)
    store, product = stores_of(at, journey)[0], at.world.product[journey.product_of(1)]
    other = next(each for each in at.world.products if each.drug.generic_name != product.drug.generic_name)
    doctor, pharmacy = at.cast.prescriber(journey.doctor), at.cast.pharmacy(store)
    named = protocol(at, key_of(product), key_of(other))
    at.stage.stock_up(store, other.code)
    substitute = {"line": 1, "quantity": 1, "product": other.code, "protocol_id": str(named)}
    hold = journey.hold(store, lines=[substitute])
    pharmacy.propose_substitute(hold, 1)
    asked = next(row for row in doctor.feedback() if row["kind"] == "substitution_proposed")
    proposal_id = asked["facts"]["proposal_id"]
    with refused("request.invalid"):
        doctor.decline_substitute(journey.prescription_id, proposal_id, " ")

    doctor.decline_substitute(journey.prescription_id, proposal_id, "另有治疗方案")

    at.settle()
    row = next(each for each in pharmacy.changes()["items"] if each["hold_id"] == hold.hold_id)
    assert (row["status"], row["reason"], row["notice"]) == (
        "revoked",
        "substitution_declined",
        "substitution_declined",
    )
    patient = at.cast.patient(journey.admitted.patient_ref)
    (fulfilment,) = patient.fulfilments(journey.prescription_id)
    (told,) = fulfilment["proposals"]
    assert (told["declined"], told["declined_because"]) == (True, "另有治疗方案")
    with refused("substitution.declined"):
        journey.hold(store, lines=[substitute])
    with refused("proposal.answered"):
        doctor.decline_substitute(journey.prescription_id, proposal_id, "another word")
    fetched(at, journey)


def key_of(product: Any) -> str:
    return f"{product.drug.generic_name}|{product.drug.form}|{product.drug.strength}"
