"""What somebody has to do about a confirmed case. A task past its deadline climbs by itself; the grade stays."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.seedwork.model import DomainEvent, Outcome, Refusal
from services.shortage.domain.case import CaseState
from services.shortage.domain.case_transitions import CASE_TRANSITIONS
from services.shortage.domain.commands import AcknowledgeCase, AssignTask, CompleteTask
from services.shortage.domain.events import CaseAcknowledged, Task, TaskAssigned, TaskCompleted, TaskEscalated
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import Level, covers

LEVELS = (Level.COUNTY, Level.CITY, Level.PROVINCE, Level.NATION)
ACKNOWLEDGE = "acknowledge"
"""The task that is done by acknowledging."""
OPEN_TASKS_MAX = 50


def acknowledge(state: CaseState, command: AcknowledgeCase, now: datetime, authority: str | None, by: str) -> Outcome:
    """Seen, with what the authority makes of it; whoever does so again changes nothing."""
    refusal = _refusal(state, "AcknowledgeCase", authority)
    if refusal:
        return refusal
    if state.acknowledged:
        return []
    told: list[DomainEvent] = [CaseAcknowledged(by=by, reason=command.reason, acknowledged_at=now)]
    told += [
        TaskCompleted(number=task.number, by=by, reason=command.reason, completed_at=now)
        for task in state.tasks.values()
        if task.kind == ACKNOWLEDGE
    ]
    return told


def assign(state: CaseState, command: AssignTask, now: datetime, authority: str | None) -> Outcome:
    refusal = _refusal(state, "AssignTask", authority)
    if refusal:
        return refusal
    if command.due_at <= now:
        return Refusal("shortage.due_in_the_past", {"due_at": command.due_at, "now": now})
    if len(state.tasks) >= OPEN_TASKS_MAX:
        return Refusal("shortage.too_many_tasks", {"open": len(state.tasks)})
    task = Task(
        number=state.tasks_so_far + 1, kind=command.kind, owner_level=command.owner_level, due_at=command.due_at
    )
    return [TaskAssigned(task=task)]


def complete(state: CaseState, command: CompleteTask, now: datetime, authority: str | None, by: str) -> Outcome:
    refusal = _refusal(state, "CompleteTask", authority)
    if refusal:
        return refusal
    if command.number not in state.tasks:
        known = command.number <= state.tasks_so_far
        return [] if known else Refusal("shortage.task_unknown", {"number": command.number})
    return [TaskCompleted(number=command.number, by=by, reason=command.reason, completed_at=now)]


def escalate(state: CaseState, now: datetime, policy: ShortagePolicy) -> list[DomainEvent]:
    """The clock: every task whose deadline has passed is the next level's now; at the nation it stays, overdue."""
    return [
        _climbed(task, now, policy) for task in state.tasks.values() if task.due_at is not None and task.due_at <= now
    ]


def _climbed(task: Task, now: datetime, policy: ShortagePolicy) -> TaskEscalated:
    place = LEVELS.index(task.owner_level)
    if place == len(LEVELS) - 1:
        return TaskEscalated(number=task.number, owner_level=task.owner_level, due_at=None)
    due_at = now + timedelta(hours=policy.task_escalated_hours)
    return TaskEscalated(number=task.number, owner_level=LEVELS[place + 1], due_at=due_at)


def _refusal(state: CaseState, trigger: str, authority: str | None) -> Refusal | None:
    if state.suspected is None:
        return Refusal("shortage.unknown")
    if authority is None or not covers(authority, state.suspected.region):
        return Refusal("shortage.not_your_region", {"region": state.suspected.region})
    if not CASE_TRANSITIONS.allows(state.status, trigger):
        return Refusal("shortage.wrong_state", {"state": state.status, "trigger": trigger})
    return None
