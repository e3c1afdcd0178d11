"""What the detectors assume and how rarely they may raise a false alarm: dated policy, part of `policies/*.json`.

The rate of false alarms is stated once for a drug in a node and shared by the detectors; each gets its threshold from
its share. So adding a detector makes the others quieter, never the whole louder.
"""

from __future__ import annotations

from pydantic import Field

from services.seedwork.model import Immutable
from services.shortage.domain.detection.cover import CoverRules, StatusRules
from services.shortage.domain.detection.demand import DemandRules
from services.shortage.domain.detection.order_lines import LinePrior
from services.shortage.domain.detection.silence import ReportingRule, SilenceRules
from services.shortage.domain.detection.surge import SurgeRules
from services.shortage.domain.detection.unfilled import CountPrior
from services.shortage.domain.regions import Level
from services.shortage.domain.values import SourceKind

DAYS_PER_YEAR = 365.0
Share = float


class OrderLinePolicy(Immutable):
    """Short-filled orders. `ratio`: how many times the usual share it is tuned to find."""

    budget_share: Share = Field(gt=0, le=1)
    ratio: float = Field(gt=1)
    short_share: float = Field(gt=0, lt=1, description="usual share of short lines before anything is known")
    weight: int = Field(gt=0, description="lines that this prior knowledge counts as")
    lines_per_day: float = Field(gt=0)


class CountPolicy(Immutable):
    """Events counted by day: unfilled demands."""

    budget_share: Share = Field(gt=0, le=1)
    ratio: float = Field(gt=1)
    per_day: float = Field(gt=0)
    weight_days: int = Field(gt=0)


class SurgePolicy(Immutable):
    """More is asked for than usual."""

    budget_share: Share = Field(gt=0, le=1)
    ratio: float = Field(gt=1)
    history_days: int = Field(gt=0)
    guard_days: int = Field(gt=0)
    history_days_min: int = Field(gt=1)


class DetectionPolicy(Immutable):
    """All detectors of one jurisdiction from one day on."""

    false_alarms_per_drug_year: float = Field(gt=0, description="of one drug in one node, all detectors together")
    level_shares: dict[Level, Share] = Field(
        min_length=1,
        description="of that rate, what one node of a level may use: a province with all inside it keeps the rate",
    )
    lateness_days: int = Field(gt=0, description="reports about what is older come too late")
    order_lines: OrderLinePolicy
    unfilled: CountPolicy
    surge: SurgePolicy
    cover: CoverRules
    demand: DemandRules
    silence: SilenceRules
    reporting: dict[SourceKind, ReportingRule] = Field(
        description="reports that come at intervals: when the next one is missed. Local configuration; of kinds that "
        "are not named (stops, prices) none is awaited"
    )
    status: StatusRules

    def line_prior(self, share: Share | None = None, level_share: Share = 1.0) -> LinePrior:
        """For the order-line walk; `share` of the false alarms, its own unless told otherwise."""
        own = self.order_lines
        return LinePrior(
            short_share=own.short_share,
            weight=own.weight,
            lines_per_day=own.lines_per_day,
            ratio=own.ratio,
            days_between_alarms=self._days_between((own.budget_share if share is None else share) * level_share),
        )

    def unfilled_prior(self, share: Share | None = None, level_share: Share = 1.0) -> CountPrior:
        own = self.unfilled
        return CountPrior(
            per_day=own.per_day,
            weight_days=own.weight_days,
            ratio=own.ratio,
            days_between_alarms=self._days_between((own.budget_share if share is None else share) * level_share),
        )

    def surge_rules(self, share: Share | None = None, level_share: Share = 1.0) -> SurgeRules:
        own = self.surge
        return SurgeRules(
            ratio=own.ratio,
            history_days=own.history_days,
            guard_days=own.guard_days,
            history_days_min=own.history_days_min,
            days_between_alarms=self._days_between((own.budget_share if share is None else share) * level_share),
        )

    def _days_between(self, share: Share) -> float:
        return DAYS_PER_YEAR / (self.false_alarms_per_drug_year * share)
