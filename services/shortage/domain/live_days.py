"""Days of supply and surges over what shelves were told to hold, day by day: one drug key, pure.

A shelf is told when it changes. On a day without a word its level stands and nothing was given, as long as its pharmacy
was heard of since; from the day after its last word on a silent pharmacy's shelf is unknown, never empty or full. A
day is judged once, when it is over, at the nation and at the level of cases: `alarm_share` of days of supply is
calibrated for nodes of that size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from services.seedwork.calendar import ZONE
from services.seedwork.model import Immutable
from services.shortage.domain.detection.cover import Shelf, cover_alarms, cover_share, pooled_cover
from services.shortage.domain.detection.demand import DayOfDemand, usual_demand
from services.shortage.domain.detection.figures import Figure, Unknown
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.detection.surge import PooledDay, surge
from services.shortage.domain.live import Alarm
from services.shortage.domain.values import SourceKind

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ShelfDay:
    """What was told of one product's shelf on one day: what was free at the end, given out, and whether it was empty at
    any time. Base units."""

    reporter: str
    region: str
    product: str
    day: date
    free: int
    given: int
    empty: bool


class NodeDay(Immutable):
    """What a day came to in one node. `cover`: days of supply; `since` of what alarms."""

    node: str
    cover: Figure
    counted: int
    expected: int
    cover_since: datetime | None = None
    surge_since: datetime | None = None

    @property
    def alarms(self) -> list[Alarm]:
        told = ((SourceKind.DAYS_OF_SUPPLY, self.cover_since), (SourceKind.DEMAND_SURGE, self.surge_since))
        return [Alarm(source=source, node=self.node, since=since, keys=()) for source, since in told if since]


@dataclass(frozen=True, slots=True)
class KnownDay:
    """What was free at the end of a day and what was asked for on it; base units."""

    free: int
    demand: DayOfDemand
    turned_away: bool = False
    """Somebody was sent away, whoever counts the demand."""


@dataclass(frozen=True)
class KnownReporter:
    """One reporter's shelf of the drug, all products together: day by day, None where nothing is known; and what is
    usually asked for in a day."""

    reporter: str
    region: str
    days: Sequence[KnownDay | None]
    usual: Figure


@dataclass(frozen=True)
class Told:
    """What is known of a drug's shelves; `in_vain`: demands that stayed unfilled, in base units, each once wherever it
    was tried, by the reporter and day it was tried at last; `turned_away`: who sent somebody away, and on which day;
    `heard`: the day on which each reporter was heard of last."""

    shelves: Sequence[ShelfDay]
    in_vain: Mapping[tuple[str, date], int]
    turned_away: Set[tuple[str, date]]
    heard: Mapping[str, date]


def judge_day(
    told: Told,
    day: date,
    before: Mapping[str, Sequence[tuple[date, Figure]]],
    standing: Mapping[str, NodeDay],
    nodes: Mapping[str, float],
    policy: DetectionPolicy,
) -> list[NodeDay]:
    """The day as it is known now, in each of these nodes. `before`: days of supply of days before; `nodes`: with their
    share of the rate of false alarms."""
    days = _days_until(day, policy)
    reporters = known_reporters(told, day, policy)
    judged = []
    for node, share in sorted(nodes.items()):
        here = [each for each in reporters if each.region.startswith(node)]
        if not here:
            continue
        cover = pooled_cover((_shelf(each), each.usual) for each in here)
        covers = _without_gaps([*before.get(node, ()), (day, cover.days)])
        was = standing.get(node)
        alarming = was is not None and was.cover_since is not None
        falls = cover_alarms(alarming, cover_share(covers, policy.cover), policy.cover)
        rises = surge(_pooled(here, days, policy), policy.surge_rules(level_share=share))
        end = datetime.combine(day, time(23, 59), ZONE)
        judged.append(
            NodeDay(
                node=node,
                cover=cover.days,
                counted=cover.counted,
                expected=cover.expected,
                cover_since=((was.cover_since if was else None) or end) if falls else None,
                surge_since=None if isinstance(rises, Unknown) else rises.alarmed_at,
            )
        )
    return judged


def covers_kept(policy: DetectionPolicy) -> int:
    """How many days of supply are needed to tell what is usual."""
    return policy.cover.history_days + policy.cover.guard_days + 1


def _days_read(policy: DetectionPolicy) -> int:
    return max(policy.demand.history_days, policy.surge.history_days + policy.surge.guard_days) + 1


def first_day(day: date, policy: DetectionPolicy) -> date:
    """Of the days that are read to judge this one."""
    return day - DAY * (_days_read(policy) - 1)


def _days_until(day: date, policy: DetectionPolicy) -> list[date]:
    return [day - DAY * back for back in range(_days_read(policy) - 1, -1, -1)]


def known_reporters(told: Told, day: date, policy: DetectionPolicy) -> list[KnownReporter]:
    """Everybody who has told of a shelf, over the days that are read to judge this one."""
    days = _days_until(day, policy)
    reckoned = slice(-policy.demand.history_days - 1, -1)
    shelves: dict[str, dict[str, dict[date, ShelfDay]]] = defaultdict(lambda: defaultdict(dict))
    region: dict[str, str] = {}
    for each in sorted(told.shelves, key=lambda shelf: shelf.day):
        shelves[each.reporter][each.product][each.day] = each
        region[each.reporter] = each.region
    made = []
    for reporter, products in sorted(shelves.items()):
        heard = told.heard.get(reporter, max(day for known in products.values() for day in known))
        history = _history(reporter, products.values(), days, heard, told)
        usual = usual_demand([None if each is None else each.demand for each in history[reckoned]], policy.demand)
        made.append(KnownReporter(reporter, region[reporter], history, usual))
    return made


def _history(
    reporter: str,
    products: Iterable[Mapping[date, ShelfDay]],
    days: Sequence[date],
    heard: date,
    told: Told,
) -> list[KnownDay | None]:
    known = list(products)
    levels: list[int | None] = [
        max((shelf for at, shelf in each.items() if at < days[0]), key=lambda shelf: shelf.day).free
        if any(at < days[0] for at in each)
        else None
        for each in known
    ]
    history: list[KnownDay | None] = []
    for day in days:
        given, empty = 0, True
        for n, each in enumerate(known):
            if (shelf := each.get(day)) is not None:
                levels[n] = shelf.free
                given += shelf.given
                empty = empty and shelf.empty
            else:
                empty = empty and levels[n] in {None, 0}
        levels_known = [level for level in levels if level is not None]
        if not levels_known or day > heard:
            history.append(None)
            continue
        demand = DayOfDemand(given=given, in_vain=told.in_vain.get((reporter, day), 0), out_of_stock=empty)
        history.append(KnownDay(sum(levels_known), demand, turned_away=(reporter, day) in told.turned_away))
    return history


def _shelf(reporter: KnownReporter) -> Shelf | None:
    last = reporter.days[-1]
    return None if last is None else Shelf(on_hand=last.free)


def _pooled(reporters: Sequence[KnownReporter], days: Sequence[date], policy: DetectionPolicy) -> list[PooledDay]:
    """Of each day what was asked for where it could be had, beside what is usually asked for there."""
    begin = len(days) - (policy.surge.history_days + policy.surge.guard_days)
    pooled = []
    for n in range(max(0, begin), len(days)):
        asked, usual = 0, 0.0
        for each in reporters:
            day = each.days[n]
            if day is None or isinstance(each.usual, Unknown) or day.demand.out_of_stock or day.turned_away:
                continue
            asked += day.demand.given
            usual += each.usual
        pooled.append(PooledDay(at=datetime.combine(days[n], time(12), ZONE), asked=asked, usual=usual))
    return pooled


def _without_gaps(covers: Sequence[tuple[date, Figure]]) -> list[Figure]:
    """One for each day: days that were not judged are unknown."""
    known = dict(covers)
    first, last = min(known), max(known)
    return [known.get(first + DAY * n, Unknown.NOTHING_REPORTED) for n in range((last - first).days + 1)]
