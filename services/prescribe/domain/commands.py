"""What may be asked of prescribe. The signed ones are the payload of a compact JWS, as JSON."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal, TypeVar
from uuid import UUID

from pydantic import Field, field_validator

from services.prescribe.domain.plan import WrittenPlan
from services.prescribe.domain.policy import VisitKind
from services.prescribe.domain.values import (
    Diagnosis,
    HintSeen,
    InsuranceIntent,
    LineQuantity,
    MedicineKind,
    OnlineVisit,
    StandingFacts,
    TcmDiagnosis,
    WrittenLine,
)
from services.seedwork.model import Command, Immutable
from services.seedwork.representation import Scope
from services.seedwork.wording import SAID

CODE_LENGTH_MAX = 30
NAME_LENGTH_MAX = 100
ACCOUNT_LENGTH_MAX = 128
"""As of the subject of a token."""
EVIDENCE_LENGTH_MAX = 200
KIND = r"^[a-z][a-z_]{1,39}$"
PHARMACY_CODE = r"^[A-Z][A-Z0-9-]{3,29}$"
"""Whether there is such a pharmacy is dispatch's to know."""


Named = TypeVar("Named", Diagnosis, TcmDiagnosis)


class RegisterPatient(Command):
    """Registers a person as a patient, by resident identity number (居民身份证)."""

    identity_number: str = Field(max_length=20)
    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX, pattern=SAID)
    sex: Literal["female", "male"]
    birth_date: date
    phone: str = Field(pattern=r"^\+?[0-9 -]{5,20}$")
    address: str = Field(min_length=1, max_length=300, pattern=SAID)
    facts: StandingFacts = StandingFacts()


class ForgetPatient(Command):
    """Makes everything personal about a patient unreadable, for ever and in every service."""

    patient_ref: UUID
    reason_code: Literal["patient_asks", "purpose_over"]


class WrittenPrescription(Command):
    """What a prescriber writes and signs. The client chooses the prescription's id: a lost answer can be asked for."""

    prescription_id: UUID
    patient_ref: UUID
    prescriber: str = Field(max_length=CODE_LENGTH_MAX)
    institution: str = Field(max_length=CODE_LENGTH_MAX)
    visit_kind: VisitKind = "outpatient"
    medicine_kind: MedicineKind = "western"
    facts: StandingFacts = StandingFacts()
    """What was asked at this visit; it wins over the patient's record."""
    diagnoses: tuple[Diagnosis, ...] = Field(max_length=20)
    tcm_diagnoses: tuple[TcmDiagnosis, ...] = Field(default=(), max_length=20)
    lines: tuple[WrittenLine, ...] = Field(max_length=50)
    long_supply_reason: str | None = Field(default=None, min_length=1, max_length=500, pattern=SAID)
    validity_days: int = Field(default=1, ge=1, le=366)
    validity_reason: str | None = Field(default=None, min_length=1, max_length=500, pattern=SAID)
    online_visit: bool = False
    online: OnlineVisit | None = None
    written_by: Literal["person", "machine"] | None = None
    """Who wrote it; a machine may advise, never write (严禁使用人工智能自动生成处方)."""
    beyond_level_reason: str | None = Field(default=None, min_length=1, max_length=500, pattern=SAID)
    """Why, in an emergency, an antibacterial beyond the own right is needed (越级使用)."""
    pharmacy: str | None = Field(default=None, max_length=CODE_LENGTH_MAX)
    """Never a prescriber's to name: it stands here so that steering is refused by its own name."""
    hints_seen: tuple[HintSeen, ...] = Field(default=(), max_length=50)
    insurance_intent: InsuranceIntent
    insurance_disease_code: str | None = Field(default=None, max_length=30)
    plan: WrittenPlan | None = None
    renews: UUID | None = None
    """An earlier prescription of the same prescriber that this one goes on from."""
    extends: UUID | None = None
    """Another institution's, whose regimen a contracted family doctor continues (延伸处方)."""
    family_contract: str | None = Field(default=None, max_length=CODE_LENGTH_MAX)
    """The register's code of the family doctor's contract with the patient; needed to extend."""
    replaces: UUID | None = None
    """An earlier one of the same prescriber; what is left of it is cancelled."""

    @field_validator("lines")
    @classmethod
    def _ways_are_said(cls, lines: tuple[WrittenLine, ...]) -> tuple[WrittenLine, ...]:
        if any(not re.search(SAID, line.route) for line in lines):
            raise ValueError("a route is blank")
        return lines

    @field_validator("diagnoses", "tcm_diagnoses")
    @classmethod
    def _diagnoses_are_named(cls, diagnoses: tuple[Named, ...]) -> tuple[Named, ...]:
        names = [
            name for each in diagnoses for name in (each.name, getattr(each, "syndrome", None)) if name is not None
        ]
        if not all(name.strip() for name in names):
            raise ValueError("a diagnosis is blank")
        return diagnoses

    @field_validator("online")
    @classmethod
    def _guardian_is_named(cls, online: OnlineVisit | None) -> OnlineVisit | None:
        guardian = online.guardian if online else None
        if guardian and not (guardian.name.strip() and guardian.relation.strip()):
            raise ValueError("the guardian is blank")
        return online


