"""What is asked of others while a fulfilment goes on: the prescriber's word on a substitute, a notice of the rest."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.dispatch.domain.values import HeldLine, ProductFacts
from services.seedwork.model import DomainEvent


class SubstitutionProposed(DomainEvent):
    """The prescriber is asked about a substitute that is held; the hold waits for the answer."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.substitution_proposed"

    proposal_id: UUID
    hold_id: UUID
    patient_ref: UUID
    pharmacist: str
    line: HeldLine
    unit_price: int | None
    answer_due_at: datetime
    substitute: ProductFacts


class SubstitutionConfirmed(DomainEvent):
    """The prescriber has signed a proposed substitute; `counter_only`: it may not be delivered; `restricted_use_met`:
    what is stated of the insurance's restriction on it (限制使用)."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.substitution_confirmed"

    proposal_id: UUID
    signed_sha256: str
    counter_only: bool = False
    restricted_use_met: bool | None = None


class NoticeWanted(DomainEvent):
    """Something of a line was not given; the patient wants to hear when this pharmacy has it."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.notice_wanted"

    wish_id: UUID
    supply_id: UUID
    patient_ref: UUID
    pharmacy: str
    line: int
    product: str
    drug_key: str
    quantity: int
    asked_by: str


WISHES: tuple[type[DomainEvent], ...] = (SubstitutionProposed, SubstitutionConfirmed, NoticeWanted)
