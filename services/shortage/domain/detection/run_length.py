"""How long a CUSUM runs until it alarms, exactly: its levels are integers, so it is a finite Markov chain.

Brook and Evans (Biometrika 1972, 59, 539-549): with R the chances to go from level to level without alarm, the expected
run lengths from each level solve (I - R) L = 1. Levels are integers because the reference value is a ratio of small
integers (Reynolds and Stoumbos, J. Quality Technology 1999, 31, 87-108, for Bernoulli observations).
"""

from __future__ import annotations

from functools import lru_cache
from math import exp

ENDLESS = 1e15
"""Longer than this is as good as never; sums stay far from what a float can hold."""
LEVELS_MAX = 2000
TERMS_MAX = 1000
EPSILON = 1e-17


@lru_cache(maxsize=4096)
def bernoulli_run_length(short: float, gain: int, threshold: int) -> float:
    """Expected number of lines until the level reaches `threshold`, from level 0; at most `ENDLESS`.

    A line is short with the chance `short` (0 < short < 1): then the level rises by `gain`, otherwise it sinks by one,
    never below 0. One pass from the highest level down, because it sinks by one only; it adds what is positive and
    never subtracts, so that no digit is lost where an alarm is hardly ever reached (after Grassmann, Taksar, Heyman).
    """
    filled = 1.0 - short
    steps = [0.0] * threshold
    """From a level, the expected lines until it is one lower or has alarmed."""
    alarmed = [1.0] * threshold
    """From a level, the chance to alarm before it is one lower."""
    for level in range(threshold - 1, -1, -1):
        lines, alarm = (0.0, 1.0) if level + gain >= threshold else _descended(steps, alarmed, level, gain)
        leaving = short * alarm + (filled if level else 0.0)
        steps[level] = min((1.0 + short * lines) / max(leaving, 1.0 / ENDLESS), ENDLESS)
        alarmed[level] = short * alarm / leaving if level else 1.0
    return steps[0]


def _descended(steps: list[float], alarmed: list[float], level: int, gain: int) -> tuple[float, float]:
    """From `level + gain`: expected lines until it is back at `level` or alarms, and the chance that it alarms."""
    lines, alarm = 0.0, 0.0
    for between in range(level + gain, level, -1):
        lines += (1.0 - alarm) * steps[between]
        alarm += (1.0 - alarm) * alarmed[between]
    return min(lines, ENDLESS), alarm


@lru_cache(maxsize=1024)
def poisson_run_length(mean: float, unit: int, allowance: int, threshold: int) -> float:
    """Expected number of periods until the level reaches `threshold`, from level 0; at most `ENDLESS`.

    Per period the level rises by `unit` for each event (their number is Poisson with this mean) and sinks by
    `allowance`, never below 0.
    """
    # from the highest level down; a level leads at most `allowance` down, so that much of a row is to be passed on
    rows = [_poisson_row(mean, unit, allowance, threshold, level) for level in range(threshold)]
    steps = [1.0] * threshold
    for pivot in range(threshold - 1, 0, -1):
        lead = rows[pivot]
        leaving = max(sum(lead[:pivot]) + lead[-1], 1.0 / ENDLESS)
        for level, row in enumerate(rows[:pivot]):
            share = row[pivot] / leaving
            if share:
                steps[level] = min(steps[level] + share * steps[pivot], ENDLESS)
                row[-1] += share * lead[-1]
                for column in range(max(0, pivot - allowance), pivot):
                    row[column] += share * lead[column]
    return min(steps[0] / max(rows[0][-1], 1.0 / ENDLESS), ENDLESS)


def _poisson_row(mean: float, unit: int, allowance: int, threshold: int, level: int) -> list[float]:
    """The chances to go from one level to each, and last the chance to alarm."""
    row = [0.0] * (threshold + 1)
    chance, count = exp(-mean), 0
    while (reached := max(0, level + unit * count - allowance)) < threshold:
        row[reached] += chance
        count += 1
        chance *= mean / count
    # what is left, summed from its own terms: 1 - the rest would lose the digits of a small chance
    last = count + TERMS_MAX + int(2 * mean)
    while count < last and chance > row[-1] * EPSILON:
        row[-1] += chance
        count += 1
        chance *= mean / count
    return row
