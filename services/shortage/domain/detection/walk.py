"""Walking over observations: level, alarm, and the very observations the alarm rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.shortage.domain.detection.calibration import Walk

EVIDENCE_MAX = 200
"""Observations that an alarm names; of more, the latest."""


@dataclass(frozen=True)
class Step:
    """What one line, or one day, does to the level. `named`: the observations that speak for a shortage."""

    at: datetime
    rise: int
    sink: int
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """Where a walk stands. `began_at`: since when the level has not been 0, the likeliest begin of a shortage."""

    level: int = 0
    began_at: datetime | None = None
    alarmed_at: datetime | None = None
    """Since when it alarms; None: it does not."""
    named: tuple[str, ...] = ()
    sure: bool = False
    """It has been at its ceiling: by chance that comes once in many hundred years. What is usual is not learnt then."""

    @property
    def alarms(self) -> bool:
        return self.alarmed_at is not None


NOWHERE = Standing()
"""Level 0: nothing speaks for a shortage."""


def walked(standing: Standing, steps: Iterable[Step], walk: Walk) -> Standing:
    """The standing after these steps, which are in the order of their times.

    It alarms from its threshold on until its level is 0 (hysteresis); then it has forgotten what it rested on.
    """
    for step in steps:
        standing = _stepped(standing, step, walk)
    return standing


def _stepped(standing: Standing, step: Step, walk: Walk) -> Standing:
    level = min(max(0, standing.level + step.rise - step.sink), walk.ceiling)
    if level == 0:
        return NOWHERE
    named = standing.named
    if step.named:
        named = (*named, *step.named)[-EVIDENCE_MAX:]
    alarmed_at = standing.alarmed_at
    if alarmed_at is None and level >= walk.threshold:
        alarmed_at = step.at
    began_at = standing.began_at or step.at
    return Standing(level, began_at, alarmed_at, named, standing.sure or level == walk.ceiling)
