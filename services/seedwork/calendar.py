"""The civil day of the jurisdiction: validity, registers, lots, policies and reports are dated in it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has had one zone without daylight saving since 1992; no time-zone database is needed for it."""


def end_of_day(day: date) -> datetime:
    """The first moment after this day in China."""
    return datetime.combine(day + timedelta(days=1), time(), ZONE)


def civil_day(moment: datetime) -> date:
    """The day it is in China at this moment. Of moments at the ends of the calendar, which people may send us: its
    first or last day."""
    try:
        return moment.astimezone(ZONE).date()
    except OverflowError:
        return date.max if moment.year == date.max.year else date.min


def first_moment(day: date) -> datetime:
    """The midnight with which a day begins in China."""
    return datetime.combine(day, time.min, ZONE)
