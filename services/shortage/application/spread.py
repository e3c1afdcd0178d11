"""How far a shortage has spread: the pharmacies that are short or severely short of a drug now, out of read models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from itertools import groupby
from typing import Any

from services.seedwork.calendar import ZONE, civil_day
from services.seedwork.clock import to_micros
from services.seedwork.usecase import Find
from services.shortage.application.hints import ALTERNATIVES_MAX, RESPONSES_MAX, protocol_holds
from services.shortage.application.nodes import Loading, reporters_of
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.detection.figures import Unknown
from services.shortage.domain.detection.order_lines import LINES_MAX
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.detector import UNKNOWN, Reporters, counted_places
from services.shortage.domain.live_days import DAY, ShelfDay, Told, first_day
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import Level, node_at
from services.shortage.domain.supply_status import Ordered, statuses
from services.shortage.domain.values import DrugClass, Evidence, ResponseKind

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Spread:
    """Who is short or severely short, with their counties; and how many report of each county."""

    short: Mapping[str, str] = field(default_factory=dict)
    reporters: Reporters = field(default_factory=lambda: UNKNOWN)

    def within(self, node: str, demands: int, first_at: datetime, last_at: datetime) -> Evidence:
        """What counts for the grade in this node; nobody, where nobody is known to be short."""
        places = {pharmacy: region for pharmacy, region in self.short.items() if region.startswith(node)}
        return counted_places(places, demands, first_at, last_at, self.reporters)


def spread_of(drug_key: str, now: datetime, policy: ShortagePolicy) -> Loading[Spread]:
    """By the status of every pharmacy today. Who is unknown is not short."""
    known = yield from _known(drug_key, civil_day(now), policy)
    replaceable = policy.profile(drug_key).drug_class is DrugClass.C
    served = (yield from _served(drug_key, known, policy)) if replaceable else frozenset[str]()
    short = {
        pharmacy: known.regions[pharmacy]
        for pharmacy, status in known.statuses(served).items()
        if isinstance(status, SupplyStatus) and status >= SupplyStatus.SHORT
    }
    return Spread(short, (yield from reporters_of(drug_key, "", now)))


@dataclass(frozen=True)
class _Known:
    """What read models know of one drug today."""

    told: Told
    orders: Sequence[Ordered]
    regions: Mapping[str, str]
    today: date
    policy: DetectionPolicy

    def statuses(self, served: Set[str] = frozenset()) -> Mapping[str, SupplyStatus | Unknown]:
        return statuses(self.told, self.orders, self.today, self.policy, served=served)

    def supplied_cities(self) -> frozenset[str]:
        """Where somebody stands at ① or ②."""
        return frozenset(
            node_at(self.regions[reporter], Level.CITY)
            for reporter, status in self.statuses().items()
            if isinstance(status, SupplyStatus) and status <= SupplyStatus.NEARLY
        )


def _known(drug_key: str, today: date, policy: ShortagePolicy) -> Loading[_Known]:
    told, turned_away = yield from shelves_told(drug_key, today, policy.detection)
    since = (today - DAY * (policy.detection.status.orders_days - 1)).isoformat()
    orders: Sequence[Row] = yield Find(  # type: ignore[misc]
        "ordered_of", {"drug_key": drug_key, "since": since, "limit": LINES_MAX}
    )
    regions = {row["pharmacy"]: row["region"] for row in (*turned_away, *orders)}
    regions |= {each.reporter: each.region for each in told.shelves}
    return _Known(told, [*map(_ordered, orders)], regions, today, policy.detection)


def _served(drug_key: str, known: _Known, policy: ShortagePolicy) -> Loading[frozenset[str]]:
    """Of those who turned somebody away: in whose city something that does as well is known to be supplied (①, ②; the
    substitute itself must be, china.md 4.3). What nobody knows to be there is no alternative."""
    turned_away = {reporter for reporter, _ in known.told.turned_away}
    if not turned_away:
        return frozenset()
    supplied: dict[str, frozenset[str]] = {}
    served = set()
    others = yield from _others(drug_key, known.today)
    for reporter in sorted(turned_away):
        county = known.regions[reporter]
        for other in (each for each, holds in others.items() if holds(county)):
            if other not in supplied:
                supplied[other] = (yield from _known(other, known.today, policy)).supplied_cities()
            if node_at(county, Level.CITY) in supplied[other]:
                served.add(reporter)
    return frozenset(served)


def _others(drug_key: str, today: date) -> Loading[Mapping[str, Callable[[str], bool]]]:
    """What could be given instead, and in which counties: other forms and strengths of the generic name everywhere,
    what a protocol names where it holds."""
    asked = {"generic": drug_key.split("|", 1)[0], "within": "", "limit": ALTERNATIVES_MAX + 1}
    rows: Sequence[Row] = yield Find("drugs_like", asked)  # type: ignore[misc]
    in_force = {"drug_key": drug_key, "today": today.isoformat(), "limit": RESPONSES_MAX}
    responses: Sequence[Row] = yield Find("responses_in_force", in_force)  # type: ignore[misc]
    named: dict[str, Callable[[str], bool]] = {
        row["facts"]["to_drug_key"]: partial(protocol_holds, row, today=today)
        for row in responses
        if row["kind"] == ResponseKind.PROTOCOL
    }
    same = [row["drug_key"] for row in rows if row["drug_key"] != drug_key]
    return named | dict.fromkeys(same[:ALTERNATIVES_MAX], lambda _county: True)


def shelves_told(drug_key: str, day: date, policy: DetectionPolicy) -> Loading[tuple[Told, Sequence[Row]]]:
    """What is known of shelves to judge this day, and the demands that stayed unfilled meanwhile."""
    first = first_day(day, policy)
    asked = {"drug_key": drug_key, "limit": LINES_MAX}
    shelves: Sequence[Row] = yield Find("watched_shelves_of", {**asked, "first": first.isoformat()})  # type: ignore[misc]
    heard: Sequence[Row] = yield Find("heard_of", asked)  # type: ignore[misc]
    since = to_micros(datetime.combine(first, time(), ZONE))
    demands: Sequence[Row] = yield Find("watched_demands_of", {**asked, "since": since})  # type: ignore[misc]
    once: Sequence[Row] = yield Find("unfilled_days_of", {**asked, "first": first.isoformat()})  # type: ignore[misc]
    in_vain = {(row["pharmacy"], date.fromisoformat(row["day"])): int(row["quantity"]) for row in once}
    turned_away = {(row["pharmacy"], date.fromisoformat(row["day"])) for row in demands}
    last = {row["reporter"]: date.fromisoformat(row["last"]) for row in heard}
    return Told(shelf_days(shelves), in_vain, turned_away, last), demands


def shelf_days(rows: Sequence[Row]) -> list[ShelfDay]:
    """Each shelf and day once: its last level, and empty where it ever was."""
    made = []

    def key(row: Row) -> tuple[str, str, str]:
        return row["pharmacy"], row["product"], row["day"]

    for (pharmacy, product, day), steps in groupby(sorted(rows, key=key), key=key):
        known = list(steps)
        last = max(known, key=lambda row: row["at"])
        made.append(
            ShelfDay(
                reporter=pharmacy,
                region=last["region"],
                product=product,
                day=date.fromisoformat(day),
                free=last["free"],
                given=last["given"],
                empty=any(row["empty"] for row in known),
            )
        )
    return made


def _ordered(row: Row) -> Ordered:
    return Ordered(
        reporter=row["pharmacy"],
        placed=date.fromisoformat(row["day"]),
        came=row["filled"],
        missing=row["missing"] or 0,
        coming=row["coming"] or 0,
        promised=None if row["promised"] is None else date.fromisoformat(row["promised"]),
    )
