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

    def inquire(self, payment_id: UUID, reference: str | None) -> ProviderAnswer:
        """It answers at once, so what it was never told of has no reference and is not booked."""
        if reference is None:
            return ProviderAnswer(OutcomeKind.REFUSED, CHANNEL)
        return self.pay(payment_id, 0, reference)

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> ProviderAnswer:  # noqa: ARG002
        return ProviderAnswer(OutcomeKind.ACCEPTED, CHANNEL, f"refund/{refund_id}/{reference}")
