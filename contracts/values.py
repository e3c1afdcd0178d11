"""Values that the integration events of several services share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Bucket = Literal["remaining", "held", "dispensed", "in_hands", "replaceable", "cancelled", "lapsed"]


class ContractValue(BaseModel):
    """A frozen part of an integration event. Unknown fields are ignored, because a contract grows by addition."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class LineQuantity(ContractValue):
    """A quantity of one prescription line, in base units (最小制剂单位)."""

    line: int = Field(ge=1)
    quantity: int = Field(ge=0)


class LineBuckets(ContractValue):
    """Where the prescribed quantity of one line is. The buckets are disjoint and always sum to what was prescribed."""

    line: int = Field(ge=1)
    remaining: int = Field(ge=0)
    held: int = Field(ge=0)
    dispensed: int = Field(ge=0, description="checked, still in the pharmacy or with a courier")
    in_hands: int = Field(ge=0)
    replaceable: int = Field(ge=0)
    cancelled: int = Field(ge=0)
    lapsed: int = Field(ge=0)


class SubstitutionRatio(ContractValue):
    """How a substitute counts: prescribed base units = base units of the substitute x numerator / denominator.

    Exact: a quantity that leaves a remainder is not given. 10 mg in place of 5 mg is 2 to 1.
    """

    numerator: int = Field(gt=0, le=1000)
    denominator: int = Field(gt=0, le=1000)


SubstitutionMode = Literal["prescriber_confirms", "prescriber_consented", "pharmacist_alone"]
"""Who answers for a substitute: the prescriber who signs for it, or the pharmacist, with or without the prescriber's
consent on the line."""


class ConfirmedFinding(ContractValue):
    """A finding that the prescriber insists on by a second signature (双签名), and why."""

    number: int = Field(ge=0, description="its number in the case that was returned")
    rule: str
    severity: str | None = None
    result_code: str | None = None
    lines: tuple[int, ...] = ()
    evidence: str | None = None
    reason: str


class SupplyPlan(ContractValue):
    """A long-term supply (长期处方): instalments of `days`, each opened `lead_days` before the last is used up."""

    instalments: int = Field(ge=2)
    days: int = Field(ge=1)
    lead_days: int = Field(ge=0)
    open_days: int = Field(ge=1)


class UndonePack(ContractValue):
    """A pack, or what there was of a line without codes, and what became of it and of its trace code."""

    line: int = Field(ge=1)
    quantity: int = Field(gt=0)
    disposition: Literal["restocked", "quarantined", "destroyed", "lost"]
    trace_code: str | None = None
    code_is: Literal["freed", "locked", "spent"] | None = None


class UndoneLine(ContractValue):
    """A quantity of a line that came back, and the bucket it went to. A line may appear twice, once per bucket."""

    line: int = Field(ge=1)
    quantity: int = Field(gt=0)
    bucket: Bucket


ReturnReason = Literal[
    "attempts_used_up",
    "no_retry",
    "refused_at_the_door",
    "rejected_in_part",
    "cancelled",
    "lot_recalled",
    "excursion_rejected",
    "damaged",
    "unannounced",
    "pharmacy_wish",
]
"""Why a parcel turns round."""
Road = Literal["lost", ReturnReason]
"""Why a parcel that a courier had did not arrive."""


class Offer(ContractValue):
    """A pharmacy that had all of what is still wanted: a hint, never a promise."""

    pharmacy: str
    distance_metres: int = Field(ge=0, description="from the pharmacy whose hold has ended")


class CancelDecision(ContractValue):
    """What became of one line of a cancellation."""

    line: int = Field(ge=1)
    cancelled: int = Field(default=0, ge=0)
    awaiting_return: int = Field(default=0, ge=0, description="with the courier: answered again when that ends")
    refused: int = Field(default=0, ge=0)
    reason: str | None = Field(default=None, description="why refused: in_hands, delivered, already_ended; or lost")
