"""The limits review works with: a dated data file per jurisdiction, so that a rule can change without a release."""

from __future__ import annotations

from pydantic import Field

from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies


class Escalation(Immutable):
    """How long a case may wait, and how often it climbs when it does."""

    minutes: int = Field(gt=0, description="from the opening of a case to its deadline")
    minutes_emergency: int = Field(gt=0)
    repeat_minutes: int = Field(gt=0, description="from one level to the next")
    levels_max: int = Field(ge=1)


class SecondReviewer(Immutable):
    """When one pharmacist's pass is not enough."""

    confirmed_severity: str = Field(description="a finding this severe, or worse, that the prescriber confirmed")
    drug_classes: tuple[str, ...]
    per_mille: int = Field(ge=0, le=1000, description="of all other passes, at random")


class Sampling(Immutable):
    """How many passed prescriptions are drawn for comment (处方点评)."""

    per_mille: int = Field(ge=0, le=1000, description="of all that are passed, at random")
    month_min: int = Field(ge=0, description="comments an institution owes in a month, if it has so many prescriptions")


class ReviewPolicy(DatedPolicy):
    """What holds from one day on. `version` is named in every finding, so that a screening explains itself."""

    version: str
    lease_minutes: int = Field(gt=0, description="how long a taken case stays with its reviewer")
    escalation: Escalation
    second_reviewer: SecondReviewer
    sampling: Sampling
    batch_cases_max: int = Field(gt=0, le=50, description="cases one request may pass")
    lines_max: int = Field(gt=0)
    days_max: int = Field(gt=0)
    days_max_emergency: int = Field(gt=0)
    accepted_reasons: tuple[str, ...] = Field(
        description="a longer supply is explained by a reason that names one of these"
    )
    validity_days: int = Field(gt=0, description="validity that needs no reason")
    validity_days_max: int = Field(gt=0)
    result_codes: dict[str, str] = Field(description="official code -> its text")
    serious_codes: tuple[str, ...] = Field(description="codes a prescription may be refused for")


CN = read_policies("services.review.domain", ReviewPolicy)
