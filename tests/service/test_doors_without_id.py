"""Commands that make something new: content that breaks a rule is refused by its name, and nothing is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.roles import Role
from rxflow.play.stage import Admitted
from rxflow.world import Store, registration_of
from services.seedwork.model import derived_id
from tests.support.doors import Door, Knocking, doors, refusal
from tests.support.town import Town


@pytest.fixture(scope="module")
def admitted(shared_town: Town) -> Admitted:
    shared_town.settle()
    return shared_town.stage.admit(shared_town.world.patients[0])


@pytest.fixture(scope="module")
def store(shared_town: Town, admitted: Admitted) -> Store:
    """With one product on the shelf."""
    store = shared_town.world.stores[0]
    shared_town.stage.stock_up(store, shared_town.world.products[0].code)
    return store


@pytest.fixture
def knocking(shared_town: Town, store: Store) -> Iterator[Knocking]:
    shared_town.settle()
    shared_town.follows = False
    knocking = Knocking(shared_town)
    before = knocking.nothing_changed()
    yield knocking
    assert knocking.nothing_changed() == before
    shared_town.follows = True


@pytest.fixture(scope="module")
def by_name(shared_town: Town) -> dict[str, Door]:
    return {door.name: door for door in doors(shared_town)}


@pytest.mark.parametrize("code", ["patient.identity_number", "patient.birth_date", "patient.sex"])
def test_a_person_whose_numbers_contradict_each_other_is_not_registered(
    knocking: Knocking, by_name: dict[str, Door], code: str
) -> None:
    patient = knocking.town.world.patients[1]
    other_sex = {"female": "male", "male": "female"}[patient.sex]
    number = patient.identity_number
    broken = {
        "patient.identity_number": {"identity_number": number[:-1] + ("0" if number[-1] != "0" else "1")},
        "patient.birth_date": {"birth_date": "1901-01-01"},
        "patient.sex": {"sex": other_sex},
    }[code]
    door = by_name["POST /patients"]

    response = knocking.send(door, json={**registration_of(patient), **broken})

    assert refusal(door, response) == code
    assert patient.identity_number not in response.text


def receipt(town: Town, store: Store, **changes: Any) -> dict[str, Any]:
    lot = town.world.lots(store.code, town.world.products[0].code)[0]
    usual = {
        "product": lot.product,
        "lot": lot.lot,
        "expiry": lot.expires_on.isoformat(),
        "quantity": 1,
        "unit_price": 100,
    }
    return {**usual, **changes}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("stock.not_yours", {"pharmacy": "P43010200999"}),
        ("product.unknown", {"product": "X"}),
        ("stock.lot_expired", {"lot": "OLD", "expiry": "2020-01-01"}),
        ("stock.lot_differs", {"expiry": "2039-01-01"}),
    ],
)
def test_goods_that_may_not_enter_the_shelf_are_not_booked(
    knocking: Knocking, store: Store, by_name: dict[str, Door], code: str, changes: dict[str, Any]
) -> None:
    door = by_name["POST /stock/receipts"]
    token = knocking.town.cast.pharmacy(store).pharmacist.token

    response = knocking.send(door, token=token, json=receipt(knocking.town, store, **changes))

    assert refusal(door, response) == code


def test_a_pharmacy_that_is_in_no_register_books_nothing(knocking: Knocking, by_name: dict[str, Door]) -> None:
    door = by_name["POST /stock/receipts"]
    nobody = knocking.token(Role.PHARMACIST)
    response = knocking.send(door, token=nobody, json=receipt(knocking.town, knocking.town.world.stores[0]))

    assert refusal(door, response) == "pharmacy.not_admitted"


def test_books_are_not_corrected_below_nothing(knocking: Knocking, store: Store, by_name: dict[str, Door]) -> None:
    door = by_name["POST /stock/adjustments"]
    token = knocking.town.cast.pharmacy(store).pharmacist.token
    lot = knocking.town.world.lots(store.code, knocking.town.world.products[0].code)[0]
    body = {"product": lot.product, "lot": lot.lot, "change": -10_000_000, "reason": "counted"}

    assert refusal(door, knocking.send(door, token=token, json=body)) == "stock.below_zero"
    assert refusal(door, knocking.send(door, token=token, json={**body, "lot": "?"})) == "stock.lot_unknown"


def test_a_member_of_nobody_and_old_news_are_not_imported(
    knocking: Knocking, admitted: Admitted, by_name: dict[str, Door]
) -> None:
    door = by_name["POST /members"]
    member = {
        "patient_ref": str(admitted.patient_ref),
        "as_of": "2020-01-01",
        "insurer": admitted.patient.insurer,
        "insutype": "310",
        "psn_type": "在职",
        "insured_from": "2020-01-01",
    }
    assert refusal(door, knocking.send(door, json={**member, "insurer": "nobody"})) == "member.unknown_insurer"
    assert refusal(door, knocking.send(door, json=member)) == "member.import_outdated"


def test_consent_is_given_once_and_by_patients(
    knocking: Knocking, admitted: Admitted, by_name: dict[str, Door]
) -> None:
    give, withdraw = by_name["POST /authorisations"], by_name["POST /authorisations/withdrawals"]
    own = knocking.town.cast.patient(admitted.patient_ref).session.token
    nobody = knocking.town.tokens("patient-without-reference", Role.PATIENT)
    stranger = knocking.token(Role.PATIENT, subject="stranger", patient_ref=derived_id("patient", "stranger"))

    assert refusal(give, knocking.send(give, token=own)) == "authorisation.wrong_state"
    for door in (give, withdraw):
        assert refusal(door, knocking.send(door, token=nobody)) == "authorisation.not_a_patient"
    assert refusal(withdraw, knocking.send(withdraw, token=stranger)) == "authorisation.wrong_state"


def test_a_token_nobody_was_given_opens_no_prescription_and_guesses_are_locked(
    shared_town: Town, store: Store, by_name: dict[str, Door]
) -> None:
    door, knocking = by_name["POST /lookups"], Knocking(shared_town)
    token = shared_town.cast.pharmacy(shared_town.world.stores[5]).pharmacist.token

    answers = [refusal(door, knocking.send(door, token=token, json={"token": f"GUESS-000000{n}"})) for n in range(7)]

    assert answers == [*["token.wrong"] * 5, *["token.locked"] * 2]
    other = shared_town.cast.pharmacy(shared_town.world.stores[6]).pharmacist.token
    assert refusal(door, knocking.send(door, token=other, json={"token": "GUESS-0000000"})) == "token.wrong"


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"code": "x"},
        {"code": 7, "content": [], "valid_from": "2026-02-30"},
        {"code": "x" * 5000, "content": {}, "valid_from": "2026-01-01"},
        {"code": "D1", "content": {"name": "x"}, "valid_from": "2026-01-01", "valid_until": "2025-01-01"},
    ],
)
def test_a_wrong_row_of_a_register_is_reported_and_not_recorded(
    knocking: Knocking, by_name: dict[str, Door], row: dict[str, Any]
) -> None:
    for name, kind in (("prescribe", "person"), ("dispatch", "pharmacy"), ("insurance", "insurer")):
        door = next(each for each in doors(knocking.town) if each.service == name and each.path == "/registers/{kind}")
        door = Door(door.service, "POST", door.path, door.right, is_command=True, codes=door.codes)
        response = knocking.send(door, door.at(kind=kind), json={"entries": [row]})
        assert response.status_code == 200
        assert response.json()["refused"] == 1
        assert response.json()["rows"][0]["errors"]


def test_an_entry_that_no_message_could_carry_is_refused(knocking: Knocking, by_name: dict[str, Door]) -> None:
    door = Door("dispatch", "POST", "/registers/{kind}", "register.load", is_command=True)
    known = knocking.town.world.entries("pharmacy")[0].as_json()
    huge = {**known, "content": {**known["content"], "name": "x" * 300_000}}

    response = knocking.send(door, "/registers/pharmacy", json={"entries": [huge]})

    assert response.status_code == 200, response.text
    assert response.json()["rows"][0]["errors"] == ["content: more than 16384 characters"]
