"""A substitute that a pharmacy proposes under a protocol, what its screening found, and the prescriber's signature."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from services.prescribe.domain.values import Finding, Signature
from services.seedwork.model import DomainEvent, Personal, PersonalClass

ASKS_PRESCRIBER = "prescriber_confirms"


class SubstitutionProposed(DomainEvent):
    """A pharmacy asks; the patient has agreed. Quantities in base units, price in fen per pack; the ratio says how many
    prescribed units the substitute's count for. By `mode` the prescriber signs for it, or it is checked without one,
    and the pharmacist states whether the insurance's restriction is met."""

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
    mode: str = ASKS_PRESCRIBER
    restricted_use_met: bool | None = None
    restricted_use_reason: str | None = None


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


class SubstitutionDeclined(DomainEvent):
    """The prescriber does not sign the substitute."""

    TOPIC: ClassVar[str] = "prescribe.prescription.substitution_declined"

    proposal_id: UUID
    patient_ref: UUID
    reason: Annotated[str | None, Personal(PersonalClass.CLINICAL)]
    declined_at: datetime


class SubstitutionChecked(DomainEvent):
    """A substitute for which no prescriber is asked, as if its prescriber wrote it today: the first check of an issue
    that it does not pass, and the rules of findings that a prescriber alone could stand for, or nobody."""

    TOPIC: ClassVar[str] = "prescribe.prescription.substitution_checked"

    proposal_id: UUID
    patient_ref: UUID
    pharmacist: str
    problem: str | None
    in_the_way: tuple[str, ...]
    degraded: bool
    counter_only: bool


SUBSTITUTION_EVENTS: tuple[type[DomainEvent], ...] = (
    SubstitutionProposed,
    SubstituteScreened,
    SubstitutionConfirmed,
    SubstitutionDeclined,
    SubstitutionChecked,
)
