"""Thresholds from a stated rate of false alarms: the smallest whose run length without a shortage is long enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, floor, log

from pydantic import Field

from services.seedwork.model import Immutable
from services.shortage.domain.detection.run_length import LEVELS_MAX, bernoulli_run_length, poisson_run_length

SHORT_MIN, SHORT_MAX = 0.002, 0.30
"""Usual shares of short lines that a walk is designed for; outside, the nearer one is taken."""
SHORTAGE_SHARE_MAX = 0.95
GRID, FINE_GRID = 1.1, 1.05
"""Baselines are rounded up to powers of these (of the second where a run length costs little): so few designs serve all
drugs, erring on the quiet side."""
UNITS_MAX = 64
MEAN_MIN, MEAN_MAX = 0.02, 400.0


class Walk(Immutable):
    """A CUSUM in integers: each event raises the level by `unit`, each line or period lowers it by `allowance`.

    It alarms at `threshold` and until its level is 0 again: then it begins anew, and alarms come no oftener than once
    in a run length. Its level is kept at `ceiling` at most, so that it comes down in bounded time when supply is
    normal.
    """

    usual: float = Field(gt=0, description="the baseline it was chosen for: a share of lines, or events per day")
    unit: int = Field(gt=0)
    allowance: int = Field(gt=0)
    threshold: int = Field(gt=0)
    run_length: float = Field(gt=0, description="expected lines or periods until a false alarm")

    @property
    def ceiling(self) -> int:
        return 2 * self.threshold


def order_line_walk(usual_short: float, lines_per_day: float, days_between_alarms: float, ratio: float) -> Walk:
    """The Bernoulli walk over order lines.

    usual_short: share of lines that are short while there is no shortage; lines_per_day > 0;
    days_between_alarms: how many days without shortage pass until a false alarm; ratio: how many times the usual share
    it is tuned to find. A short line counts unit - allowance = the reciprocal of the log-likelihood reference value.
    """
    short = _rounded_up(min(max(usual_short, SHORT_MIN), SHORT_MAX), FINE_GRID)
    shortage = min(ratio * short, SHORTAGE_SHARE_MAX)
    sink = -log((1 - shortage) / (1 - short))
    rise = log(shortage * (1 - short) / (short * (1 - shortage)))
    parts = max(2, floor(rise / sink))
    wanted = _rounded_up(max(1.0, lines_per_day * days_between_alarms), FINE_GRID)
    return _bernoulli(short, parts, wanted)


def unfilled_walk(usual_per_day: float, days_between_alarms: float, ratio: float) -> Walk:
    """The Poisson walk over events counted per day, tuned to find `ratio` times the usual number."""
    mean = _rounded_up(min(max(usual_per_day, MEAN_MIN), MEAN_MAX), GRID)
    reference = mean * (ratio - 1) / log(ratio)
    unit = min(max(1, ceil(2 / reference)), UNITS_MAX)
    return _poisson(mean, unit, max(1, round(reference * unit)), days_between_alarms)


@lru_cache(maxsize=4096)
def _bernoulli(short: float, parts: int, wanted: float) -> Walk:
    def run_length(threshold: int) -> float:
        return bernoulli_run_length(short, parts - 1, threshold)

    threshold = max(_smallest(run_length, wanted), parts)  # one short line alone is no alarm
    return Walk(usual=short, unit=parts, allowance=1, threshold=threshold, run_length=run_length(threshold))


@lru_cache(maxsize=4096)
def _poisson(mean: float, unit: int, allowance: int, wanted: float) -> Walk:
    def run_length(threshold: int) -> float:
        return poisson_run_length(mean, unit, allowance, threshold)

    threshold = max(_smallest(run_length, wanted), unit)  # nor is one event
    return Walk(usual=mean, unit=unit, allowance=allowance, threshold=threshold, run_length=run_length(threshold))


def _smallest(run_length: Callable[[int], float], wanted: float) -> int:
    """The run length grows with the threshold: double until it is long enough, then halve the gap."""
    high = 4
    while run_length(high) < wanted and high < LEVELS_MAX:
        high *= 2
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        if run_length(middle) >= wanted:
            high = middle
        else:
            low = middle
    return high


def _rounded_up(value: float, grid: float) -> float:
    return float(grid ** ceil(log(value) / log(grid) - 1e-9))
