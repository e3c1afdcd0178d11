"""The payment provider's port: one that does not answer and may have booked all the same, that gives back only when it
is asked again, or keeps it for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from rxflow.simulation.insurer import HEARD
from rxflow.simulation.mishaps import Fortune, Mishap
from services.insurance.adapters.simulated_payments import CHANNEL, SimulatedPayments
from services.insurance.application.claim_streams import Outside
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.payment import ProviderAnswer

WHERE = "payment provider"
UNANSWERED = ProviderAnswer(OutcomeKind.UNKNOWN, CHANNEL)
REFUSED = ProviderAnswer(OutcomeKind.REFUSED, CHANNEL)


class MoodyProvider(SimulatedPayments):
    """Provider "simulated". What it has once booked, or refused for good, stands, also when nobody heard it: a decision
    that is made again asks again."""

    def __init__(self, fortune: Fortune) -> None:
        self._fortune = fortune
        self._paid: dict[UUID, dict[str, ProviderAnswer]] = {}
        """By payment and reference: accepted, or declined. What is missing never arrived."""
        self._given_back: dict[tuple[UUID, UUID], ProviderAnswer] = {}
        """By payment and order: gone, or kept for good."""

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer:
        booked = self._paid.setdefault(payment_id, {})
        if reference in booked:
            return booked[reference]
        arrives, answers = self._silence()
        if arrives:
            booked[reference] = super().pay(payment_id, amount, reference)
        return booked[reference] if arrives and answers else UNANSWERED

    def inquire(self, payment_id: UUID, reference: str | None) -> ProviderAnswer:
        if not all(self._silence()):
            return UNANSWERED
        booked = self._paid.get(payment_id, {})
        if reference is not None:
            return booked.get(reference, REFUSED)
        took = ((name, answer) for name, answer in booked.items() if answer.kind is OutcomeKind.ACCEPTED)
        return next((ProviderAnswer(answer.kind, answer.channel, name) for name, answer in took), REFUSED)

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> ProviderAnswer:
        order = payment_id, refund_id
        if order in self._given_back:
            return self._given_back[order]
        arrives, answers = self._silence()
        if not arrives:
            return UNANSWERED
        if self._fortune.strikes(Mishap.PROVIDER_REFUSES, WHERE):
            return REFUSED
        keeps = self._fortune.strikes(Mishap.PROVIDER_KEEPS, WHERE)
        self._given_back[order] = REFUSED if keeps else super().refund(payment_id, amount, reference, refund_id)
        return self._given_back[order] if answers else UNANSWERED

    def _silence(self) -> tuple[bool, bool]:
        """Whether a message arrives, and whether its answer does."""
        if not self._fortune.strikes(Mishap.PROVIDER_SILENT, WHERE):
            return True, True
        return self._fortune.chance.random() < HEARD, False


@contextmanager
def paying_by(outside: Outside, provider: SimulatedPayments) -> Iterator[None]:
    """Insurance is composed with this provider, meanwhile; `outside` is one for all of its processes."""
    before = outside.provider
    object.__setattr__(outside, "provider", provider)
    try:
        yield
    finally:
        object.__setattr__(outside, "provider", before)
