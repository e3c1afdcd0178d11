"""Mean kinetic temperature and the thresholds, against values worked by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.delivery.policy import DELIVERY_POLICIES
from services.dispatch.domain.delivery.temperature import (
    Threshold,
    breach_of,
    complete,
    mean_kinetic_temperature,
    merged,
    needed,
    within,
)
from services.dispatch.domain.delivery.values import Reading

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def readings(*hundredths: int, every: int = 10) -> list[Reading]:
    return [
        Reading(at=START + number * timedelta(minutes=every), celsius_hundredths=value)
        for number, value in enumerate(hundredths)
    ]


def test_two_temperatures_worked_by_hand() -> None:
    """5 and 15 degrees: T = 278.15 and 288.15 K, dH/R = 10,000 K.

    exp(-10000/278.15) = exp(-35.951825) = 2.434002e-16
    exp(-10000/288.15) = exp(-34.704147) = 8.475794e-16
    mean = 5.454898e-16, its -ln = 35.144848, 10000 / 35.144848 = 284.53673 K = 11.39 degrees (the plain mean is 10).
    """
    assert mean_kinetic_temperature(readings(500, 1500)) == 1139


def test_a_year_of_the_usp_s_kind() -> None:
    """One warm month among eleven at 20 degrees raises the mean more than it raises the plain average.

    exp(-10000/293.15) = exp(-34.112229) = 1.531959e-15, exp(-10000/313.15) = exp(-31.933578) = 1.353391e-14;
    (11 x 1.531959 + 13.53391) e-15 / 12 = 2.532121e-15, -ln = 33.609719, 10000 / 33.609719 = 297.53298 K = 24.38.
    """
    assert mean_kinetic_temperature(readings(*[2000] * 11, 4000)) == 2438


def test_a_reading_stands_for_the_time_since_the_one_before_it() -> None:
    """5 degrees for 10 minutes, 15 for 30: (2.434002 + 3 x 8.475794) e-16 / 4 = 6.965346e-16, -ln = 34.900414,
    10000 / 34.900414 = 286.52955 K = 13.38 degrees; by the number of readings it would be 12.76.
    """
    first, second, third = readings(500, 1500, 1500)

    assert mean_kinetic_temperature([first, second, third.model_copy(update={"at": START + 30 * MINUTE})]) == 1338


def test_nothing_measured_has_no_mean() -> None:
    assert mean_kinetic_temperature([]) is None


@given(st.lists(st.integers(-3000, 6000), min_size=1, max_size=40))
def test_the_mean_lies_between_the_plain_mean_and_the_highest(values: list[int]) -> None:
    found = mean_kinetic_temperature(readings(*values))

    assert found is not None
    assert sum(values) / len(values) - 1 <= found <= max(values)


@given(st.integers(-3000, 6000), st.integers(1, 30))
def test_of_one_temperature_it_is_that_temperature(value: int, count: int) -> None:
    assert mean_kinetic_temperature(readings(*[value] * count)) == value


WARM = Threshold(name="warm", kind="hot", way="consecutive", limit_hundredths=800, minutes=30)
IN_SUM = Threshold(name="sum", kind="hot", way="cumulative", limit_hundredths=800, minutes=30)
FROZEN = Threshold(name="frozen", kind="cold", way="consecutive", limit_hundredths=0, minutes=0, freezing=True)


@pytest.mark.parametrize(
    ("threshold", "values", "worst"),
    [
        (WARM, (900, 900, 900, 800), None),
        (WARM, (900, 900, 900, 900), 900),
        (WARM, (900, 900, 800, 900, 900), None),
        (IN_SUM, (900, 900, 800, 950, 900, 900), 950),
        (IN_SUM, (900, 800, 900, 800, 900), None),
        (IN_SUM, (900, 800, 900, 800, 900, 800), 900),
        (FROZEN, (500, 0, 500), None),
        (FROZEN, (500, -1, -20, 500), -20),
    ],
    ids=["20 minutes", "30 minutes", "interrupted", "in sum", "until it is good", "swinging", "at zero", "frozen"],
)
def test_a_breach_takes_as_long_as_the_threshold_says(
    threshold: Threshold, values: tuple[int, ...], worst: int | None
) -> None:
    breach = breach_of(readings(*values), threshold)

    assert (breach and breach.worst_hundredths) == worst


@given(st.lists(st.sampled_from([500, 900, 2600, -10, 100]), max_size=120), st.integers(0, 20))
def test_what_is_left_out_of_a_reading_a_minute_changes_no_judgement(values: list[int], whole: int) -> None:
    rules = DELIVERY_POLICIES.on(START.date(), "cn").storage["refrigerated"]
    every = readings(*values, every=1)
    kept = [*every[:whole], *needed(every[:whole], every[whole:], rules, frozenset())]

    for threshold in rules.thresholds:
        assert breach_of(kept, threshold) == breach_of(every, threshold)
    if every:
        last = kept[-1].at
        assert complete(kept, START, last, rules.gap_minutes_max)
        assert every[-1].at - last < timedelta(minutes=rules.gap_minutes_max)


def test_of_a_breach_that_is_open_not_every_minute_is_kept() -> None:
    rules = DELIVERY_POLICIES.on(START.date(), "cn").storage["refrigerated"]
    warm = readings(*[900] * 61, every=1)

    assert len(needed([], warm, rules, frozenset())) == 61
    assert [each.at for each in needed([], warm, rules, {"warm", "warm in sum"})] == [
        START + minutes * MINUTE for minutes in (0, 15, 30, 45, 60)
    ]


def test_a_logger_is_complete_when_no_gap_is_longer_than_allowed() -> None:
    end = START + timedelta(minutes=40)

    assert complete(readings(500, 500, 500, 500), START, end, 10)
    assert not complete(readings(500, 500, 500), START, end, 10)
    assert not complete([], START, START, 30), "a short way without a reading is no proof"
    assert complete(readings(500, every=1), START, START, 1)


def test_a_window_and_what_is_told_twice() -> None:
    known = readings(500, 600, 700)

    assert within(known, known[-1].at, 1) == known
    assert within(known, known[-1].at + timedelta(hours=1), 1) == known[-1:]
    other = Reading(at=known[0].at, celsius_hundredths=9000)
    late = Reading(at=START - timedelta(minutes=5), celsius_hundredths=400)
    assert merged(known, [other, late]) == (late, *known)


@pytest.mark.parametrize("jurisdiction", sorted(DELIVERY_POLICIES.names))
def test_every_way_of_storage_is_watched_on_the_side_that_spoils(jurisdiction: str) -> None:
    policy = DELIVERY_POLICIES.on(START.date(), jurisdiction)

    assert policy.storage.keys() == {"ambient", "refrigerated", "frozen"}
    for rules in policy.storage.values():
        assert rules.low_hundredths < rules.high_hundredths
        names = [threshold.name for threshold in rules.thresholds]
        assert len(set(names)) == len(names)
        for threshold in rules.thresholds:
            beyond = {"hot": rules.high_hundredths, "cold": rules.low_hundredths}[threshold.kind]
            limit = threshold.limit_hundredths
            assert limit >= beyond if threshold.kind == "hot" else limit <= beyond
    assert any(threshold.freezing for threshold in policy.storage["refrigerated"].thresholds)
