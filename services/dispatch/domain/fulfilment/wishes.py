"""What is asked of others while a fulfilment goes on: the prescriber's word on a substitute, a notice of the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from services.dispatch.domain.values import HeldLine, ProductFacts
from services.seedwork.model import DomainEvent, Personal, PersonalClass


class SubstitutionProposed(DomainEvent):
    """A substitute that is held is asked about: the prescriber, or the checks of an issue and its screening.
    `restricted_use_met`: what the pharmacist states of the insurance's restriction, where no prescriber does."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.substitution_proposed"

    proposal_id: UUID
    hold_id: UUID
    patient_ref: UUID
    pharmacist: str
    line: HeldLine
    unit_price: int | None
    answer_due_at: datetime
    substitute: ProductFacts
    restricted_use_met: bool | None = None
    restricted_use_reason: str | None = None


class SubstitutionConfirmed(DomainEvent):
    """The prescriber has signed a proposed substitute; `counter_only`: it may not be delivered; `restricted_use_met`:
    what is stated of the insurance's restriction on it (限制使用)."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.substitution_confirmed"

    proposal_id: UUID
    signed_sha256: str
    counter_only: bool = False
    restricted_use_met: bool | None = None
    prescriber: str | None = None


class SubstitutionDeclined(DomainEvent):
    """The prescriber does not sign the substitute, and why; `hold_id`: under which it was proposed."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.substitution_declined"

    proposal_id: UUID
    hold_id: UUID
    patient_ref: UUID
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]


class SubstitutionChecked(DomainEvent):
    """What is said of a substitute for which no prescriber is asked: the first check of an issue that it does not pass,
    what its screening found, and the rules of what stands in the way of it."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.substitution_checked"

    proposal_id: UUID
    problem: str | None
    findings: tuple[dict[str, Any], ...]
    in_the_way: tuple[str, ...]
    degraded: bool
    counter_only: bool


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


WISHES: tuple[type[DomainEvent], ...] = (
    SubstitutionProposed,
    SubstitutionConfirmed,
    SubstitutionDeclined,
    SubstitutionChecked,
    NoticeWanted,
)
