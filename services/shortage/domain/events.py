"""What happens in shortage: to a reporter's day of signals, to a detector, to a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from services.seedwork.model import DomainEvent, Immutable
from services.shortage.domain.grading import Grade, GradeInputs
from services.shortage.domain.regions import Level
from services.shortage.domain.values import DrugClass, Evidence, ResponseKind, Signal, SourceKind

EndedAs = Literal["dismissed", "dismissed_auto", "resolved", "avoided"]
ConfirmedBy = Literal["rule", "regulator", "sources", "stop_notice"]
NoticeEnd = Literal["withdrawn", "restored"]


class Task(Immutable):
    """What somebody has to do about a case until `due_at`; then it climbs to the next level by itself."""

    number: int
    kind: str
    owner_level: Level
    due_at: datetime | None
    """None: it is at the highest level and overdue."""
    escalations: int = 0


class SignalReceived(DomainEvent):
    """A reporter could not fill a demand: as earlier releases kept it, one by one."""

    TOPIC: ClassVar[str] = "shortage.signal.received"

    drug_key: str
    signal: Signal
    quantity: int
    reason: str
    on_hand: int | None
    """None: the pharmacy's stock is not known."""


class SignalCounted(DomainEvent):
    """A detector took a signal into account: as earlier releases did, one by one."""

    TOPIC: ClassVar[str] = "shortage.detector.signal_counted"

    signal: Signal
    forget_before: datetime


class DetectorFired(DomainEvent):
    """A case was opened; it is the detector's n-th."""

    TOPIC: ClassVar[str] = "shortage.detector.fired"

    n: int
    case_id: UUID


class CaseSuspected(DomainEvent):
    """Enough pharmacies were out of the drug at about the same time."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.suspected"

    case_id: UUID
    drug_key: str
    region: str
    n: int
    evidence: Evidence
    policy_version: str
    previous_case: UUID | None
    counts_from: datetime | None
    """The end of the case before: what happened until then was judged with it."""
    suspected_at: datetime
    quiet_at: datetime
    source: SourceKind = SourceKind.UNFILLED
    events: tuple[str, ...] = ()
    """The very events it rests on."""
    places: Mapping[str, str] = {}
    """Who reported it, and of which region node."""
    reporters: Mapping[str, int] = {}
    """By county, how many pharmacies told of their shelves of the drug by then; none: unknown."""


class EvidenceAdded(DomainEvent):
    """One more signal for a case that is only suspected; its suspicion lasts until `quiet_at`."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.evidence_added"

    evidence: Evidence
    quiet_at: datetime
    events: tuple[str, ...] = ()


class SourceJoined(DomainEvent):
    """Another sign speaks for an open case: of a new kind, or the first of its kind in a period."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.source_joined"

    source: SourceKind
    events: tuple[str, ...]
    joined_at: datetime
    quiet_at: datetime | None
    """Of a suspicion; None once the case is confirmed."""
    evidence: Evidence | None = None
    """What a detector counted; None: it is a report."""
    places: Mapping[str, str] = {}
    """Who reported it, and of which region node."""


class SourceDenied(DomainEvent):
    """A source says that there is enough, after the latest sign for a shortage. `places`: who reported so, of where."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.source_denied"

    source: SourceKind
    events: tuple[str, ...]
    places: Mapping[str, str]
    denied_at: datetime


class CaseConfirmed(DomainEvent):
    """It is a shortage."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.confirmed"

    grade: Grade
    owner_level: Level
    confirmed_by: ConfirmedBy
    reason: str | None
    evidence: Evidence
    policy_version: str
    confirmed_at: datetime
    drug_class: DrugClass | None = None
    anticipated: bool = False
    """By a stop notice while stock still lasts."""
    expected_until: date | None = None
    inputs: GradeInputs | None = None
    tasks: tuple[Task, ...] = ()
    period_at: datetime | None = None
    """When the first period of judging ends."""


class CaseGraded(DomainEvent):
    """Escalated at once, or eased after enough better periods."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.graded"

    grade_before: Grade
    grade: Grade
    owner_level: Level
    inputs: GradeInputs
    tasks: tuple[Task, ...]
    policy_version: str
    graded_at: datetime


class PeriodJudged(DomainEvent):
    """A period of a confirmed case is over. `grade`: what its inputs alone would give; None: supply was normal."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.period_judged"

    grade: Grade | None
    better_periods: int
    normal_periods: int
    next_at: datetime


class NoticeLinked(DomainEvent):
    """A maker has told that it stops; while its notice is open nothing is eased."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.notice_linked"

    notice_id: UUID
    sole_supplier: bool
    restored_by: date | None


class NoticeEnded(DomainEvent):
    """That notice is over."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.notice_ended"

    notice_id: UUID
    how: NoticeEnd
    ended_at: datetime


class ParentLinked(DomainEvent):
    """The case of the nation that this one of a region belongs to."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.parent_linked"

    parent_case: UUID


class ChildLinked(DomainEvent):
    """A confirmed case of a region inside this one."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.child_linked"

    region: str
    case_id: UUID


class ChildEnded(DomainEvent):
    """That case is over."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.child_ended"

    case_id: UUID


class CaseAcknowledged(DomainEvent):
    """An authority has seen it, and says what it makes of it."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.acknowledged"

    by: str
    reason: str
    acknowledged_at: datetime


class TaskAssigned(DomainEvent):
    """Somebody has to do something."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.task_assigned"

    task: Task


class TaskCompleted(DomainEvent):
    """It is done."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.task_completed"

    number: int
    by: str
    reason: str
    completed_at: datetime


class TaskEscalated(DomainEvent):
    """It was not done in time: now it is the next level's."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.task_escalated"

    number: int
    owner_level: Level
    due_at: datetime | None


class ResponseLinked(DomainEvent):
    """Something is done against it, in a region of it."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.response_linked"

    response_id: UUID
    kind: ResponseKind
    region: str


class ResponseClosed(DomainEvent):
    """That is over, before the case is."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.response_closed"

    response_id: UUID


class CaseEnded(DomainEvent):
    """It was none, or is none any more."""

    TOPIC: ClassVar[str] = "shortage.shortage_case.ended"

    ended_as: EndedAs
    reason: str | None
    ended_at: datetime
    denied_by: tuple[SourceKind, ...] = ()
    """The kinds of source that said there is enough, where they ended it."""


class RegionConfirmed(DomainEvent):
    """At the nation's detector: the case of a region was confirmed."""

    TOPIC: ClassVar[str] = "shortage.detector.region_confirmed"

    region: str
    case_id: UUID


class RegionEnded(DomainEvent):
    """At the nation's detector: that case is over."""

    TOPIC: ClassVar[str] = "shortage.detector.region_ended"

    region: str
