"""How a courier's process sends its messages: signed, and again until they are answered."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import orjson
from standardwebhooks import Webhook

from services.dispatch.adapters.couriers.simulated import Message


def send(client: httpx.Client, courier: str, secret: str, message: Message, *, tries: int) -> str:
    """What became of it: the parcel's status, or the problem. No answer and 5xx are tried again, under the same id."""
    said = "no answer"
    for _ in range(tries):
        now = datetime.now(UTC)
        body = orjson.dumps(message.body)
        headers = {
            "content-type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(message.message_id, now, body.decode()),
        }
        try:
            response = client.post(f"/webhooks/couriers/{courier}", content=body, headers=headers)
        except httpx.TransportError as error:
            said = f"no answer ({type(error).__name__})"
            continue
        told = response.json()
        said = str(told.get("status") if response.is_success else told.get("code"))
        if response.status_code < 500:
            return said
    return said
