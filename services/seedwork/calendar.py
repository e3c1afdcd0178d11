"""The civil day of the jurisdiction: validity, registers, lots, policies and reports are dated in it."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has had one zone without daylight saving since 1992; no time-zone database is needed for it."""


def civil_day(moment: datetime) -> date:
    """The day it is in China at this moment."""
    return moment.astimezone(ZONE).date()
