"""A simulated payment provider: no money moves. It answers by the reference alone, so a repeat is answered alike.

| a reference that begins with | as with the test cards of real providers |
|---|---|
| `DECLINE` | is declined |
| `SILENT` | is paid, which is said only when it is asked about: at first there is no answer |
| `KEEP` | is paid, and every order to give it back is refused |
| anything else | is paid, and goes back when it is ordered back |
"""

from __future__ import annotations

from uuid import UUID

from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.payment import ProviderAnswer

CHANNEL = "simulated"
DECLINED_PREFIX, SILENT_PREFIX, KEEPING_PREFIX = "DECLINE", "SILENT", "KEEP"


class SimulatedPayments:
    """Provider "simulated"."""

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer:  # noqa: ARG002 - a real one needs them
        silent = reference.startswith(SILENT_PREFIX)
        return ProviderAnswer(OutcomeKind.UNKNOWN, CHANNEL) if silent else _booked(reference)

    def inquire(self, payment_id: UUID, reference: str | None) -> ProviderAnswer:  # noqa: ARG002
        """What it was never told of has no reference and is not booked."""
        return ProviderAnswer(OutcomeKind.REFUSED, CHANNEL) if reference is None else _booked(reference)

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> ProviderAnswer:  # noqa: ARG002
        if reference.startswith(KEEPING_PREFIX):
            return ProviderAnswer(OutcomeKind.REFUSED, CHANNEL)
        return ProviderAnswer(OutcomeKind.ACCEPTED, CHANNEL, f"refund/{refund_id}/{reference}")


def _booked(reference: str) -> ProviderAnswer:
    declined = reference.startswith(DECLINED_PREFIX)
    return ProviderAnswer(OutcomeKind.REFUSED if declined else OutcomeKind.ACCEPTED, CHANNEL)
