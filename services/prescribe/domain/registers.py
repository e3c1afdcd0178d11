"""What the registers say of those who take part in an issue, on the day of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.prescribe.domain.values import StandingFacts


@dataclass(frozen=True)
class Prescriber:
    """A doctor's entry: in force or not, and what of it holds today.

    `sites` and `rights`: institutions of practice (多点执业) and drug classes -> in force today. `antibacterial_levels`
    are the rights in force; `practising_since` the first day of independent clinical practice.
    """

    code: str
    in_force: bool
    professions: frozenset[str]
    sites: Mapping[str, bool]
    rights: Mapping[str, bool]
    antibacterial_levels: frozenset[str]
    title: str | None
    specialties: frozenset[str]
    practising_since: date | None


@dataclass(frozen=True)
class Institution:
    """A hospital's or clinic's entry; `kind` as the policy names them, None where the register does not say."""

    code: str
    in_force: bool
    region: str
    kind: str | None


@dataclass(frozen=True)
class Drug:
    """A product's entry. `dose_per_base_unit` and `daily_dose_max` (极量) in thousandths of the dose unit."""

    code: str
    in_force: bool
    generic_name: str
    form: str
    strength: str
    base_unit: str
    pack_size: int
    splittable: bool
    dose_unit: str
    dose_per_base_unit: int
    daily_dose_max: int | None
    drug_class: str
    medicine_type: str
    antibacterial_level: str | None
    restricted_use: bool
    deliverable: bool
    cold_chain: bool
    atc: str
    english_name: str


class FamilyContract(BaseModel):
    """A family doctor's contract with a patient (家庭医生签约): who may continue another institution's regimen."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    doctor: str = Field(max_length=30, description="national code of the doctor")
    patient_ref: UUID = Field(description="the patient's random reference")


@dataclass(frozen=True)
class KnownPatient:
    """A patient whose record can be read; the standing facts may be withheld or forgotten apart."""

    name: str
    sex: Literal["female", "male"]
    birth_date: date
    facts: StandingFacts | None
    leaving: bool = False
    """About to be forgotten: nothing new is written for the patient."""


@dataclass(frozen=True)
class Known:
    """All that an issue is checked against; None where the register has no entry."""

    prescriber: Prescriber | None
    institution: Institution | None
    patient: KnownPatient | None
    drugs: Mapping[str, Drug]
