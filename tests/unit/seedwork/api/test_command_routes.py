"""Commands over HTTP: keys, repeats, secrets, versions, signatures."""

from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import ECKey

from contracts.roles import Role
from services.seedwork.identity import Issuer
from services.seedwork.signing import sign_compact

BOX = f"/boxes/{UUID(int=1)}"
KEY = {"Idempotency-Key": "first-intent"}
JOSE = {"Content-Type": "application/jose"}


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "with space 123", "umlaut-äöü"])
def test_a_command_without_a_usable_key_is_refused(key: str, call: Any, runtime: Any) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    response = call("POST", BOX, json={"label": "a"}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "idempotency.missing")
    assert runtime.executed == []


@pytest.mark.parametrize("key", ["x" * 8, "x" * 128, "7d0b0f52-5f0e-4c8e-9d6b-2f6f4f3a1b10"])
def test_keys_of_8_to_128_characters_are_taken(key: str, call: Any) -> None:
    assert call("POST", BOX, json={"label": "a"}, headers={"Idempotency-Key": key}).status_code == 201


def test_a_repeat_gets_the_first_answer_with_its_secret(call: Any) -> None:
    first = call("POST", BOX, json={"label": "a"}, headers=KEY)
    again = call("POST", BOX, json={"label": "a"}, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.json()["secret"].startswith(str(UUID(int=1)))
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"


def test_a_secret_is_not_among_what_is_kept(call: Any, runtime: Any) -> None:
    call("POST", BOX, json={"label": "a"}, headers=KEY)
    ((_, kept),) = runtime.answers.values()
    assert kept.body == {"box": str(UUID(int=1)), "label": "a"}


def test_a_repeated_refusal_is_the_first_refusal(call: Any) -> None:
    call("POST", BOX, json={"label": "a"})
    first = call("POST", BOX, json={"label": "a"}, headers=KEY)
    again = call("POST", BOX, json={"label": "a"}, headers=KEY)
    assert first.status_code == again.status_code == 422
    assert first.json()["facts"] == again.json()["facts"]
    assert first.json()["facts"]["box"] == str(UUID(int=1))
    assert again.headers["idempotent-replay"] == "true"


def test_another_body_under_the_same_key_is_refused(call: Any) -> None:
    call("POST", BOX, json={"label": "a"}, headers=KEY)
    response = call("POST", BOX, json={"label": "b"}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency.reused")


def test_a_key_belongs_to_one_person_and_one_address(call: Any, issuer: Issuer) -> None:
    call("POST", BOX, json={"label": "a"}, headers=KEY)
    other = issuer.issue_token("D2", Role.PRESCRIBER)
    assert "idempotent-replay" not in call("POST", BOX, json={"label": "b"}, headers=KEY, token=other).headers
    elsewhere = call("POST", f"/boxes/{UUID(int=2)}", json={"label": "a"}, headers=KEY)
    assert (elsewhere.status_code, "idempotent-replay" in elsewhere.headers) == (201, False)
    query = call("POST", f"{BOX}?colour=red", json={"label": "c"}, headers=KEY)
    assert (query.status_code, "idempotent-replay" in query.headers) == (201, False)


def test_the_request_is_identified_by_route_and_digest(call: Any, runtime: Any) -> None:
    call("POST", BOX, json={"label": "a"}, headers=KEY)
    idempotency = runtime.executed[0]["idempotency"]
    assert (idempotency.subject, idempotency.route, idempotency.key) == ("D1", f"POST {BOX}", "first-intent")
    assert len(idempotency.body_sha256) == 32


def test_a_command_on_the_version_that_was_read_is_done(call: Any) -> None:
    call("POST", BOX, json={"label": "a"})
    etag = call("GET", BOX).headers["etag"]
    assert etag == '"1"'
    assert call("POST", BOX, json={"label": "b"}, headers={"If-Match": etag}).status_code == 201


@pytest.mark.parametrize("if_match", ['"1"', '"0"', "*", "2", 'W/"2"', '"2", "3"', ""])
def test_a_command_on_any_other_version_is_refused(if_match: str, call: Any, runtime: Any) -> None:
    call("POST", BOX, json={"label": "a"})
    call("POST", BOX, json={"label": "b"})
    response = call("POST", BOX, json={"label": "c"}, headers={"If-Match": if_match})
    assert (response.status_code, response.json()["code"]) == (412, "request.precondition_failed")
    assert response.json()["facts"] == {"version": 2}
    assert len(runtime.streams[UUID(int=1)]) == 2


def test_a_signed_command_arrives_exactly_as_it_was_sent(call: Any, runtime: Any) -> None:
    key = ECKey.generate_key("P-256", private=True).as_dict(private=True)
    compact = sign_compact('{"处方":  1}'.encode(), key, "d-1")
    response = call("POST", "/seals", content=compact, headers=JOSE)
    assert response.json()["label"] == compact[-10:]


@pytest.mark.parametrize("body", ["", "a", "a.!.c", "€.€.€", "."])
def test_what_is_no_signature_is_malformed(body: str, call: Any, runtime: Any) -> None:
    response = call("POST", "/seals", content=body.encode(), headers=JOSE)
    assert response.json()["code"] in {"signature.malformed", "request.malformed"}
    assert runtime.executed == []


@pytest.mark.parametrize("payload", [b"{", b"[" * 33 + b"]" * 33, b'"\\u0000"', b"\xff"])
def test_a_signed_payload_is_held_to_the_same_json(payload: bytes, call: Any, runtime: Any) -> None:
    key = ECKey.generate_key("P-256", private=True).as_dict(private=True)
    response = call("POST", "/seals", content=sign_compact(payload, key, "d-1"), headers=JOSE)
    assert (response.status_code, response.json()["code"]) == (400, "request.malformed")
    assert runtime.executed == []


def test_json_where_a_signature_is_asked_for_is_refused(call: Any) -> None:
    response = call("POST", "/seals", json={"label": "a"})
    assert (response.status_code, response.json()["code"]) == (415, "request.media_type")
