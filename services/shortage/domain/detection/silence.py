"""Reporters that have stopped to report. Silence is not zero demand: it raises an alert of its own."""

from __future__ import annotations

from datetime import date
from math import ceil, log

from pydantic import Field

from services.seedwork.model import Immutable

REGULAR_MAX = 0.99
"""Nobody is taken for more regular than this, or one missed day would be an alert."""


class SilenceRules(Immutable):
    """How rarely a reporter that is still there may be taken for silent. Dated policy."""

    days_between_alarms: float
    """Expected days of one reporter until it is taken for silent by chance."""
    days_min: int
    prior_days: float = Field(gt=0)
    prior_share: float = Field(gt=0, le=1)


class Reporting(Immutable):
    """On how many of how many days this reporter told something, and when it last did."""

    days: int
    told: int
    last_told: date


def silent_from_days(reporting: Reporting, rules: SilenceRules) -> int:
    """So many days without a word are an alert: by chance they come once in `days_between_alarms`.

    With a share q of days told, a run of n silent days begins with the chance (1 - q)^n q a day; once in D days for
    n = log(q D) / -log(1 - q) (the run begins after a day that was told).
    """
    told = reporting.told + rules.prior_days * rules.prior_share
    share = min(told / (reporting.days + rules.prior_days), REGULAR_MAX)
    expected = max(share * rules.days_between_alarms, 1.0)
    return max(rules.days_min, ceil(log(expected) / -log(1.0 - share)))


def silent_since(reporting: Reporting, today: date, rules: SilenceRules) -> date | None:
    """The last day it told something, when it is silent for too long by now; None while it is not."""
    silent_days = (today - reporting.last_told).days
    return reporting.last_told if silent_days >= silent_from_days(reporting, rules) else None
