"""The signed envelope: what the other side did not sign does not exist."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.insurance.adapters.national.envelope import Untrusted, base_string, opened, sealed
from tests.unit.insurance.far import APPLICATION, OTHERS, PLATFORM

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
DATA = {"infno": "2102", "input": {"b": 1, "a": "é中", "empty": "", "none": None, "list": [], "rows": [{"z": True}]}}


def test_what_one_side_seals_the_other_opens() -> None:
    envelope = sealed(DATA, APPLICATION, NOW)
    assert set(envelope) == {"appId", "version", "encType", "signType", "timestamp", "encData", "signData"}
    assert "2102" not in str(envelope), "nothing of it can be read on the way"
    assert opened(envelope, PLATFORM, NOW)["input"]["a"] == "é中"
    answer = sealed({"infcode": "0"}, PLATFORM, NOW, code="0", message="ok")
    assert opened(answer, APPLICATION, NOW) == {"infcode": "0"}


def test_the_base_string_is_that_of_the_platform() -> None:
    plain = {"version": "1.0.0", "appId": "A", "data": DATA, "signData": "x", "encData": "y", "extra": 1, "code": None}
    assert base_string(plain, "S").decode() == (
        'appId=A&data={"infno":"2102","input":{"a":"é中","b":"1","rows":[{"z":"true"}]}}&version=1.0.0&key=S'
    )
    assert base_string({"data": {"f": False, "deep": {"b": "", "a": ""}}}, "S").decode() == (
        'data={"deep":{},"f":"false"}&key=S'
    )


def test_numbers_keep_the_digits_they_are_written_with() -> None:
    envelope = sealed({"amount": 12}, APPLICATION, NOW)
    assert opened(envelope, PLATFORM, NOW) == {"amount": "12"}


def _swapped(envelope: dict[str, Any]) -> dict[str, Any]:
    return {**envelope, "encData": sealed({"infno": "2103"}, APPLICATION, NOW)["encData"]}


def _bit(envelope: dict[str, Any]) -> dict[str, Any]:
    raw = bytearray(base64.b64decode(envelope["signData"]))
    raw[5] ^= 1
    return {**envelope, "signData": base64.b64encode(bytes(raw)).decode()}


SPOILT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no object": lambda _: [],
    "a number in it": lambda e: {**e, "timestamp": 1},
    "another application": lambda e: {**e, "appId": "rxflow-test-applicatioN"},
    "no encryption": lambda e: {**e, "encType": "none"},
    "no signature": lambda e: {**e, "signType": ""},
    "no data": lambda e: {name: value for name, value in e.items() if name != "encData"},
    "data cut": lambda e: {**e, "encData": e["encData"][:-2]},
    "data of another": _swapped,
    "signature cut": lambda e: {**e, "signData": "AAAA"},
    "signature no base64": lambda e: {**e, "signData": "!"},
    "signature spoilt": _bit,
    "time changed": lambda e: {**e, "timestamp": str(int(e["timestamp"]) + 1)},
    "time no number": lambda e: {**e, "timestamp": "soon"},
    "code added": lambda e: {**e, "code": "0"},
}


@pytest.mark.parametrize("spoil", list(SPOILT))
def test_a_spoilt_envelope_is_not_trusted(spoil: str) -> None:
    envelope = sealed(DATA, APPLICATION, NOW)
    with pytest.raises(Untrusted):
        opened(SPOILT[spoil](envelope), PLATFORM, NOW)


def test_another_key_or_the_own_one_signs_nothing() -> None:
    for own in (OTHERS, PLATFORM.own):
        with pytest.raises(Untrusted):
            opened(sealed(DATA, replace(APPLICATION, own=own), NOW), PLATFORM, NOW)
    with pytest.raises(Untrusted):
        opened(sealed(DATA, APPLICATION, NOW), APPLICATION, NOW)


def test_an_old_envelope_and_one_that_is_no_object_inside_are_not_trusted() -> None:
    envelope = sealed(DATA, APPLICATION, NOW)
    for late in (timedelta(minutes=6), -timedelta(minutes=6)):
        with pytest.raises(Untrusted, match="time"):
            opened(envelope, PLATFORM, NOW + late)
