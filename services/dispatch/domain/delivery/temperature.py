"""Temperature in transit: thresholds as data, breaches, mean kinetic temperature.

A breach opens when a logger stayed beyond a limit for the minutes of a rule: in one run (consecutive) or in all runs
together (cumulative). A run is a row of readings that are all beyond the limit; it lasts from its first reading to its
last, so what was not measured counts for nothing. Loggers are read late and in pieces: what somebody has assessed is
known by its moments, and a reading that comes in afterwards counts whatever its moment. Mean kinetic temperature never
excuses a freeze.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from itertools import groupby, pairwise
from typing import Literal

from pydantic import Field

from services.dispatch.domain.delivery.values import Breach, Kind, Reading
from services.seedwork.model import Immutable

READINGS_MAX = 5_000
"""Of one delivery: two weeks, every four minutes."""
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

    def in_range(self, reading: Reading) -> bool:
        return self.low_hundredths <= reading.celsius_hundredths <= self.high_hundredths


def runs(readings: Iterable[Reading], threshold: Threshold) -> Iterator[list[Reading]]:
    """The rows of readings beyond a limit, in order of time."""
    for beyond, row in groupby(readings, key=threshold.beyond):
        if beyond:
            yield list(row)


def _lasted(run: Sequence[Reading]) -> timedelta:
    return run[-1].at - run[0].at


def breach_of(
    readings: Sequence[Reading], threshold: Threshold, assessed: AbstractSet[datetime] = frozenset()
) -> Breach | None:
    """What breaks this rule in readings ordered by time, or None. Of several runs the first that is long enough.

    `assessed`: moments of readings that count for nothing any more, but for where a run ends.
    """
    fresh = ([reading for reading in run if reading.at not in assessed] for run in runs(readings, threshold))
    found = [run for run in fresh if run]
    enough = timedelta(minutes=threshold.minutes)
    if threshold.way == "consecutive":
        found = [run for run in found if _lasted(run) >= enough][:1]
    elif sum(map(_lasted, found), timedelta()) < enough:
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


def complete(readings: Sequence[Reading], since: datetime, until: datetime, gap_minutes_max: int) -> bool:
    """Whether a logger was read, and without a gap from the packing to the return."""
    read = [reading.at for reading in readings if since <= reading.at <= until]
    gap = timedelta(minutes=gap_minutes_max)
    return bool(read) and all(later - earlier <= gap for earlier, later in pairwise([since, *read, until]))


def mean_kinetic_temperature(readings: Sequence[Reading]) -> int | None:
    """Hundredths of a degree Celsius, half up; None without readings.

    T_K = (ΔH/R) / -ln( (Σ exp(-ΔH/(R T_i))) / n ), T_i in kelvin (USP <1079.2>, Haynes 1971). In decimals of 28
    digits, so that every machine says the same.
    """
    if not readings:
        return None
    with localcontext() as context:
        context.prec = _DIGITS
        kelvins = [Decimal(KELVIN_HUNDREDTHS + reading.celsius_hundredths) / 100 for reading in readings]
        terms = ((-ACTIVATION_OVER_GAS_CONSTANT / kelvin).exp() for kelvin in kelvins)
        mean = sum(terms, Decimal()) / len(kelvins)
        kinetic = ACTIVATION_OVER_GAS_CONSTANT / -mean.ln()
        return int((kinetic * 100).to_integral_value(rounding="ROUND_HALF_UP")) - KELVIN_HUNDREDTHS


def within(readings: Iterable[Reading], until: datetime, hours: int) -> list[Reading]:
    """Those of the last hours before a moment."""
    return [reading for reading in readings if until - timedelta(hours=hours) <= reading.at <= until]


def merged(known: Sequence[Reading], new: Iterable[Reading]) -> tuple[Reading, ...]:
    """All readings in order of time. The first word about a moment stays."""
    by_moment = {reading.at: reading for reading in known}
    for reading in new:
        by_moment.setdefault(reading.at, reading)
    return tuple(sorted(by_moment.values(), key=lambda reading: reading.at))
