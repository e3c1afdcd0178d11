"""Integration events of the shortage service about what is done against a shortage, beside substitution protocols: how
much may be given at once, goods that should move, reserves on their way. No patient and no prescription is in them.

Family `allocation`: one limit each. Family `response`: one decision each (a plan of transfers, a released reserve).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent

LegalGround = Literal["same_chain", "authority_order"]
"""Why one retail pharmacy may give medicines to another: both are one chain's (连锁总部统一配送), or the authority
orders it (药品管理法 第92条: 紧急调用)."""
Priority = Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}(\.[0-9]+)?$")]
"""An ICD-10 category or code: whoever is treated for it is not limited."""


class AllocationEvent(IntegrationEvent):
    """What every event of an allocation names."""

    FAMILY: ClassVar[str] = "allocation"

    allocation_id: UUID
    case_id: UUID = Field(description="the open shortage it answers")
    drug_key: str = Field(description="generic name | form | strength")


class AllocationSet(AllocationEvent):
    """While a drug is short, one supply of it lasts at most so long, so that it serves more patients."""

    TYPE: ClassVar[str] = "shortage.allocation_set.v1"

    region: str = Field(description="region node where it holds; empty: the nation")
    max_days: int = Field(ge=1, description="longest treatment that one supply may cover")
    priority_diagnoses: tuple[Priority, ...] = Field(default=(), description="not limited: treated for one of these")
    valid_from: date


class AllocationEnded(AllocationEvent):
    """The limit does not hold any more, at once."""

    TYPE: ClassVar[str] = "shortage.allocation_ended.v1"

    ended_as: Literal["withdrawn", "case_over"]


class ResponseEvent(IntegrationEvent):
    """What every event of a response names."""

    FAMILY: ClassVar[str] = "response"

    response_id: UUID
    case_id: UUID = Field(description="the open shortage it answers")
    drug_key: str = Field(description="generic name | form | strength")


class TransferProposed(ResponseEvent):
    """One pharmacy has more than it needs and another near it less: some packs should move."""

    TYPE: ClassVar[str] = "shortage.transfer_proposed.v1"

    number: int = Field(ge=1, description="of the proposals of one plan")
    from_pharmacy: str
    to_pharmacy: str
    product: str
    quantity: int = Field(gt=0, description="base units, whole packs")
    packs: int = Field(gt=0)
    distance_metres: int = Field(ge=0)
    legal_ground: LegalGround
    order_reason: str | None = Field(description="why the authority orders it; None where it does not")
    valid_until: date = Field(description="last day on which it may be answered")


class ReserveReleased(ResponseEvent):
    """A reserve of medicines is on its way (动用储备)."""

    TYPE: ClassVar[str] = "shortage.reserve_released.v1"

    region: str = Field(description="region node that it is for")
    quantity: int = Field(gt=0, description="base units")
    to: str = Field(description="who distributes or receives it")
    expected_on: date | None = Field(description="None: not known")


class ReserveEnded(ResponseEvent):
    """A released reserve is expected no more. Follows `reserve_released` in its stream."""

    TYPE: ClassVar[str] = "shortage.reserve_ended.v1"

    ended_as: Literal["time_over", "case_over"] = Field(
        description="the days in which it was expected are over, or the shortage is"
    )
