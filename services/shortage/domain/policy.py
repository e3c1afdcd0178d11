"""The thresholds of detection and grading: a dated data file per jurisdiction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pydantic import Field

from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.grading import Grade, GradeRule
from services.shortage.domain.regions import Level
from services.shortage.domain.values import DrugClass, SourceKind


class DrugProfile(Immutable):
    """What a list of the jurisdiction says about one drug."""

    drug_class: DrugClass = DrugClass.B
    nationally_listed: bool = Field(default=False, description="国家短缺药品清单 or 重点监测清单")


class TaskRule(Immutable):
    """A task that a grade brings, and in how many hours it is due."""

    kind: str
    hours: int = Field(gt=0)
    grades: tuple[Grade, ...] = Field(min_length=1)


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
    detection: DetectionPolicy
    grades: tuple[GradeRule, ...] = Field(min_length=1, description="the worst first; the last one always holds")
    drugs: dict[str, DrugProfile] = Field(default={}, description="by drug key; others are of class B and on no list")
    source_groups: tuple[tuple[SourceKind, ...], ...] = Field(
        description="kinds of source in one group see the same thing; those of different groups are independent"
    )
    confirm_source_groups: int = Field(gt=1, description="so many independent kinds confirm a suspicion")
    period_hours: int = Field(gt=0, description="how long a confirmed case is watched before it is judged again")
    better_periods: int = Field(gt=0, description="so many periods in a row must be better to ease the grade")
    normal_periods: int = Field(gt=0, description="so many normal periods in a row resolve a case")
    nation_from_regions: int = Field(gt=1, description="confirmed in so many regions: a case of the nation")
    tasks: tuple[TaskRule, ...] = Field(description="what a grade brings; deadlines are local configuration")
    task_escalated_hours: int = Field(gt=0, description="the next level has so long")
    notice_planned_days: int = Field(gt=0, description="停产 that is planned is told so long before")
    notice_unplanned_days: int = Field(gt=0, description="停产 that was not planned is told within so many days")

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.window_hours)

    @property
    def kept(self) -> timedelta:
        return timedelta(hours=self.kept_hours)

    @property
    def hysteresis(self) -> timedelta:
        return timedelta(hours=self.hysteresis_hours)

    @property
    def period(self) -> timedelta:
        return timedelta(hours=self.period_hours)

    def profile(self, drug_key: str) -> DrugProfile:
        return self.drugs.get(drug_key, UNLISTED)

    def independent(self, kinds: Iterable[SourceKind]) -> int:
        """How many independent kinds of source these are."""
        given = set(kinds)
        return sum(not given.isdisjoint(group) for group in self.source_groups)


UNLISTED = DrugProfile()
POLICIES = read_policies("services.shortage.domain", ShortagePolicy)
