"""What shortage tells the others: the public twins of its events, families `shortage_case` and `reporter`, and its
neighbour's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.events import shortage as public
from contracts.events.shortage_reporters import ReporterAlert
from services.seedwork.composition import Happened, Translation
from services.seedwork.model import DomainEvent
from services.shortage.application.translation_responses import RESPONSES_TOLD
from services.shortage.domain.case import CaseState
from services.shortage.domain.events import CaseConfirmed, CaseEnded, CaseGraded, CaseSuspected
from services.shortage.domain.heartbeat import is_heartbeat
from services.shortage.domain.reporter import ReporterAlerted, ReporterHeard, ReporterLeft, ReporterState
from services.shortage.domain.values import Evidence

HOUR_SECONDS = 3600


def tell_suspected(happened: Happened) -> Iterator[public.ShortageCaseSuspected]:
    event: CaseSuspected = happened.event  # type: ignore[assignment]
    if is_heartbeat(event.drug_key):
        return
    yield public.ShortageCaseSuspected(
        **_case(happened), evidence=_evidence(event.evidence), previous_case=event.previous_case
    )


def tell_confirmed(happened: Happened) -> Iterator[public.ShortageCaseConfirmed]:
    event: CaseConfirmed = happened.event  # type: ignore[assignment]
    yield public.ShortageCaseConfirmed(
        **_case(happened),
        grade=public.Grade(event.grade),
        owner_level=public.Level(event.owner_level),
        confirmed_by=event.confirmed_by,
        evidence=_evidence(event.evidence),
        drug_class=event.drug_class.value if event.drug_class else None,
        anticipated=event.anticipated,
        expected_until=event.expected_until,
        parent_case=happened.after.parent,
    )


def tell_graded(happened: Happened) -> Iterator[public.ShortageCaseGraded]:
    event: CaseGraded = happened.event  # type: ignore[assignment]
    yield public.ShortageCaseGraded(
        **_case(happened),
        grade_before=public.Grade(event.grade_before),
        grade=public.Grade(event.grade),
        owner_level=public.Level(event.owner_level),
        inputs=public.GradeInputs(**event.inputs.model_dump()),
    )


def tell_ended(happened: Happened) -> Iterator[public.ShortageCaseEnded]:
    event: CaseEnded = happened.event  # type: ignore[assignment]
    if is_heartbeat(happened.after.suspected.drug_key):
        return
    lasted = event.ended_at - happened.after.suspected.suspected_at
    hours = max(0, int(lasted.total_seconds()) // HOUR_SECONDS)
    yield public.ShortageCaseEnded(**_case(happened), ended_as=event.ended_as, duration_hours=hours)


def tell_alerted(happened: Happened) -> Iterator[ReporterAlert]:
    event: ReporterAlerted = happened.event  # type: ignore[assignment]
    yield ReporterAlert(raised=True, **event.model_dump(exclude={"raised_at"}))


def tell_left(happened: Happened) -> Iterator[ReporterAlert]:
    """Nobody waits for the word of one that was told to be silent and is in its register no more."""
    event: ReporterLeft = happened.event  # type: ignore[assignment]
    before: ReporterState = happened.before
    if before.silent:
        names = event.model_dump(include={"reporter", "region", "source"})
        yield ReporterAlert(**names, kind="silent", raised=False, since=event.day, against=None, left=True)


def tell_heard_again(happened: Happened) -> Iterator[ReporterAlert]:
    """Only who was told to be silent is told that this is over."""
    event: ReporterHeard = happened.event  # type: ignore[assignment]
    before: ReporterState = happened.before
    if before.silent:
        names = event.model_dump(include={"reporter", "region", "source"})
        yield ReporterAlert(**names, kind="silent", raised=False, since=event.day, against=None)


def _case(happened: Happened) -> dict[str, Any]:
    state: CaseState = happened.after
    return {name: getattr(state.suspected, name) for name in ("case_id", "drug_key", "region")}


def _evidence(evidence: Evidence) -> public.Evidence:
    return public.Evidence(**evidence.model_dump(include=set(public.Evidence.model_fields)))


TRANSLATE: Mapping[type[DomainEvent], Translation] = {
    **RESPONSES_TOLD,
    CaseSuspected: tell_suspected,
    CaseConfirmed: tell_confirmed,
    CaseGraded: tell_graded,
    CaseEnded: tell_ended,
    ReporterAlerted: tell_alerted,
    ReporterHeard: tell_heard_again,
    ReporterLeft: tell_left,
}
