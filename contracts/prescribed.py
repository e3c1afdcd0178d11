"""What a prescriber states about a patient and a drug, as the other services are told it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.registers import DrugClass
from contracts.values import ContractValue


class Diagnosis(ContractValue):
    """A diagnosis by its ICD-10 code (医保版)."""

    code: str
    name: str


class TcmDiagnosis(ContractValue):
    """A diagnosis of Chinese medicine (中医病名, GB/T 15657) with the pattern it shows (证型)."""

    code: str
    name: str
    syndrome_code: str | None = None
    syndrome: str | None = None


class PatientFacts(ContractValue):
    """What screening needs to know about the patient on the day of issue; None: not asked."""

    age_days: int = Field(ge=0)
    sex: Literal["female", "male"]
    weight_grams: int | None = None
    pregnant: bool | None = None
    lactating: bool | None = None
    renal_impairment: bool | None = None
    hepatic_impairment: bool | None = None
    allergies: tuple[str, ...] | None = Field(default=None, description="generic names; empty: asked, none known")
    height_cm: int | None = None
    gestation_weeks: int | None = Field(
        default=None, description="of the pregnancy; of a newborn, weeks of gestation at birth"
    )
    creatinine_clearance_ml_min: int | None = None
    child_pugh: Literal["A", "B", "C"] | None = None
    conditions: tuple[str, ...] | None = Field(default=None, description="ICD-10 codes of standing diseases")
    other_medicines: tuple[str, ...] | None = Field(
        default=None, description="generic names of medicines the patient says they take"
    )


class IssuedLine(ContractValue):
    """One drug as it was prescribed. `quantity` in base units; `dose` in `dose_unit`, as a decimal."""

    line: int = Field(ge=1)
    product: str = Field(description="23-character national drug code")
    generic_name: str
    drug_key: str = Field(description="generic name, form and strength")
    form: str
    strength: str
    drug_class: DrugClass
    base_unit: str
    quantity: int = Field(gt=0)
    dose: str
    dose_unit: str
    frequency_per_day: int = Field(gt=0, description="doses in each `per_days` days; as needed: at most")
    per_days: int = Field(default=1, gt=0)
    as_needed: bool = False
    frequency: str | None = Field(default=None, description="code of the prescriber's table, e.g. qod")
    route: str
    days: int = Field(gt=0)
    instructions: str | None = None
    atc: str | None = None
    english_name: str | None = None
    skin_test: Literal["negative", "positive", "exempt"] | None = Field(default=None, description="皮试")
    mixed_with: int | None = Field(default=None, description="line number of the infusion it is mixed into")
    solvent: str | None = None
    solvent_ml: int | None = None
    drip_minutes: int | None = None
    herb_note: str | None = Field(default=None, description="how one herb is treated apart (脚注)")
