"""A confirmed case is watched: worse at once, better only after periods in a row, never while a maker has stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.seedwork.model import DomainEvent
from services.shortage.domain.case import CASE, CaseState
from services.shortage.domain.decisions import (
    NOWHERE,
    case_inputs,
    confirmed,
    confirmed_by_sources,
    events_of,
    recent_evidence,
    standing_evidence,
    tasks_of,
)
from services.shortage.domain.detector import UNKNOWN, Reporters, evidence_since, strongest_evidence
from services.shortage.domain.events import (
    CaseEnded,
    CaseGraded,
    NoticeEnded,
    NoticeLinked,
    PeriodJudged,
    SourceJoined,
)
from services.shortage.domain.grading import SEVERITY, Grade, GradeInputs, graded, owner_of
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.values import Evidence, Signal, SourceKind


def joined(
    state: CaseState,
    source: SourceKind,
    events: tuple[str, ...],
    now: datetime,
    policy: ShortagePolicy,
    evidence: Evidence | None = None,
    places: Mapping[str, str] = NOWHERE,
) -> list[DomainEvent]:
    """A sign of this kind for an open case: it may confirm a suspicion, and raise a grade. Of a confirmed case it is
    recorded once a period, unless it says more than the case knows."""
    if not state.is_open or state.quiet(now):
        return []
    quiet_at = None if state.quiet_at is None else max(state.quiet_at, now + policy.hysteresis)
    sign = SourceJoined(
        source=source, events=events, joined_at=now, quiet_at=quiet_at, evidence=evidence, places=places
    )
    after = CASE.fold([sign], state)
    if state.status == "suspected":
        return [sign, *confirmed_by_sources(after, now, policy)]
    begin = (state.period_at or now) - policy.period
    worse = raised(after, case_inputs(after, recent_evidence(after, now, policy), now, policy), now, policy)
    latest = state.sources.get(source)
    if latest is not None and latest > begin and not worse and not places.keys() - state.reporters.keys():
        return []
    return [sign, *worse]


def fed(
    state: CaseState, signals: Sequence[Signal], unfilled: Sequence[Signal], now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """More unfilled demands for a confirmed case: their spread may raise the grade at once."""
    if state.status != "confirmed":
        return []
    evidence = strongest_evidence(signals, unfilled, policy, _reporters(state))
    if evidence is None:
        return []
    told: list[DomainEvent] = []
    if state.period_at is None:  # confirmed before cases were judged by periods
        told = [PeriodJudged(grade=state.grade, better_periods=0, normal_periods=0, next_at=now + policy.period)]
    if SourceKind.UNFILLED not in state.sources:
        told += joined(state, SourceKind.UNFILLED, events_of(unfilled), now, policy)
    after = CASE.fold(told, state)
    return [*told, *raised(after, case_inputs(after, [evidence], now, policy), now, policy)]


def raised(state: CaseState, inputs: GradeInputs, now: datetime, policy: ShortagePolicy) -> list[DomainEvent]:
    """Inputs that are worse than the grade raise it at once; others change nothing now."""
    grade, _ = graded(inputs, policy.grades)
    if state.grade is None or grade.severity <= state.grade.severity:
        return []
    return [_graded(state, grade, inputs, now, policy)]


def period_over(
    state: CaseState, signals: Sequence[Signal], now: datetime, policy: ShortagePolicy
) -> list[DomainEvent]:
    """The clock: a period of a confirmed case is judged by what happened in it.

    Eased by one grade after enough better periods, resolved after enough normal ones; neither while a stop notice is
    open, and not resolved while a case inside is open.
    """
    if state.status != "confirmed" or state.period_at is None or now < state.period_at or state.grade is None:
        return []
    begin = now - policy.period
    evidence = evidence_since(signals, begin, policy, _reporters(state))
    signs = any(joined_at >= begin for joined_at in state.sources.values())
    unfilled = evidence is not None and evidence.pharmacies >= policy.suspect_pharmacies
    normal = not unfilled and not signs and not state.children
    counted = standing_evidence(state, policy, begin)
    inputs = case_inputs(state, counted if evidence is None else [*counted, evidence], now, policy)
    grade = None if normal and not state.notices else graded(inputs, policy.grades)[0]
    better = grade is None or grade.severity < state.grade.severity
    judged = PeriodJudged(
        grade=grade,
        better_periods=state.better_periods + 1 if better else 0,
        normal_periods=state.normal_periods + 1 if normal else 0,
        next_at=now + policy.period,
    )
    after = CASE.fold([judged], state)
    if grade is not None and grade.severity > state.grade.severity:
        return [judged, _graded(after, grade, inputs, now, policy)]
    if state.notices:
        return [judged]
    if after.normal_periods >= policy.normal_periods:
        return [judged, CaseEnded(ended_as="resolved", reason=None, ended_at=now)]
    if after.better_periods >= policy.better_periods and state.grade.severity > 0:
        milder = SEVERITY[state.grade.severity - 1]
        return [judged, _graded(after, milder, inputs, now, policy)]
    return [judged]


def notice_linked(state: CaseState, notice: NoticeLinked, now: datetime, policy: ShortagePolicy) -> list[DomainEvent]:
    """A maker's stop for an open case, or other dates of one that it knows: it confirms a suspicion, and it may raise
    the grade."""
    told: list[DomainEvent] = [notice]
    if notice.notice_id not in state.notices:
        told += joined(CASE.fold(told, state), SourceKind.STOP_NOTICE, (), now, policy)
    after = CASE.fold(told, state)
    if after.status == "suspected":
        return [*told, confirmed(after, "stop_notice", None, now, policy)]
    return [*told, *raised(after, case_inputs(after, recent_evidence(after, now, policy), now, policy), now, policy)]


def notice_ended(state: CaseState, notice: NoticeEnded) -> list[DomainEvent]:
    """The maker goes on. An anticipated case of which this was all is avoided."""
    if notice.notice_id not in state.notices:
        return []
    after = CASE.fold([notice], state)
    if state.anticipated and not after.notices:
        return [notice, CaseEnded(ended_as="avoided", reason=None, ended_at=notice.ended_at)]
    return [notice]


def _reporters(state: CaseState) -> Reporters:
    return state.suspected.reporters if state.suspected else UNKNOWN


def _graded(state: CaseState, grade: Grade, inputs: GradeInputs, now: datetime, policy: ShortagePolicy) -> CaseGraded:
    owner_level = owner_of(grade, policy.grades)
    before = state.grade or Grade.IV
    worse = grade.severity > before.severity
    return CaseGraded(
        grade_before=before,
        grade=grade,
        owner_level=owner_level,
        inputs=inputs,
        tasks=tasks_of(state, grade, before, owner_level, now, policy) if worse else (),
        policy_version=policy.version,
        graded_at=now,
    )
