"""The watch over one drug key: what waits for the next tick of the clock, and what the detectors said at the last one.

Whoever brings signs of a shortage (an import, the detectors) only notes them here, and so does who brings facts that
detectors read: one stream for each drug, at most two events a tick for however many facts. The clock then judges; so a
burst of reports costs one decision and not one each. Cases are opened or fed one region node at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import ClassVar, assert_never
from uuid import UUID

from services.seedwork.calendar import civil_day
from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id
from services.shortage.domain.detection.figures import Figure
from services.shortage.domain.heartbeat import is_heartbeat
from services.shortage.domain.live import Alarm, Judgement, Place, Settled, SettledStanding
from services.shortage.domain.live_days import NodeDay
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.values import Evidence, SourceKind

SIGNS = "signs"
"""The deadline by which signs that wait are judged."""
FACTS = "facts"
"""The deadline by which the detectors look at what was told."""
EVENTS_PER_SIGN_MAX = 50
PLACES_PER_SIGN_MAX = 200


class Sign(Immutable):
    """Something that speaks for a shortage of this drug in one region node."""

    source: SourceKind
    region: str
    """The node it is about, of any level."""
    node: str
    """The node whose case it belongs to."""
    at: datetime
    """When what it tells of happened."""
    opens: bool = True
    """Whether it may open a case; otherwise it only joins one."""
    events: tuple[str, ...] = ()
    notice_id: UUID | None = None
    """Of a maker's stop."""
    evidence: Evidence | None = None
    """What was counted; None: it is a report."""
    places: Mapping[str, str] = {}
    """Who reported it, and of which region node."""
    against: bool = False
    """It says that there is enough."""


class SignsNoted(DomainEvent):
    """Signs wait to be judged by `judge_at`."""

    TOPIC: ClassVar[str] = "shortage.watch.signs_noted"

    drug_key: str
    signs: tuple[Sign, ...]
    judge_at: datetime


class SignsJudged(DomainEvent):
    """The signs of one node have had their effect on its case; the next node's turn is at `judge_at`."""

    TOPIC: ClassVar[str] = "shortage.watch.signs_judged"

    node: str
    judge_at: datetime


class FactsNoted(DomainEvent):
    """Something was told that detectors read; they look at `judge_at`, and once more where they were about to look."""

    TOPIC: ClassVar[str] = "shortage.watch.facts_noted"

    drug_key: str
    judge_at: datetime


class FactsJudged(DomainEvent):
    """The detectors have looked. `alarms`: all that alarm now; `signed`: those whose sign was noted with it."""

    TOPIC: ClassVar[str] = "shortage.watch.facts_judged"

    alarms: tuple[Alarm, ...]
    signed: tuple[Place, ...]
    judged_at: datetime
    policy_version: str
    next_at: datetime | None


class FactsSettled(DomainEvent):
    """What happened before `until` can no longer change."""

    TOPIC: ClassVar[str] = "shortage.watch.facts_settled"

    until: datetime
    nodes: tuple[SettledStanding, ...]


class DaysJudged(DomainEvent):
    """A day is over, and what shelves were told to hold on it was judged, as far as it was known."""

    TOPIC: ClassVar[str] = "shortage.watch.day_judged"

    day: date
    nodes: tuple[NodeDay, ...]
    kept_days: int


WatchEvent = SignsNoted | SignsJudged | FactsNoted | FactsJudged | FactsSettled | DaysJudged


@dataclass(frozen=True)
class WatchState:
    """The signs that wait, one of each kind and region, the latest with the events of all; and the detectors' state."""

    drug_key: str = ""
    waiting: Mapping[tuple[str, str], Sign] = field(default_factory=dict)
    judge_at: datetime | None = None
    facts_at: datetime | None = None
    again_at: datetime | None = None
    """Facts have come while the detectors were about to look: read models may not have had them yet."""
    settled: Settled = field(default_factory=Settled)
    alarms: Mapping[Place, Alarm] = field(default_factory=dict)
    signed: Mapping[Place, datetime] = field(default_factory=dict)
    """When the sign of an alarm was noted last."""

    judged_day: date | None = None
    days: Mapping[str, NodeDay] = field(default_factory=dict)
    """By node, what the day that was judged last came to."""
    covers: Mapping[str, tuple[tuple[date, Figure], ...]] = field(default_factory=dict)
    """By node, days of supply of the days that were judged."""

    def day_to_judge(self, now: datetime) -> date | None:
        """Yesterday, when it was not judged yet."""
        yesterday = civil_day(now) - timedelta(days=1)
        return yesterday if self.judged_day is None or self.judged_day < yesterday else None

    def next_signs(self) -> list[Sign]:
        """Those of one node, whose turn it is."""
        nodes = sorted(sign.node for sign in self.waiting.values())
        return [sign for _, sign in sorted(self.waiting.items()) if sign.node == nodes[0]]


