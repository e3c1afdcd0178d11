"""The road: a courier company's riders."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from rxflow.client.people import User
from rxflow.client.transport import Reply


class Courier(User):
    """A rider of a courier company."""

    def in_transit(self, delivery_id: str) -> Reply:
        return self.session.command("dispatch", f"/deliveries/{delivery_id}/in-transit")

    def arrive(self, delivery_id: str) -> Reply:
        return self.session.command("dispatch", f"/deliveries/{delivery_id}/arrive")

    def deliver(
        self,
        delivery_id: str,
        proof: bytes,
        code: str,
        *,
        identity_checked: bool = True,
        rejected_lines: Sequence[int] = (),
    ) -> Reply:
        """Into the patient's hands, against the pickup code; lines that the patient does not take go back."""
        body = {
            "proof_sha256": digest(proof),
            "code": code,
            "identity_checked": identity_checked,
            "rejected_lines": list(rejected_lines),
        }
        return self.session.command("dispatch", f"/deliveries/{delivery_id}/deliver", body)

    def fail_attempt(self, delivery_id: str, reason: str) -> Reply:
        return self.session.command("dispatch", f"/deliveries/{delivery_id}/fail-attempt", {"reason": reason})

    def report_lost(self, delivery_id: str) -> Reply:
        """Nobody knows where it is."""
        return self.session.command("dispatch", f"/deliveries/{delivery_id}/report-lost")

    def report_damaged(self, delivery_id: str) -> Reply:
        """It goes back, to be looked at."""
        return self.session.command("dispatch", f"/deliveries/{delivery_id}/report-damaged")


def digest(proof: bytes) -> str:
    return hashlib.sha256(proof).hexdigest()
