"""A substitute that a pharmacy proposes under a protocol, what its screening found, and the prescriber's signature."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from services.prescribe.domain.values import Finding, Signature
from services.seedwork.model import DomainEvent, Personal, PersonalClass


class SubstitutionProposed(DomainEvent):
    """A pharmacy asks; the patient has agreed. Quantities in base units, price in fen per pack; the ratio says how many
    prescribed units the substitute's count for."""

    TOPIC: ClassVar[str] = "prescribe.prescription.substitution_proposed"

    proposal_id: UUID
    fulfilment_id: UUID
    hold_id: UUID
    pharmacy: str
    pharmacist: str
    line: int
    prescribed_product: str
    quantity: int
    substitute: str
    substitute_name: str
    substitute_drug_key: str
    substitute_quantity: int
    unit_price: int | None = None
    numerator: int
    denominator: int
    protocol_id: UUID
    excluded: tuple[str, ...] = ()
    answer_due_at: datetime


class SubstituteScreened(DomainEvent):
    """What the substitute's screening for this patient found."""

    TOPIC: ClassVar[str] = "prescribe.prescription.substitute_screened"

    proposal_id: UUID
    findings: tuple[Finding, ...]
    degraded: bool


class SubstitutionConfirmed(DomainEvent):
    """The prescriber signed the substitute (重新签字)."""

    TOPIC: ClassVar[str] = "prescribe.prescription.substitution_confirmed"

    proposal_id: UUID
    patient_ref: UUID
    signature: Signature
    jws: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    confirmed_at: datetime
    counter_only: bool = False
    """The substitute is not delivered, by law or by its nature."""
    restricted_use_met: bool | None = None
    """What is stated of the insurance's restriction on the substitute (限制使用); None: nothing."""


SUBSTITUTION_EVENTS: tuple[type[DomainEvent], ...] = (SubstitutionProposed, SubstituteScreened, SubstitutionConfirmed)
