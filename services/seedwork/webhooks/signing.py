"""Secrets of endpoints and what is signed with them (Standard Webhooks: HMAC-SHA256 over id, time and body)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook

from services.seedwork.settings import Settings
from services.seedwork.webhook_secrets import webhook_secret


def endpoint_secret(settings: Settings, endpoint_id: UUID, serial: int) -> str:
    """Derived, stored nowhere: `serial` counts the rotations from 1."""
    return webhook_secret(settings, "endpoint", f"{endpoint_id}:{serial}")


def signed(message_id: str, now: datetime, body: bytes, secrets: list[str]) -> dict[str, str]:
    """The headers of a message; while a secret is rotated, a signature by each."""
    return {
        "content-type": "application/json",
        "user-agent": "rxflow-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, now, body.decode()) for secret in secrets),
    }
