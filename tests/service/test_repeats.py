"""Repeats over HTTP on the real routes: the first answer again, secrets included; twins at once have one effect."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.topology import PORTS
from rxflow.client import Session
from rxflow.play.journey import Journey
from rxflow.simulation.people import Mischief
from rxflow.simulation.writing import a_journey, stores_of
from rxflow.world import registration_of
from tests.support.doors import Door, Knocking, doors, refusal
from tests.support.invariants import hold_at_rest
from tests.support.town import Town

TWINS = 20
ANY = Door("dispatch", "POST", "/", codes=frozenset({"idempotency.reused", "hold.not_enough_remaining", "token.wrong"}))


@pytest.fixture(scope="module")
def town(either_town: Town) -> Town:
    return either_town


@pytest.fixture
def journey(town: Town) -> Journey:
    """Released and waiting to be held, for a patient of its own."""
    journey = a_journey(town, next(NUMBERS), packs=2)
    journey.issue()
    journey.pass_review()
    return journey


NUMBERS = iter(range(80))


def request(session: Session, service: str, path: str, body: Any, key: str) -> httpx.Request:
    headers = {"Authorization": f"Bearer {session.token}", "Idempotency-Key": key}
    url = f"http://127.0.0.1:{PORTS[service]}{path}"
    if isinstance(body, str):
        return httpx.Request("POST", url, headers={**headers, "Content-Type": "application/jose"}, content=body)
    return httpx.Request("POST", url, headers=headers, json=body)


def hold_request(town: Town, journey: Journey, key: str, quantity: int = 0, token: str = "") -> httpx.Request:
    store = stores_of(town, journey)[0]
    fulfilment = journey.wait_for_fulfilment()
    product = journey.product_of(1)
    town.stage.stock_up(store, product)
    shown = token or town.cast.patient(journey.admitted.patient_ref).token(fulfilment)
    quantity = quantity or town.world.product[product].drug.pack_size
    body = {"token": shown, "way": "counter", "lines": [{"line": 1, "quantity": quantity}]}
    session = town.cast.pharmacy(store).pharmacist
    return request(session, "dispatch", f"/fulfilments/{fulfilment}/holds", body, key)


def events(town: Town, service: str) -> int:
    """What people did: a shelf's level is published by the clock, whoever repeats what."""
    by_clock = "topic <> 'dispatch.stock.level_published'"
    return int(town.offices[service].query(f"SELECT count(*) FROM events WHERE {by_clock}")[0][0])


def test_a_repeat_gets_the_first_answer_and_the_secret_again(town: Town, journey: Journey) -> None:
    key = uuid4().hex
    first = town.applications.handle_request(hold_request(town, journey, key))
    before = events(town, "dispatch")

    again = town.applications.handle_request(hold_request(town, journey, key))

    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert len(again.json()["secret"]) == 64
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert events(town, "dispatch") == before


def test_the_secret_is_stored_nowhere(town: Town, journey: Journey) -> None:
    secret = town.applications.handle_request(hold_request(town, journey, uuid4().hex)).json()["secret"]
    town.settle()

    for name, office in town.offices.items():
        for table, column in (("events", "state"), ("public", "body"), ("idempotency", "answer")):
            stored = b"".join(bytes(row[0]) for row in office.query(f"SELECT {column} FROM {table}"))
            assert secret.encode() not in stored, f"{name}.{table}"


def test_twenty_twins_at_once_have_one_effect_and_one_answer(town: Town, journey: Journey) -> None:
    key = uuid4().hex
    twins = [hold_request(town, journey, key) for _ in range(TWINS)]
    before = events(town, "dispatch")

    answers = town.applications.at_once(twins)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert events(town, "dispatch") == before + 2  # the hold, and the stock it reserves


def test_twenty_rivals_for_the_same_quantity_get_it_once(town: Town, journey: Journey) -> None:
    whole = journey.draft.payload["lines"][0]["quantity"]
    rivals = [hold_request(town, journey, uuid4().hex, whole) for _ in range(TWINS)]
    before = events(town, "dispatch")

    answers = town.applications.at_once(rivals)

    won = [answer for answer in answers if answer.status_code == 201]
    codes = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert len(won) == 1
    assert codes <= {"hold.not_enough_remaining", "conflict.persistent", "overload.shed"}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
    assert events(town, "dispatch") == before + 2


@pytest.mark.parametrize("kind", ["patient", "prescription", "cancellation", "authorisation"])
def test_twins_of_other_commands_have_one_effect_too(town: Town, kind: str) -> None:
    number = next(NUMBERS)
    journey = a_journey(town, number)
    key, cast = uuid4().hex, town.cast
    match kind:
        case "patient":
            body: Any = registration_of(town.world.patients[number])
            asked = ("prescribe", cast.administrator().session, "/patients", body)
        case "prescription":
            asked = ("prescribe", cast.prescriber(journey.doctor).session, "/prescriptions", journey.draft.jws)
        case "cancellation":
            body = {"request_id": str(uuid4()), "reason_code": "wrong_drug"}
            path = f"/prescriptions/{journey.prescription_id}/cancellations"
            asked = ("prescribe", cast.prescriber(journey.doctor).session, path, body)
        case _:
            patient = cast.patient(journey.admitted.patient_ref).session
            asked = ("insurance", patient, "/authorisations/withdrawals", {})
    service, session, path, body = asked
    before = events(town, service)

    answers = town.applications.at_once([request(session, service, path, body, key) for _ in range(TWINS)])

    assert {answer.status_code for answer in answers} <= {200, 201, 202}
    assert len({answer.content for answer in answers}) == 1
    assert events(town, service) == before + 1


