"""Rows in which insurers bring who is insured with them, who has an assistance identity, and who has filed for care
out of area.

Used by whoever sends them and by insurance, which reads each row for itself. Cells are text: amounts in fen; a list is
split at semicolons; `name=fen` pairs say what further funds have paid, `name=fen/fen` deductible and pooled fund of a
counter of its own.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from contracts.rows import ImportRow

FEN_MAX = 10**12
"""Of one person: more is a slip of the pen."""
LIST_SEPARATOR = ";"
COUNTS_MAX = 20
Code = Annotated[str, Field(min_length=1, max_length=30)]
Fen = Annotated[int, Field(ge=0, le=FEN_MAX)]


class CounterFigures(BaseModel):
    """What counts apart from ordinary visits (门诊慢特病): fen of the year."""

    deductible_used: Fen = 0
    pooled_paid: Fen = 0


def _listed(cell: Any) -> Any:
    return [part.strip() for part in cell.split(LIST_SEPARATOR)] if isinstance(cell, str) else cell


def _pairs(cell: Any) -> Any:
    """`hifmi=1200;maf=300` as a mapping; anything else is left for the validation to refuse."""
    if not isinstance(cell, str):
        return cell
    pairs = [part.partition("=") for part in _listed(cell)]
    names = {name.strip() for name, _, _ in pairs}
    if len(names) < len(pairs) or not all(mark for _, mark, _ in pairs):
        raise ValueError("name=fen, each name once, separated by semicolons")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _counters(cell: Any) -> Any:
    """`chronic=20000/51000` as the figures of a counter."""
    found = _pairs(cell)
    if not isinstance(cell, str):
        return found
    parts = {name: value.partition("/") for name, value in found.items()}
    return {name: {"deductible_used": first, "pooled_paid": then} for name, (first, _, then) in parts.items()}


class DatedRow(ImportRow):
    """Of one person, as the insurer knew it at the end of a day; an older word never overwrites a newer."""

    patient_ref: UUID
    as_of: date = Field(description="day of the insurer's word; its figures contain all that was settled until then")


def _ends_after_it_begins(begin: date, end: date | None) -> None:
    if end is not None and end < begin:
        raise ValueError("ends before it begins")


class MemberRow(DatedRow):
    """Who is insured with whom, the personal account, and what counts towards the limits of the year of `as_of`."""

    insurer: Code
    insutype: Code = Field(description="310 employees, 390 residents")
    psn_type: Code = Field(description="在职, 退休, 居民")
    supplements: Annotated[tuple[Code, ...], BeforeValidator(_listed), Field(max_length=COUNTS_MAX)] = ()
    account_balance: Fen = 0
    deductible_used: Fen = 0
    pooled_paid: Fen = 0
    burden: Fen = 0
    funds: Annotated[dict[Code, Fen], BeforeValidator(_pairs), Field(max_length=COUNTS_MAX)] = Field(default={})
    counters: Annotated[dict[Code, CounterFigures], BeforeValidator(_counters), Field(max_length=COUNTS_MAX)] = Field(
        default={}
    )
    insured_from: date
    insured_until: date | None = None
    psn_no: Code | None = Field(default=None, description="人员编号: as whom the insurer knows the person")

    @property
    def key(self) -> str:
        return str(self.patient_ref)

    @model_validator(mode="after")
    def period_is_one(self) -> MemberRow:
        _ends_after_it_begins(self.insured_from, self.insured_until)
        return self


class PeriodRow(DatedRow):
    """Something that holds for one person from a day on, perhaps until one (inclusive); `withdrawn`: it never held."""

    valid_from: date
    valid_until: date | None = None
    withdrawn: bool = False

    @model_validator(mode="after")
    def period_is_one(self) -> PeriodRow:
        _ends_after_it_begins(self.valid_from, self.valid_until)
        return self


class AssistanceRow(PeriodRow):
    """An assistance identity (医疗救助身份)."""

    identity: Code = Field(description="特困, 低保, 返贫 …, in the words of the policy")

    @property
    def key(self) -> str:
        return f"{self.patient_ref}/{self.valid_from}"


class FilingRow(PeriodRow):
    """A filing for care out of area (异地就医备案)."""

    region: str = Field(pattern=r"^\d{6}$", description="where care may be sought, GB/T 2260: all that lies in it")
    kind: Literal["resident", "referral", "temporary"] = Field(description="长期异地居住, 转诊, 临时外出")

    @property
    def key(self) -> str:
        return f"{self.patient_ref}/{self.region}/{self.valid_from}"


INSURED_ROWS: dict[str, type[MemberRow] | type[AssistanceRow] | type[FilingRow]] = {
    "members": MemberRow,
    "assistance": AssistanceRow,
    "filings": FilingRow,
}