class IssuePrescription(WrittenPrescription):
    """A first signature."""


class AmendPrescription(WrittenPrescription):
    """A returned prescription, written and signed anew; `revision` is the number it is to become."""

    revision: int = Field(ge=2)


class FindingReason(Immutable):
    """Why one finding of the review, by its number, does not change the prescription."""

    finding: int = Field(ge=1)
    reason: str = Field(min_length=1, max_length=500, pattern=SAID)


class SignedAgain(Command):
    """What the same prescriber says of a prescription by another signature; `signed_sha256` names the exact content."""

    prescription_id: UUID
    prescriber: str = Field(max_length=CODE_LENGTH_MAX)
    signed_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ConfirmFindings(SignedAgain):
    """The prescriber insists on a returned prescription (双签名); `confirmation_no` is the number it is to become."""

    revision: int = Field(ge=1)
    confirmation_no: int = Field(ge=1)
    findings: tuple[FindingReason, ...] = Field(min_length=1, max_length=50)


class AcknowledgeStopUse(Command):
    """The patient has read that what they have must not be used any more."""

    prescription_id: UUID
    request_id: UUID


class AnswerQuery(SignedAgain):
    """The prescriber answers why lines were blocked, and stands for them by another signature (重新签字)."""

    block_id: UUID
    answer: str = Field(min_length=1, max_length=500, pattern=SAID)


class ConfirmSubstitution(SignedAgain):
    """The prescriber allows a proposed substitute on its line; `substitute` is the product as proposed. Where insurance
    pays for it in some uses only (限制使用): whether this is one, and why where it is not."""

    proposal_id: UUID
    line: int = Field(ge=1, le=50)
    substitute: str = Field(max_length=CODE_LENGTH_MAX)
    restricted_use_met: bool | None = None
    restricted_use_reason: str | None = Field(default=None, min_length=1, max_length=200, pattern=SAID)


class DeclineSubstitution(Command):
    """The prescriber does not allow a proposed substitute, and says why."""

    prescription_id: UUID
    proposal_id: UUID
    reason: str = Field(min_length=1, max_length=500, pattern=SAID)


class SafetyStop(Command):
    """An authority, or the institution that issued it, stops lines of a prescription; `lines` None: all.

    `block_id` is new per intent and the same in a repeat.
    """

    prescription_id: UUID
    block_id: UUID
    lines: tuple[int, ...] | None = Field(default=None, min_length=1, max_length=50)
    reason_code: str = Field(pattern=r"^[a-z][a-z_]{1,39}$")
    reason: str = Field(min_length=1, max_length=500, pattern=SAID)


class CancelPrescription(Command):
    """Cancels a prescription, or part of its lines. `request_id` is new per intent and the same in a repeat."""

    prescription_id: UUID
    request_id: UUID
    scope: tuple[LineQuantity, ...] | None = Field(default=None, min_length=1, max_length=50)
    reason_code: str = Field(pattern=r"^[a-z][a-z_]{1,39}$")
    urgent: bool = False


class NominatePharmacy(Command):
    """The patient's choice of a pharmacy, until the prescription is released; null takes it back."""

    prescription_id: UUID
    pharmacy: str | None = Field(pattern=PHARMACY_CODE, max_length=CODE_LENGTH_MAX)


class AppointRepresentative(Command):
    """Somebody is to act for a patient, in these matters and on these days. `account` is the person at the identity
    provider; `valid_until` null: as long as the kind allows; `evidence`: of a guardian, the number of the document."""

    patient_ref: UUID
    kind: str = Field(pattern=KIND)
    account: str = Field(min_length=1, max_length=ACCOUNT_LENGTH_MAX)
    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX, pattern=SAID)
    identity_number: str = Field(min_length=1, max_length=18)
    scope: tuple[Scope, ...] = Field(min_length=1, max_length=len(Scope))
    valid_from: date
    valid_until: date | None = None
    evidence: str | None = Field(default=None, min_length=1, max_length=EVIDENCE_LENGTH_MAX, pattern=SAID)


class WithdrawRepresentation(Command):
    """The representative is to act no longer."""

    patient_ref: UUID
    appointment_id: UUID
