"""Watching one drug day by day: the product's detectors, together and each alone, and what other systems alert on.

Everything is decided at the end of a day with the reports that have arrived by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from rxflow.supply.living import Lived
from rxflow.supply.reports import Reports, at
from services.seedwork.calendar import civil_day
from services.shortage.domain.detection import order_lines, unfilled
from services.shortage.domain.detection.cover import CoverRules, Shelf, cover_alarms, cover_share, pooled_cover
from services.shortage.domain.detection.demand import DayOfDemand, usual_demand
from services.shortage.domain.detection.figures import Figure, Unknown
from services.shortage.domain.detection.order_lines import LinePrior, OrderLines
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.detection.surge import PooledDay, SurgeRules, surge
from services.shortage.domain.detection.unfilled import CountPrior, UnfilledDemands

SETTLED_EVERY = 7
USUAL_EVERY = 14

ORDERS = "short-filled orders"
UNFILLED = "unfilled demands alone"
EMPTIED = "empty shelves alone"
COVER = "days of supply alone"
SURGE = "demand surge"
TOGETHER = "all detectors together"

Alarms = Mapping[str, list[tuple[int, int]]]
"""By detector: first day and day after the last of each alarm."""


@dataclass
class LineWatch:
    """Short-filled orders, watched with one prior."""

    prior: LinePrior
    known: OrderLines = field(default_factory=OrderLines)

    def day(self, told: list[order_lines.OrderLine], today: int, lateness: int) -> bool:
        self.known = self.known.taken(told)
        walk = order_lines.design(self.known.usual, self.prior)
        if today % SETTLED_EVERY == 0:
            self.known = self.known.settle(walk, at(today - lateness))
        return self.known.standing(walk, at(today) + timedelta(hours=12)).alarms


@dataclass
class CountWatch:
    """Events counted by day, watched with one prior."""

    prior: CountPrior
    known: UnfilledDemands = field(default_factory=UnfilledDemands)

    def day(self, told: list[unfilled.Unfilled], today: int, lateness: int) -> bool:
        self.known = self.known.taken(told)
        walk = unfilled.design(self.known, self.prior)
        if today % SETTLED_EVERY == 0:
            self.known = self.known.settle(walk, civil_day(at(today - lateness)))
        return self.known.standing(walk, at(today) + timedelta(hours=5)).alarms


@dataclass
class StockWatch:
    """What the reporters' daily levels say: pooled days of supply, and how much is asked for."""

    reports: Reports
    lived: Lived
    drug: int
    policy: DetectionPolicy
    covers: list[Figure] = field(default_factory=list)
    usual: list[Figure] = field(default_factory=list)

    def day(self, today: int) -> None:
        if today % USUAL_EVERY == 0:
            self.usual = [self._usual(place, today) for place in range(self.lived.setting.carried_by)]
        told = self.reports.arrival[today] <= today
        stock = self.lived.stock[today, self.drug]
        shelves = [Shelf(on_hand=int(stock[n])) if told[n] else None for n in range(len(told))]
        self.covers.append(pooled_cover(zip(shelves, self.usual, strict=True)).days)

    def pooled(self, today: int, rules: SurgeRules) -> list[PooledDay]:
        """The latest days as they are known today: what is told late is in them."""
        begin = max(0, today + 1 - rules.history_days - rules.guard_days)
        usual = np.array([0.0 if isinstance(each, Unknown) else each for each in self.usual])
        stock = self.lived.stock[begin : today + 1, self.drug]
        in_vain = self.lived.in_vain[begin : today + 1, self.drug]
        counted = (self.reports.arrival[begin : today + 1] <= today) & ~((stock == 0) | (in_vain > 0)) & (usual > 0)
        asked = (self.lived.given[begin : today + 1, self.drug] * counted).sum(axis=1)
        exposed = (counted * usual).sum(axis=1)
        return [PooledDay(at=at(begin + n), asked=int(asked[n]), usual=float(exposed[n])) for n in range(len(asked))]

    def _usual(self, place: int, today: int) -> Figure:
        begin = max(0, today - self.policy.demand.history_days)
        given, in_vain = (
            each[begin:today, self.drug, place].tolist() for each in (self.lived.given, self.lived.in_vain)
        )
        stock = self.lived.stock[begin:today, self.drug, place].tolist()
        told = (self.reports.arrival[begin:today, place] <= today).tolist()
        days = [
            DayOfDemand(given=given[n], in_vain=in_vain[n], out_of_stock=stock[n] == 0) if told[n] else None
            for n in range(len(told))
        ]
        return usual_demand(days, self.policy.demand)


@dataclass(frozen=True)
class Tuning:
    """Thresholds of what has no run length in closed form: found by calibration on calm worlds."""

    cover: CoverRules
    unfilled: CountPrior
    emptied: CountPrior


def watched(lived: Lived, drug: int, seed: int, policy: DetectionPolicy, tuning: Tuning) -> Alarms:
    """The alarms about one drug over all days."""
    reports = Reports(lived, drug, seed)
    stock = StockWatch(reports, lived, drug, policy)
    alone = LineWatch(policy.line_prior(share=1.0))
    shared = LineWatch(policy.line_prior())
    in_vain_alone, in_vain = CountWatch(tuning.unfilled), CountWatch(policy.unfilled_prior())
    emptied = CountWatch(tuning.emptied)
    surge_alone, surge_shared = policy.surge_rules(share=1.0), policy.surge_rules()
    states: dict[str, list[bool]] = {}
    cover_alone = cover_shared = False
    for today in range(lived.setting.days):
        lines, turned_away = reports.order_lines(today), reports.unfilled(today)
        stock.day(today)
        share = cover_share(stock.covers, policy.cover)
        cover_alone = cover_alarms(cover_alone, share, tuning.cover)
        cover_shared = cover_alarms(cover_shared, share, policy.cover)
        pooled = stock.pooled(today, surge_alone)
        late = policy.lateness_days
        each = {
            ORDERS: alone.day(lines, today, late),
            UNFILLED: in_vain_alone.day(turned_away, today, late),
            EMPTIED: emptied.day(reports.emptied(today), today, late),
            COVER: cover_alone,
            SURGE: _surges(pooled, surge_alone),
        }
        together = (
            shared.day(lines, today, late),
            in_vain.day(turned_away, today, late),
            cover_shared,
            _surges(pooled, surge_shared),
        )
        for name, alarms in (each | {TOGETHER: any(together)}).items():
            states.setdefault(name, []).append(alarms)
    return {name: runs(alarms) for name, alarms in states.items()}


def _surges(pooled: list[PooledDay], rules: SurgeRules) -> bool:
    standing = surge(pooled, rules)
    return not isinstance(standing, Unknown) and standing.alarms


def runs(alarms: list[bool]) -> list[tuple[int, int]]:
    """First day and day after the last of each alarm; one that goes on ends with the days."""
    found: list[tuple[int, int]] = []
    for day, alarm in enumerate([*alarms, False]):
        if alarm and (day == 0 or not alarms[day - 1]):
            found.append((day, day))
        elif not alarm and day > 0 and alarms[day - 1]:
            found[-1] = (found[-1][0], day)
    return found
