"""Calls made invalid, and what may be answered to them."""

from __future__ import annotations

import json
from random import Random

import pytest

from tests.chaos.invalid import KINDS, Strangers, permitted, pick
from tests.chaos.notes import Sent

STRANGERS = Strangers("over", "nobody")
ID = "0b0d1a52-6a55-4c8f-9a39-2b7a8d1f0c11"
OTHER_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def sent(path: str, body: object = None, *, method: str = "POST", media_type: str = "application/json") -> Sent:
    headers = {"authorization": "Bearer good", "content-type": media_type, "idempotency-key": "first-key"}
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    key = "first-key" if method == "POST" else ""
    return Sent("dispatch", method, f"http://127.0.0.1:8103{path}", headers, content, key)


HAND_OUT = sent(f"/fulfilments/{ID}/supplies/{OTHER_ID}/hand-out", {"code": "RIGHT", "collector": {"name": "x"}})
READ = sent(f"/fulfilments/{ID}", method="GET")
SIGNED = sent("/prescriptions", b"a.b.c", media_type="application/jose")


def spoilt(kind: str, original: Sent) -> Sent | None:
    return KINDS[kind].spoil(original, STRANGERS, Random(1))


def test_every_kind_changes_something_and_is_an_intent_of_its_own_but_for_the_reused_key() -> None:
    for name in KINDS:
        found = spoilt(name, HAND_OUT)
        assert found is not None, name
        assert found != HAND_OUT
        assert (found.key == HAND_OUT.key) == (name == "key with another body")
        assert found.headers["idempotency-key"] == found.key


def test_a_wrong_code_is_the_only_thing_wrong_with_it() -> None:
    found = spoilt("wrong pickup code", HAND_OUT)

    assert found is not None
    assert json.loads(found.content) == {"code": "00000000", "collector": {"name": "x"}}
    assert found.url == HAND_OUT.url


def test_an_unknown_id_takes_the_place_of_the_first_one() -> None:
    found = spoilt("unknown id", HAND_OUT)

    assert found is not None
    assert ID not in found.url
    assert OTHER_ID in found.url


@pytest.mark.parametrize(
    ("kind", "original"),
    [
        ("malformed JSON", READ),
        ("wrong types", READ),
        ("unknown id", sent(f"/prescriptions/{ID}/cancellations", {"urgent": False})),
        ("foreign token", sent("/authorisations", {})),
        ("foreign token", sent("/cases?limit=20", method="GET")),
        ("wrong state", sent("/stock/receipts", {"quantity": 1})),
        ("wrong state", SIGNED),
        ("key with another body", READ),
    ],
)
def test_what_would_be_in_order_that_way_is_left_alone(kind: str, original: Sent) -> None:
    assert spoilt(kind, original) is None


def test_a_signed_command_is_no_signature_any_more() -> None:
    found = spoilt("wrong types", SIGNED)

    assert found is not None
    assert found.content != SIGNED.content
    assert found.headers["content-type"] == "application/jose"


def test_only_what_needs_an_accepted_original_comes_after() -> None:
    picked = [pick(HAND_OUT, STRANGERS, Random(seed), after=True) for seed in range(20)]

    assert {each[0] for each in picked if each} == {"key with another body", "wrong state"}
    assert pick(READ, STRANGERS, Random(1), after=True) is None


@pytest.mark.parametrize(
    ("status", "code", "fine"),
    [
        (404, "fulfilment.unknown", True),
        (422, "idempotency.reused", True),
        (503, "overload.shed", True),
        (503, None, True),
        (200, None, False),
        (500, "internal.error", False),
        (404, None, False),
        (409, "no.such_code", False),
        (400, "fulfilment.unknown", False),
    ],
)
def test_what_may_be_answered(status: int, code: str | None, fine: bool) -> None:
    assert permitted(status, code) is fine
