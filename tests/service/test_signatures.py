"""Signed commands: whoever signs something else, otherwise, or with another key, has signed nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from joserfc import jws as jose
from joserfc.jwk import ECKey, OctKey

from contracts.registers import SigningKey
from rxflow.play.journey import Journey
from rxflow.simulation.writing import a_journey
from services.seedwork.identity import new_private_jwk
from services.seedwork.signing import sign_compact
from tests.support.doors import Door, Knocking, doors, refusal
from tests.support.played import Story
from tests.support.town import Town

JOSE = "application/jose"


@pytest.fixture(scope="module")
def journey(shared_town: Town) -> Journey:
    """Written, not issued."""
    return a_journey(shared_town, 0)


@pytest.fixture(scope="module")
def in_review(shared_town: Town) -> Story:
    """Another one, whose case is taken."""
    other = a_journey(shared_town, 6)
    other.issue()
    case = other.take_case()
    return Story(other, {"id": case["case_id"]})


@pytest.fixture(scope="module")
def by_name(shared_town: Town) -> dict[str, Door]:
    return {door.name: door for door in doors(shared_town)}


@pytest.fixture
def knocking(shared_town: Town, journey: Journey, in_review: Story) -> Iterator[Knocking]:
    """Nothing that is refused changes anything."""
    shared_town.settle()
    shared_town.follows = False
    knocking = Knocking(shared_town)
    before = knocking.nothing_changed()
    yield knocking
    assert knocking.nothing_changed() == before
    shared_town.follows = True


def forged(body: bytes, jwk: dict[str, Any], kid: str) -> Iterator[tuple[str, str, str]]:
    """(what is wrong, the compact form, the code)"""
    good = sign_compact(body, jwk, kid)
    header, payload, signature = good.split(".")
    yield "another key under this name", sign_compact(body, orjson.loads(new_private_jwk()), kid), "signature.invalid"
    yield "a key nobody registered", sign_compact(body, jwk, "no-such-key"), "signature.unknown_key"
    yield "no UTF-8 as a key's name", _with_header(good, {"alg": "ES256", "kid": "\ud800"}), "signature.malformed"
    again = _encoded(json.dumps(json.loads(body), indent=1).encode())
    yield "the same values in other bytes", f"{header}.{again}.{signature}", "signature.invalid"
    cut = base64.urlsafe_b64encode(base64.urlsafe_b64decode(signature + "==")[:-1]).rstrip(b"=").decode()
    yield "a signature that was cut", f"{header}.{payload}.{cut}", "signature.invalid"
    yield "no signature", f"{header}.{payload}.", "signature.invalid"
    yield "alg none", _with_header(f"{header}.{payload}.", {"alg": "none", "kid": kid}), "signature.malformed"
    public = OctKey.import_key(orjson.dumps(ECKey.import_key(jwk).as_dict(private=False)))
    mac = jose.serialize_compact({"alg": "HS256", "kid": kid}, body, public, algorithms=["HS256"])
    yield "HMAC keyed by the public key", mac, "signature.malformed"
    yield "without a key's name", _with_header(good, {"alg": "ES256"}), "signature.malformed"
    yield (
        "an extension nobody knows",
        _with_header(good, {"alg": "ES256", "kid": kid, "crit": ["x"]}),
        "signature.malformed",
    )
    yield "a key brought along", _with_header(good, {"alg": "ES256", "kid": kid, "jwk": {}}), "signature.invalid"


def _with_header(compact: str, header: dict[str, Any]) -> str:
    return ".".join([_encoded(json.dumps(header).encode()), *compact.split(".")[1:]])


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def test_a_prescription_that_is_not_signed_as_it_should_be_is_not_issued(
    knocking: Knocking, journey: Journey, by_name: dict[str, Door]
) -> None:
    door, pair = by_name["POST /prescriptions"], journey.doctor.key
    token = knocking.town.cast.prescriber(journey.doctor).session.token
    for why, compact, code in forged(journey.draft.body, dict(pair.private_jwk), pair.kid):
        response = knocking.send(door, token=token, content=compact.encode(), media_type=JOSE)
        assert refusal(door, response) == code, why


def test_a_payload_that_was_altered_is_refused(knocking: Knocking, journey: Journey, by_name: dict[str, Door]) -> None:
    door = by_name["POST /prescriptions"]
    token = knocking.town.cast.prescriber(journey.doctor).session.token
    header, _, signature = journey.draft.jws.split(".")
    altered = {**journey.draft.payload, "validity_days": 1}
    assert altered != journey.draft.payload
    compact = f"{header}.{_encoded(orjson.dumps(altered))}.{signature}"

    response = knocking.send(door, token=token, content=compact.encode(), media_type=JOSE)

    assert refusal(door, response) == "signature.invalid"


def test_somebody_elses_signature_is_refused(knocking: Knocking, journey: Journey, by_name: dict[str, Door]) -> None:
    door = by_name["POST /prescriptions"]
    colleague = next(
        each for each in knocking.town.world.hospital_of(journey.doctor).doctors if each.code != journey.doctor.code
    )
    own = knocking.town.cast.prescriber(journey.doctor).session.token
    theirs = knocking.town.cast.prescriber(colleague).session.token
    signed_by_colleague = colleague.key.sign(journey.draft.body).encode()

    stolen = knocking.send(door, token=theirs, content=journey.draft.jws.encode(), media_type=JOSE)
    lent = knocking.send(door, token=own, content=signed_by_colleague, media_type=JOSE)

    assert refusal(door, stolen) == "prescription.not_yours"
    assert refusal(door, lent) == "signature.unknown_key"


@pytest.mark.parametrize("field", ["prescription_id", "patient_ref", "lines", "insurance_intent"])
def test_a_signed_payload_of_the_wrong_form_is_refused(
    knocking: Knocking, journey: Journey, by_name: dict[str, Door], field: str
) -> None:
    door = by_name["POST /prescriptions"]
    token = knocking.town.cast.prescriber(journey.doctor).session.token
    payload = dict(journey.draft.payload)
    for wrong in ({**payload, field: 7}, {name: value for name, value in payload.items() if name != field}):
        compact = journey.doctor.key.sign(orjson.dumps(wrong))
        response = knocking.send(door, token=token, content=compact.encode(), media_type=JOSE)
        assert refusal(door, response) == "prescription.payload"
    unknown = journey.doctor.key.sign(orjson.dumps({**payload, "misspelt": 1}))
    assert refusal(door, knocking.send(door, token=token, content=unknown.encode(), media_type=JOSE)) == (
        "prescription.payload"
    )


def test_a_signed_payload_that_says_something_twice_is_refused(
    knocking: Knocking, journey: Journey, by_name: dict[str, Door]
) -> None:
    """Parsers differ in which of the two they take: what was signed would be another prescription to another reader."""
    door = by_name["POST /prescriptions"]
    token = knocking.town.cast.prescriber(journey.doctor).session.token
    payload = orjson.dumps(dict(journey.draft.payload))
    twice = payload.replace(b'"prescriber":', b'"prescriber":"D000000000000","prescriber":', 1)
    assert twice != payload

    response = knocking.send(door, token=token, content=journey.doctor.key.sign(twice).encode(), media_type=JOSE)

    assert refusal(door, response) == "request.malformed"


def test_a_pass_that_is_not_signed_as_it_should_be_passes_nothing(
    knocking: Knocking, in_review: Story, by_name: dict[str, Door]
) -> None:
    door = by_name["POST /cases/{id}/pass"]
    reviewer, person = knocking.town.cast.reviewer_of(in_review.journey.doctor)
    case = reviewer.case(in_review.ids["id"])
    body = {"case_id": case["case_id"], "revision": case["revision"], "signed_sha256": case["signed_sha256"]}
    path, token = door.at(**in_review.ids), reviewer.session.token

    for why, compact, code in forged(orjson.dumps(body), dict(person.key.private_jwk), person.key.kid):
        response = knocking.send(door, path, token=token, content=compact.encode(), media_type=JOSE)
        assert refusal(door, response) == code, why
    for something_else in ({"case_id": str(uuid4())}, {"revision": 2}, {"signed_sha256": "ab" * 32}):
        compact = person.key.sign(orjson.dumps({**body, **something_else}))
        response = knocking.send(door, path, token=token, content=compact.encode(), media_type=JOSE)
        assert refusal(door, response) == "case.signed_something_else", something_else
    doctors = in_review.journey.doctor.key.sign(orjson.dumps(body))
    response = knocking.send(door, path, token=token, content=doctors.encode(), media_type=JOSE)
    assert refusal(door, response) == "signature.unknown_key"


def test_a_key_counts_only_in_its_days_of_validity(
    shared_town: Town, journey: Journey, by_name: dict[str, Door]
) -> None:
    door, doctor = by_name["POST /prescriptions"], journey.doctor
    today = shared_town.now().date()
    administrator = shared_town.cast.administrator()
    entry = next(each for each in shared_town.world.entries("person") if each.code == doctor.code).as_json()

    def recorded(valid_from: date, valid_until: date) -> None:
        jwk = doctor.key.public_jwk
        key = SigningKey(kid=doctor.key.kid, jwk=jwk, valid_from=valid_from, valid_until=valid_until)
        content = {**entry["content"], "keys": [key.model_dump(mode="json")]}
        assert administrator.record("prescribe", "person", [{**entry, "content": content}]) == [None]

    knocking = Knocking(shared_town)
    token = shared_town.cast.prescriber(doctor).session.token
    for days in ((-30, -2), (2, 30)):
        recorded(today + timedelta(days=days[0]), today + timedelta(days=days[1]))
        response = knocking.send(door, token=token, content=journey.draft.jws.encode(), media_type=JOSE)
        assert refusal(door, response) == "signature.key_not_valid"
    recorded(today - timedelta(days=30), today + timedelta(days=30))
    issued = knocking.send(door, token=token, content=journey.draft.jws.encode(), media_type=JOSE)
    assert issued.status_code == 201
