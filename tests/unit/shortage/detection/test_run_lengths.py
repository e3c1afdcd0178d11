"""Run lengths against what is slow and obviously right: a dense chain in fractions, closed forms, and walking."""

from fractions import Fraction
from math import exp, factorial, log
from random import Random

import pytest

from services.shortage.domain.detection.calibration import Walk, order_line_walk, unfilled_walk
from services.shortage.domain.detection.run_length import ENDLESS, bernoulli_run_length, poisson_run_length


def solved(transitions: list[list[Fraction]]) -> Fraction:
    """First component of (I - R)^-1 1, by Gauss-Jordan with exact fractions."""
    size = len(transitions)
    rows = [[Fraction(i == j) - transitions[i][j] for j in range(size)] + [Fraction(1)] for i in range(size)]
    for column in range(size):
        pivot = next(row for row in range(column, size) if rows[row][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        lead = rows[column][column]
        rows[column] = [value / lead for value in rows[column]]
        for row in range(size):
            if row != column and rows[row][column]:
                factor = rows[row][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column], strict=True)]
    return rows[0][-1]


def bernoulli_chain(short: Fraction, gain: int, threshold: int) -> list[list[Fraction]]:
    rows = [[Fraction(0)] * threshold for _ in range(threshold)]
    for level in range(threshold):
        rows[level][max(0, level - 1)] += 1 - short
        if level + gain < threshold:
            rows[level][level + gain] += short
    return rows


@pytest.mark.parametrize(("gain", "threshold"), [(1, 1), (1, 6), (3, 4), (4, 13), (12, 30), (7, 7)])
@pytest.mark.parametrize("short", [Fraction(1, 50), Fraction(1, 7), Fraction(1, 2)], ids=["2%", "14%", "50%"])
def test_lines_until_an_alarm_are_those_of_the_markov_chain(gain: int, threshold: int, short: Fraction) -> None:
    expected = solved(bernoulli_chain(short, gain, threshold))

    assert bernoulli_run_length(float(short), gain, threshold) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize(("short", "gain"), [(0.03, 12), (0.2, 3)])
def test_with_a_low_threshold_the_first_short_line_alarms(short: float, gain: int) -> None:
    assert bernoulli_run_length(short, gain, gain) == pytest.approx(1 / short), "a geometric waiting time"


@pytest.mark.parametrize("short", [0.2, 0.4])
def test_steps_of_one_are_the_gamblers_walk(short: float) -> None:
    up, down, high = short, 1 - short, 9
    ratio = down / up
    # a walk that a wall at 0 holds back: expected steps to `high` in closed form
    expected = high / (up - down) + down / (up - down) ** 2 * (ratio**high - 1)

    assert bernoulli_run_length(short, 1, high) == pytest.approx(expected, rel=1e-9)


def poisson_chain(mean: float, unit: int, allowance: int, threshold: int) -> list[list[Fraction]]:
    rows = [[Fraction(0)] * threshold for _ in range(threshold)]
    for level in range(threshold):
        for count in range(threshold + allowance + 1):
            reached = max(0, level + unit * count - allowance)
            if reached < threshold:
                rows[level][reached] += Fraction(exp(-mean) * mean**count / factorial(count))
    return rows


@pytest.mark.parametrize(
    ("mean", "unit", "allowance", "threshold"),
    [(0.1, 1, 1, 3), (0.5, 2, 3, 9), (2.0, 1, 4, 8), (0.05, 11, 2, 25), (3.0, 2, 9, 30)],
)
def test_days_until_an_alarm_are_those_of_the_markov_chain(
    mean: float, unit: int, allowance: int, threshold: int
) -> None:
    expected = solved(poisson_chain(mean, unit, allowance, threshold))

    assert poisson_run_length(mean, unit, allowance, threshold) == pytest.approx(float(expected), rel=1e-6)


def test_a_threshold_of_one_event_waits_for_a_day_above_the_allowance() -> None:
    none_or_one = exp(-0.3) * (1 + 0.3)

    assert poisson_run_length(0.3, 1, 1, 1) == pytest.approx(1 / (1 - none_or_one))


def test_what_can_hardly_ever_alarm_is_endless_and_not_infinite() -> None:
    assert bernoulli_run_length(0.002, 2, 1500) == ENDLESS
    assert poisson_run_length(0.02, 1, 5, 60) <= ENDLESS


@pytest.mark.parametrize("usual_short", [0.0, 0.01, 0.03, 0.1, 0.9])
@pytest.mark.parametrize("lines_per_day", [0.2, 3.0, 40.0])
def test_the_threshold_is_the_smallest_that_keeps_the_stated_rate(usual_short: float, lines_per_day: float) -> None:
    walk = order_line_walk(usual_short, lines_per_day, 365, ratio=5)

    assert walk.run_length >= lines_per_day * 365
    one_lower = bernoulli_run_length(walk.usual, walk.unit - 1, walk.threshold - 1)
    assert one_lower < lines_per_day * 365 * 1.1 or walk.threshold == walk.unit
    assert walk.threshold > walk.unit - walk.allowance, "one short line alone is no alarm"


def simulated_run_length(walk: Walk, short: float, runs: int, chance: Random) -> float:
    steps = 0
    for _ in range(runs):
        level = 0
        while level < walk.threshold:
            level = max(0, level + (walk.unit if chance.random() < short else 0) - walk.allowance)
            steps += 1
    return steps / runs


def test_walking_takes_as_long_as_calculated() -> None:
    walk = order_line_walk(0.05, 1.0, 100, ratio=5)

    told = bernoulli_run_length(0.05, walk.unit - 1, walk.threshold)

    assert simulated_run_length(walk, 0.05, 2000, Random(7)) == pytest.approx(told, rel=0.1)


@pytest.mark.parametrize("usual", [0.0, 0.1, 1.0, 9.0, 120.0, 1e6])
def test_counted_days_keep_the_stated_rate(usual: float) -> None:
    walk = unfilled_walk(usual, 365, ratio=3)

    assert walk.run_length >= 365
    reference = walk.allowance / walk.unit
    mean = min(max(usual, 0.02), 400)
    assert mean * 0.9 < reference < 3.2 * mean or usual < 0.02
    assert 0 < log(walk.run_length) < 60
