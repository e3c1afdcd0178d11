"""The in-house insurer: adjudicates by rxflow's own policy tables and books at once (one-step gateway).

It answers in the same instant and never loses a message, so its outcome is saved together with the request. It takes
a credential as it is shown: the person at the counter has checked it against the patient's identity.
"""

from __future__ import annotations

from uuid import UUID

from services.insurance.domain.adjudication import Adjudication, adjudicate, self_pay
from services.insurance.domain.entitlement import Entitlement
from services.insurance.domain.gateway import BenefitRequest, GatewayOutcome, OutcomeKind


class InHouseInsurer:
    """Gateway "in-house"."""

    def quote(self, request: BenefitRequest) -> Adjudication:
        match request.entitlement:
            case Entitlement(policy=policy, standing=standing):
                return adjudicate(request.lines, request.listings, policy, standing)
            case reason:
                return self_pay(request.lines, reason)

    def authorise(self, request: BenefitRequest) -> GatewayOutcome:
        match request.entitlement:
            case Entitlement(insurer=insurer):
                return GatewayOutcome(
                    OutcomeKind.ACCEPTED, self.quote(request), insurer, reference=f"in-house/{request.message_id}"
                )
            case reason:
                return GatewayOutcome(OutcomeKind.REFUSED, reasons=(reason,))

    def inquire(self, message_id: UUID) -> GatewayOutcome:
        """It answers at once, so nothing is ever open here."""
        return GatewayOutcome(OutcomeKind.REFUSED, reasons=(f"in-house/{message_id}/not-booked",))

    def void(self, message_id: UUID, original: UUID) -> GatewayOutcome:
        return GatewayOutcome(OutcomeKind.ACCEPTED, reference=f"in-house/{message_id}/void-of/{original}")
