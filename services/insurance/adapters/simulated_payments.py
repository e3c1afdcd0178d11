"""A simulated payment provider: no money moves. It answers by the reference alone, so a repeat is answered alike.

A reference that begins with `DECLINE` is declined, as with the test cards of real providers; any other is paid.
"""

from __future__ import annotations

from uuid import UUID

from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.payment import ProviderAnswer

CHANNEL = "simulated"
DECLINED_PREFIX = "DECLINE"


class SimulatedPayments:
    """Provider "simulated"."""

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer:  # noqa: ARG002 - a real one needs them
        kind = OutcomeKind.REFUSED if reference.startswith(DECLINED_PREFIX) else OutcomeKind.ACCEPTED
        return ProviderAnswer(kind, CHANNEL)

    def refund(self, payment_id: UUID, amount: int, reference: str) -> str:  # noqa: ARG002 - a real one needs them
        return f"refund/{payment_id}/{reference}"
