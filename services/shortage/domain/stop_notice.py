"""The aggregate StopNotice: a maker tells that it stops a drug (停产报告), and how that ends.

药品生产监督管理办法: a planned stop of a listed drug is told six months before, an unplanned one within three days; a
notice that comes later is taken and marked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.seedwork.calendar import civil_day
from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions
from services.shortage.domain.events import NoticeEnd
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.values import Words

Name = Annotated[str, Field(min_length=1, max_length=300)]

STOP_NOTICE_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "ReportStop", "dates in order; not in the far future", "open", "-"),
        Transition("open", "ReportStop", "the same again changes nothing; other dates amend it", "open", "-"),
        Transition("open", "EndStop", "withdrawn, or deliveries are restored", "ended", "-"),
        Transition("ended", "EndStop", "answered no-op", "ended", "-"),
    )
)
AHEAD_DAYS_MAX, BEHIND_DAYS_MAX = 3 * 366, 30 * 366
"""A stop further away than this is a slip of the pen."""


class ReportStop(Command):
    """A maker stops one drug. `reference` is its own number of the notice: the same again is the same notice."""

    reference: Name
    maker: Name
    drug_key: Name
    stops_on: date
    planned: bool
    sole_supplier: bool
    restored_by: date | None
    """When it expects to deliver again; None: not known, or never."""
    reason: Words


class EndStop(Command):
    """The maker goes on after all, or delivers again."""

    notice_id: UUID
    how: NoticeEnd
    reason: Words


class StopReported(DomainEvent):
    """A maker has told that it stops."""

    TOPIC: ClassVar[str] = "shortage.stop_notice.reported"

    notice_id: UUID
    reference: str
    maker: str
    drug_key: str
    stops_on: date
    planned: bool
    sole_supplier: bool
    restored_by: date | None
    reason: str
    late: bool
    """Told later than the rule asks for."""
    reported_by: str
    reported_at: datetime


class StopEnded(DomainEvent):
    """It is over."""

    TOPIC: ClassVar[str] = "shortage.stop_notice.ended"

    how: NoticeEnd
    reason: str
    ended_at: datetime


StopNoticeEvent = StopReported | StopEnded


@dataclass(frozen=True)
class StopNoticeState:
    """A notice as it stands."""

    status: str = NOT_YET
    reported: StopReported | None = None
    ended: StopEnded | None = None


def evolve_stop_notice(state: StopNoticeState, event: StopNoticeEvent) -> StopNoticeState:
    if isinstance(event, StopReported):
        return StopNoticeState("open", event)
    return replace(state, status="ended", ended=event)


STOP_NOTICE: Aggregate[StopNoticeState] = Aggregate(
    name="stop_notice",
    events=(StopReported, StopEnded),
    initial=StopNoticeState(),
    evolve=evolve_stop_notice,
)


def stop_notice_id(maker: str, reference: str) -> UUID:
    return derived_id("stop_notice", maker, reference)


def stop_notice_ref(identity: UUID) -> StreamRef[StopNoticeState]:
    return STOP_NOTICE.ref(identity)


def report_stop(state: StopNoticeState, command: ReportStop, now: datetime, by: str, policy: ShortagePolicy) -> Outcome:
    """A new notice, or other dates for one that is open."""
    today = civil_day(now)
    if not -BEHIND_DAYS_MAX <= (command.stops_on - today).days <= AHEAD_DAYS_MAX:
        return Refusal("stop_notice.dates", {"stops_on": command.stops_on, "today": today})
    if command.restored_by is not None and command.restored_by <= command.stops_on:
        return Refusal("stop_notice.dates", {"stops_on": command.stops_on, "restored_by": command.restored_by})
    if state.status == "ended":
        return Refusal("stop_notice.ended", {"reference": command.reference})
    if state.reported is not None and state.reported.drug_key != command.drug_key:
        return Refusal("stop_notice.another_drug", {"drug_key": state.reported.drug_key})
    told = StopReported(
        notice_id=stop_notice_id(command.maker, command.reference),
        **command.model_dump(),
        late=_late(command, today, policy),
        reported_by=by,
        reported_at=now,
    )
    same = state.reported is not None and _content(state.reported) == _content(told)
    return [] if same else [told]


def end_stop(state: StopNoticeState, command: EndStop, now: datetime) -> Outcome:
    if state.reported is None:
        return Refusal("stop_notice.unknown")
    if state.status == "ended":
        return []
    return [StopEnded(how=command.how, reason=command.reason, ended_at=now)]


def _late(command: ReportStop, today: date, policy: ShortagePolicy) -> bool:
    if command.planned:
        return today > command.stops_on - timedelta(days=policy.notice_planned_days)
    return today > command.stops_on + timedelta(days=policy.notice_unplanned_days)


def _content(told: StopReported) -> dict[str, object]:
    return told.model_dump(exclude={"reported_at", "reported_by", "late"})
