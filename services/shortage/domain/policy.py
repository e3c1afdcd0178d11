"""The thresholds of detection and grading: a dated data file per jurisdiction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.grading import Grade, GradeRule
from services.shortage.domain.regions import Level
from services.shortage.domain.transfer_plan import TransferRules
from services.shortage.domain.values import DrugProfile, SourceKind


class TaskRule(Immutable):
    """A task that a grade brings, and in how many hours it is due."""

    kind: str
    hours: int = Field(gt=0)
    grades: tuple[Grade, ...] = Field(min_length=1)


class Origin(Immutable):
    """Where figures come from: an official text, or the own choice of whoever runs this."""

    figures: tuple[str, ...] = Field(min_length=1, description="fields; of what detection assumes, `detection.x`")
    own_choice: bool
    origin: str = Field(min_length=1)


class ShortagePolicy(DatedPolicy):
    """What holds from one day on. Each figure says where it comes from: waiting times stand in few official texts."""

    version: str
    origins: tuple[Origin, ...]
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
    drugs: dict[str, DrugProfile] = Field(
        default={},
        description="by drug key, where no list was loaded (`rxflow load drug_lists`); others are B and on none",
    )
    source_groups: tuple[tuple[SourceKind, ...], ...] = Field(
        description="kinds of source in one group see the same thing; those of different groups are independent"
    )
    confirm_source_groups: int = Field(gt=1, description="so many independent kinds confirm a suspicion")
    opening_trust: tuple[Literal["own", "official", "third_party"], ...] = Field(
        description="whose reports open a case; those of others only join one"
    )
    price_jump_percent: int = Field(gt=100, description="a price of so many percent of the one before is a sign")
    tick_seconds: int = Field(gt=0, description="signs that come within this time are judged together")
    period_hours: int = Field(gt=0, description="how long a confirmed case is watched before it is judged again")
    better_periods: int = Field(gt=0, description="so many periods in a row must be better to ease the grade")
    normal_periods: int = Field(gt=0, description="so many normal periods in a row resolve a case")
    nation_from_regions: int = Field(gt=1, description="confirmed in so many regions: a case of the nation")
    restoration_days: int = Field(
        gt=0,
        description="deliveries announced for later than that are as good as none. Local configuration: the draft "
        "criterion of the national list says 一定时间无法恢复供应 and no figure",
    )
    tasks: tuple[TaskRule, ...] = Field(description="what a grade brings; deadlines are local configuration")
    task_escalated_hours: int = Field(gt=0, description="the next level has so long")
    protocol_level: Literal[Level.PROVINCE, Level.NATION] = Field(
        description="issues substitution protocols, as every level above it does"
    )
    protocol_days_max: int = Field(gt=0, description="a protocol that says its last day says one within so many days")
    protocol_notice_days: int = Field(ge=0, description="what is withdrawn, or ends with its case, holds so long still")
    substitution_modes: tuple[str, ...] = Field(description="who must agree to a substitute: the modes that count here")
    allocation_days_min: int = Field(gt=0, description="no allocation limits a supply to less")
    transfer: TransferRules = Field(description="what can be spared, what is needed, how far")
    effect_days: int = Field(gt=0, description="what a response brings is counted over so many days, before and after")
    reports_kept_days: int = Field(gt=31, description="a report not issued before can be made for so many days back")
    heartbeat_minutes: int = Field(gt=0, description="how often a heartbeat case proves that alerting works")
    heartbeat_limit_minutes: int = Field(gt=0, description="a heartbeat case stands in a report within so long")
    notice_planned_days: int = Field(gt=0, description="停产 that is planned is told so long before")
    notice_unplanned_days: int = Field(gt=0, description="停产 that was not planned is told within so many days")

    @model_validator(mode="after")
    def each_figure_has_one_origin(self) -> Self:
        """Raises ValueError."""
        told = [figure for each in self.origins for figure in each.figures]
        if sorted(told) != sorted(figures()):
            raise ValueError(f"origins: not once each: {sorted(set(told) ^ figures()) or sorted(told)}")
        return self

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.window_hours)

    @property
    def tick(self) -> timedelta:
        return timedelta(seconds=self.tick_seconds)

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

    def knowing(self, drug_key: str, profile: DrugProfile | None) -> ShortagePolicy:
        """With what the lists say of this drug; None: they say nothing."""
        return self if profile is None else self.model_copy(update={"drugs": {**self.drugs, drug_key: profile}})

    def independent(self, kinds: Iterable[SourceKind]) -> int:
        """How many independent kinds of source these are."""
        given = set(kinds)
        return sum(not given.isdisjoint(group) for group in self.source_groups)


def figures() -> set[str]:
    """Everything that has an origin to tell."""
    inside = {f"detection.{name}" for name in DetectionPolicy.model_fields}
    return ShortagePolicy.model_fields.keys() - DatedPolicy.model_fields - {"version", "origins", "detection"} | inside


UNLISTED = DrugProfile()
POLICIES = read_policies("services.shortage.domain", ShortagePolicy)
