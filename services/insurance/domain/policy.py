"""Benefit policies as dated data: who pays what part, by place of insurance, scheme, person, visit and level.

The rows are keyed as the national platform keys them: insuplc (参保地), insutype (险种), psn_type (人员类别), med_type
(医疗类别), medins_lv (机构等级) and valid_from. A place without a row of its own uses its city's, its province's, then
the nation's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from services.insurance.domain.delivery_fee import FeeBearer, FeeEnd
from services.insurance.domain.money import BASIS_POINTS
from services.insurance.domain.periods import succession, within
from services.insurance.domain.places import places
from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies

Payer = Literal["hifp", "cvlserv", "hifes", "hifmi", "hifob", "maf", "commercial", "hosp", "acct", "patient"]

PAYERS: tuple[tuple[Payer, str], ...] = (
    ("hifp", "统筹基金: pooled fund"),
    ("cvlserv", "公务员医疗补助: civil servants' supplement"),
    ("hifes", "企业补充: enterprise supplement"),
    ("hifmi", "居民大病: residents' serious illness"),
    ("hifob", "职工大额: employees' large amounts"),
    ("maf", "医疗救助: medical assistance"),
    ("commercial", "商业保险: commercial insurance"),
    ("hosp", "医药机构负担: the pharmacy, where a dispute was decided so"),
    ("acct", "个人账户: personal account"),
    ("patient", "个人现金: the patient"),
)
"""The payers in the order in which they pay. All before `hosp` are funds; the last two are the person's own share."""

PAYER_ORDER: dict[str, int] = {payer: rank for rank, (payer, _) in enumerate(PAYERS)}
FUNDS: frozenset[str] = frozenset(PAYER_ORDER) - {"hosp", "acct", "patient"}

SUPPLEMENTS: tuple[Payer, ...] = ("cvlserv", "hifes")
"""They pay before the year's burden is counted."""

Reach = Literal["everywhere", "province", "home"]
FilingKind = Literal["resident", "referral", "temporary"]
"""长期异地居住, 转诊, 临时外出 (异地就医备案)."""
COMPLAINTS_MAX = 20


class PolicyKey(NamedTuple):
    """What a row is looked up by: 参保地, 险种, 人员类别, 医疗类别, 机构等级."""

    insuplc: str
    insutype: str
    psn_type: str
    med_type: str
    medins_lv: int


FurtherPayer = Literal["cvlserv", "hifes", "hifmi", "hifob", "maf", "commercial"]
Ratio = Annotated[int, Field(ge=0, le=BASIS_POINTS)]
Fen = Annotated[int, Field(ge=0)]


class PooledFund(Immutable):
    """The pooled fund's part of what is in scope above the deductible, up to its yearly cap (封顶线)."""

    ratio_bp: Ratio
    annual_cap: Fen


class Tier(Immutable):
    """Of serious illness (分段): the ratio for the part of the year's burden above this amount, up to the next tier."""

    above: Fen
    ratio_bp: Ratio


class FurtherFund(Immutable):
    """A fund that pays a part of what is in scope and still unpaid.

    One of: `ratio_bp` of it; `by_assistance`, a ratio by the member's assistance identity; `tiers` of the burden that
    the year has accumulated. `assistance` and `supplement` name whom it pays for, empty: all. `annual_cap` in fen.
    `reach`: how far from the place of insurance the one stop reaches it.
    """

    payer: FurtherPayer
    ratio_bp: Ratio = 0
    assistance: tuple[str, ...] = ()
    by_assistance: dict[str, Ratio] = Field(default={}, max_length=20)
    supplement: str | None = None
    tiers: tuple[Tier, ...] = ()
    annual_cap: Fen | None = None
    reach: Reach = "everywhere"

    @model_validator(mode="after")
    def says_in_one_way_what_it_pays(self) -> FurtherFund:
        if sum(map(bool, (self.ratio_bp, self.by_assistance, self.tiers))) > 1:
            raise ValueError("a fund pays by one of ratio_bp, by_assistance and tiers")
        starts = [tier.above for tier in self.tiers]
        if starts != sorted(set(starts)):
            raise ValueError("tiers stand in ascending order")
        return self


class PolicyRow(Immutable):
    """One row of the policy table; one row may stand for several persons, visits and levels.

    `counter` names what deductible and pooled fund are counted in: rows with the same counter share them; empty is
    the counter of ordinary visits. `away`: the pooled fund's ratio out of area, by the kind of filing.
    """

    id: str
    insuplc: Annotated[str, Field(pattern=r"^\d{6}$")]
    insutype: str
    psn_types: tuple[str, ...]
    med_types: tuple[str, ...]
    medins_lv: tuple[int, ...]
    valid_from: date
    valid_until: date | None = None
    counter: Annotated[str, Field(max_length=20)] = ""
    deductible: Fen
    pooled: PooledFund
    further: tuple[FurtherFund, ...] = ()
    away: dict[FilingKind, Ratio] = Field(default={}, max_length=3)

    @model_validator(mode="after")
    def funds_stand_in_the_order_of_payers(self) -> PolicyRow:
        ranks = [PAYER_ORDER[fund.payer] for fund in self.further]
        if ranks != sorted(set(ranks)):
            raise ValueError("further funds stand once each, in the order in which they pay")
        return self

    def lookup_keys(self) -> Iterator[PolicyKey]:
        for psn_type in self.psn_types:
            for med_type in self.med_types:
                for level in self.medins_lv:
                    yield PolicyKey(self.insuplc, self.insutype, psn_type, med_type, level)


