"""The aggregate ShortageCase: one suspicion of a shortage of one drug key in one region node, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import assert_never
from uuid import UUID

from services.seedwork.model import Aggregate, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET
from services.shortage.domain import events as happened
from services.shortage.domain.events import CaseConfirmed, CaseEnded, CaseSuspected, NoticeLinked, Task
from services.shortage.domain.grading import Grade, GradeInputs
from services.shortage.domain.regions import Level
from services.shortage.domain.values import Evidence, ResponseKind, SourceKind

QUIET = "quiet"
"""The deadline of a suspicion that nothing feeds any more."""
PERIOD = "period"
"""The end of a period of a confirmed case: its grade is judged again."""
TASK = "task"
"""The deadline of the task that is due next."""
REPORTERS_MAX = 500
"""Reporters that a case remembers; of more, the latest. Far more than any row of the grading table asks for."""
EVENTS_MAX = 200
"""Events that a case names as its evidence; of more, the latest. All of them are in its detector's stream."""

CaseEvent = (
    CaseSuspected
    | happened.EvidenceAdded
    | happened.SourceJoined
    | happened.SourceDenied
    | CaseConfirmed
    | happened.CaseGraded
    | happened.PeriodJudged
    | NoticeLinked
    | happened.NoticeEnded
    | happened.ParentLinked
    | happened.ChildLinked
    | happened.ChildEnded
    | happened.CaseAcknowledged
    | happened.TaskAssigned
    | happened.TaskCompleted
    | happened.TaskEscalated
    | happened.ResponseLinked
    | happened.ResponseClosed
    | CaseEnded
)


@dataclass(frozen=True)
class CaseState:
    """A case as it is now. `suspected` is what it began with."""

    status: str = NOT_YET
    suspected: CaseSuspected | None = None
    evidence: Evidence | None = None
    quiet_at: datetime | None = None
    confirmed: CaseConfirmed | None = None
    ended: CaseEnded | None = None
    grade: Grade | None = None
    inputs: GradeInputs | None = None
    """What the grade followed from; None: not graded, or by an older release."""
    owner_level: Level | None = None
    sources: Mapping[SourceKind, datetime] = field(default_factory=dict)
    """By kind, when the latest sign of it that was recorded came."""
    counted: Mapping[SourceKind, Evidence] = field(default_factory=dict)
    """By kind, what its latest sign counted."""
    reporters: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    """Who has reported it: of which region node, and when last."""
    denied: Mapping[SourceKind, datetime] = field(default_factory=dict)
    """By kind, when it said that there is enough, since the latest sign for a shortage."""
    events: tuple[str, ...] = ()
    anticipated: bool = False
    notices: Mapping[UUID, NoticeLinked] = field(default_factory=dict)
    """Stop notices that are open."""
    children: Mapping[UUID, str] = field(default_factory=dict)
    """Open cases inside this one, with their regions."""
    parent: UUID | None = None
    better_periods: int = 0
    normal_periods: int = 0
    period_at: datetime | None = None
    acknowledged: bool = False
    tasks: Mapping[int, Task] = field(default_factory=dict)
    """Tasks that are still to be done."""
    tasks_so_far: int = 0
    responses: Mapping[UUID, tuple[ResponseKind, str]] = field(default_factory=dict)
    """What is done against it and not over yet: kind and region node."""

    @property
    def is_open(self) -> bool:
        return self.status in {"suspected", "confirmed"}

    def quiet(self, moment: datetime) -> bool:
        """Whether a suspicion has ended by itself at this moment, whether the clock has told or not."""
        return self.status == "suspected" and self.quiet_at is not None and moment >= self.quiet_at

    @property
    def sole_supplier_stopped(self) -> bool:
        return any(notice.sole_supplier for notice in self.notices.values())

    @property
    def restored_by(self) -> date | None:
        """When all makers that have stopped say they deliver again; None: one does not know, or none has stopped."""
        told = [notice.restored_by for notice in self.notices.values()]
        days = [day for day in told if day is not None]
        return max(days) if days and len(days) == len(told) else None


def case_id(drug_key: str, region: str, n: int) -> UUID:
    return derived_id("shortage_case", drug_key, region, n)


def evolve_case(state: CaseState, event: CaseEvent) -> CaseState:
    match event:
        case CaseSuspected():
            return CaseState(
                "suspected",
                suspected=event,
                evidence=event.evidence,
                quiet_at=event.quiet_at,
                sources={event.source: event.suspected_at},
                counted={} if event.places else {event.source: event.evidence},
                reporters=_reporters({}, event.places, event.suspected_at),
                events=event.events,
            )
        case happened.EvidenceAdded():
            events = _more(state, event.events)
            return replace(state, evidence=event.evidence, quiet_at=event.quiet_at, events=events, denied={})
        case happened.SourceJoined():
            joined = {**state.sources, event.source: event.joined_at}
            anticipated = state.anticipated and event.source is SourceKind.STOP_NOTICE
            return replace(
                state,
                sources=joined,
                counted={**state.counted, event.source: event.evidence} if event.evidence else state.counted,
                reporters=_reporters(state.reporters, event.places, event.joined_at),
                events=_more(state, event.events),
                anticipated=anticipated,
                quiet_at=event.quiet_at or state.quiet_at,
                denied={},
            )
        case happened.SourceDenied():
            others = {who: told for who, told in state.reporters.items() if who not in event.places}
            return replace(state, denied={**state.denied, event.source: event.denied_at}, reporters=others)
        case CaseConfirmed() | happened.CaseGraded() | happened.PeriodJudged() | CaseEnded():
            return _evolve_grade(state, event)
        case happened.NoticeLinked() | happened.NoticeEnded():
            return _evolve_notices(state, event)
        case happened.ParentLinked():
            return replace(state, parent=event.parent_case)
        case happened.ChildLinked():
            return replace(state, children={**state.children, event.case_id: event.region}, anticipated=False)
        case happened.ChildEnded():
            return replace(state, children={id_: at for id_, at in state.children.items() if id_ != event.case_id})
        case happened.CaseAcknowledged():
            return replace(state, acknowledged=True)
        case happened.TaskAssigned() | happened.TaskCompleted() | happened.TaskEscalated():
            return _evolve_tasks(state, event)
        case happened.ResponseLinked():
            return replace(state, responses={**state.responses, event.response_id: (event.kind, event.region)})
        case happened.ResponseClosed():
            left = {id_: row for id_, row in state.responses.items() if id_ != event.response_id}
            return replace(state, responses=left)
        case _:
            assert_never(event)


