"""Validity in days of the civil calendar."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from services.seedwork.calendar import ZONE, civil_day


def end_of_validity(signed: datetime, days: int) -> datetime:
    """23:59:59 of the last day; the day of the signature is day 1 (处方管理办法 §18: 开具当日有效)."""
    last = civil_day(signed) + timedelta(days=days - 1)
    return datetime.combine(last, time(23, 59, 59), ZONE)


def past(valid_until: datetime) -> datetime:
    """The first moment at which something valid until then no longer is."""
    return valid_until + timedelta(seconds=1)
