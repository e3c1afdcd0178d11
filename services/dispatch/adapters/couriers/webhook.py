"""Ordering a courier by a signed HTTP call (Standard Webhooks), with one deadline for all of it and a bounded answer.

POST of `{"type": "delivery.requested", "timestamp", "data"}` to the URL of the courier's register entry, with the
message id `book_<delivery_id>`, so that a call repeated after no answer is one order. 200..299 with
`{"reference": "…"}` is accepted, another 2xx body or 5xx, 429 and no answer are unknown, any other status is refused.
The order says where a patient lives, so it goes by https alone, but for development mode.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from standardwebhooks import Webhook as Signing

from services.dispatch.domain.delivery.booking import Booked, Order
from services.seedwork.settings import Settings
from services.seedwork.webhook_secrets import webhook_secret
from services.seedwork.webhooks.post import Answer, Letter, Post, post_to_named

SECONDS_MAX = 8.0
"""For all of it: an interface that answers byte by byte would hold up the clock of all parcels."""
REFERENCE_CHARACTERS_MAX = 100
AGAIN = {408, 425, 429}
"""Statuses below 500 that say nothing about the order."""


@cache
def _settings() -> Settings:
    """Read once, as everywhere, from the environment."""
    return Settings()


def _secret(courier: str) -> str:
    return webhook_secret(_settings(), "courier", courier)


@cache
def _called() -> Post:
    return post_to_named(_settings())


def _post(letter: Letter) -> Answer:
    return _called()(letter)


class WebhookBooking:
    """Interface `webhook`."""

    def __init__(
        self,
        secret: Callable[[str], str] = _secret,
        post: Callable[[Letter], Answer] = _post,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._secret = secret
        self._post = post
        self._clock = clock

    def book(self, courier: str, interface: str, url: str | None, order: Order) -> Booked:  # noqa: ARG002 - one interface
        """One call; whatever goes wrong on the way is unknown, because the order may have arrived. An address that may
        not be called is refused."""
        if url is None:
            return Booked("refused")
        now = self._clock()
        message_id = f"book_{order.delivery_id}"
        body = orjson.dumps({"type": "delivery.requested", "timestamp": now.isoformat(), "data": said(order)})
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Signing(self._secret(courier)).sign(message_id, now, body.decode()),
        }
        answer = self._post(Letter(url, body, headers, SECONDS_MAX))
        if answer.status is None:
            return Booked("refused" if (answer.error or "").startswith("url: ") else "unknown")
        return _booked(answer.status, answer.body)


def said(order: Order) -> dict[str, Any]:
    """What the courier is told."""
    return {
        "delivery_id": str(order.delivery_id),
        "pickup_at": order.pickup_at,
        "name": order.contact.name,
        "phone": order.contact.phone,
        "address": order.contact.address,
        "storage": order.storage,
        "identity_check": order.identity_required,
    }


def _booked(status: int, answer: bytes) -> Booked:
    if 200 <= status < 300:
        reference = _reference(answer)
        return Booked("accepted", reference) if reference else Booked("unknown")
    return Booked("unknown" if status >= 500 or status in AGAIN else "refused")


def _reference(answer: bytes) -> str | None:
    try:
        value = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None
    found = value.get("reference") if isinstance(value, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= REFERENCE_CHARACTERS_MAX else None
