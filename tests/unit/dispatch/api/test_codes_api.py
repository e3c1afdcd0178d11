"""Codes over HTTP: shown to the patient as text and as a picture, compared in constant time, taken back goods."""

import hmac
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import segno

from services.dispatch.domain import guess, secrets
from tests.unit.dispatch.api.test_dispatch_api import Street, code_of
from tests.unit.dispatch.town import PATIENT_CARD, Town


@pytest.fixture
def street(town: Town, tmp_path: Path) -> Street:
    return Street(town, tmp_path)


def picture(code: str) -> bytes:
    return segno.make_qr(secrets.qr_text(code), error="m").svg_inline(scale=4).encode()


def test_the_patients_codes_are_shown_as_pictures(street: Street) -> None:
    fulfilment = street.town.release()
    supply, code = street.dispensed(fulfilment)

    token = street.patient.get(f"/fulfilments/{fulfilment}/token/qr")
    pickup = street.patient.get(f"/fulfilments/{fulfilment}/supplies/{supply}/pickup-qr")

    assert token.headers["content-type"] == "image/svg+xml"
    assert token.content == picture(street.token(fulfilment))
    assert pickup.content == picture(code)
    assert token.headers["cache-control"] == "no-store"


def test_pictures_are_for_the_patient_and_for_codes_that_are_worth_something(street: Street) -> None:
    fulfilment = street.town.release()
    supply_id = street.town.dispensed(fulfilment)
    pickup = f"/fulfilments/{fulfilment}/supplies/{supply_id}/pickup-qr"

    assert code_of(street.stranger.get(pickup)) == "fulfilment.not_yours"
    assert code_of(street.pharmacist.get(pickup)) == "identity.forbidden"
    assert code_of(street.patient.get(pickup.replace(str(supply_id), str(uuid4())))) == "supply.unknown"
    street.town.give_up(fulfilment, supply_id)
    assert code_of(street.patient.get(pickup)) == "supply.wrong_state"
    street.town.cancel(fulfilment)
    assert code_of(street.patient.get(f"/fulfilments/{fulfilment}/token/qr")) == "token.used_up"


def test_every_code_is_compared_in_constant_time(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the function that is used: the code shown reaches `hmac.compare_digest`, against the right one."""
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def seen(shown: Any, expected: Any) -> bool:
        compared.append((shown, expected))
        return compare(shown, expected)

    monkeypatch.setattr(hmac, "compare_digest", seen)
    fulfilment = street.town.release()
    token = street.token(fulfilment)
    street.pharmacist.post("/lookups", token=token)
    assert (token.encode(), token.encode()) in compared
    compared.clear()
    held = street.hold(fulfilment).json()
    assert (token.encode(), token.encode()) in compared
    compared.clear()
    street.pharmacist.post(f"/fulfilments/{fulfilment}/holds/{held['hold_id']}/release", secret="wrong", reason="other")
    assert (b"wrong", held["secret"].encode()) in compared
    other = street.town.release()
    supply_id = street.town.dispensed(other)
    street.town.clear(other, supply_id)
    compared.clear()
    collector = {"name": "测试患者", "identity_no": PATIENT_CARD}
    wrong = street.pharmacist.post(
        f"/fulfilments/{other}/supplies/{supply_id}/hand-out", code="WRNG", collector=collector
    )
    assert code_of(wrong) == "supply.wrong_pickup_code"
    assert [shown for shown, _ in compared] == [b"WRNG"]


def test_goods_are_taken_back_and_replaced_over_http(street: Street) -> None:
    town = street.town
    fulfilment = town.release()
    supply_id = town.collected(fulfilment)
    body = {"why": "quality", "note": "受潮", "lines": [{"line": 1, "quantity": 20}]}
    taken = street.pharmacist.post(f"/fulfilments/{fulfilment}/supplies/{supply_id}/take-back", **body)
    assert taken.json()["taken_back"] == [{"line": 1, "quantity": 20}]

    shown = street.patient.get(f"/fulfilments/{fulfilment}").json()
    (replaceable,) = shown["replaceable"]
    assert (replaceable["supply_id"], replaceable["lines"]) == (str(supply_id), [{"line": 1, "quantity": 20}])
    held = street.pharmacist.post(
        f"/fulfilments/{fulfilment}/holds",
        token=street.token(fulfilment),
        way="counter",
        lines=[{"line": 1, "quantity": 20}],
        replaces=str(supply_id),
    )
    assert (held.status_code, held.json()["kind"]) == (201, "replacement")


def test_the_preparer_takes_nothing_back(street: Street) -> None:
    fulfilment = street.town.release()
    supply_id = street.town.collected(fulfilment)
    path = f"/fulfilments/{fulfilment}/supplies/{supply_id}/take-back"

    assert code_of(street.preparer.post(path, why="quality")) == "identity.forbidden"
    street.town.refer("person", "P-OUT", {"name": "x", "professions": [], "organisation": "none"})
    assert code_of(street.competitor.post(path, why="quality")) == "supply.not_yours"


@pytest.mark.parametrize("broken", ["check", "miss"])
def test_when_wrong_codes_cannot_be_counted_no_code_is_answered(
    street: Street, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Neither a right one, whose lock nobody could look at, nor a wrong one, which nobody could count."""

    def fails(*_: Any) -> None:
        raise RuntimeError("no count")

    fulfilment = street.town.release()
    right = street.token(fulfilment)
    shown = right if broken == "check" else right[:5] + "0000000"
    monkeypatch.setattr(guess, broken, fails)
    before = street.town.store.log_index

    lookup = street.pharmacist.post("/lookups", token=shown)
    hold = street.pharmacist.post(
        f"/fulfilments/{fulfilment}/holds", token=shown, way="counter", lines=[{"line": 1, "quantity": 20}]
    )

    assert [(each.status_code, code_of(each)) for each in (lookup, hold)] == [(500, "internal.error")] * 2
    assert street.town.store.log_index == before
