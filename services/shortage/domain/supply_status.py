"""供应状态: how every reporter of a drug is supplied, by the table of china.md 4.3, out of what is known of its shelf,
of what it usually gives, of its orders and of whom it turned away. Pure.

A period is a day. The status of a day counts at once where it is worse, and where it is better once it was so for as
many days as the policy says. What nobody knows is unknown: such a reporter is neither supplied nor short.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date

from services.shortage.domain.detection.cover import (
    Shelf,
    StatusRules,
    SupplyStatus,
    days_of_supply,
    settled_status,
    supply_status,
)
from services.shortage.domain.detection.figures import Figure, Unknown
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.live_days import DAY, KnownDay, KnownReporter, Told, known_reporters


@dataclass(frozen=True, slots=True)
class Ordered:
    """A line of an order with a supplier as it stands now, in base units. `placed`: the day of the order."""

    reporter: str
    placed: date
    came: int
    missing: int
    """Told to come late or not at all."""
    coming: int
    """Not here yet, and not told to be missing."""
    promised: date | None


def statuses(
    told: Told, orders: Iterable[Ordered], today: date, policy: DetectionPolicy, *, served: Set[str] = frozenset()
) -> dict[str, SupplyStatus | Unknown]:
    """Of every reporter that has told of a shelf, an order or somebody it turned away, the status it stands at.

    `served`: those near whom something else that does as well is known to be there (class C), so that nobody whom they
    turned away is without medicine.
    """
    shelves = {each.reporter: each for each in known_reporters(told, today, policy)}
    lines: dict[str, list[Ordered]] = defaultdict(list)
    for line in orders:
        lines[line.reporter].append(line)
    periods = [today - DAY * back for back in range(policy.status.periods - 1, -1, -1)]
    turned_away = {reporter for reporter, _ in told.turned_away}
    found = {}
    for reporter in sorted({*shelves, *lines, *turned_away}):
        shelf, ordered = shelves.get(reporter), lines.get(reporter, ())
        days = [
            _status(
                _Period(shelf, day, today, ordered, policy.status, asked=(reporter, day) in told.turned_away),
                replaceable=reporter in served,
            )
            for day in periods
        ]
        settled = settled_status(days, policy.status)
        found[reporter] = days[-1] if isinstance(settled, Unknown) else settled  # why it is unknown is today's reason
    return found


@dataclass(frozen=True, slots=True)
class _Period:
    """A day of one reporter. `asked`: it turned somebody away."""

    shelf: KnownReporter | None
    day: date
    today: date
    orders: Sequence[Ordered]
    rules: StatusRules
    asked: bool

    @property
    def known(self) -> KnownDay | None:
        return None if self.shelf is None else self.shelf.days[(self.day - self.today).days - 1]

    @property
    def fill_share(self) -> Figure:
        """Of what was ordered lately and said what came of it."""
        placed = [
            line for line in self.orders if self.day - DAY * (self.rules.fill_days - 1) <= line.placed <= self.day
        ]
        came, said = sum(line.came for line in placed), sum(line.came + line.missing for line in placed)
        return came / said if said else Unknown.NOTHING_REPORTED

    @property
    def coming(self) -> int:
        """What was on the way then: promised for the days that followed, be it here by now."""
        soon = [
            line
            for line in self.orders
            if line.placed <= self.day
            and line.promised is not None
            and self.day <= line.promised <= self.day + DAY * self.rules.coming_days
        ]
        return sum(
            line.coming + (line.came if line.promised and self.day < line.promised <= self.today else 0)
            for line in soon
        )

    @property
    def out_of_stock(self) -> bool:
        """Empty, and it is kept here: there was some of it lately, or somebody asked for it."""
        if self.shelf is None or self.known is None or self.known.free > 0:
            return False
        return self.asked or any(day is not None and day.free > 0 for day in self.shelf.days)


def _status(period: _Period, *, replaceable: bool) -> SupplyStatus | Unknown:
    known, shelf = period.known, period.shelf
    here = None if known is None else Shelf(on_hand=known.free, coming=period.coming)
    usual: Figure = Unknown.NOTHING_REPORTED if shelf is None else shelf.usual
    return supply_status(
        days_of_supply(here, usual),
        period.fill_share,
        out_of_stock=period.out_of_stock,
        no_alternative=period.asked and not replaceable,
        rules=period.rules,
    )
