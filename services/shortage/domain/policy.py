"""The thresholds of detection and grading: a dated data file per jurisdiction."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies
from services.shortage.domain.regions import Level


class Grade(StrEnum):
    """Severity of a confirmed shortage, from IV (one institution) to I (national)."""

    IV = "IV"
    III = "III"
    II = "II"
    I = "I"  # noqa: E741 - the grade's official name


class GradeRule(Immutable):
    """One row of the grading table: the grade holds where every count reaches its threshold."""

    grade: Grade
    owner_level: Level
    pharmacies: int = 0
    in_one_county: int = 0
    cities: int = 0
    provinces: int = 0


class ShortagePolicy(DatedPolicy):
    """What holds from one day on."""

    version: str
    case_region_level: Level
    window_hours: int = Field(gt=0, description="signals count together when they happened within this time")
    kept_hours: int = Field(gt=0, description="how far behind the newest a signal may arrive and still count")
    suspect_demands: int = Field(gt=0)
    suspect_pharmacies: int = Field(gt=0)
    suspect_again_pharmacies: int = Field(gt=0, description="after an ended case of the same drug and region")
    confirm_pharmacies: int = Field(gt=0)
    contradictory_signals_count: bool = Field(
        description="whether `out of stock` counts although the books show stock: the shelf is what patients meet"
    )
    hysteresis_hours: int = Field(gt=0, description="below its threshold for so long, a suspicion ends by itself")
    grades: tuple[GradeRule, ...] = Field(min_length=1, description="the worst first; the last one always holds")

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.window_hours)

    @property
    def kept(self) -> timedelta:
        return timedelta(hours=self.kept_hours)

    @property
    def hysteresis(self) -> timedelta:
        return timedelta(hours=self.hysteresis_hours)


POLICIES = read_policies("services.shortage.domain", ShortagePolicy)
