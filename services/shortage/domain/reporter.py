"""The aggregate of a reporter: on which days it was heard of, and what it was alerted about. What a pharmacy's systems
tell of stock, orders and demands is one; each kind of report that somebody brings (direct report, register) another.

Silence is not zero demand: a reporter that is not heard of for longer than its own habit makes likely raises an alert,
and so does one that contradicts itself. An alert of silence ends when it is heard of again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import ClassVar, Literal, assert_never

from services.seedwork.calendar import ZONE, civil_day
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


ReporterEvent = ReporterHeard | ReporterAlerted


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
        case _:
            assert_never(event)


def next_due(state: ReporterState) -> Mapping[str, datetime]:
    return {SILENCE: state.silent_at} if state.silent_at else {}


REPORTER: Aggregate[ReporterState] = Aggregate(
    name="reporter",
    events=(ReporterHeard, ReporterAlerted),
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
    """Of a reporter something has arrived, whatever day it is about; once a day that is news."""
    today = civil_day(now)
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
    if source not in rules:
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
    """Told once a day."""
    today = civil_day(now)
    if state.contradicted == today:
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
