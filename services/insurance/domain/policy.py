"""Benefit policies as dated data: who pays what part, by place of insurance, scheme, person, visit and level.

The rows are keyed as the national platform keys them: insuplc (参保地), insutype (险种), psn_type (人员类别), med_type
(医疗类别), medins_lv (机构等级) and valid_from. A place without a row of its own uses its city's, its province's, then
the nation's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.insurance.domain.money import BASIS_POINTS
from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies

Payer = Literal["hifp", "cvlserv", "hifes", "hifmi", "hifob", "maf", "commercial", "acct", "patient"]

PAYERS: tuple[tuple[Payer, str], ...] = (
    ("hifp", "统筹基金: pooled fund"),
    ("cvlserv", "公务员医疗补助: civil servants' supplement"),
    ("hifes", "企业补充: enterprise supplement"),
    ("hifmi", "居民大病: residents' serious illness"),
    ("hifob", "职工大额: employees' large amounts"),
    ("maf", "医疗救助: medical assistance"),
    ("commercial", "商业保险: commercial insurance"),
    ("acct", "个人账户: personal account"),
    ("patient", "个人现金: the patient"),
)
"""The payers in the order in which they pay. All before `acct` are funds; the last two are the person's own share."""

PAYER_ORDER: dict[str, int] = {payer: rank for rank, (payer, _) in enumerate(PAYERS)}
FUNDS: frozenset[str] = frozenset(PAYER_ORDER) - {"acct", "patient"}

FurtherPayer = Literal["cvlserv", "hifes", "hifmi", "hifob", "maf", "commercial"]
Ratio = Annotated[int, Field(ge=0, le=BASIS_POINTS)]
Fen = Annotated[int, Field(ge=0)]


class PooledFund(Immutable):
    """The pooled fund's part of what is in scope above the deductible, up to its yearly cap (封顶线)."""

    ratio_bp: Ratio
    annual_cap: Fen


class FurtherFund(Immutable):
    """A fund that pays a part of what is in scope and still unpaid; `assistance` names whom it pays for, empty: all."""

    payer: FurtherPayer
    ratio_bp: Ratio
    assistance: tuple[str, ...] = ()


class PolicyRow(Immutable):
    """One row of the policy table; one row may stand for several persons, visits and levels."""

    id: str
    insuplc: Annotated[str, Field(pattern=r"^\d{6}$")]
    insutype: str
    psn_types: tuple[str, ...]
    med_types: tuple[str, ...]
    medins_lv: tuple[int, ...]
    valid_from: date
    deductible: Fen
    pooled: PooledFund
    further: tuple[FurtherFund, ...] = ()

    @model_validator(mode="after")
    def funds_stand_in_the_order_of_payers(self) -> PolicyRow:
        ranks = [PAYER_ORDER[fund.payer] for fund in self.further]
        if ranks != sorted(set(ranks)):
            raise ValueError("further funds stand once each, in the order in which they pay")
        return self

    def lookup_keys(self) -> Iterator[tuple[str, str, str, str, int]]:
        for psn_type in self.psn_types:
            for med_type in self.med_types:
                for level in self.medins_lv:
                    yield self.insuplc, self.insutype, psn_type, med_type, level


class Visit(Immutable):
    """What an insurance intent of the prescription means: the visit type, and the channel a pharmacy must have."""

    med_type: str
    channel: str


class InsurancePolicy(DatedPolicy):
    """What holds in a jurisdiction from one day on; the rows name a day of their own beside it."""

    attempts_max: Annotated[int, Field(ge=1)]
    void_inquiry_minutes: Annotated[int, Field(ge=1)]
    """After this an insurer that has not confirmed a voiding is asked again."""
    retail_level: int
    """A retail pharmacy is paid as an institution of this level (药店纳入门诊统筹: 基层机构政策)."""
    visits: dict[str, Visit]
    rows: tuple[PolicyRow, ...]

    @property
    def void_inquiry(self) -> timedelta:
        return timedelta(minutes=self.void_inquiry_minutes)

    @cached_property
    def _by_key(self) -> dict[tuple[str, str, str, str, int], list[PolicyRow]]:
        table: dict[tuple[str, str, str, str, int], list[PolicyRow]] = {}
        for row in sorted(self.rows, key=lambda row: row.valid_from, reverse=True):
            for key in row.lookup_keys():
                table.setdefault(key, []).append(row)
        return table

    def row(self, place: str, insutype: str, psn_type: str, med_type: str, day: date) -> PolicyRow | None:
        """The row in force on a day for a retail supply, of the nearest place that has one."""
        for node in places(place):
            for row in self._by_key.get((node, insutype, psn_type, med_type, self.retail_level), ()):
                if row.valid_from <= day:
                    return row
        return None


def places(region: str) -> tuple[str, ...]:
    """A division and those around it: county, city, province, nation (GB/T 2260)."""
    return tuple(dict.fromkeys((region, f"{region[:4]}00", f"{region[:2]}0000", "000000")))


POLICIES = read_policies("services.insurance.domain", InsurancePolicy)
