"""Read models of insurance. No personal data but the random patient_ref; times in microseconds since 1970 (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

METADATA = sa.MetaData()

NOBODY = UUID(int=0)
"""In place of a forgotten patient: money is accounted for to the end, without knowing for whom."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """A moment as a whole number, the same on every database."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
