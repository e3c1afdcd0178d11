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


class TcmDiagnosis(Immutable):
    """A diagnosis of Chinese medicine (中医病名, GB/T 15657) with the pattern it shows (证型)."""

    code: str = Field(max_length=30)
    name: str = Field(min_length=1, max_length=200)
    syndrome_code: str | None = Field(default=None, max_length=30)
    syndrome: str | None = Field(default=None, min_length=1, max_length=200)


MedicineKind = Literal["western", "herbal"]
"""What one prescription is written for: western and Chinese patent medicines, or herbal pieces (中药饮片)."""

Allergy = Annotated[str, Field(min_length=1, max_length=100)]
"""Generic name of a drug, or a group of them."""
Condition = Annotated[str, Field(min_length=3, max_length=30)]
"""A standing disease by its ICD-10 code."""
Medicine = Annotated[str, Field(min_length=1, max_length=100)]
"""Generic name of a medicine the patient says they take."""


class StandingFacts(Immutable):
    """What is known about the patient for longer than one visit. None: not asked."""

    weight_grams: int | None = Field(default=None, gt=0, le=500_000)
    pregnant: bool | None = None
    lactating: bool | None = None
    renal_impairment: bool | None = None
    hepatic_impairment: bool | None = None
    allergies: tuple[Allergy, ...] | None = Field(default=None, max_length=50)
    height_cm: int | None = Field(default=None, ge=20, le=260)
    gestation_weeks: int | None = Field(default=None, ge=1, le=45)
    """Weeks of the pregnancy; of a newborn, weeks of gestation at birth (孕周)."""
    creatinine_clearance_ml_min: int | None = Field(default=None, ge=0, le=300)
    child_pugh: Literal["A", "B", "C"] | None = None
    conditions: tuple[Condition, ...] | None = Field(default=None, max_length=50)
    other_medicines: tuple[Medicine, ...] | None = Field(default=None, max_length=50)

    def and_today(self, stated: StandingFacts) -> StandingFacts:
        """These facts with what was asked again at a visit: the answer of the day wins."""
        return self.model_copy(update=stated.model_dump(exclude_none=True))


class ScreeningFacts(StandingFacts):
    """The standing facts on the day of issue, with exact age (实足年龄) and sex."""

    age_days: int = Field(ge=0)
    sex: Literal["female", "male"]


IntentKind = Literal["general", "pooled_outpatient", "dual_channel", "chronic_disease", "self_pay"]
"""普通, 门诊统筹, 双通道, 门诊慢特病, or paid by the patient alone."""


class LineIntent(Immutable):
    """A line that is paid otherwise than the visit. Self-pay says why, and in words where the code is `other`."""

    line: int = Field(ge=1)
    kind: IntentKind
    self_pay_reason: str | None = Field(default=None, pattern=r"^[a-z][a-z_]{1,39}$")
    self_pay_note: str | None = Field(default=None, min_length=1, max_length=1000)


class RestrictedUse(Immutable):
    """Whether the insurance's restricted use (限制使用) of a line's drug is met; a reason where it is not."""

    line: int = Field(ge=1)
    met: bool
    reason: str | None = Field(default=None, max_length=200)


class InsuranceIntent(Immutable):
    """How the visit is to be paid: 普通, 门诊统筹, 双通道, 门诊慢特病 or self-pay."""

    kind: IntentKind
    restricted_use: tuple[RestrictedUse, ...] = Field(default=(), max_length=50)
    lines: tuple[LineIntent, ...] = Field(default=(), max_length=50)

    def of(self, line: int) -> IntentKind:
        """How one line is to be paid."""
        return next((each.kind for each in self.lines if each.line == line), self.kind)


class Guardian(Immutable):
    """Who accompanies a young child at an online visit."""

    name: str = Field(min_length=1, max_length=100)
    relation: str = Field(min_length=1, max_length=50)