def evolve_watch(state: WatchState, event: WatchEvent) -> WatchState:
    match event:
        case SignsNoted():
            waiting = dict(state.waiting)
            for sign in event.signs:
                place = (_kind(sign), sign.region)
                waiting[place] = _merged(waiting.get(place), sign)
            at = event.judge_at if state.judge_at is None else min(state.judge_at, event.judge_at)
            return replace(state, drug_key=event.drug_key, waiting=waiting, judge_at=at)
        case SignsJudged():
            waiting = {place: sign for place, sign in state.waiting.items() if sign.node != event.node}
            return replace(state, waiting=waiting, judge_at=event.judge_at if waiting else None)
        case FactsNoted():
            if state.facts_at is None or event.judge_at < state.facts_at:
                return replace(state, drug_key=event.drug_key, facts_at=event.judge_at)
            return replace(state, again_at=event.judge_at)
        case FactsJudged():
            signed = {
                place: at for place, at in state.signed.items() if place in {_place(each) for each in event.alarms}
            }
            return replace(
                state,
                alarms={_place(alarm): alarm for alarm in event.alarms},
                signed={**signed, **dict.fromkeys(event.signed, event.judged_at)},
                facts_at=event.next_at,
                again_at=None,
            )
        case FactsSettled():
            nodes = {(each.source, each.node): each for each in event.nodes}
            return replace(state, settled=Settled(event.until, nodes))
        case DaysJudged():
            kept = event.day - timedelta(days=event.kept_days)
            covers = {
                node.node: (
                    *(each for each in state.covers.get(node.node, ()) if each[0] > kept),
                    (event.day, node.cover),
                )
                for node in event.nodes
            }
            return replace(state, judged_day=event.day, days={node.node: node for node in event.nodes}, covers=covers)
        case _:
            assert_never(event)


def next_due(state: WatchState) -> Mapping[str, datetime]:
    deadlines = {SIGNS: state.judge_at, FACTS: state.facts_at}
    return {kind: at for kind, at in deadlines.items() if at is not None}


WATCH: Aggregate[WatchState] = Aggregate(
    name="watch",
    events=(SignsNoted, SignsJudged, FactsNoted, FactsJudged, FactsSettled, DaysJudged),
    initial=WatchState(),
    evolve=evolve_watch,
    next_due=next_due,
    cached=True,
)


def watch_ref(drug_key: str) -> StreamRef[WatchState]:
    return WATCH.ref(derived_id("watch", drug_key))


def note_signs(drug_key: str, signs: Iterable[Sign], judge_at: datetime) -> list[DomainEvent]:
    told = tuple(signs)
    return [SignsNoted(drug_key=drug_key, signs=told, judge_at=judge_at)] if told else []


def note_facts(state: WatchState, drug_key: str, now: datetime, policy: ShortagePolicy) -> list[DomainEvent]:
    """The detectors look within a tick. Where they are about to, they look once more, for read models lag a little."""
    noted = FactsNoted(drug_key=drug_key, judge_at=now + policy.tick)
    if state.facts_at is None:
        return [noted]
    about_to = state.facts_at - now <= policy.tick / 2
    late = state.facts_at - now > policy.tick  # they wait for tomorrow, while something alarms
    return [noted] if late or (about_to and state.again_at is None) else []


def record_judgement(
    state: WatchState, judgement: Judgement, now: datetime, policy: ShortagePolicy
) -> tuple[list[DomainEvent], list[Alarm]]:
    """What the detectors said, and the alarms whose sign is to be noted: new ones, and standing ones twice within the
    hysteresis of a suspicion, so that it lives as long as they do."""
    renewed = policy.hysteresis / 2
    due = [
        alarm
        for alarm in judgement.alarms
        if (at := state.signed.get(_place(alarm))) is None or now - at >= renewed or _place(alarm) not in state.alarms
    ]
    told: list[DomainEvent] = []
    if judgement.settled is not None and judgement.settled.until is not None:
        nodes = tuple(judgement.settled.nodes.values())
        told.append(FactsSettled(until=judgement.settled.until, nodes=nodes))
    next_at = state.again_at
    if judgement.alarms and not is_heartbeat(state.drug_key):
        next_at = min(next_at or now + renewed, now + renewed)
    judged = FactsJudged(
        alarms=judgement.alarms,
        signed=tuple(_place(alarm) for alarm in due),
        judged_at=now,
        policy_version=policy.version,
        next_at=max(next_at, now + timedelta(seconds=1)) if next_at is not None else None,
    )
    return [*told, judged], due


def _place(alarm: Alarm) -> Place:
    return alarm.source, alarm.node


def _kind(sign: Sign) -> str:
    """Two makers that stop are two signs, and so are who says that it is short and who says that it is not."""
    if sign.against:
        return f"{sign.source.value}/against"
    return sign.source.value if sign.notice_id is None else f"{sign.source.value}/{sign.notice_id}"


def _merged(before: Sign | None, sign: Sign) -> Sign:
    if before is None:
        return sign
    later = max(before, sign, key=lambda each: each.at)
    events = tuple(dict.fromkeys((*before.events, *sign.events)))[-EVENTS_PER_SIGN_MAX:]
    places = dict([*before.places.items(), *sign.places.items()][-PLACES_PER_SIGN_MAX:])
    return later.model_copy(update={"events": events, "places": places, "opens": before.opens or sign.opens})
