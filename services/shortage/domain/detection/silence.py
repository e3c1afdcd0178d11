"""Reporters that have stopped to report. Silence is not zero demand: it raises an alert of its own.

A pharmacy's systems tell something on most days, and how rarely they miss one says how long a silence by chance lasts.
Reports (直报, registers) come at intervals: the next one is awaited by the interval.
"""

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


class ReportingRule(Immutable):
    """How long the next report of one kind of source is awaited. Dated policy."""

    days: int = Field(gt=0, description="without a report for so many days at least it is silent")
    reports_min: int = Field(gt=0, description="days on which it must have reported to be taken for regular")


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


GAPS_MISSED = 2
"""So many of its usual gaps without a report: one report was missed, and it was no late one."""


def awaited_days(reporting: Reporting, rule: ReportingRule) -> int | None:
    """So many days without a report are an alert: twice the usual gap between its reports, never less than the rule
    says. None: it has reported too rarely to have a habit, and nobody knows when it will again."""
    if reporting.told < rule.reports_min:
        return None
    gap = ceil((reporting.days - 1) / max(1, reporting.told - 1))
    return max(rule.days, GAPS_MISSED * gap)
