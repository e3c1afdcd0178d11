"""Response: goods that should move against a shortage, decided once. A plan of transfers between pharmacies, or a
reserve that is released (动用储备)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.seedwork.calendar import civil_day, end_of_day
from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, StreamRef
from services.seedwork.transitions import NOT_YET, Transition, Transitions
from services.shortage.domain.case import CaseState
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import Level, covers
from services.shortage.domain.responses import Authority, may_begin
from services.shortage.domain.transfer_plan import Proposal, TransferPlan
from services.shortage.domain.values import RegionNode, Words

ANSWERABLE = "answerable"
"""The deadline after which proposals are not answered any more."""
PROPOSALS_MAX = 100

EndedAs = Literal["time_over", "case_over"]

RESPONSE_TRANSITIONS = Transitions(
    (
        Transition(
            NOT_YET,
            "ProposeTransfers",
            "confirmed case; inside one chain or by order with its reason; somebody can spare what somebody needs",
            "open",
            "transfer_proposed",
        ),
        Transition(NOT_YET, "ReleaseReserve", "confirmed case; owner's level or above", "open", "reserve_released"),
        Transition(
            "open",
            "clock: answerable",
            "the last day to answer, or to arrive, is over",
            "over",
            "of a reserve: reserve_ended",
        ),
        Transition("open", "case_ended", "always", "over", "of a reserve: reserve_ended"),
    )
)


class ProposeTransfers(Command):
    """What can be spared should go where it lacks. `order_reason`: the authority orders what leaves a chain."""

    case_id: UUID
    plan: TransferPlan
    order_reason: Words | None = None


class ReleaseReserve(Command):
    """A reserve goes there."""

    case_id: UUID
    region: RegionNode
    quantity: int = Field(gt=0, le=10**12)
    to: Annotated[str, Field(min_length=1, max_length=300)]
    expected_on: date | None = None
    reason: Words


class TransfersProposed(DomainEvent):
    """A plan of transfers, with what each proposal followed from."""

    TOPIC: ClassVar[str] = "shortage.response.transfers_proposed"

    response_id: UUID
    case_id: UUID
    drug_key: str
    region: str
    proposals: tuple[Proposal, ...]
    needed: int
    covered: int
    unknown: int
    order_reason: str | None
    person: str
    authority: str
    level: Level
    valid_until: date
    proposed_at: datetime


class ReserveReleased(DomainEvent):
    """A reserve is on its way."""

    TOPIC: ClassVar[str] = "shortage.response.reserve_released"

    response_id: UUID
    case_id: UUID
    drug_key: str
    region: str
    quantity: int
    to: str
    expected_on: date | None
    reason: str
    person: str
    authority: str
    level: Level
    valid_until: date
    released_at: datetime


class ResponseOver(DomainEvent):
    """Nobody answers it any more, or the case is over."""

    TOPIC: ClassVar[str] = "shortage.response.over"

    over_at: datetime
    ended_as: EndedAs | None = None
    """None in what ended before this was kept."""


EXPECTED_DAYS_MAX = 366
"""A reserve that arrives later than that is none; and further away no day after could be told."""


@dataclass(frozen=True)
class ResponseState:
    """A response as it is now."""

    status: str = NOT_YET
    decided: TransfersProposed | ReserveReleased | None = None


def evolve_response(state: ResponseState, event: TransfersProposed | ReserveReleased | ResponseOver) -> ResponseState:
    if isinstance(event, ResponseOver):
        return replace(state, status="over")
    return ResponseState("open", event)


def due(state: ResponseState) -> Mapping[str, datetime]:
    if state.status != "open" or state.decided is None:
        return {}
    return {ANSWERABLE: end_of_day(state.decided.valid_until)}


RESPONSE: Aggregate[ResponseState] = Aggregate(
    name="response",
    events=(TransfersProposed, ReserveReleased, ResponseOver),
    initial=ResponseState(),
    evolve=evolve_response,
    next_due=due,
)


def response_ref(response_id: UUID) -> StreamRef[ResponseState]:
    return RESPONSE.ref(response_id)


def propose(
    case: CaseState, command: ProposeTransfers, response_id: UUID, by: Authority, now: datetime, policy: ShortagePolicy
) -> Outcome:
    """The plan as it was made; what leaves a chain needs the order of an authority that owns the case."""
    ordered = any(row.legal_ground == "authority_order" for row in command.plan.proposals)
    standing = may_begin(case, "ProposeTransfers", by, case.owner_level if ordered else None)
    if isinstance(standing, Refusal):
        return standing
    if not command.plan.proposals:
        facts = command.plan.model_dump(include={"needed", "unknown"})
        return Refusal("response.nothing_to_move", facts)
    if len(command.plan.proposals) > PROPOSALS_MAX:
        return Refusal("response.too_large", {"proposals": len(command.plan.proposals), "limit": PROPOSALS_MAX})
    return [
        TransfersProposed(
            response_id=response_id,
            case_id=command.case_id,
            drug_key=standing.case.drug_key,
            region=standing.case.region,
            order_reason=command.order_reason if ordered else None,
            **standing.issuer,
            valid_until=civil_day(now) + timedelta(days=policy.transfer.answer_days),
            proposed_at=now,
            **dict(command.plan),
        )
    ]


def release(
    case: CaseState, command: ReleaseReserve, response_id: UUID, by: Authority, now: datetime, policy: ShortagePolicy
) -> Outcome:
    """The owner of the case, or an authority above it, releases a reserve for its region or a part of it."""
    standing = may_begin(case, "ReleaseReserve", by, case.owner_level)
    if isinstance(standing, Refusal):
        return standing
    if not covers(standing.case.region, command.region):
        return Refusal("response.region", {"region": command.region, "case": standing.case.region})
    today = civil_day(now)
    arrives = command.expected_on or today
    if not today <= arrives <= today + timedelta(days=EXPECTED_DAYS_MAX):
        return Refusal("response.expected_before", {"expected_on": command.expected_on, "today": today})
    return [
        ReserveReleased(
            response_id=response_id,
            drug_key=standing.case.drug_key,
            **standing.issuer,
            valid_until=arrives + timedelta(days=policy.transfer.answer_days),
            released_at=now,
            **command.model_dump(),
        )
    ]


def over(state: ResponseState, now: datetime) -> list[DomainEvent]:
    """The clock: what nobody has answered is answered no more."""
    until = due(state).get(ANSWERABLE)
    return [ResponseOver(over_at=now, ended_as="time_over")] if until is not None and now >= until else []


def end_with_case(state: ResponseState, now: datetime) -> list[DomainEvent]:
    if not RESPONSE_TRANSITIONS.allows(state.status, "case_ended"):
        return []
    return [ResponseOver(over_at=now, ended_as="case_over")]