def _evolve_grade(
    state: CaseState, event: CaseConfirmed | happened.CaseGraded | happened.PeriodJudged | CaseEnded
) -> CaseState:
    if isinstance(event, CaseConfirmed):
        return replace(
            _with_tasks(state, event.tasks),
            status="confirmed",
            confirmed=event,
            evidence=event.evidence,
            quiet_at=None,
            grade=event.grade,
            inputs=event.inputs,
            owner_level=event.owner_level,
            anticipated=event.anticipated,
            period_at=event.period_at,
        )
    if isinstance(event, happened.CaseGraded):
        return replace(
            _with_tasks(state, event.tasks),
            grade=event.grade,
            inputs=event.inputs,
            owner_level=event.owner_level,
            better_periods=0,
            normal_periods=state.normal_periods if event.grade.severity < event.grade_before.severity else 0,
        )
    if isinstance(event, happened.PeriodJudged):
        return replace(
            state,
            better_periods=event.better_periods,
            normal_periods=event.normal_periods,
            period_at=event.next_at,
        )
    status = "dismissed" if event.ended_as.startswith("dismissed") else event.ended_as
    return replace(state, status=status, ended=event, quiet_at=None, period_at=None, tasks={}, responses={})


def _evolve_notices(state: CaseState, event: NoticeLinked | happened.NoticeEnded) -> CaseState:
    left = {id_: notice for id_, notice in state.notices.items() if id_ != event.notice_id}
    return replace(state, notices={**left, event.notice_id: event} if isinstance(event, NoticeLinked) else left)


def _evolve_tasks(
    state: CaseState, event: happened.TaskAssigned | happened.TaskCompleted | happened.TaskEscalated
) -> CaseState:
    if isinstance(event, happened.TaskAssigned):
        return _with_tasks(state, (event.task,))
    left = {number: task for number, task in state.tasks.items() if number != event.number}
    if isinstance(event, happened.TaskCompleted):
        return replace(state, tasks=left)
    task = state.tasks[event.number]
    climbed = task.model_copy(
        update={"owner_level": event.owner_level, "due_at": event.due_at, "escalations": task.escalations + 1}
    )
    return replace(state, tasks={**left, event.number: climbed})


def _with_tasks(state: CaseState, tasks: tuple[Task, ...]) -> CaseState:
    new = {task.number: task for task in tasks}
    return replace(state, tasks={**state.tasks, **new}, tasks_so_far=max([state.tasks_so_far, *new]))


def _more(state: CaseState, events: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*state.events, *events)))[-EVENTS_MAX:]


def _reporters(
    known: Mapping[str, tuple[str, datetime]], places: Mapping[str, str], at: datetime
) -> Mapping[str, tuple[str, datetime]]:
    """With these, the latest last; no more than are kept."""
    others = {who: told for who, told in known.items() if who not in places}
    told = [*others.items(), *((who, (where, at)) for who, where in places.items())]
    return dict(told[-REPORTERS_MAX:])


def due(state: CaseState) -> Mapping[str, datetime]:
    deadlines = {QUIET: state.quiet_at, PERIOD: state.period_at}
    tasks = [task.due_at for task in state.tasks.values() if task.due_at is not None]
    if tasks:
        deadlines[TASK] = min(tasks)
    return {kind: at for kind, at in deadlines.items() if at is not None}


CASE: Aggregate[CaseState] = Aggregate(
    name="shortage_case",
    events=(
        CaseSuspected,
        happened.EvidenceAdded,
        happened.SourceJoined,
        happened.SourceDenied,
        CaseConfirmed,
        happened.CaseGraded,
        happened.PeriodJudged,
        NoticeLinked,
        happened.NoticeEnded,
        happened.ParentLinked,
        happened.ChildLinked,
        happened.ChildEnded,
        happened.CaseAcknowledged,
        happened.TaskAssigned,
        happened.TaskCompleted,
        happened.TaskEscalated,
        happened.ResponseLinked,
        happened.ResponseClosed,
        CaseEnded,
    ),
    initial=CaseState(),
    evolve=evolve_case,
    next_due=due,
)


def case_ref(identity: UUID) -> StreamRef[CaseState]:
    return CASE.ref(identity)
