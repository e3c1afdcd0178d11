"""Facts from dispatch that a claim keeps: what the patient has, what will not come, what was given back."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from services.insurance.domain import claim_values as values
from services.insurance.domain.delivery_fee import FeeEnd
from services.seedwork.model import DomainEvent


class ReceiptNoted(DomainEvent):
    """A fact from dispatch: what of the supply the patient has accepted."""

    TOPIC: ClassVar[str] = "insurance.claim.receipt_noted"

    supply_id: UUID
    accepted: tuple[values.LineQuantity, ...]
    rejected: tuple[values.LineQuantity, ...] = ()
    message_id: UUID | None = None
    at_counter: bool = False
    """Handed out in the pharmacy: no courier had it."""


class UndoingNoted(DomainEvent):
    """A fact from dispatch: what of the supply will not reach the patient."""

    TOPIC: ClassVar[str] = "insurance.claim.undoing_noted"

    supply_id: UUID
    undone: tuple[values.LineQuantity, ...]
    message_id: UUID | None = None
    road: FeeEnd | None = None
    """Why it did not arrive, where a courier had it."""


class TakingBackNoted(DomainEvent):
    """A fact from dispatch: what the patient gave back after possession (quality, recall, wrong item)."""

    TOPIC: ClassVar[str] = "insurance.claim.taking_back_noted"

    supply_id: UUID
    taken_back: tuple[values.LineQuantity, ...]
    message_id: UUID | None = None


class FactsInherited(DomainEvent):
    """The attempt takes the place of another: what is known of the supply is known here."""

    TOPIC: ClassVar[str] = "insurance.claim.facts_inherited"

    facts: tuple[values.FactNoted, ...]
    at_counter: bool = False
    roads: tuple[FeeEnd, ...] = ()


FactEvent = ReceiptNoted | UndoingNoted | TakingBackNoted | FactsInherited
FACTS = (ReceiptNoted, UndoingNoted, TakingBackNoted, FactsInherited)
