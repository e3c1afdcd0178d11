"""What shortage knows of a demand that stayed unfilled, and what a case rests on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.seedwork.model import Immutable

Words = Annotated[str, Field(min_length=1, max_length=2000)]
"""Why an authority decided: never empty, never a novel."""


class Signal(Immutable):
    """A pharmacy was out of a drug. `demand_key` is the same for one prescription line wherever it is tried."""

    demand_key: str
    pharmacy: str
    region: str
    occurred_at: datetime
    contradictory: bool


class Evidence(Immutable):
    """Counts inside one window of time. Tries of one line are one demand; pharmacies, not tries, are graded."""

    window_hours: int
    demands: int
    pharmacies: int
    in_one_county: int
    counties: int
    cities: int
    provinces: int
    contradictory: int
    first_at: datetime
    last_at: datetime
