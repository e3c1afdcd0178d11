"""What happens between a claim and an insurer that is not in-house: asked once that is saved."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.insurance.domain.claim_values import Steps
from services.seedwork.model import DomainEvent


class InsurerAsked(DomainEvent):
    """Written before an insurer is asked, under a message id that a repeat has again.

    `next_inquiry_at`: when the clock asks, or asks what became of it; None: answered in the same instant. `steps`: by
    `two_step` it only reserves, or frees what is only reserved, and no day's books of the insurer show it.
    """

    message_id: UUID
    requested_at: datetime | None = None
    next_inquiry_at: datetime | None = None
    steps: Steps = "one_step"


class QuoteNotAnswered(DomainEvent):
    """The insurer did not say what the claim would come to: the amounts by rxflow's own tables stay the quote.

    `next_inquiry_at` None: it is not asked again.
    """

    TOPIC: ClassVar[str] = "insurance.claim.quote_not_answered"

    reasons: tuple[str, ...]
    next_inquiry_at: datetime | None


class SettlementRequested(InsurerAsked):
    """The patient has it, and the insurer has only reserved: it is asked to book (two-step insurers)."""

    TOPIC: ClassVar[str] = "insurance.claim.settlement_requested"


class SettlementNotConfirmed(DomainEvent):
    """The insurer gave no answer: nothing is posted, and it is asked again under the same id."""

    TOPIC: ClassVar[str] = "insurance.claim.settlement_not_confirmed"

    message_id: UUID
    next_inquiry_at: datetime
