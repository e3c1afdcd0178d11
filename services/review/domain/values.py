"""What review knows of a prescription and of the people who look at it."""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from typing import Annotated, Literal

from pydantic import Field

from services.seedwork.model import Immutable
from services.seedwork.wording import SAID

WORDS_MAX = 2000
Words = Annotated[str, Field(min_length=1, max_length=WORDS_MAX, pattern=SAID)]
"""What a pharmacist writes: never empty or blank, never a novel. Of what is asked only: stored words may be older."""


class Severity(IntEnum):
    """How much a finding weighs; the order is the order of the queue."""

    INFO = 1
    CAUTION = 2
    SERIOUS = 3
    BLOCKING = 4

    @property
    def word(self) -> str:
        return self.name.lower()


PHARMACIST = "pharmacist"
"""The name under which a finding stands that no rule made but a person."""


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
    entries: tuple[str, ...] = ()
    """Entries of the knowledge base it rests on: section and id."""


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
    height_cm: int | None = None
    gestation_weeks: int | None = None
    creatinine_clearance_ml_min: int | None = None
    child_pugh: str | None = None
    conditions: tuple[str, ...] | None = None
    other_medicines: tuple[str, ...] | None = None


class Medicine(Immutable):
    """What the patient takes or was prescribed, until a day (inclusive). `drug_key`: generic name, form, strength."""

    generic_name: str
    atc: str | None
    drug_key: str
    until: date


class Candidate(Immutable):
    """One medicine of the list that could be changed, how, and why."""

    drug_key: Annotated[str, Field(min_length=1, max_length=200)]
    action: Literal["stop", "reduce", "replace", "monitor"]
    reason: Annotated[str, Field(min_length=1, max_length=WORDS_MAX)]


class Diagnosis(Immutable):
    """A diagnosis by its ICD-10 code (医保版)."""

    code: str
    name: str


class TcmDiagnosis(Immutable):
    """A diagnosis of Chinese medicine with the pattern it shows (证型)."""

    code: str
    name: str
    syndrome_code: str | None = None
    syndrome: str | None = None


class ClinicalFacts(Immutable):
    """What the prescriber wrote about the patient: one personal value, gone when the patient is forgotten."""

    patient: PatientFacts
    diagnoses: tuple[Diagnosis, ...]
    long_supply_reason: str | None = None
    validity_reason: str | None = None
    beyond_level_reason: str | None = None
    """Why, in an emergency, an antibacterial beyond the own right is needed (越级使用)."""
    tcm_diagnoses: tuple[TcmDiagnosis, ...] = ()
    current_medicines: tuple[Medicine, ...] = ()
    """What the patient's medication list knew when the case was opened."""


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
    per_days: int = 1
    as_needed: bool = False
    generic_name: str | None = None
    drug_class: str | None = None
    form: str | None = None
    strength: str | None = None
    english_name: str | None = None
    atc: str | None = None
    skin_test: str | None = None
    mixed_with: int | None = None
    solvent: str | None = None
    solvent_ml: int | None = None
    drip_minutes: int | None = None
    herb_note: str | None = None

    @property
    def name(self) -> str:
        """The generic name; older lines have it in their key only."""
        return self.generic_name or self.drug_key.partition("|")[0]


class Prescriber(Immutable):
    """What review's copy of the registers says of who prescribed, on the day of screening."""

    registered: bool
    in_force: bool
    at_site: bool
    rights: tuple[str, ...] = ()
    antibacterial_level: str | None = None


class SignatureChecked(Immutable):
    """How the prescriber's signature was checked; degraded: something was out of reach, `reason` says what."""

    degraded: bool = False
    reason: str | None = None


class ConfirmedFinding(Immutable):
    """A finding of the case before this one that the prescriber signed for again (双签名), and why."""

    number: int
    rule: str
    reason: str


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
    agreement_in_force: bool = False
    """The case's institution has its prescriptions reviewed by this organisation today (委托审方)."""


class SignatureCheck(Immutable):
    """How a pharmacist's signature was checked: key, algorithm, serial number of the certificate if there was one, and
    what could not be checked and was accepted by policy all the same."""

    kid: str
    algorithm: str
    certificate: str | None
    degraded: str | None


class Signature(Immutable):
    """A verified signature: the compact JWS as received, its SHA-256 in hexadecimal, and its check."""

    compact: str
    sha256: str
    check: SignatureCheck | None = None
