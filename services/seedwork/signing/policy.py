"""What a certificate must show, by date: data of the jurisdiction, for every service that checks signatures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.seedwork.policies import DatedPolicy, read_policies


class SignaturePolicy(DatedPolicy):
    """What holds from one day on, until the next version."""

    version: str
    revocation_age_hours_max: int = Field(ge=1, description="older than this, a revocation list says nothing any more")
    without_revocation: Literal["degraded", "refused"] = Field(
        description="what becomes of a signature by a certificate whose revocation cannot be told: accepted and "
        "flagged, or refused"
    )


SIGNATURES = read_policies("services.seedwork.signing", SignaturePolicy)
