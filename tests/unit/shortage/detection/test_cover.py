"""How long stock lasts, and what is unknown about it."""

import pytest

from services.shortage.domain.detection.cover import (
    CoverRules,
    PooledCover,
    Shelf,
    StatusRules,
    SupplyStatus,
    cover_alarms,
    cover_share,
    days_of_supply,
    pooled_cover,
    settled_status,
    supply_status,
)
from services.shortage.domain.detection.figures import Figure, Unknown

STATUS = StatusRules(
    severe_days=3,
    short_days=7,
    nearly_days=14,
    short_fill_share=0.6,
    fill_days=7,
    coming_days=3,
    orders_days=28,
    better_after_periods=2,
    periods=7,
)
FALL = CoverRules(alarm_share=0.6, release_share=0.8, history_days=56, guard_days=7, history_days_min=14)
OK, NEARLY, SHORT, SEVERE = SupplyStatus


def test_stock_that_is_not_promised_to_somebody_lasts_by_what_is_asked_for() -> None:
    assert days_of_supply(Shelf(on_hand=50, committed=10, coming=20), 6.0) == 10
    assert days_of_supply(Shelf(on_hand=5, committed=10), 6.0) == 0


@pytest.mark.parametrize(
    ("shelf", "usual", "unknown"),
    [
        (None, 3.0, Unknown.NOTHING_REPORTED),
        (Shelf(on_hand=0), Unknown.ALWAYS_OUT, Unknown.ALWAYS_OUT),
        (Shelf(on_hand=10), 0.0, Unknown.NO_DEMAND),
        (Shelf(on_hand=0), 0.0, Unknown.NO_DEMAND),
    ],
    ids=["silent", "censored", "unwanted", "unwanted-and-empty"],
)
def test_a_cover_that_cannot_be_known_is_unknown(shelf: Shelf | None, usual: Figure, unknown: Unknown) -> None:
    assert days_of_supply(shelf, usual) is unknown


def test_stock_and_demand_are_pooled_over_the_same_reporters() -> None:
    pooled = pooled_cover(
        [(Shelf(on_hand=40), 2.0), (Shelf(on_hand=20), 4.0), (None, 100.0), (Shelf(on_hand=900), Unknown.TOO_FEW)]
    )

    assert pooled == PooledCover(days=10.0, counted=2, expected=4)
    assert pooled.completeness == 0.5


def test_nobody_to_be_counted_is_unknown() -> None:
    assert pooled_cover([]).days is Unknown.NOTHING_REPORTED
    assert pooled_cover([]).completeness is Unknown.NOTHING_REPORTED
    assert pooled_cover([(Shelf(on_hand=5), 0.0)]).days is Unknown.NO_DEMAND


def test_a_fall_is_measured_by_what_was_usual_before() -> None:
    steady: list[Figure] = [20.0] * 40

    assert cover_share([*steady, 10.0], FALL) == 0.5
    assert cover_share([*steady, *[10.0] * 7, 10.0], FALL) == 0.5, "the latest days are no history yet"
    assert cover_share([*steady, Unknown.NOTHING_REPORTED], FALL) is Unknown.NOTHING_REPORTED
    assert cover_share([20.0] * 10, FALL) is Unknown.TOO_FEW
    assert cover_share([], FALL) is Unknown.NOTHING_REPORTED
    assert cover_share([0.0] * 60, FALL) is Unknown.ALWAYS_OUT
    assert cover_share([Unknown.TOO_FEW, *steady, 10.0], FALL) == 0.5


def test_a_fall_alarms_and_goes_on_until_it_is_well_over() -> None:
    alarms = False
    seen = []
    for share in (0.7, 0.6, 0.7, Unknown.NOTHING_REPORTED, 0.79, 0.8):
        alarms = cover_alarms(alarms, share, FALL)
        seen.append(alarms)

    assert seen == [False, True, True, True, True, False]


@pytest.mark.parametrize(
    ("cover", "fill", "expected"),
    [
        (15.0, 1.0, OK),
        (14.0, 1.0, NEARLY),
        (7.0, 1.0, SHORT),
        (3.0, 1.0, SEVERE),
        (30.0, 0.59, SHORT),
        (30.0, 0.6, OK),
        (30.0, Unknown.NOTHING_REPORTED, OK),
        (Unknown.TOO_FEW, 0.2, SHORT),
        (Unknown.TOO_FEW, 0.9, Unknown.TOO_FEW),
        (Unknown.NO_DEMAND, Unknown.NOTHING_REPORTED, Unknown.NO_DEMAND),
    ],
    ids=str,
)
def test_the_bands_of_the_weekly_report(cover: Figure, fill: Figure, expected: SupplyStatus | Unknown) -> None:
    told = supply_status(cover, fill, out_of_stock=False, no_alternative=False, rules=STATUS)

    assert told is expected


def test_empty_shelves_and_nothing_else_to_give_are_severe_whatever_the_figures() -> None:
    assert supply_status(Unknown.ALWAYS_OUT, 1.0, out_of_stock=True, no_alternative=False, rules=STATUS) is SEVERE
    assert supply_status(90.0, 1.0, out_of_stock=False, no_alternative=True, rules=STATUS) is SEVERE


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ([], Unknown.NOTHING_REPORTED),
        ([OK, SEVERE], SEVERE),
        ([SEVERE, OK], SEVERE),
        ([SEVERE, OK, OK], OK),
        ([SEVERE, OK, SHORT], SHORT),
        ([SEVERE, OK, SEVERE, OK], SEVERE),
        ([SEVERE, OK, Unknown.TOO_FEW, OK], OK),
        ([NEARLY, Unknown.NOTHING_REPORTED], NEARLY),
    ],
    ids=["none", "worse", "one-better", "two-better", "better-by-degrees", "not-in-a-row", "gap", "unknown"],
)
def test_worse_at_once_better_after_two_periods(
    periods: list[SupplyStatus | Unknown], expected: SupplyStatus | Unknown
) -> None:
    assert settled_status(periods, STATUS) is expected
