"""Whoever is called when there is news: an insurer about settlements, an authority about shortages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rxflow.client.people import User
from rxflow.client.transport import Reply, Service

WEBHOOKS: Mapping[Service, str] = {"insurance": "/settlement-webhooks", "shortage": "/shortage-webhooks"}
"""Where each service that calls has its endpoints."""


@dataclass(frozen=True)
class Subscriber(User):
    """A party's webhook endpoints in one service, and what became of the messages to them."""

    service: Service = "insurance"

    def open(self, url: str, kinds: Sequence[str], **more: Any) -> dict[str, Any]:
        """From now on this address is called; the answer has the secret, as no other will."""
        body = {"url": url, "kinds": list(kinds), **more}
        return self.session.command(self.service, WEBHOOKS[self.service], body).body

    def endpoints(self) -> Iterator[dict[str, Any]]:
        """Each with how it answers, what waits and what is dead."""
        return self.pages(self.service, WEBHOOKS[self.service])

    def deliveries(self, endpoint_id: str, status: str | None = None) -> Iterator[dict[str, Any]]:
        """The newest first, without their content."""
        return self.pages(self.service, f"{WEBHOOKS[self.service]}/{endpoint_id}/deliveries", status=status)

    def replay(self, endpoint_id: str, place: int) -> Reply:
        """A dead letter is tried again, and its stream goes on behind it."""
        return self.session.command(self.service, self._letter(endpoint_id, place, "replay"))

    def skip(self, endpoint_id: str, place: int, reason: str) -> Reply:
        """A dead letter is gone without."""
        return self.session.command(self.service, self._letter(endpoint_id, place, "skip"), {"reason": reason})

    def _letter(self, endpoint_id: str, place: int, what: str) -> str:
        return f"{WEBHOOKS[self.service]}/{endpoint_id}/deliveries/{place}/{what}"
