"""The secrets shared with those who send or take signed messages (Standard Webhooks). Derived, stored nowhere."""

from __future__ import annotations

import base64

from services.seedwork.settings import Settings


def webhook_secret(settings: Settings, role: str, sender: str) -> str:
    """As Standard Webhooks writes it: the same in every process of the installation."""
    return "whsec_" + base64.b64encode(settings.secret_key(f"webhook:{role}:{sender}")).decode()
