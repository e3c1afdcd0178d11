"""Thresholds of what has no run length in closed form, found on calm worlds, where every alarm is false.

What other systems alert on is given the best threshold that keeps the stated rate, so that the comparison is fair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from rxflow.supply.living import Lived, lived
from rxflow.supply.reports import Reports
from rxflow.supply.setting import Setting
from rxflow.supply.watching import CountWatch, StockWatch, Tuning, runs
from services.shortage.domain.detection.cover import CoverRules, cover_alarms, cover_share
from services.shortage.domain.detection.figures import Figure
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.detection.unfilled import CountPrior, Unfilled

COVER_SHARES = tuple(share / 100 for share in range(95, 29, -1))
"""The days of supply alarm at this share of what is usual; the most sensitive first."""
DAYS_BETWEEN = (5.0, 10.0, 20.0, 45.0, 90.0, 180.0, 365.0, 730.0, 1460.0, 2920.0)
"""Nominal run lengths of the counts, of which the shortest that keeps the rate in a calm world is taken."""
EMPTIED = CountPrior(per_day=0.1, weight_days=60, ratio=2.0, days_between_alarms=365.0)
T = TypeVar("T")


def tuned(policy: DetectionPolicy, setting: Setting, seeds: Sequence[int], share: float = 1.0) -> Tuning:
    """Thresholds that keep `share` of the policy's rate of false alarms on these calm worlds."""
    worlds = [(lived(replace(setting, calm=True), seed), seed) for seed in seeds]
    years = sum(world.setting.year / 365 * world.setting.drugs for world, _ in worlds)
    allowed = policy.false_alarms_per_drug_year * share * years
    covers = [(_shares(world, drug, seed, policy), world) for world, seed in worlds for drug in range(setting.drugs)]

    def falls(rules: CoverRules) -> int:
        return sum(_judged(_fallen(shares, rules), world) for shares, world in covers)

    def counts(told: Callable[[Reports, int], list[Unfilled]]) -> Callable[[CountPrior], int]:
        reports = [(Reports(world, drug, seed), world) for world, seed in worlds for drug in range(setting.drugs)]
        days = [([told(each, day) for day in range(world.setting.days)], world) for each, world in reports]

        def alarms(prior: CountPrior) -> int:
            return sum(_judged(_counted(each, prior, policy), world) for each, world in days)

        return alarms

    cover = _first((_cover(policy.cover, each) for each in COVER_SHARES), falls, allowed)
    priors = [policy.unfilled_prior().model_copy(update={"days_between_alarms": days}) for days in DAYS_BETWEEN]
    emptied = [EMPTIED.model_copy(update={"days_between_alarms": days}) for days in DAYS_BETWEEN]
    return Tuning(
        cover=cover,
        unfilled=_first(priors, counts(Reports.unfilled), allowed),
        emptied=_first(emptied, counts(Reports.emptied), allowed),
    )


def _first(candidates: Iterable[T], alarms: Callable[[T], int], allowed: float) -> T:
    """The most sensitive that keeps the rate; the quietest, where none does."""
    *others, quietest = candidates
    return next((candidate for candidate in others if alarms(candidate) <= allowed), quietest)


def _cover(rules: CoverRules, alarm_share: float) -> CoverRules:
    return rules.model_copy(update={"alarm_share": alarm_share, "release_share": (1.0 + alarm_share) / 2})


def _shares(world: Lived, drug: int, seed: int, policy: DetectionPolicy) -> list[Figure]:
    stock = StockWatch(Reports(world, drug, seed), world, drug, policy)
    shares: list[Figure] = []
    for day in range(world.setting.days):
        stock.day(day)
        shares.append(cover_share(stock.covers, policy.cover))
    return shares


def _fallen(shares: Sequence[Figure], rules: CoverRules) -> list[bool]:
    alarms, states = False, []
    for share in shares:
        alarms = cover_alarms(alarms, share, rules)
        states.append(alarms)
    return states


def _counted(days: Sequence[list[Unfilled]], prior: CountPrior, policy: DetectionPolicy) -> list[bool]:
    watch = CountWatch(prior)
    return [watch.day(told, day, policy.lateness_days) for day, told in enumerate(days)]


def _judged(states: list[bool], world: Lived) -> int:
    return sum(begin >= world.setting.history for begin, _ in runs(states))
