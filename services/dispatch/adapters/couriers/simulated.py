"""A simulated courier: takes every order, and reports its parcels as real ones do: late, twice, in disorder, or never.

The same seed and parcel give the same reports, whoever asks and however often. `rxflow courier` runs it as a process of
its own that sends them, signed, to the webhook.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from services.dispatch.domain.delivery.booking import Booked, Order

EVERY = timedelta(minutes=5)
"""Between two readings of its logger."""
WARM, GOOD = 26.0, 5.0
"""Degrees Celsius: a breach at once, and within 2-8."""


class SimulatedBooking:
    """Interface `simulated`."""

    def book(self, courier: str, interface: str, url: str | None, order: Order) -> Booked:  # noqa: ARG002 - takes all
        return Booked("accepted", f"SIM-{order.delivery_id}")


@dataclass(frozen=True)
class Mishaps:
    """How often something goes wrong: chances between 0 and 1."""

    lost: float = 0.02
    failed_attempt: float = 0.2
    refused: float = 0.03
    breach: float = 0.05
    duplicate: float = 0.1
    disorder: float = 0.1
    delayed: float = 0.1


@dataclass(frozen=True)
class Message:
    """One webhook: its id, its body, and when it is sent (the body says when it happened)."""

    message_id: str
    body: dict[str, Any]
    sent_at: datetime


@dataclass(frozen=True)
class Trip:
    """One parcel as the courier knows it. `code` is what the patient shows; without it a delivery is an exception."""

    delivery_id: UUID
    start: datetime
    cold: bool = False
    code: str | None = None
    seed: int = 0
    pace: float = 1.0
    """Of its time: 0.01 is a hundred times faster."""


def journey(trip: Trip, mishaps: Mishaps | None = None) -> list[Message]:
    """All messages about one parcel in the order in which they are sent, from the hand-over on."""
    mishaps = mishaps or Mishaps()
    delivery_id, start = trip.delivery_id, trip.start
    random = Random(f"{trip.seed}/{delivery_id}")
    told = list(_happened(random, trip, mishaps))
    messages: list[Message] = []
    for number, (at, kind, data) in enumerate(told, 1):
        happened = start + (at - start) * trip.pace
        body = {
            "type": f"parcel.{kind}",
            "timestamp": happened.isoformat(),
            "data": {"delivery_id": str(delivery_id), **data},
        }
        late = timedelta(minutes=random.randint(30, 600)) if random.random() < mishaps.delayed else timedelta()
        message = Message(f"sim-{delivery_id}-{number}", body, happened + late * trip.pace)
        messages.append(message)
        if random.random() < mishaps.duplicate:
            messages.append(Message(message.message_id, body, message.sent_at + EVERY * trip.pace))
    messages.sort(key=lambda message: message.sent_at)
    for place in range(len(messages) - 1):
        if random.random() < mishaps.disorder:
            messages[place], messages[place + 1] = messages[place + 1], messages[place]
    return messages


def _happened(random: Random, trip: Trip, mishaps: Mishaps) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    """What happens to the parcel, in order, by a clock that runs as ours."""
    at = trip.start + timedelta(minutes=5)
    yield at, "picked_up", {}
    for attempt in range(3):
        at += timedelta(minutes=random.randint(5, 30))
        yield at, "in_transit", {}
        if random.random() < mishaps.lost:
            yield at + timedelta(hours=8), "lost", {}
            return
        at += timedelta(minutes=random.randint(10, 60))
        yield at, "arrived", {}
        if random.random() >= mishaps.failed_attempt:
            break
        at += timedelta(minutes=5)
        yield at, "attempt_failed", {"reason": "nobody_there"}
        if attempt == (1 if trip.cold else 2):
            return
        at += timedelta(hours=4)
    if trip.cold:
        yield at + timedelta(minutes=1), "temperature", {"readings": _readings(random, trip, at, mishaps)}
    at += timedelta(minutes=4)
    if random.random() < mishaps.refused:
        yield at, "refused", {}
    else:
        proof = hashlib.sha256(f"signature of {trip.delivery_id}".encode()).hexdigest()
        yield at, "delivered", {"proof": {"proof_sha256": proof, "code": trip.code, "identity_checked": True}}


def _readings(random: Random, trip: Trip, until: datetime, mishaps: Mishaps) -> list[dict[str, Any]]:
    """Every five minutes; a breach is 45 minutes too warm."""
    count = int((until - trip.start) / EVERY) + 1
    first = random.randrange(max(1, count - 10)) if random.random() < mishaps.breach else count
    return [
        {
            "at": (trip.start + number * EVERY * trip.pace).isoformat(),
            "celsius": WARM if first <= number < first + 10 else GOOD,
        }
        for number in range(count)
    ]
