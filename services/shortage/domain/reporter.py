"""The aggregate of a reporter: on which days it was heard of, and what it was alerted about. What a pharmacy's systems
tell of stock, orders and demands is one; each kind of report that somebody brings (direct report, register) another.

Silence is not zero demand: a reporter that is not heard of for longer than its own habit makes likely raises an alert,
and so does one that contradicts itself. An alert of silence ends when it is heard of again, and when the reporter has
left its register: nobody waits for who is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import ClassVar, Literal, assert_never

from services.seedwork.calendar import ZONE, civil_day, end_of_day
from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id
from services.shortage.domain.detection.silence import (
    Reporting,
    ReportingRule,
    SilenceRules,
    awaited_days,
    silent_from_days,
)
from services.shortage.domain.regions import common_node
from services.shortage.domain.reports import ShortageReport, Trust
from services.shortage.domain.values import SourceKind

SILENCE = "silence"
"""The deadline by which it is to be heard of."""
LEAVE = "leave"
"""When it is no longer in its register."""


class ReporterHeard(DomainEvent):
    """It was heard of on a day for the first time, or of a wider region; unless it is again before `silent_at`, it is
    silent. None: nobody knows when it will be again."""

    TOPIC: ClassVar[str] = "shortage.reporter.heard"

    reporter: str
    region: str
    day: date
    silent_at: datetime | None
    source: SourceKind | None = None
    """The kind of report it brings; None: what its systems tell."""
    trust: Trust = "own"


class ReporterAlerted(DomainEvent):
    """It is silent since a day, or contradicts itself on one; `against`: what contradicts what."""

    TOPIC: ClassVar[str] = "shortage.reporter.alerted"

    reporter: str
    region: str
    kind: Literal["silent", "contradictory"]
    since: date
    against: str | None
    raised_at: datetime
    source: SourceKind | None = None


class ReporterLeaves(DomainEvent):
    """Its register says when it will have left; `leaves_at` none: it stays, or it is back."""

    TOPIC: ClassVar[str] = "shortage.reporter.leaves"

    reporter: str
    region: str
    leaves_at: datetime | None
    source: SourceKind | None = None


class ReporterLeft(DomainEvent):
    """It is in the register no more: nobody waits for its word, and a silence is over."""

    TOPIC: ClassVar[str] = "shortage.reporter.left"

    reporter: str
    region: str
    day: date
    source: SourceKind | None = None


ReporterEvent = ReporterHeard | ReporterAlerted | ReporterLeaves | ReporterLeft


@dataclass(frozen=True)
class ReporterState:
    """`told`: on how many days it was heard of since the first."""

    reporter: str = ""
    region: str = ""
    first: date | None = None
    last: date | None = None
    told: int = 0
    silent_at: datetime | None = None
    silent: bool = False
    """It was alerted to be silent, and nothing was heard of it since."""
    source: SourceKind | None = None
    contradicted: date | None = None
    """The day of the last alert about a contradiction."""
    leaves_at: datetime | None = None
    left: bool = False


def evolve_reporter(state: ReporterState, event: ReporterEvent) -> ReporterState:
    match event:
        case ReporterHeard():
            return replace(
                state,
                reporter=event.reporter,
                region=event.region,
                first=state.first or event.day,
                last=event.day,
                told=state.told + (event.day != state.last),
                silent_at=event.silent_at,
                silent=False,
                source=event.source,
            )
        case ReporterAlerted(kind="silent"):
            return replace(state, silent_at=None, silent=True)
        case ReporterAlerted():
            return replace(state, contradicted=event.since)
        case ReporterLeaves():
            about = replace(state, reporter=event.reporter, region=event.region, source=event.source)
            return replace(about, leaves_at=event.leaves_at, left=False)
        case ReporterLeft():
            # who comes back begins its habit anew
            return ReporterState(event.reporter, event.region, source=event.source, left=True)
        case _:
            assert_never(event)


def next_due(state: ReporterState) -> Mapping[str, datetime]:
    due = {SILENCE: state.silent_at, LEAVE: state.leaves_at}
    return {kind: at for kind, at in due.items() if at is not None}


REPORTER: Aggregate[ReporterState] = Aggregate(
    name="reporter",
    events=(ReporterHeard, ReporterAlerted, ReporterLeaves, ReporterLeft),
    initial=ReporterState(),
    evolve=evolve_reporter,
    next_due=next_due,
    cached=True,
)


def reporter_ref(reporter: str, source: SourceKind | None = None) -> StreamRef[ReporterState]:
    """`source`: as one that brings this kind of report; None: as one whose systems tell."""
    named = (reporter,) if source is None else (reporter, source.value)
    return REPORTER.ref(derived_id("reporter", *named))


def heard(state: ReporterState, reporter: str, region: str, now: datetime, rules: SilenceRules) -> list[DomainEvent]:
    """Of a reporter something has arrived, whatever day it is about; once a day that is news. A late word of one that
    has left brings it back into no list."""
    today = civil_day(now)
    if state.left:
        return []
    if state.last is not None and today <= state.last:
        return []
    days = (today - (state.first or today)).days + 1
    reporting = Reporting(days=days, told=state.told + 1, last_told=today)
    silent_on = today + timedelta(days=silent_from_days(reporting, rules))
    silent_at = datetime.combine(silent_on, time(), ZONE)
    return [ReporterHeard(reporter=reporter, region=region, day=today, silent_at=silent_at)]


def reported(
    state: ReporterState, report: ShortageReport, now: datetime, rules: Mapping[SourceKind, ReportingRule]
) -> list[DomainEvent]:
    """It has brought a report of a kind that is awaited at intervals. Its region is the node that holds all it told
    of."""
    source = SourceKind(report.source)
    if source not in rules or state.left:
        return []
    today = civil_day(now)
    region = report.region if state.last is None else common_node(state.region, report.region)
    if state.last is not None and today <= state.last and region == state.region:
        return []
    days = (today - (state.first or today)).days + 1
    told = state.told + (state.last != today)
    awaited = awaited_days(Reporting(days=days, told=told, last_told=today), rules[source])
    silent_at = None if awaited is None else datetime.combine(today + timedelta(days=awaited), time(), ZONE)
    return [
        ReporterHeard(
            reporter=report.reporter, region=region, day=today, silent_at=silent_at, source=source, trust=report.trust
        )
    ]


def contradicts_itself(
    state: ReporterState,
    reporter: str,
    region: str,
    against: str,
    now: datetime,
    source: SourceKind | None = None,
) -> list[DomainEvent]:
    """Told once a day; of one that has left no more."""
    today = civil_day(now)
    if state.contradicted == today or state.left:
        return []
    return [
        ReporterAlerted(
            reporter=reporter,
            region=region,
            kind="contradictory",
            since=today,
            against=against,
            raised_at=now,
            source=source,
        )
    ]


def fall_silent(state: ReporterState, now: datetime) -> list[DomainEvent]:
    """The clock: it was not heard of in time."""
    if state.silent_at is None or now < state.silent_at or state.last is None:
        return []
    return [
        ReporterAlerted(
            reporter=state.reporter,
            region=state.region,
            kind="silent",
            since=state.last,
            against=None,
            raised_at=now,
            source=state.source,
        )
    ]


def leaving(now: datetime, *, valid_until: date | None, suspended: bool) -> datetime | None:
    """When somebody with this entry in a register will have left: whoever is suspended now. None: no end is known."""
    if suspended:
        return now
    return None if valid_until is None else end_of_day(valid_until)


def registered(
    state: ReporterState,
    reporter: str,
    region: str,
    leaves_at: datetime | None,
    now: datetime,
    source: SourceKind | None = None,
) -> list[DomainEvent]:
    """Its register says until when it is there: None, no end is known. What has passed already has its effect now."""
    past = leaves_at is not None and leaves_at <= now
    known = past if state.left else leaves_at == state.leaves_at
    if known:
        return []
    told = ReporterLeaves(reporter=reporter, region=region, leaves_at=leaves_at, source=source)
    return [told, *leave(evolve_reporter(state, told), now)]


def leave(state: ReporterState, now: datetime) -> list[DomainEvent]:
    """The clock: it is in its register no more."""
    return gone(state, now) if state.leaves_at is not None and now >= state.leaves_at else []


def gone(state: ReporterState, now: datetime) -> list[DomainEvent]:
    """It is in its register no more, by whatever way that was found."""
    if state.left:
        return []
    return [ReporterLeft(reporter=state.reporter, region=state.region, day=civil_day(now), source=state.source)]
