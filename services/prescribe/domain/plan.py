"""A long-term supply (长期处方) in instalments: as it is written, and as it is kept."""

from __future__ import annotations

from pydantic import Field

from services.seedwork.model import Immutable
from services.seedwork.wording import SAID


class WrittenPlan(Immutable):
    """A long-term supply (长期处方) in instalments of `days` each. `assessment`: why the illness is stable enough;
    `patient_agreed`: the patient has signed for it."""

    instalments: int = Field(ge=2, le=52)
    days: int = Field(ge=1, le=366)
    lead_days: int | None = Field(default=None, ge=0, le=60)
    assessment: str | None = Field(default=None, min_length=1, max_length=1000, pattern=SAID)
    patient_agreed: bool = False


class Plan(Immutable):
    """How a long-term supply is opened: `lead_days` before the one before is used up, for `open_days`."""

    instalments: int
    days: int
    lead_days: int
    open_days: int
