"""The clock: what the detectors make of the facts of one drug, out of the read model of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from services.seedwork.clock import from_micros, to_micros
from services.seedwork.model import Loaded
from services.seedwork.usecase import Change, Decision, Find, Moment, UseCase
from services.shortage.application.drug_lists import policy_of
from services.shortage.application.nodes import Loading
from services.shortage.application.spread import Spread, shelves_told, spread_of
from services.shortage.domain.detection.order_lines import LINES_MAX, OrderLine
from services.shortage.domain.detection.unfilled import Unfilled
from services.shortage.domain.live import Alarm, Facts, judge
from services.shortage.domain.live_days import covers_kept, judge_day
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import Level, node_at
from services.shortage.domain.values import SourceKind
from services.shortage.domain.watch import (
    EVENTS_PER_SIGN_MAX,
    WATCH,
    DaysJudged,
    Sign,
    WatchState,
    note_signs,
    record_judgement,
)

Row = Mapping[str, Any]


def judge_facts(watch_id: UUID) -> UseCase:
    """The detectors of a drug look at what was told since it was settled; what alarms is noted as a sign."""

    def decide(moment: Moment, watch: Loaded[WatchState]) -> Loading[Decision]:
        state = watch.state
        if not due(state, moment.now):
            return Decision.nothing()
        policy = yield from policy_of(state.drug_key, moment)
        since = 0 if state.settled.until is None else to_micros(state.settled.until)
        asked = {"drug_key": state.drug_key, "since": since, "limit": LINES_MAX}
        lines: Sequence[Row] = yield Find("watched_lines_of", asked)  # type: ignore[misc]
        demands: Sequence[Row] = yield Find("watched_demands_of", asked)  # type: ignore[misc]
        facts = Facts(order_lines(lines), unfilled_demands(demands))
        day = yield from _day(state, moment.now, policy)
        standing = WATCH.fold(day, state).days
        judgement = judge(state.settled, facts, moment.now, policy.detection)
        daily = tuple(alarm for node in standing.values() for alarm in node.alarms)
        judgement = replace(judgement, alarms=(*judgement.alarms, *daily))
        told, signed = record_judgement(state, judgement, moment.now, policy)
        rows = {_line_key(row): row for row in lines} | {str(row["demand_key"]): row for row in demands}
        spread = (yield from spread_of(state.drug_key, moment.now, policy)) if signed else Spread()
        signs = [_sign(alarm, rows, spread, moment.now, policy) for alarm in signed]
        return Decision((Change(watch, (*day, *told, *note_signs(state.drug_key, signs, moment.now))),))

    return UseCase((WATCH.ref(watch_id),), decide)


def due(state: WatchState, now: datetime) -> bool:
    """Whether the detectors are to look."""
    return state.facts_at is not None and now >= state.facts_at


def _day(state: WatchState, now: datetime, policy: ShortagePolicy) -> Loading[list[DaysJudged]]:
    """Yesterday by what shelves were told to hold, once."""
    day = state.day_to_judge(now)
    if day is None:
        return []
    told, _ = yield from shelves_told(state.drug_key, day, policy.detection)
    if not told.shelves:
        return []
    shares = policy.detection.level_shares
    levels = {Level.NATION, policy.case_region_level}
    nodes = {node_at(each.region, level): shares[level] for each in told.shelves for level in levels if level in shares}
    judged = judge_day(told, day, state.covers, state.days, nodes, policy.detection)
    return [DaysJudged(day=day, nodes=tuple(judged), kept_days=covers_kept(policy.detection))]


def order_lines(rows: Sequence[Row]) -> list[OrderLine]:
    """Each line once: short where anything of it was ever told short, as of the first time it was; else filled."""
    lines = []
    for key, steps in groupby(sorted(rows, key=_line_key), key=_line_key):
        known = list(steps)
        first = min(known, key=lambda row: (not row["short"], row["at"]))
        lines.append(
            OrderLine(
                key=key,
                revision=1,
                reporter=first["pharmacy"],
                region=first["region"],
                at=from_micros(first["at"]),
                requested=1,
                filled=0 if first["short"] else 1,
            )
        )
    return lines


def unfilled_demands(rows: Sequence[Row]) -> list[Unfilled]:
    return [
        Unfilled(
            demand_key=row["demand_key"], reporter=row["pharmacy"], region=row["region"], at=from_micros(row["at"])
        )
        for row in rows
    ]


def _sign(alarm: Alarm, rows: Mapping[str, Row], spread: Spread, now: datetime, policy: ShortagePolicy) -> Sign:
    """With what it rests on, the very events, and how far the shortage has spread where it alarms."""
    known = [rows[key] for key in alarm.keys if key in rows]
    events = [str(row["event"]) for row in known if row["event"]]
    demands = len(known) if alarm.source is SourceKind.UNFILLED else 0
    return Sign(
        source=alarm.source,
        region=alarm.node,
        node=node_at(alarm.node, policy.case_region_level),
        at=alarm.since,
        events=tuple(dict.fromkeys(events))[-EVENTS_PER_SIGN_MAX:],
        evidence=spread.within(alarm.node, demands, min(alarm.since, now), now),
    )


def _line_key(row: Row) -> str:
    return f"{row['order_id']}/{row['line']}"
