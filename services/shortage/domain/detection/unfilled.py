"""Demands that nobody could fill, of one drug in one region node: a Poisson CUSUM over distinct demands per civil day.

A line that is tried in three pharmacies, or on three days, is one demand on the first of its days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from services.seedwork.calendar import ZONE, civil_day
from services.seedwork.model import Immutable
from services.shortage.domain.detection.calibration import Walk, unfilled_walk
from services.shortage.domain.detection.walk import NOWHERE, Standing, Step, walked

DAY = timedelta(days=1)
DAYS_MAX = 4000


class Unfilled(Immutable):
    """One try of a demand that stayed unfilled; `demand_key` is the same for one line wherever it is tried."""

    demand_key: str
    reporter: str
    region: str
    at: datetime


class CountPrior(Immutable):
    """What is assumed before it is known, and how rarely a false alarm may come. Dated policy."""

    per_day: float
    weight_days: int
    ratio: float
    days_between_alarms: float


@dataclass(frozen=True)
class UnfilledDemands:
    """The demands of one drug key in one node; `first` has each with the first time it was tried in vain."""

    settled: Standing = NOWHERE
    settled_until: date | None = None
    quiet_days: int = 0
    quiet_demands: int = 0
    first: Mapping[str, datetime] = field(default_factory=dict)

    def taken(self, tries: Iterable[Unfilled]) -> UnfilledDemands:
        """With these reports; those about settled days change nothing."""
        first = dict(self.first)
        for each in tries:
            if self.settled_until is not None and civil_day(each.at) < self.settled_until:
                continue
            first[each.demand_key] = min(each.at, first.get(each.demand_key, each.at))
        return UnfilledDemands(self.settled, self.settled_until, self.quiet_days, self.quiet_demands, first)

    def standing(self, walk: Walk, now: datetime) -> Standing:
        """Where the walk stands now; the day that is running counts with what it has until now."""
        return walked(self.settled, self._steps(walk, civil_day(now) + DAY, now), walk)

    def settle(self, walk: Walk, until: date) -> UnfilledDemands:
        """Days before `until` can no longer change, and count to what is usual; a sure shortage does not."""
        end = datetime.combine(until, time(), ZONE)
        old = sum(at < end for at in self.first.values())
        standing = walked(self.settled, self._steps(walk, until, end), walk)
        first = {key: at for key, at in self.first.items() if at >= end}
        if self.settled.sure or standing.sure:
            return UnfilledDemands(standing, until, self.quiet_days, self.quiet_demands, first)
        days = (until - self._begin(until)).days
        return UnfilledDemands(standing, until, self.quiet_days + days, self.quiet_demands + old, first)

    def per_day(self, prior: CountPrior) -> float:
        """The usual number of demands that stay unfilled in a day; prior knowledge counts as `weight_days` days."""
        return (self.quiet_demands + prior.per_day * prior.weight_days) / (self.quiet_days + prior.weight_days)

    def _begin(self, until: date) -> date:
        days = [self.settled_until] if self.settled_until else [civil_day(at) for at in self.first.values()]
        return min([until, *days])

    def _steps(self, walk: Walk, until: date, now: datetime) -> Iterable[Step]:
        by_day: dict[date, list[tuple[datetime, str]]] = {}
        for key, at in self.first.items():
            if at <= now:
                by_day.setdefault(civil_day(at), []).append((at, key))
        day = max(self._begin(until), until - DAY * DAYS_MAX)
        while day < until:
            demands = sorted(by_day.get(day, ()))
            # the last of the day: only then has it so many
            at = demands[-1][0] if demands else datetime.combine(day, time(), ZONE)
            yield Step(at, walk.unit * len(demands), walk.allowance, tuple(key for _, key in demands))
            day += DAY


def design(demands: UnfilledDemands, prior: CountPrior) -> Walk:
    """The walk that suits what is usual for this drug here."""
    return unfilled_walk(demands.per_day(prior), prior.days_between_alarms, prior.ratio)
