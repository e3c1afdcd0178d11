"""Couriers' interfaces: orders out, simulated reports in."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from standardwebhooks import Webhook

from services.dispatch.adapters.couriers import Couriers
from services.dispatch.adapters.couriers.simulated import Mishaps, SimulatedBooking, Trip, journey
from services.dispatch.adapters.couriers.webhook import WebhookBooking
from services.dispatch.api.courier_webhooks import ReportMessage
from services.dispatch.domain.delivery.booking import Booked, Order
from services.dispatch.domain.delivery.values import ContactAddress
from services.seedwork.webhooks.post import Answer, Letter, Post

SECRET = "whsec_" + "QUJD" * 8  # base64 of a text, no key of anybody
URL = "https://courier.example/orders"
ORDER = Order(
    delivery_id=UUID(int=5),
    pickup_at="P43010200001",
    contact=ContactAddress(name="测试患者", phone="13800000000", address="长沙市示例路1号"),
    storage="refrigerated",
    identity_required=True,
)


def secret(_courier: str) -> str:
    return SECRET


def booking(answer: Answer) -> tuple[WebhookBooking, list[Letter]]:
    seen: list[Letter] = []

    def post(letter: Letter) -> Answer:
        seen.append(letter)
        return answer

    return WebhookBooking(secret, post), seen


def test_an_order_is_signed_and_says_no_more_than_the_courier_needs() -> None:
    gateway, seen = booking(Answer(201, body=b'{"reference": "R-1"}'))

    assert gateway.book("C", "webhook", URL, ORDER) == Booked("accepted", "R-1")

    (letter,) = seen
    assert (letter.url, letter.deadline_seconds) == (URL, 8.0)
    said = Webhook(SECRET).verify(letter.body, dict(letter.headers))
    assert letter.headers["webhook-id"] == f"book_{ORDER.delivery_id}"
    assert said["type"] == "delivery.requested"
    assert said["data"] == {
        "delivery_id": str(ORDER.delivery_id),
        "pickup_at": "P43010200001",
        "name": "测试患者",
        "phone": "13800000000",
        "address": "长沙市示例路1号",
        "storage": "refrigerated",
        "identity_check": True,
    }


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200, body=b'{"reference": ""}'), "unknown"),
        (Answer(200, body=b'["R"]'), "unknown"),
        (Answer(200, body=b"fine"), "unknown"),
        (Answer(200), "unknown"),
        (Answer(500), "unknown"),
        (Answer(429), "unknown"),
        (Answer(302), "refused"),
        (Answer(409), "refused"),
        (Answer(None, "time_out"), "unknown"),
        (Answer(None, "no_connection"), "unknown"),
    ],
    ids=[
        "no reference",
        "another form",
        "no JSON",
        "too long",
        "broken",
        "too many",
        "elsewhere",
        "no",
        "late",
        "nobody there",
    ],
)
def test_only_a_clear_answer_is_an_answer(answer: Any, outcome: str) -> None:
    gateway, _ = booking(answer)

    assert gateway.book("C", "webhook", URL, ORDER).outcome == outcome


def test_where_a_patient_lives_is_told_by_https_alone() -> None:
    gateway = WebhookBooking(secret, Post(development=False, private=True))

    assert gateway.book("C", "webhook", "http://courier.example/orders", ORDER) == Booked("refused")


def test_without_an_address_or_an_interface_nothing_is_ordered() -> None:
    gateway, seen = booking(Answer(500))

    assert gateway.book("C", "webhook", None, ORDER) == Booked("refused")
    assert Couriers({"webhook": gateway}).book("C", "fax", URL, ORDER) == Booked("refused")
    assert Couriers({"webhook": gateway}).book("C", "webhook", URL, ORDER) == Booked("unknown")
    assert SimulatedBooking().book("C", "simulated", None, ORDER).reference == f"SIM-{ORDER.delivery_id}"
    assert len(seen) == 1


START = datetime(2026, 3, 2, tzinfo=UTC)
CALM = Mishaps(0, 0, 0, 0, 0, 0, 0)


def kinds(trip: Trip, mishaps: Mishaps) -> list[str]:
    return [message.body["type"].removeprefix("parcel.") for message in journey(trip, mishaps)]


def test_a_calm_journey_is_told_in_order() -> None:
    assert kinds(Trip(uuid4(), START), CALM) == ["picked_up", "in_transit", "arrived", "delivered"]


def test_the_same_seed_and_parcel_say_the_same_and_every_message_is_one() -> None:
    trip = Trip(UUID(int=9), START, cold=True, seed=4)

    assert journey(trip) == journey(trip)
    assert journey(trip) != journey(Trip(UUID(int=9), START, cold=True, seed=5))
    for message in journey(trip, Mishaps(0.1, 0.3, 0.2, 1.0, 0.3, 0.3, 0.3)):
        ReportMessage.model_validate(orjson.loads(orjson.dumps(message.body))).report(message.message_id, "C")


def test_a_journey_can_be_faster_than_life() -> None:
    slow, quick = (journey(Trip(UUID(int=9), START, pace=pace), CALM)[-1].sent_at - START for pace in (1.0, 0.01))

    assert abs(slow / 100 - quick) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("mishaps", "found"),
    [
        (Mishaps(1, 0, 0, 0, 0, 0, 0), "lost"),
        (Mishaps(0, 1, 0, 0, 0, 0, 0), "attempt_failed"),
        (Mishaps(0, 0, 1, 0, 0, 0, 0), "refused"),
    ],
    ids=["lost", "failed", "refused"],
)
def test_every_mishap_can_happen(mishaps: Mishaps, found: str) -> None:
    assert kinds(Trip(uuid4(), START), mishaps)[-1] == found


def test_messages_come_twice_late_and_in_disorder() -> None:
    twice = journey(Trip(uuid4(), START), Mishaps(0, 0, 0, 0, 1, 0, 0))
    assert set(Counter(message.message_id for message in twice).values()) == {2}
    late = journey(Trip(uuid4(), START), Mishaps(0, 0, 0, 0, 0, 0, 1))
    assert all(message.sent_at - datetime.fromisoformat(message.body["timestamp"]) > timedelta() for message in late)
    disordered = kinds(Trip(uuid4(), START), Mishaps(0, 0, 0, 0, 0, 1, 0))
    assert disordered[0] == "in_transit"


def test_a_breach_is_measured_and_a_cold_parcel_has_an_attempt_less() -> None:
    (measured,) = [
        message
        for message in journey(Trip(uuid4(), START, cold=True), Mishaps(0, 0, 0, 1, 0, 0, 0))
        if message.body["type"] == "parcel.temperature"
    ]
    assert {reading["celsius"] for reading in measured.body["data"]["readings"]} >= {26.0}
    failing = Mishaps(0, 1, 0, 0, 0, 0, 0)
    assert kinds(Trip(uuid4(), START, cold=True), failing).count("attempt_failed") == 2
    assert kinds(Trip(uuid4(), START), failing).count("attempt_failed") == 3
