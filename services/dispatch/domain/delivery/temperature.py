"""Temperature in transit: thresholds as data, breaches, mean kinetic temperature.

A breach opens when a logger stayed beyond a limit for the minutes of a rule: in one run (consecutive) or in all runs
together (cumulative). A run is a row of readings that are all beyond the limit. As a run of its own it lasts from its
first reading to its last: all of it was measured. In the sum it lasts until the first good reading after it, because
nobody knows when between the two it ended: what swings across the limit from reading to reading adds up. Loggers are
read late and in pieces: what somebody has assessed is known by its moments, and a reading that comes in afterwards
counts whatever its moment. Mean kinetic temperature never excuses a freeze.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from operator import mul
from typing import Literal

from pydantic import Field

from services.dispatch.domain.delivery.values import Breach, Kind, Reading
from services.seedwork.model import Immutable

READINGS_MAX = 5_000
"""Of one delivery all are kept up to so many: two weeks, every four minutes. Of more, those that judging needs."""
READINGS_KEPT_MAX = 20_000
"""Of one delivery: a logger that swings across a limit every minute gets there in five days beyond the others."""
RESOLUTION = timedelta(minutes=1)
"""Of readings beyond a limit, where not all are kept."""
READINGS_PER_COMMAND_MAX = 500
KELVIN_HUNDREDTHS = 27_315
ACTIVATION_OVER_GAS_CONSTANT = Decimal(83_144) / Decimal("8.3144")
"""ΔH / R in kelvin, with ΔH = 83.144 kJ/mol and R = 8.3144 J/(mol K) (USP <1079.2>): 10,000 K."""
_DIGITS = 28


class Threshold(Immutable):
    """One rule. Hundredths of a degree Celsius; beyond `limit` for `minutes` is a breach (0: one reading is)."""

    name: str
    kind: Kind
    way: Literal["consecutive", "cumulative"]
    limit_hundredths: int
    minutes: int = Field(ge=0)
    freezing: bool = Field(default=False, description="a freeze: never released for what must not freeze")

    def beyond(self, reading: Reading) -> bool:
        measured = reading.celsius_hundredths
        return measured > self.limit_hundredths if self.kind == "hot" else measured < self.limit_hundredths


class StorageRules(Immutable):
    """How one way of storage is watched."""

    low_hundredths: int
    high_hundredths: int
    """In range at both ends."""
    thresholds: tuple[Threshold, ...] = Field(min_length=1)
    mkt_window_hours: int = Field(gt=0, description="USP: 24 h for cold goods, 30 days for room temperature")
    logger_required: bool
    gap_minutes_max: int = Field(gt=0, description="longer without a reading: the logger is not complete")

    def broken_by(self, reading: Reading) -> frozenset[str]:
        """The rules whose limits it is beyond."""
        return frozenset(threshold.name for threshold in self.thresholds if threshold.beyond(reading))

    def in_range(self, reading: Reading) -> bool:
        return self.low_hundredths <= reading.celsius_hundredths <= self.high_hundredths


def runs(readings: Iterable[Reading], threshold: Threshold) -> Iterator[tuple[list[Reading], datetime]]:
    """The rows of readings beyond a limit, in order of time, each with the moment of the good reading after it, or of
    its own last one where nothing was read after it."""
    row: list[Reading] = []
    for reading in readings:
        if threshold.beyond(reading):
            row.append(reading)
        elif row:
            yield row, reading.at
            row = []
    if row:
        yield row, row[-1].at


def breach_of(
    readings: Sequence[Reading], threshold: Threshold, assessed: AbstractSet[datetime] = frozenset()
) -> Breach | None:
    """What breaks this rule in readings ordered by time, or None. Of several runs the first that is long enough.

    `assessed`: moments of readings that count for nothing any more, but for where a run ends.
    """
    fresh = (([each for each in run if each.at not in assessed], until) for run, until in runs(readings, threshold))
    lasting = [(run, until) for run, until in fresh if run]
    found = [run for run, _until in lasting]
    enough = timedelta(minutes=threshold.minutes)
    if threshold.way == "consecutive":
        found = [run for run in found if run[-1].at - run[0].at >= enough][:1]
    elif sum((until - run[0].at for run, until in lasting), timedelta()) < enough:
        found = []
    if not found:
        return None
    measured = [reading.celsius_hundredths for run in found for reading in run]
    return Breach(
        rule=threshold.name,
        kind=threshold.kind,
        way=threshold.way,
        limit_hundredths=threshold.limit_hundredths,
        minutes=threshold.minutes,
        started_at=found[0][0].at,
        ended_at=found[-1][-1].at,
        worst_hundredths=max(measured) if threshold.kind == "hot" else min(measured),
        freezing=threshold.freezing,
    )


def needed(
    known: Sequence[Reading], new: Iterable[Reading], rules: StorageRules, still_open: AbstractSet[str]
) -> tuple[Reading, ...]:
    """Of new readings those without which something would be judged otherwise; `known` is ordered by time.

    Where they go beyond a limit or come back; while they are beyond one whose rule is not `still_open`, one a minute;
    else one in half the gap that a logger may have.
    """
    kept, found = list(known), []
    for reading in sorted(new, key=lambda each: each.at):
        place = bisect(kept, reading.at, key=lambda each: each.at)
        before = kept[place - 1] if place else None
        broken = rules.broken_by(reading)
        apart = timedelta(minutes=rules.gap_minutes_max) / 2 if broken <= still_open else RESOLUTION
        if before is None or broken != rules.broken_by(before) or reading.at - before.at >= apart:
            kept.insert(place, reading)
            found.append(reading)
    return tuple(found)


def complete(readings: Sequence[Reading], since: datetime, until: datetime, gap_minutes_max: int) -> bool:
    """Whether a logger was read, and without a gap from the packing to the return."""
    read = [reading.at for reading in readings if since <= reading.at <= until]
    gap = timedelta(minutes=gap_minutes_max)
    return bool(read) and all(later - earlier <= gap for earlier, later in pairwise([since, *read, until]))


def mean_kinetic_temperature(readings: Sequence[Reading]) -> int | None:
    """Hundredths of a degree Celsius, half up; None without readings.

    T_K = (ΔH/R) / -ln( (Σ w_i exp(-ΔH/(R T_i))) / Σ w_i ), T_i in kelvin (USP <1079.2>, Haynes 1971). Each reading
    stands for the time since the one before it (w_i), the first for as long as the second; at equal intervals this is
    the formula as it is printed. In decimals of 28 digits, so that every machine says the same.
    """
    if not readings:
        return None
    with localcontext() as context:
        context.prec = _DIGITS
        kelvins = [Decimal(KELVIN_HUNDREDTHS + reading.celsius_hundredths) / 100 for reading in readings]
        times = [(later.at - earlier.at) // timedelta(microseconds=1) for earlier, later in pairwise(readings)]
        weights = [times[0], *times] if times else [1]
        terms = ((-ACTIVATION_OVER_GAS_CONSTANT / kelvin).exp() for kelvin in kelvins)
        mean = sum(map(mul, weights, terms), Decimal()) / sum(weights)
        kinetic = ACTIVATION_OVER_GAS_CONSTANT / -mean.ln()
        return int((kinetic * 100).to_integral_value(rounding="ROUND_HALF_UP")) - KELVIN_HUNDREDTHS


def within(readings: Iterable[Reading], until: datetime, hours: int) -> list[Reading]:
    """Those of the last hours before a moment."""
    return [reading for reading in readings if until - timedelta(hours=hours) <= reading.at <= until]


def merged(known: Sequence[Reading], new: Iterable[Reading]) -> tuple[Reading, ...]:
    """All readings in order of time. The first word about a moment stays."""
    new = tuple(new)
    in_order = all(earlier.at < later.at for earlier, later in pairwise((*known[-1:], *new)))
    if in_order:  # as loggers are read: nothing to look for
        return (*known, *new)
    by_moment = {reading.at: reading for reading in known}
    for reading in new:
        by_moment.setdefault(reading.at, reading)
    return tuple(sorted(by_moment.values(), key=lambda reading: reading.at))
