"""The insurer's port: one that refuses, or does not answer and may have booked all the same. Asked again under the same
message id it says what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from rxflow.simulation.mishaps import Fortune, Mishap
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.application.claim_streams import Outside
from services.insurance.domain.gateway import BenefitRequest, GatewayOutcome, OutcomeKind

WHERE = "insurer"
HEARD = 0.5
"""Of what is not answered, so much has arrived."""
UNANSWERED = GatewayOutcome(OutcomeKind.UNKNOWN)
REFUSED = GatewayOutcome(OutcomeKind.REFUSED, reasons=("simulated/refused",))


class MoodyInsurer(InHouseInsurer):
    """Gateway "in-house". What it has once said or booked under a message id stands, also when nobody heard it: a
    decision that is made again asks again."""

    def __init__(self, fortune: Fortune) -> None:
        self._fortune = fortune
        self._booked: dict[UUID, GatewayOutcome] = {}
        """By message id: accepted, or refused for good. What is missing never arrived."""

    def authorise(self, request: BenefitRequest) -> GatewayOutcome:
        known = self._booked.get(request.message_id)
        if known is not None:
            return known
        arrives, answers = self._silence()
        if not arrives:
            return UNANSWERED
        outcome = super().authorise(request)
        if outcome.kind is OutcomeKind.ACCEPTED and self._fortune.strikes(Mishap.INSURER_REFUSES, WHERE):
            outcome = REFUSED
        self._booked[request.message_id] = outcome
        return outcome if answers else UNANSWERED

    def inquire(self, message_id: UUID) -> GatewayOutcome:
        if not all(self._silence()):
            return UNANSWERED
        return self._booked.get(message_id) or super().inquire(message_id)

    def void(self, message_id: UUID, original: UUID) -> GatewayOutcome:
        known = self._booked.get(message_id)
        if known is not None:
            return known
        arrives, answers = self._silence()
        if arrives and self._fortune.strikes(Mishap.INSURER_REFUSES, WHERE):
            return REFUSED if answers else UNANSWERED
        if arrives:
            self._booked[message_id] = super().void(message_id, original)
        return self._booked[message_id] if arrives and answers else UNANSWERED

    def _silence(self) -> tuple[bool, bool]:
        """Whether a message arrives, and whether its answer does."""
        if not self._fortune.strikes(Mishap.INSURER_SILENT, WHERE):
            return True, True
        return self._fortune.chance.random() < HEARD, False


@contextmanager
def instead(outside: Outside, insurer: InHouseInsurer) -> Iterator[None]:
    """Insurance is composed with this insurer, meanwhile; `outside` is one for all of its processes."""
    before = outside.gateway
    object.__setattr__(outside, "gateway", insurer)
    try:
        yield
    finally:
        object.__setattr__(outside, "gateway", before)
