"""What is usually asked for, adjusted for days on which it could not be had.

A day on which a reporter had none to give, or told nothing, is no day without demand: it is left out (censored).
Demand that comes rarely is smoothed by TSB (Teunter, Syntetos, Babai, EJOR 2011, 214, 606-615): unlike Croston's, its
chance of a demand sinks while nothing is asked for, so that what nobody wants any more is not forecast for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from services.seedwork.model import Immutable
from services.shortage.domain.detection.figures import Figure, Unknown

MAD_TO_SIGMA = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""
RARE_INTERVAL = 1.32
"""From this mean interval between days with demand on it is intermittent (Syntetos, Boylan, Croston 2005)."""


@dataclass(frozen=True, slots=True)
class DayOfDemand:
    """What one reporter was asked for in one day, in packs or base units: given out, and asked for in vain."""

    given: int
    in_vain: int = 0
    out_of_stock: bool = False
    """Had none at some time of the day: what was asked for may be more than what is known."""

    @property
    def asked(self) -> int | None:
        """None: cannot be known, for what was given out is no more than a lower bound."""
        return None if self.out_of_stock else self.given + self.in_vain


class DemandRules(Immutable):
    """How demand is smoothed and when it is known. Dated policy."""

    alpha: float
    """Weight of the newest size of a demand."""
    beta: float
    """Weight of the newest day for the chance of a demand."""
    days_min: int
    """Fewer days that can be seen say nothing."""
    history_days: int
    """Days that a reporter's usual demand is reckoned from."""


def usual_demand(days: Iterable[DayOfDemand | None], rules: DemandRules) -> Figure:
    """Expected demand of a day, from the oldest day to the newest; None: nothing was reported that day.

    Steady demand is the mean of the days that can be seen, rare demand is smoothed by TSB over them.
    """
    told = [day for day in days if day is not None]
    if not told:
        return Unknown.NOTHING_REPORTED
    seen = [asked for day in told if (asked := day.asked) is not None]
    if not seen:
        return Unknown.ALWAYS_OUT
    if len(seen) < rules.days_min:
        return Unknown.TOO_FEW
    busy = sum(asked > 0 for asked in seen)
    if busy and len(seen) / busy >= RARE_INTERVAL:
        return tsb(seen, rules.alpha, rules.beta)
    return sum(seen) / len(seen)


def tsb(demands: Sequence[int], alpha: float, beta: float) -> float:
    """Chance of a demand times its size, both smoothed; begins with the mean of the first tenth of a beta's memory."""
    opening = demands[: max(1, min(len(demands), round(1 / beta)))]
    sizes = [demand for demand in opening if demand > 0]
    chance = len(sizes) / len(opening)
    size = sum(sizes) / len(sizes) if sizes else 0.0
    for demand in demands[len(opening) :]:
        chance += beta * ((demand > 0) - chance)
        if demand > 0:
            size = size + alpha * (demand - size) if size else float(demand)
    return chance * size


class Spread(Immutable):
    """A robust location and how many times wider than Poisson counts the values lie (1 at least)."""

    centre: float
    dispersion: float


def spread(values: Sequence[float], days_min: int) -> Spread | Unknown:
    """By median and median absolute deviation: up to half of the days may be a surge without moving them."""
    if not values:
        return Unknown.NOTHING_REPORTED
    if len(values) < days_min:
        return Unknown.TOO_FEW
    centre = float(median(values))
    if centre <= 0:
        centre = sum(values) / len(values)
    if centre <= 0:
        return Unknown.NO_DEMAND
    deviation = MAD_TO_SIGMA * median(abs(value - centre) for value in values)
    return Spread(centre=centre, dispersion=max(1.0, deviation * deviation / centre))
