"""Periods that follow one another: versions of a rule must neither overlap nor leave a day between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Protocol


class Period(Protocol):
    """From when until when (inclusive; None: open) something holds."""

    @property
    def valid_from(self) -> date: ...
    @property
    def valid_until(self) -> date | None: ...


def within(period: Period, day: date) -> bool:
    return period.valid_from <= day and (period.valid_until is None or day <= period.valid_until)


def overlap(one: Period, other: Period) -> bool:
    """Whether there is a day on which both hold."""
    later, earlier = (one, other) if one.valid_from >= other.valid_from else (other, one)
    return within(earlier, later.valid_from)


def succession(periods: Sequence[Period]) -> str | None:
    """What is wrong with the versions of one rule: one ends before it begins, two overlap, or a day has none."""
    for period in periods:
        if period.valid_until is not None and period.valid_until < period.valid_from:
            return f"ends on {period.valid_until}, before it begins"
    for before, after in pairwise(sorted(periods, key=lambda period: period.valid_from)):
        if before.valid_until is None or before.valid_until >= after.valid_from:
            return f"two versions overlap from {after.valid_from} on"
        if before.valid_until + timedelta(days=1) != after.valid_from:
            return f"a gap: no version from {before.valid_until + timedelta(days=1)} to {after.valid_from}"
    return None
