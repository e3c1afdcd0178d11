"""Values of a prescription: what is written on it and where its quantities are."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from services.seedwork.model import Immutable


class Status(StrEnum):
    """Where a prescription stands; closing is told apart by what it closes as."""

    NOT_YET = "-"
    ISSUED = "issued"
    RETURNED = "returned"
    RELEASED = "released"
    CLOSING_CANCELLED = "closing(cancelled)"
    CLOSING_EXPIRED = "closing(expired)"
    COMPLETED = "completed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


FINAL = frozenset({Status.COMPLETED, Status.REFUSED, Status.CANCELLED, Status.EXPIRED})
UNDER_REVIEW = frozenset({Status.ISSUED, Status.RETURNED})
CLOSING = frozenset({Status.CLOSING_CANCELLED, Status.CLOSING_EXPIRED})

Bucket = Literal["remaining", "held", "dispensed", "in_hands", "replaceable", "cancelled", "lapsed"]
BUCKETS: tuple[Bucket, ...] = ("remaining", "held", "dispensed", "in_hands", "replaceable", "cancelled", "lapsed")
OPEN_BUCKETS: tuple[Bucket, ...] = ("remaining", "held", "dispensed", "replaceable")
"""Quantity in these has not come to its end."""


class Diagnosis(Immutable):
    """A diagnosis by its ICD-10 code (医保版)."""

    code: str = Field(max_length=30)
    name: str = Field(min_length=1, max_length=200)


Allergy = Annotated[str, Field(min_length=1, max_length=100)]
"""Generic name of a drug, or a group of them."""


class StandingFacts(Immutable):
    """What is known about the patient for longer than one visit. None: not asked."""

    weight_grams: int | None = Field(default=None, gt=0, le=500_000)
    pregnant: bool | None = None
    lactating: bool | None = None
    renal_impairment: bool | None = None
    hepatic_impairment: bool | None = None
    allergies: tuple[Allergy, ...] | None = Field(default=None, max_length=50)


class ScreeningFacts(StandingFacts):
    """The standing facts on the day of issue, with exact age (实足年龄) and sex."""

    age_days: int = Field(ge=0)
    sex: Literal["female", "male"]


class RestrictedUse(Immutable):
    """Whether the insurance's restricted use (限制使用) of a line's drug is met; a reason where it is not."""

    line: int = Field(ge=1)
    met: bool
    reason: str | None = Field(default=None, max_length=200)


class InsuranceIntent(Immutable):
    """How the visit is to be paid: 普通, 门诊统筹, 双通道, 门诊慢特病 or self-pay."""

    kind: Literal["general", "pooled_outpatient", "dual_channel", "chronic_disease", "self_pay"]
    restricted_use: tuple[RestrictedUse, ...] = Field(default=(), max_length=50)


class WrittenLine(Immutable):
    """One drug as the prescriber writes it. `dose` in `dose_unit`, `quantity` in base units (最小制剂单位)."""

    line: int = Field(ge=1, le=50)
    product: str = Field(max_length=30)
    dose: Decimal = Field(gt=0, max_digits=12, decimal_places=3)
    dose_unit: str = Field(min_length=1, max_length=20)
    frequency_per_day: int = Field(ge=1, le=24)
    days: int = Field(ge=1, le=366)
    quantity: int = Field(ge=1, le=1_000_000)
    route: str = Field(min_length=1, max_length=50)
    instructions: str | None = Field(default=None, max_length=500)
    substitution_consent: bool = False


class Line(WrittenLine):
    """A written line with what the drug register said of its product on the day of issue."""

    generic_name: str
    form: str
    strength: str
    base_unit: str
    drug_class: str
    counter_only: bool
    cold_chain: bool

    @property
    def drug_key(self) -> str:
        """What shortage is counted by; brands share it."""
        return f"{self.generic_name}|{self.form}|{self.strength}"

    @property
    def dose_text(self) -> str:
        """Dose, frequency, route and days as a pharmacist reads them (用法用量)."""
        text = f"{self.dose:f} {self.dose_unit} × {self.frequency_per_day}/d × {self.days} d, {self.route}"
        return f"{text}; {self.instructions}" if self.instructions else text


class WrittenPlan(Immutable):
    """A long-term supply (长期处方) in instalments of `days` each. `assessment`: why the illness is stable enough;
    `patient_agreed`: the patient has signed for it."""

    instalments: int = Field(ge=2, le=52)
    days: int = Field(ge=1, le=366)
    lead_days: int | None = Field(default=None, ge=0, le=60)
    assessment: str | None = Field(default=None, min_length=1, max_length=1000)
    patient_agreed: bool = False


class Plan(Immutable):
    """How a long-term supply is opened: `lead_days` before the one before is used up, for `open_days`."""

    instalments: int
    days: int
    lead_days: int
    open_days: int


class Signature(Immutable):
    """The prescriber's checked electronic signature: the key, and the digest of the compact form as received."""

    kid: str
    sha256: str


class LineQuantity(Immutable):
    """A quantity of one line, in base units."""

    line: int = Field(ge=1, le=50)
    quantity: int = Field(ge=0, le=1_000_000)


class LineBuckets(Immutable):
    """Where the prescribed quantity of one line is."""

    line: int
    remaining: int = Field(default=0, ge=0)
    held: int = Field(default=0, ge=0)
    dispensed: int = Field(default=0, ge=0)
    in_hands: int = Field(default=0, ge=0)
    replaceable: int = Field(default=0, ge=0)
    cancelled: int = Field(default=0, ge=0)
    lapsed: int = Field(default=0, ge=0)

    @property
    def total(self) -> int:
        """Always the prescribed quantity."""
        return sum(self.of(bucket) for bucket in BUCKETS)

    @property
    def still_open(self) -> int:
        """What has not come to its end."""
        return sum(self.of(bucket) for bucket in OPEN_BUCKETS)

    def of(self, bucket: Bucket) -> int:
        return int(getattr(self, bucket))


class Reviewer(Immutable):
    """A pharmacist who decided a review case, and the organisation that answers for it."""

    person: str
    name: str
    organisation: str
    signed_sha256: str | None = None


class Finding(Immutable):
    """Something the review found; names rules and numbers only. `number`: its place in the case, 0 where not told."""

    number: int = 0
    rule: str
    severity: str
    result_code: str | None = None
    lines: tuple[int, ...] = ()
    evidence: str
    confirmable: bool = False


class ConfirmedFinding(Finding):
    """A finding that the prescriber insists on (双签名), and why."""

    reason: str


class CancelledLine(Immutable):
    """What became of one line under one cancellation request, so far."""

    line: int
    cancelled: int = 0
    awaiting_return: int = 0
    refused: int = 0
    reason: str | None = None
