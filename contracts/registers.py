"""Register contents: the reference data each owner publishes and the others obey (准入, 退出).

Owners: persons, institutions and drugs belong to prescribe; pharmacies and couriers to dispatch; insurers and
designations to insurance. An entry is identified by its kind and code and carries the dates it is valid for.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class RegisterContent(BaseModel):
    """What an entry says. Unknown fields are ignored: contracts grow by addition."""

    model_config = ConfigDict(extra="ignore", frozen=True)


ENTRIES_PER_REQUEST_MAX = 90
"""Rows in one register load; a longer list is sent in parts."""
CODE_CHARACTERS_MAX = 30


class EntryRow(BaseModel):
    """One row of a register load: admit, change, suspend or end an entry. Days are inclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(max_length=CODE_CHARACTERS_MAX)
    content: dict[str, Any]
    valid_from: date
    valid_until: date | None = None
    suspended: bool = False


class DrugClass(StrEnum):
    """Regulatory class of a drug (药品管理法; 处方管理办法)."""

    ORDINARY = "ordinary"
    PSYCHOTROPIC_2 = "psychotropic_2"
    PSYCHOTROPIC_1 = "psychotropic_1"
    NARCOTIC = "narcotic"
    TOXIC = "toxic"


class SigningKey(RegisterContent):
    """A public key in the signer's register entry. `jwk` is an EC public key of the curve P-256 (the signer uses ES256)
    or SM2 (SM2 with SM3); validity in days, inclusive. A certificate holds the key itself; `jwk` is empty
    then."""

    kid: str
    jwk: dict[str, Any] = Field(default_factory=dict)
    certificate: str | None = Field(
        default=None,
        description="X.509: PEM, its issuers' after it up to the root; or base64 of one in DER",
    )
    valid_from: date
    valid_until: date


class Person(RegisterContent):
    """A doctor or pharmacist, by national code (医保医师 D…, 药师 HY…)."""

    name: str
    professions: tuple[str, ...] = Field(description="prescriber, reviewer, pharmacist, preparer, checker")
    organisation: str = Field(description="code of the institution or pharmacy")
    registration_no: str
    prescribing_rights: tuple[DrugClass, ...] = ()
    keys: tuple[SigningKey, ...] = ()


class Institution(RegisterContent):
    """A hospital or clinic; code `H` + region + 5 digits."""

    name: str
    region: str = Field(pattern=r"^\d{6}$", description="GB/T 2260 division")
    level: int = Field(ge=1, le=3, description="institution level 1..3")


class Drug(RegisterContent):
    """A product by its 23-character national code (医保药品代码)."""

    generic_name: str
    english_name: str
    form: str
    strength: str
    atc: str
    base_unit: str = Field(description="smallest unit that is counted (最小制剂单位), e.g. 片")
    pack_size: int = Field(gt=0, description="base units in one pack")
    dose_unit: str = Field(description="unit a dose is written in, e.g. mg")
    dose_per_base_unit: int = Field(gt=0, description="thousandths of the dose unit in one base unit")
    drug_class: DrugClass = DrugClass.ORDINARY
    deliverable: bool = True
    cold_chain: bool = False

    @property
    def drug_key(self) -> str:
        """Generic name, form and strength: what shortage is counted by; brands share it."""
        return f"{self.generic_name}|{self.form}|{self.strength}"


class Pharmacy(RegisterContent):
    """A retail pharmacy; code `P` + region + 5 digits. Coordinates in degrees, WGS 84."""

    name: str
    region: str = Field(pattern=r"^\d{6}$")
    address: str
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    chain: str | None = None


class Courier(RegisterContent):
    """A delivery company that may carry medicines (委托配送)."""

    name: str
    agreement_until: date
    cold_chain: bool = False


class Insurer(RegisterContent):
    """An insurance authority (统筹区); `region` is the place of insurance."""

    name: str
    region: str = Field(pattern=r"^\d{6}$")


class Designation(RegisterContent):
    """A pharmacy's agreement with an insurer (定点); channels: 定点, 门诊统筹, 双通道."""

    pharmacy: str
    insurer: str
    channels: tuple[str, ...]


CONTENT: dict[str, type[RegisterContent]] = {
    "person": Person,
    "institution": Institution,
    "drug": Drug,
    "pharmacy": Pharmacy,
    "courier": Courier,
    "insurer": Insurer,
    "designation": Designation,
}
OWNER: dict[str, str] = {
    "person": "prescribe",
    "institution": "prescribe",
    "drug": "prescribe",
    "pharmacy": "dispatch",
    "courier": "dispatch",
    "insurer": "insurance",
    "designation": "insurance",
}
