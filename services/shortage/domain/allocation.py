"""Allocation: while a drug is short one supply of it covers at most so many days. Dispatch obeys it at every hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.seedwork.calendar import civil_day
from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, StreamRef
from services.seedwork.transitions import NOT_YET, Transition, Transitions
from services.shortage.domain.case import CaseState
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import Level, covers
from services.shortage.domain.responses import Authority, may_begin
from services.shortage.domain.values import RegionNode, ResponseKind, Words

Priority = Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}(\.[0-9]+)?$")]

ALLOCATION_TRANSITIONS = Transitions(
    (
        Transition(
            NOT_YET, "SetAllocation", "confirmed case; not milder than the policy allows", "set", "allocation_set"
        ),
        Transition("set", "EndAllocation", "reason", "ended (at once)", "allocation_ended"),
        Transition("set", "case_ended", "always", "ended (at once)", "allocation_ended"),
    )
)


class SetAllocation(Command):
    """So that it serves more patients."""

    case_id: UUID
    region: RegionNode
    max_days: int = Field(ge=1, le=366)
    priority_diagnoses: tuple[Priority, ...] = Field(default=(), max_length=50)
    reason: Words


class EndAllocation(Command):
    """It is not needed any more."""

    allocation_id: UUID
    reason: Words


class AllocationSet(DomainEvent):
    """A supply of the drug lasts at most `max_days` there, but for patients treated for one of these diagnoses."""

    TOPIC: ClassVar[str] = "shortage.allocation.set"

    allocation_id: UUID
    case_id: UUID
    drug_key: str
    region: str
    max_days: int
    priority_diagnoses: tuple[str, ...]
    reason: str
    person: str
    authority: str
    level: Level
    valid_from: date
    set_at: datetime


class AllocationEnded(DomainEvent):
    """It does not hold any more, at once."""

    TOPIC: ClassVar[str] = "shortage.allocation.ended"

    ended_as: Literal["withdrawn", "case_over"]
    reason: str | None
    ended_at: datetime


@dataclass(frozen=True)
class AllocationState:
    """An allocation as it is now."""

    status: str = NOT_YET
    limit: AllocationSet | None = None
    ended: AllocationEnded | None = None


def evolve_allocation(state: AllocationState, event: AllocationSet | AllocationEnded) -> AllocationState:
    if isinstance(event, AllocationSet):
        return AllocationState("set", limit=event)
    return replace(state, status="ended", ended=event)


ALLOCATION: Aggregate[AllocationState] = Aggregate(
    name="allocation", events=(AllocationSet, AllocationEnded), initial=AllocationState(), evolve=evolve_allocation
)


def allocation_ref(allocation_id: UUID) -> StreamRef[AllocationState]:
    return ALLOCATION.ref(allocation_id)


def set_allocation(
    case: CaseState, command: SetAllocation, allocation_id: UUID, by: Authority, now: datetime, policy: ShortagePolicy
) -> Outcome:
    """One limit for one region of a case at a time; it is never so tight that a supply would be useless."""
    standing = may_begin(case, "SetAllocation", by, case.owner_level)
    if isinstance(standing, Refusal):
        return standing
    if not covers(standing.case.region, command.region):
        return Refusal("allocation.region", {"region": command.region, "case": standing.case.region})
    if command.max_days < policy.allocation_days_min:
        return Refusal("allocation.too_tight", {"max_days": command.max_days, "least": policy.allocation_days_min})
    open_here = [row for row in case.responses.values() if row == (ResponseKind.ALLOCATION, command.region)]
    if open_here:
        return Refusal("allocation.open", {"region": command.region})
    return [
        AllocationSet(
            allocation_id=allocation_id,
            drug_key=standing.case.drug_key,
            **standing.issuer,
            valid_from=civil_day(now),
            set_at=now,
            **command.model_dump(),
        )
    ]


def end_allocation(state: AllocationState, command: EndAllocation, by: Authority, now: datetime) -> Outcome:
    """The owner of the case, or an authority above it, ends it."""
    if state.limit is None:
        return Refusal("allocation.unknown")
    if by.node is None or not state.limit.authority.startswith(by.node):
        return Refusal("shortage.not_your_region", {"region": state.limit.authority})
    if not ALLOCATION_TRANSITIONS.allows(state.status, "EndAllocation"):
        return Refusal("allocation.wrong_state", {"state": state.status})
    return [AllocationEnded(ended_as="withdrawn", reason=command.reason, ended_at=now)]


def end_with_case(state: AllocationState, now: datetime) -> list[DomainEvent]:
    """The shortage is over: so is the limit, at once."""
    if not ALLOCATION_TRANSITIONS.allows(state.status, "case_ended"):
        return []
    return [AllocationEnded(ended_as="case_over", reason=None, ended_at=now)]
