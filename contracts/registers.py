"""Register contents: the reference data each owner publishes and the others obey (准入, 退出).

Owners: persons, institutions, review agreements and drugs belong to prescribe; pharmacies and couriers to
dispatch; insurers and designations to insurance. An entry is identified by its kind and code and carries the dates it
is valid for.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, Literal

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
    RADIOACTIVE = "radioactive"
    PRECURSOR = "precursor"
    """药品类易制毒化学品"""


class AntibacterialLevel(StrEnum):
    """非限制, 限制, 特殊使用级 (抗菌药物临床应用管理办法 §6)."""

    UNRESTRICTED = "unrestricted"
    RESTRICTED = "restricted"
    SPECIAL = "special"


class Dated(RegisterContent):
    """Something an entry grants from a day on, perhaps until one (inclusive)."""

    valid_from: date
    valid_until: date | None = None

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class PracticeSite(Dated):
    """A further institution at which a doctor is registered to practise (多点执业)."""

    institution: str


class PrescribingRight(Dated):
    """The right to prescribe one drug class (处方权)."""

    drug_class: DrugClass


class AntibacterialRight(Dated):
    """The right to prescribe antibacterials up to a level."""

    level: AntibacterialLevel


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
    """A doctor or pharmacist, by national code (医保医师 D…, 药师 HY…); or a person who signs for an authority, by R,
    its division (000000: the nation) and six digits."""

    name: str
    professions: tuple[str, ...] = Field(
        description="prescriber, reviewer (whoever records it vouches for what reviewing takes by law, in China rank "
        "药师 or above, three years of dispensing and training: 医疗机构处方审核规范 5), supervisor, pharmacist, "
        "preparer, checker, quality_manager (质量负责人), authority"
    )
    organisation: str = Field(description="code of the institution or pharmacy; of an authority its division")
    registration_no: str
    prescribing_rights: tuple[DrugClass, ...] = Field(default=(), description="as long as the entry is in force")
    dated_rights: tuple[PrescribingRight, ...] = ()
    antibacterial_rights: tuple[AntibacterialRight, ...] = ()
    sites: tuple[PracticeSite, ...] = Field(default=(), description="beside the organisation of the entry")
    title: str | None = Field(default=None, description="professional title (职称), as the policy ranks them")
    specialties: tuple[str, ...] = Field(default=(), description="registered scope of practice, e.g. 儿科")
    practising_since: date | None = Field(default=None, description="first day of independent clinical practice")
    keys: tuple[SigningKey, ...] = ()


class Institution(RegisterContent):
    """A hospital or clinic; code `H` + region + 5 digits."""

    name: str
    region: str = Field(pattern=r"^\d{6}$", description="GB/T 2260 division")
    level: int = Field(ge=1, le=3, description="institution level 1..3")
    kind: str | None = Field(default=None, description="as the policy names them, e.g. hospital, internet_hospital")
    social_credit_code: str | None = Field(default=None, description="统一社会信用代码, 18 characters")


class ReviewAgreement(RegisterContent):
    """One institution has its prescriptions reviewed by the pharmacists of another (委托审方), while the entry is in
    force. Its code is `agreement_code(institution, reviewed_by)`."""

    institution: str = Field(pattern=r"^H\d{11}$", description="whose prescriptions")
    reviewed_by: str = Field(pattern=r"^H\d{11}$", description="whose pharmacists")
    agreement_no: str = Field(description="number of the signed agreement")


def agreement_code(institution: str, reviewed_by: str) -> str:
    """The code of a review agreement names both sides."""
    return f"{institution}-{reviewed_by}"


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
    medicine_type: Literal["western", "patent", "herbal"] = Field(
        default="western", description="西药, 中成药, 中药饮片"
    )
    antibacterial_level: AntibacterialLevel | None = None
    daily_dose_max: int | None = Field(
        default=None, gt=0, description="largest dose of a day (极量), thousandths of the dose unit"
    )
    splittable: bool = Field(default=True, description="whether a pack may be opened to give a part of it (拆零)")
    restricted_use: bool = Field(default=False, description="insurance pays it for some uses only (限制使用)")
    deliverable: bool = True
    cold_chain: bool = False
    storage: Literal["ambient", "refrigerated", "frozen"] | None = Field(
        default=None, description="how it must travel; None: refrigerated when `cold_chain`, else ambient"
    )
    freeze_sensitive: bool = Field(default=True, description="spoilt once it was frozen (禁止冷冻)")
    trace_ids: tuple[str, ...] = Field(
        default=(),
        description="what trace codes of its packs begin with: `cn:` and the 7 digits of 药品标识码, `gtin:` and 14 "
        "digits, `maker:<maker>:<number>`; empty: not known, so that no code is foreign",
    )

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
    agreement_from: date | None = Field(default=None, description="None: since the entry is valid")
    cold_chain_until: date | None = Field(
        default=None, description="last day for which its cold boxes are validated (冷链验证); None: without end"
    )
    frozen: bool = Field(default=False, description="carries frozen goods, too")
    interface: Literal["none", "webhook", "simulated"] = Field(
        default="none", description="how orders reach it; none: by people"
    )
    booking_url: str | None = Field(
        default=None, pattern=r"^https?://[^\s]+$", max_length=500, description="where orders are sent (`webhook`)"
    )

    def qualified(self, day: date, storage: str) -> bool:
        """Whether the agreement runs that day and covers goods that are stored so."""
        runs = (self.agreement_from is None or self.agreement_from <= day) and day <= self.agreement_until
        validated = self.cold_chain and (self.cold_chain_until is None or day <= self.cold_chain_until)
        needed = {"ambient": True, "refrigerated": validated, "frozen": validated and self.frozen}
        return runs and needed[storage]


class Insurer(RegisterContent):
    """An insurance authority (统筹区); `region` is the place of insurance."""

    name: str
    region: str = Field(pattern=r"^\d{6}$")
    interface: Literal["in_house", "national"] = Field(
        default="in_house", description="how it is reached: adjudicated here, or by national messages (2101, 2102 …)"
    )
    steps: Literal["one_step", "two_step"] = Field(
        default="one_step", description="`one_step` books when it authorises; `two_step` reserves, and books on receipt"
    )
    url: str | None = Field(
        default=None, pattern=r"^https?://[^\s]+$", max_length=500, description="where messages are sent (`national`)"
    )


class Designation(RegisterContent):
    """A pharmacy's agreement with an insurer (定点); channels: 定点, 门诊统筹, 双通道."""

    pharmacy: str
    insurer: str
    channels: tuple[str, ...]


CONTENT: dict[str, type[RegisterContent]] = {
    "person": Person,
    "institution": Institution,
    "review_agreement": ReviewAgreement,
    "drug": Drug,
    "pharmacy": Pharmacy,
    "courier": Courier,
    "insurer": Insurer,
    "designation": Designation,
}
OWNER: dict[str, str] = {
    "person": "prescribe",
    "institution": "prescribe",
    "review_agreement": "prescribe",
    "drug": "prescribe",
    "pharmacy": "dispatch",
    "courier": "dispatch",
    "insurer": "insurance",
    "designation": "insurance",
}