def test_the_same_prescription_under_twenty_keys_is_issued_once(town: Town) -> None:
    """The client chose its id: the same bytes again are the same prescription, whatever the key."""
    journey = a_journey(town, next(NUMBERS))
    session = town.cast.prescriber(journey.doctor).session
    before = events(town, "prescribe")

    jws = journey.draft.jws
    twins = [request(session, "prescribe", "/prescriptions", jws, uuid4().hex) for _ in range(TWINS)]
    answers = town.applications.at_once(twins)

    assert {answer.status_code for answer in answers} == {201}
    assert events(town, "prescribe") == before + 1


def test_another_body_under_the_same_key_is_refused(town: Town, journey: Journey) -> None:
    key = uuid4().hex
    first = town.applications.handle_request(hold_request(town, journey, key))
    before = events(town, "dispatch")

    other = town.applications.handle_request(hold_request(town, journey, key, quantity=1))

    assert first.status_code == 201
    assert refusal(ANY, other) == "idempotency.reused"
    assert events(town, "dispatch") == before


def test_a_refusal_is_repeated_even_when_it_would_be_granted_now(town: Town, journey: Journey) -> None:
    key, whole = uuid4().hex, journey.draft.payload["lines"][0]["quantity"]
    first = town.applications.handle_request(hold_request(town, journey, key, whole + 1))
    again = town.applications.handle_request(hold_request(town, journey, key, whole + 1))

    assert refusal(ANY, first) == refusal(ANY, again) == "hold.not_enough_remaining"
    assert again.headers["idempotent-replay"] == "true"


def test_a_wrong_code_is_counted_once_however_often_it_is_repeated(town: Town, journey: Journey) -> None:
    key = uuid4().hex
    first = town.applications.handle_request(hold_request(town, journey, key, token="WRONG-0000000"))
    before = events(town, "dispatch")

    again = town.applications.handle_request(hold_request(town, journey, key, token="WRONG-0000000"))

    assert refusal(ANY, first) == refusal(ANY, again) == "token.wrong"
    assert again.headers["idempotent-replay"] == "true"
    assert events(town, "dispatch") == before


def test_a_row_of_many_is_done_once_however_often_it_is_sent(town: Town, journey: Journey) -> None:
    store = stores_of(town, journey)[0]
    pharmacy, hold = town.cast.pharmacy(store), journey.hold(store)
    pharmacy.pass_review(hold)
    packs = [
        {"line": line["line"], **pack}
        for line in hold.shown["lines"]
        for pack in town.stage.take_packs(store, journey.product_of(line["line"]), line["quantity"])
    ]
    about = {"fulfilment_id": hold.fulfilment_id, "hold_id": hold.hold_id, "secret": hold.secret}
    row = {"row_key": uuid4().hex, "step": "prepare", **about, "lines": packs}
    key, broken = uuid4().hex, {**row, "row_key": uuid4().hex, "secret": "guessed"}

    def sent(key: str, *rows: Any) -> Any:
        return town.applications.handle_request(
            request(pharmacy.preparer, "dispatch", "/fills", {"rows": list(rows)}, key)
        )

    first = sent(key, row, broken)
    before = events(town, "dispatch")
    again, elsewhere, other = sent(key, row, broken), sent(uuid4().hex, row), sent(key, row)

    assert [each["result"] for each in first.json()["rows"]] == ["done", "refused"]
    assert [each["body"] for each in again.json()["rows"][:1]] == [each["body"] for each in first.json()["rows"][:1]]
    assert again.json()["rows"][1]["problem"] == first.json()["rows"][1]["problem"] == "hold.wrong_secret"
    assert (again.headers["idempotent-replay"], elsewhere.json()["rows"][0]["replayed"]) == ("true", True)
    assert other.json()["code"] == "idempotency.reused"
    changed = sent(uuid4().hex, {**row, "lines": packs[:1] * 2})
    assert changed.json()["rows"][0]["problem"] == "idempotency.reused"
    assert events(town, "dispatch") == before


def test_a_key_is_the_callers_own(town: Town, journey: Journey) -> None:
    """The same key of somebody else, or at another door, is another intent."""
    key = uuid4().hex
    hold = town.applications.handle_request(hold_request(town, journey, key)).json()
    pharmacy = town.cast.pharmacy(stores_of(town, journey)[0])
    path = f"/fulfilments/{hold['fulfilment_id']}/holds/{hold['hold_id']}"

    reviewed = request(pharmacy.pharmacist, "dispatch", f"{path}/review", {"secret": hold["secret"]}, key)
    fetched = request(pharmacy.pharmacist, "dispatch", f"{path}/secret", {}, key)

    assert town.applications.handle_request(reviewed).json()["status"] == "accepted"
    assert town.applications.handle_request(fetched).json()["secret"] == hold["secret"]


def test_only_commands_take_a_key(town: Town) -> None:
    assert all(door.is_command for door in doors(town) if door.method == "POST" and not door.is_signed)


def test_what_people_do_adds_up_on_this_database_too(town: Town) -> None:
    mischief = Mischief(town, a_journey(town, next(NUMBERS), packs=2))
    mischief.journey.issue()
    mischief.journey.pass_review()
    town.settle()
    town.follows = False
    for _ in range(60):
        mischief.act()
        town.stir(4)
    town.follows = True
    town.settle()

    hold_at_rest(town)


def test_numbers_that_no_column_holds_are_refused_on_this_database_too(town: Town) -> None:
    knocking = Knocking(town)
    for door in (door for door in doors(town) if door.path in {"/settlements", "/internal/feed/{family}"}):
        for number in (2**63, 2**64, 10**40):
            assert refusal(door, knocking.send(door, f"{door.at()}?after={number}")) == "request.invalid"
        assert knocking.send(door, f"{door.at()}?after={2**63 - 1}").status_code == 200
