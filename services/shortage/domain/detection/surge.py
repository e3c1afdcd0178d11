"""A surge: much more is asked for than usual, before anything is short.

A Poisson CUSUM over days. What is usual moves with who reports and has stock that day (`exposure`), so that a silent
reporter or an empty shelf is no fall in demand; wider spread than Poisson's is divided out (quasi-Poisson).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.seedwork.model import Immutable
from services.shortage.domain.detection.calibration import Walk, unfilled_walk
from services.shortage.domain.detection.demand import Spread, spread
from services.shortage.domain.detection.figures import Unknown
from services.shortage.domain.detection.walk import Standing, Step, walked

EXPOSURE_MIN = 0.2
"""Days with less than this share of the usual exposure say nothing about the region."""


class PooledDay(Immutable):
    """What all reporters of a node together were asked for in one day, and what they usually are.

    `asked` and `usual` are summed over the same reporters: those who told and had stock.
    """

    at: datetime
    asked: int
    usual: float


class SurgeRules(Immutable):
    """What a surge is and how rarely a false alarm may come. Dated policy."""

    ratio: float
    days_between_alarms: float
    history_days: int
    guard_days: int
    """The latest days are not yet history: a surge must not become usual while it is looked for."""
    history_days_min: int


def surge(days: Sequence[PooledDay], rules: SurgeRules) -> Standing | Unknown:
    """Where the walk stands after these days, from the oldest to the newest; each is judged by the days before it."""
    ordered = sorted(days, key=lambda day: day.at)
    usual = _usual(ordered, len(ordered), rules)
    if isinstance(usual, Unknown):
        return usual
    walk = unfilled_walk(usual.centre / usual.dispersion, rules.days_between_alarms, rules.ratio)
    begin = min(rules.history_days_min + rules.guard_days, len(ordered))
    return walked(Standing(), _steps(ordered, begin, usual, walk, rules), walk)


def _usual(ordered: Sequence[PooledDay], until: int, rules: SurgeRules) -> Spread | Unknown:
    history = ordered[max(0, until - rules.guard_days - rules.history_days) : max(0, until - rules.guard_days)]
    seen = [day for day in history if day.usual > 0]
    if not seen:
        return Unknown.NOTHING_REPORTED
    typical = _typical([day.usual for day in seen])
    comparable = [day for day in seen if day.usual >= EXPOSURE_MIN * typical]
    return spread([day.asked * typical / day.usual for day in comparable], rules.history_days_min)


def _steps(ordered: Sequence[PooledDay], begin: int, usual: Spread, walk: Walk, rules: SurgeRules) -> Iterable[Step]:
    recent = ordered[max(begin, len(ordered) - rules.history_days - rules.guard_days) :]
    exposures = [day.usual for day in recent if day.usual > 0]
    if not exposures:
        return
    typical = _typical(exposures)
    for day in recent:
        if day.usual < EXPOSURE_MIN * typical:
            continue
        asked = int(day.asked / usual.dispersion)
        sink = max(1, round(walk.allowance * day.usual / typical))
        yield Step(day.at, walk.unit * asked, sink)


def _typical(exposures: Sequence[float]) -> float:
    return sorted(exposures)[len(exposures) // 2]