class PolicyTable(Immutable):
    """Rows by key and day. For one key two rows never hold on the same day, and no day lies between two."""

    rows: Annotated[tuple[PolicyRow, ...], Field(max_length=500)]

    @model_validator(mode="after")
    def rows_follow_one_another(self) -> PolicyTable:
        complaints = [
            f"{'/'.join(map(str, key))}: {wrong}" for key, rows in self._by_key.items() if (wrong := succession(rows))
        ]
        if complaints:
            raise ValueError("; ".join(complaints[:COMPLAINTS_MAX]))
        return self

    @cached_property
    def _by_key(self) -> dict[PolicyKey, list[PolicyRow]]:
        table: dict[PolicyKey, list[PolicyRow]] = {}
        for row in self.rows:
            for key in row.lookup_keys():
                table.setdefault(key, []).append(row)
        return table

    def at(self, key: PolicyKey, day: date) -> PolicyRow | None:
        """The row of exactly this key on a day."""
        return next((row for row in self._by_key.get(key, ()) if within(row, day)), None)

    def ended(self, key: PolicyKey, day: date) -> bool:
        """Whether it had rows of this key, and none holds on the day any more."""
        rows = self._by_key.get(key, ())
        return any(row.valid_from <= day for row in rows) and self.at(key, day) is None


class Visit(Immutable):
    """What an insurance intent of the prescription means: the visit type, and the channel a pharmacy must have."""

    med_type: str
    channel: str


class InsurancePolicy(DatedPolicy, PolicyTable):
    """What holds in a jurisdiction from one day on; the rows name a day of their own beside it."""

    attempts_max: Annotated[int, Field(ge=1)]
    rebillings_max: Annotated[int, Field(ge=0)] = 10
    """Attempts for the parts that stay the patient's, beyond those for payments that failed."""
    void_inquiry_minutes: Annotated[int, Field(ge=1)]
    """After this an insurer that has not answered is asked again."""
    reversal_days_max: Annotated[int, Field(ge=0)] = 90
    """An insurer takes a claim back without a dispute until so many days after its settlement."""
    credit_share_max: Annotated[int, Field(ge=0)] = 0
    """Up to this claim in fen a named person may hand out on credit; 0: never."""
    rebill_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """What is billed anew and the patient has is authorised and paid within so many days; None: without a limit."""
    retail_level: int
    """A retail pharmacy is paid as an institution of this level (药店纳入门诊统筹: 基层机构政策)."""
    difference_due_days: Annotated[int, Field(ge=0)] = 5
    """A difference with a payer that is older has no answer in time."""
    visits: dict[str, Visit]
    payment_hours: Annotated[int, Field(ge=1)] | None = None
    """What is asked of a patient can be paid for so long; None: without a limit."""
    fee_bearers: dict[FeeEnd, FeeBearer] = Field(default={}, max_length=20)
    """Who bears a delivery fee, where this jurisdiction says otherwise than `FEE_ENDS`."""
    filing_needed: Literal["out_of_area", "out_of_province"] = "out_of_area"
    """Where care needs a filing (异地就医备案)."""

    @property
    def attempts_all(self) -> int:
        """No supply has more claims than this."""
        return self.attempts_max + self.rebillings_max

    def payment_until(self, now: datetime) -> datetime | None:
        """Until when what is asked for now can be paid."""
        return None if self.payment_hours is None else now + timedelta(hours=self.payment_hours)

    def rebill_until(self, now: datetime) -> datetime | None:
        """Until when what is billed anew now is authorised and paid."""
        return None if self.rebill_days is None else now + timedelta(days=self.rebill_days)

    @property
    def void_inquiry(self) -> timedelta:
        return timedelta(minutes=self.void_inquiry_minutes)

    def row(
        self,
        place: str,
        insutype: str,
        psn_type: str,
        med_type: str,
        day: date,
        regional: Sequence[PolicyTable] = (),
    ) -> PolicyRow | None:
        """The row in force on a day for a retail supply, of the nearest place that has one.

        Of one place the loaded tables (`regional`) come before the file's. Where a table's versions have come to an end
        there is none: a gap is never filled by what holds further out, or nobody would see it.
        """
        for node in places(place):
            key = PolicyKey(node, insutype, psn_type, med_type, self.retail_level)
            for table in (*regional, self):
                if row := table.at(key, day):
                    return row
                if table.ended(key, day):
                    return None
        return None


POLICIES = read_policies("services.insurance.domain", InsurancePolicy)
