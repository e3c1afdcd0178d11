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
    """A doctor's entry: in force or not, where they practise and which drug classes they may prescribe."""

    code: str
    in_force: bool
    professions: frozenset[str]
    institution: str
    rights: frozenset[str]


@dataclass(frozen=True)
class Institution:
    """A hospital's or clinic's entry."""

    code: str
    in_force: bool
    region: str


@dataclass(frozen=True)
class Drug:
    """A product's entry. `dose_per_base_unit` in thousandths of the dose unit."""

    code: str
    in_force: bool
    generic_name: str
    form: str
    strength: str
    base_unit: str
    dose_unit: str
    dose_per_base_unit: int
    drug_class: str
    deliverable: bool
    cold_chain: bool
    atc: str = ""


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
