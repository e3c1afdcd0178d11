"""What review knows of a prescription and of the people who look at it."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from pydantic import Field

from services.seedwork.model import Immutable

Words = Annotated[str, Field(min_length=1, max_length=2000)]
"""What a pharmacist writes: never empty, never a novel."""


class Severity(IntEnum):
    """How much a finding weighs; the order is the order of the queue."""

    INFO = 1
    CAUTION = 2
    SERIOUS = 3
    BLOCKING = 4

    @property
    def word(self) -> str:
        return self.name.lower()


class Finding(Immutable):
    """One thing a rule, or a pharmacist, found. Evidence names lines and numbers, never the patient."""

    number: int
    rule: str
    knowledge_version: str
    evidence: str
    severity: Severity
    result_code: str | None
    lines: tuple[int, ...]
    confirmable: bool


class ConfirmedFinding(Immutable):
    """A finding of an earlier case that the prescriber insists on by a second signature (双签名), and why."""

    number: int
    rule: str
    severity: str | None
    result_code: str | None
    lines: tuple[int, ...]
    evidence: str | None
    reason: str


class PatientFacts(Immutable):
    """What a pharmacist judges a dose by. None is "not asked", which is not "no"."""

    age_days: int
    sex: str
    weight_grams: int | None = None
    pregnant: bool | None = None
    lactating: bool | None = None
    renal_impairment: bool | None = None
    hepatic_impairment: bool | None = None
    allergies: tuple[str, ...] | None = None


class Diagnosis(Immutable):
    """A diagnosis by its ICD-10 code (医保版)."""

    code: str
    name: str


class ClinicalFacts(Immutable):
    """What the prescriber wrote about the patient: one personal value, gone when the patient is forgotten."""

    patient: PatientFacts
    diagnoses: tuple[Diagnosis, ...]
    long_supply_reason: str | None = None
    validity_reason: str | None = None


class Line(Immutable):
    """One drug with its directions; `quantity` in base units, `dose` a decimal in `dose_unit`."""

    line: int
    product: str
    drug_key: str
    quantity: int
    base_unit: str
    dose: str
    dose_unit: str
    frequency_per_day: int
    route: str
    days: int
    instructions: str | None = None


class Reviewer(Immutable):
    """The pharmacist who decided, the organisation that answers for it, and the digest of the signature, if any."""

    person: str
    name: str
    organisation: str
    signed_sha256: str | None = None


class Licence(Immutable):
    """What the register says about somebody who wants to review today."""

    person: str
    name: str
    organisation: str
    professions: tuple[str, ...]
    in_force: bool
    organisation_in_force: bool


class Signature(Immutable):
    """A verified signature: the compact JWS as received and its SHA-256 in hexadecimal."""

    compact: str
    sha256: str
