"""The detector of one drug key in one region node: which signals count together, and how many cases came of them.

Its stream has one writer, the clock that spreads lots; every count can be made again from the lots alone. Time is the
time at which a demand stayed unfilled, not the time its report arrived: reports in another order give the same counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from services.seedwork.model import Aggregate, StreamRef, derived_id
from services.shortage.domain.events import DetectorFired, RegionConfirmed, RegionEnded, SignalCounted
from services.shortage.domain.lots import DemandsCounted, UnfilledColumns, UnfilledRow
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import DIGITS, Level, node_at
from services.shortage.domain.values import Evidence, Signal

Reporters = Mapping[str, int]
"""By county, how many pharmacies tell of their shelves of a drug."""
UNKNOWN: Reporters = {}
DetectorEvent = SignalCounted | DemandsCounted | DetectorFired | RegionConfirmed | RegionEnded


@dataclass(frozen=True)
class DetectorState:
    """Signals that may still count, and the number of cases so far with the latest of them."""

    signals: tuple[Signal, ...] = ()
    cases: int = 0
    case_id: UUID | None = None
    regions: Mapping[str, UUID] = field(default_factory=dict)
    """At the nation: the regions whose case is confirmed and open."""


def evolve_detector(state: DetectorState, event: DetectorEvent) -> DetectorState:
    match event:
        case SignalCounted():
            kept = tuple(signal for signal in state.signals if signal.occurred_at >= event.forget_before)
            return replace(state, signals=(*kept, event.signal))
        case DemandsCounted():
            signals = (*state.signals, *(row.signal for row in event.rows.rows()))
            return replace(state, signals=tuple(each for each in signals if each.occurred_at >= event.forget_before))
        case DetectorFired():
            return replace(state, cases=event.n, case_id=event.case_id)
        case RegionConfirmed():
            return replace(state, regions={**state.regions, event.region: event.case_id})
        case RegionEnded():
            return replace(state, regions={at: id_ for at, id_ in state.regions.items() if at != event.region})
        case _:
            assert_never(event)


DETECTOR: Aggregate[DetectorState] = Aggregate(
    name="detector",
    events=(SignalCounted, DemandsCounted, DetectorFired, RegionConfirmed, RegionEnded),
    initial=DetectorState(),
    evolve=evolve_detector,
    cached=True,
)


def detector_ref(drug_key: str, node: str) -> StreamRef[DetectorState]:
    return DETECTOR.ref(derived_id("detector", drug_key, node))


def count_demands(state: DetectorState, rows: Iterable[UnfilledRow], policy: ShortagePolicy) -> list[DemandsCounted]:
    """The demands that are new join the others; what lies too far behind the newest is dropped.

    The same demand of a pharmacy and moment told again is nothing new. A later try of it is told, but counts are of
    demands and pharmacies: it adds none.
    """
    known = {_told(each) for each in state.signals}
    new: dict[tuple[str, str, datetime], UnfilledRow] = {}
    for row in rows:
        if _told(row) not in known:
            new.setdefault(_told(row), row)
    if not new:
        return []
    newest = max(at for *_, at in (*known, *new))
    return [DemandsCounted(rows=UnfilledColumns.of(list(new.values())), forget_before=newest - policy.kept)]


def strongest_evidence(
    signals: Iterable[Signal], told: Iterable[Signal], policy: ShortagePolicy, reporters: Reporters = UNKNOWN
) -> Evidence | None:
    """The window with the most pharmacies among those that hold one of these signals; None when nothing in it counts.

    A late report may complete a window that ended before now, so every window around it is looked at: in one walk over
    the signals by time, or a burst of them would cost its square.
    """
    asked = {_told(signal) for signal in told}
    counted = sorted(
        (known for known in signals if policy.contradictory_signals_count or not known.contradictory),
        key=lambda known: known.occurred_at,
    )
    pharmacies: Counter[str] = Counter()
    demands: Counter[str] = Counter()
    best: tuple[tuple[int, int, int], int] | None = None
    first, asked_for = 0, 0
    for last, signal in enumerate(counted):
        pharmacies[signal.pharmacy] += 1
        demands[signal.demand_key] += 1
        asked_for += _told(signal) in asked
        while counted[first].occurred_at <= signal.occurred_at - policy.window:
            gone = counted[first]
            _less(pharmacies, gone.pharmacy)
            _less(demands, gone.demand_key)
            asked_for -= _told(gone) in asked
            first += 1
        strength = (len(pharmacies), len(demands), last)
        if asked_for and (best is None or strength > best[0]):
            best = strength, first
    return None if best is None else _counted(counted[best[1] : best[0][2] + 1], policy, reporters)


def _told(signal: Signal | UnfilledRow) -> tuple[str, str, datetime]:
    return signal.demand_key, signal.pharmacy, signal.occurred_at


def _less(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]


def evidence_since(
    signals: Iterable[Signal], since: datetime, policy: ShortagePolicy, reporters: Reporters = UNKNOWN
) -> Evidence | None:
    """Counts of all that happened since this moment, not of one window; None when nothing in it counts."""
    counted = [
        signal
        for signal in signals
        if signal.occurred_at >= since and (policy.contradictory_signals_count or not signal.contradictory)
    ]
    return _counted(counted, policy, reporters) if counted else None


def reported_evidence(places: Mapping[str, str], at: datetime, policy: ShortagePolicy) -> Evidence:
    """What reports count for: who told, and of which region node. Of no place, as a maker's notice is: nothing."""
    counties = Counter(node for node in places.values() if len(node) == DIGITS[Level.COUNTY])
    cities, provinces = (
        {node_at(node, level) for node in places.values() if len(node) >= DIGITS[level]}
        for level in (Level.CITY, Level.PROVINCE)
    )
    return Evidence(
        window_hours=policy.window_hours,
        demands=0,
        pharmacies=len(places),
        in_one_county=max(counties.values(), default=0),
        counties=len(counties),
        cities=len(cities),
        provinces=len(provinces),
        contradictory=0,
        first_at=at,
        last_at=at,
    )


