"""Two hundred pharmacists at once for one prescription, over HTTP and on each database: exactly what is prescribed is
held, and everybody gets an answer."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import httpx
import pytest

from contracts.topology import PORTS
from rxflow.play.journey import Journey
from rxflow.simulation.writing import a_journey, stores_of
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.stock.item import STOCK_ITEMS
from tests.support.invariants import hold_at_rest
from tests.support.town import Town

RACERS = 200
PACKS = 6
ROUNDS_MAX = 20
"""A racer who is told to come back comes back; so often at most."""
PEOPLE_NUMBERS = iter(range(40, 80))


@pytest.fixture(scope="module")
def town(either_town: Town) -> Town:
    return either_town


@pytest.fixture
def journey(town: Town) -> Journey:
    journey = a_journey(town, next(PEOPLE_NUMBERS), packs=PACKS)
    journey.issue()
    journey.pass_review()
    return journey


def racers(town: Town, journey: Journey, quantity: int) -> list[httpx.Request]:
    """Each with a key of its own, from every pharmacy of the town in turn, with the packs in hand."""
    fulfilment = journey.wait_for_fulfilment()
    token = town.cast.patient(journey.admitted.patient_ref).token(fulfilment)
    stores = stores_of(town, journey)
    for store in stores:
        town.stage.stock_up(store, journey.product_of(1))
    body = {"token": token, "way": "counter", "lines": [{"line": 1, "quantity": quantity}], "packs_seen": True}
    url = f"http://127.0.0.1:{PORTS['dispatch']}/fulfilments/{fulfilment}/holds"
    sessions = [town.cast.pharmacy(stores[number % len(stores)]).pharmacist for number in range(RACERS)]
    return [
        httpx.Request(
            "POST",
            url,
            headers={"Authorization": f"Bearer {session.token}", "Idempotency-Key": uuid4().hex},
            json=body,
        )
        for session in sessions
    ]


def race(town: Town, waiting: list[httpx.Request]) -> tuple[list[httpx.Response], int]:
    """The last answer to each, and how many rounds it took: 503 says when to come back, with the same key."""
    answered: list[httpx.Response] = []
    for round_ in range(1, ROUNDS_MAX + 1):
        answers = town.applications.at_once(waiting)
        assert len(answers) == len(waiting), "everybody gets an answer"
        again = [(one, answer) for one, answer in zip(waiting, answers, strict=True) if answer.status_code == 503]
        assert all(answer.headers["retry-after"].isdigit() for _, answer in again)
        answered += [answer for answer in answers if answer.status_code != 503]
        waiting = [one for one, _ in again]
        if not waiting:
            return answered, round_
    raise AssertionError(f"{len(waiting)} racers never got an answer")


def test_exactly_the_prescribed_quantity_is_held_and_everybody_gets_an_answer(town: Town, journey: Journey) -> None:
    size = town.world.product[journey.product_of(1)].drug.pack_size
    requests = racers(town, journey, size)

    answers, _ = race(town, requests)

    assert len(answers) == RACERS
    found = Counter(answer.status_code for answer in answers)
    assert found == {201: PACKS, 409: RACERS - PACKS}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"hold.not_enough_remaining"}
    _held_is(town, journey, PACKS * size)


def test_a_quantity_that_does_not_divide_is_never_exceeded(town: Town, journey: Journey) -> None:
    prescribed = PACKS * town.world.product[journey.product_of(1)].drug.pack_size
    wanted = prescribed * 2 // 5

    answers, _ = race(town, racers(town, journey, wanted))

    winners = prescribed // wanted
    assert Counter(answer.status_code for answer in answers)[201] == winners
    _held_is(town, journey, winners * wanted)


def test_every_racer_that_comes_again_with_its_key_has_its_first_answer(town: Town, journey: Journey) -> None:
    size = town.world.product[journey.product_of(1)].drug.pack_size
    requests = racers(town, journey, size)
    first, _ = race(town, requests)
    before = {answer.request.headers["idempotency-key"]: answer for answer in first}

    again, _ = race(town, requests)

    for answer in again:
        known = before[answer.request.headers["idempotency-key"]]
        assert (answer.status_code, answer.json()["code"] if answer.status_code == 409 else answer.json()) == (
            known.status_code,
            known.json()["code"] if known.status_code == 409 else known.json(),
        )
    _held_is(town, journey, PACKS * size)


def _held_is(town: Town, journey: Journey, quantity: int) -> None:
    """By the buckets, by the holds, and by what the shelves have reserved."""
    town.settle()
    (fulfilment,) = [
        state
        for state in town.offices["dispatch"].states(FULFILMENTS)
        if str(state.fulfilment_id) == journey.wait_for_fulfilment()
    ]
    assert fulfilment.lines[1].buckets.held == quantity
    assert sum(hold.held(1) for hold in fulfilment.running_holds()) == quantity
    holds = {hold.hold_id for hold in fulfilment.running_holds()}
    shelves = town.offices["dispatch"].states(STOCK_ITEMS)
    assert sum(kept for shelf in shelves for hold, kept in shelf.reserved.items() if hold in holds) == quantity
    hold_at_rest(town)
