"""Reserves of medicines that are on their way (动用储备), as shortage told them: one stream each. Pharmacies of their
region should know before they send patients away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class ReserveKnown(DomainEvent):
    """A quantity in base units goes to a region node (leading digits of the divisions; empty: the nation). `to`: who
    distributes or receives it.
    """

    TOPIC: ClassVar[str] = "dispatch.reserve.known"

    response_id: UUID
    case_id: UUID
    drug_key: str
    region: str
    quantity: int
    to: str
    expected_on: date | None


class ReserveOver(DomainEvent):
    """It is expected no more: its days are over, or the shortage is."""

    TOPIC: ClassVar[str] = "dispatch.reserve.over"

    ended_as: Literal["time_over", "case_over"]


@dataclass(frozen=True)
class ReserveState:
    """What is known of it."""

    known: ReserveKnown | None = None
    over: bool = False


def evolve(state: ReserveState, event: ReserveKnown | ReserveOver) -> ReserveState:
    return replace(state, over=True) if isinstance(event, ReserveOver) else ReserveState(event)


RESERVES: Aggregate[ReserveState] = Aggregate(
    name="reserve", events=(ReserveKnown, ReserveOver), initial=ReserveState(), evolve=evolve
)


def reserve_ref(response_id: UUID) -> StreamRef[ReserveState]:
    return RESERVES.ref(derived_id("reserve", response_id))