def counted_places(
    places: Mapping[str, str], demands: int, first_at: datetime, last_at: datetime, reporters: Reporters = UNKNOWN
) -> Evidence:
    """What observations of pharmacies in these counties count for, between two moments."""
    counties = Counter(places.values())
    return Evidence(
        window_hours=max(1, -(-int((last_at - first_at).total_seconds()) // 3600)),
        demands=demands,
        pharmacies=len(places),
        in_one_county=max(counties.values(), default=0),
        counties=len(counties),
        cities=len({node_at(county, Level.CITY) for county in counties}),
        provinces=len({node_at(county, Level.PROVINCE) for county in counties}),
        contradictory=0,
        **shares(places, reporters),
        first_at=first_at,
        last_at=last_at,
    )


def below_threshold_at(signals: Iterable[Signal], pharmacies: int, policy: ShortagePolicy) -> datetime | None:
    """When fewer than this many pharmacies will be out of it within one window, if no signal follows."""
    latest: dict[str, datetime] = {}
    for signal in signals:
        latest[signal.pharmacy] = max(signal.occurred_at, latest.get(signal.pharmacy, signal.occurred_at))
    by_time = sorted(latest.values(), reverse=True)
    return by_time[pharmacies - 1] + policy.window if len(by_time) >= pharmacies else None


def shares(places: Mapping[str, str], reporters: Reporters) -> dict[str, float | None]:
    """The largest share of one county's, and of one city's, reporters that these pharmacies are. A place of which
    nobody knows how many report has none: unknown is neither nobody nor everybody."""
    return {
        "county_share": _largest(places, reporters, Level.COUNTY),
        "city_share": _largest(places, reporters, Level.CITY),
    }


def _largest(places: Mapping[str, str], reporters: Reporters, level: Level) -> float | None:
    there: Counter[str] = Counter()
    for county, count in reporters.items():
        there[node_at(county, level)] += count
    short = Counter(node_at(county, level) for county in places.values())
    return max((min(1.0, count / there[node]) for node, count in short.items() if there[node]), default=None)


def _counted(inside: Sequence[Signal], policy: ShortagePolicy, reporters: Reporters) -> Evidence:
    region_of = {signal.pharmacy: signal.region for signal in inside}
    counties = Counter(region_of.values())
    return Evidence(
        window_hours=policy.window_hours,
        demands=len({signal.demand_key for signal in inside}),
        pharmacies=len(region_of),
        in_one_county=max(counties.values()),
        counties=len(counties),
        cities=len({node_at(county, Level.CITY) for county in counties}),
        provinces=len({node_at(county, Level.PROVINCE) for county in counties}),
        contradictory=len({signal.pharmacy for signal in inside if signal.contradictory}),
        **shares(region_of, reporters),
        first_at=min(signal.occurred_at for signal in inside),
        last_at=max(signal.occurred_at for signal in inside),
    )
