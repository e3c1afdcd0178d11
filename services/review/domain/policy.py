"""The limits review works with: a dated data file per jurisdiction, so that a rule can change without a release."""

from __future__ import annotations

from pydantic import Field

from services.seedwork.policies import DatedPolicy, read_policies


class ReviewPolicy(DatedPolicy):
    """What holds from one day on. `version` is named in every finding, so that a screening explains itself."""

    version: str
    lease_minutes: int = Field(gt=0, description="how long a taken case stays with its reviewer")
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


POLICIES = read_policies("services.review.domain", ReviewPolicy)
CN = POLICIES.of("cn")