class OnlineVisit(Immutable):
    """What makes an online visit a lawful one (互联网诊疗管理办法, 监管细则).

    `prior_record` refers to the record with the definite earlier diagnosis; `authorisation_no` is the visit's own
    (authNo).
    """

    first_visit: bool
    prior_record: str | None = Field(default=None, min_length=1, max_length=64)
    authorisation_no: str | None = Field(default=None, min_length=1, max_length=64)
    guardian: Guardian | None = None


class HintSeen(Immutable):
    """A hint the prescriber was shown before signing: which one, by its owner's id, and how old it was."""

    kind: Literal["availability", "shortage", "patient_share", "payment_rule"]
    id: str = Field(min_length=1, max_length=100)
    age_seconds: int = Field(ge=0, le=31_536_000)


class WrittenLine(Immutable):
    """One drug as the prescriber writes it. `dose` in `dose_unit`, `quantity` in base units (最小制剂单位).

    How often: so many times a day, or by a code of the policy's table (qod, qw, prn ...); as needed has both, the
    number being the most in a day.
    """

    line: int = Field(ge=1, le=50)
    product: str = Field(max_length=30)
    dose: Decimal = Field(gt=0, max_digits=12, decimal_places=3)
    dose_unit: str = Field(min_length=1, max_length=20)
    frequency_per_day: int | None = Field(default=None, ge=1, le=24)
    frequency: str | None = Field(default=None, min_length=1, max_length=20)
    days: int = Field(ge=1, le=366)
    quantity: int = Field(ge=1, le=1_000_000)
    route: str = Field(min_length=1, max_length=50)
    instructions: str | None = Field(default=None, max_length=500)
    substitution_consent: bool = False
    skin_test: Literal["negative", "positive", "exempt"] | None = None
    """What the skin test (皮试) gave, for drugs that need one."""
    mixed_with: int | None = Field(default=None, ge=1, le=50)
    """Number of the line of the infusion this one is mixed into."""
    solvent: str | None = Field(default=None, min_length=1, max_length=100)
    solvent_ml: int | None = Field(default=None, ge=1, le=5000)
    drip_minutes: int | None = Field(default=None, ge=1, le=1440)
    herb_note: str | None = Field(default=None, min_length=1, max_length=200)
    """How one herb is treated apart (脚注), e.g. 先煎."""


class Line(WrittenLine):
    """A written line with what the drug register said of its product on the day of issue.

    `frequency_per_day` doses in each `per_days` days. `split_pack`: what is given out at once is no whole packs (拆零).
    """

    frequency_per_day: int = Field(ge=1, le=24)
    per_days: int = Field(default=1, ge=1)
    as_needed: bool = False
    split_pack: bool = False
    generic_name: str
    form: str
    strength: str
    base_unit: str
    drug_class: str
    atc: str | None = None
    english_name: str | None = None
    counter_only: bool
    cold_chain: bool

    @property
    def drug_key(self) -> str:
        """What shortage is counted by; brands share it."""
        return f"{self.generic_name}|{self.form}|{self.strength}"

    @property
    def dose_text(self) -> str:
        """Dose, frequency, route and days as a pharmacist reads them (用法用量)."""
        often = f"{self.frequency_per_day}/{'d' if self.per_days == 1 else f'{self.per_days} d'}"
        often = f"≤ {often} as needed" if self.as_needed else often
        text = f"{self.dose:f} {self.dose_unit} × {often} × {self.days} d, {self.route}"
        return f"{text}; {self.instructions}" if self.instructions else text


class Signature(Immutable):
    """The prescriber's checked electronic signature: the key, and the digest of the compact form as received.

    `certificate` is the serial number where the key came by one; `degraded` says what could not be checked at the time
    of signing and was accepted by policy all the same.
    """

    kid: str
    sha256: str
    algorithm: str = "ES256"
    certificate: str | None = None
    degraded: str | None = None


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
