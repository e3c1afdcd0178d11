"""What is usually asked for, and what cannot be known."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from services.shortage.domain.detection.demand import DayOfDemand, DemandRules, Spread, spread, tsb, usual_demand
from services.shortage.domain.detection.figures import Unknown, known
from services.shortage.domain.detection.surge import PooledDay, SurgeRules, surge
from services.shortage.domain.detection.walk import Standing

RULES = DemandRules(alpha=0.1, beta=0.05, days_min=7, history_days=90)
SURGE = SurgeRules(ratio=2, days_between_alarms=365, history_days=56, guard_days=7, history_days_min=14)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OUT = DayOfDemand(given=0, out_of_stock=True)


def days(*asked: int) -> list[DayOfDemand]:
    return [DayOfDemand(given=each) for each in asked]


def test_steady_demand_is_its_mean() -> None:
    assert usual_demand(days(2, 4, 3, 3, 2, 4, 3), RULES) == 3


def test_days_without_stock_are_left_out_and_do_not_lower_the_mean() -> None:
    assert usual_demand([*days(3, 3, 3, 3), OUT, OUT, OUT, *days(3, 3, 3)], RULES) == 3


def test_what_was_asked_for_in_vain_counts() -> None:
    assert usual_demand([DayOfDemand(given=1, in_vain=2)] * 7, RULES) == 3


@pytest.mark.parametrize(
    ("told", "unknown"),
    [
        ([], Unknown.NOTHING_REPORTED),
        ([None] * 30, Unknown.NOTHING_REPORTED),
        ([OUT] * 30, Unknown.ALWAYS_OUT),
        ([OUT] * 30 + days(1, 1), Unknown.TOO_FEW),
    ],
    ids=["no-day", "silent", "sold-out", "too-few"],
)
def test_what_cannot_be_known_is_unknown_and_not_zero(told: list[DayOfDemand | None], unknown: Unknown) -> None:
    assert usual_demand(told, RULES) is unknown
    assert known(usual_demand(told, RULES)) is None


def test_nobody_asking_is_known_and_zero() -> None:
    assert usual_demand(days(*[0] * 30), RULES) == 0.0
    assert known(0.0) == 0.0


def tsb_plainly(demands: list[int], alpha: float, beta: float) -> float:
    """The two recursions as they are printed, with the same opening."""
    count = max(1, min(len(demands), round(1 / beta)))
    first = [demand for demand in demands[:count] if demand]
    p, z = len(first) / count, (sum(first) / len(first) if first else 0.0)
    for demand in demands[count:]:
        if demand:
            p, z = (1 - beta) * p + beta, ((1 - alpha) * z + alpha * demand if z else demand)
        else:
            p = (1 - beta) * p
    return p * z


@pytest.mark.parametrize("seed", range(10))
def test_rare_demand_is_smoothed_by_tsb(seed: int) -> None:
    chance = Random(seed)
    demands = [chance.randrange(1, 5) if chance.random() < 0.2 else 0 for _ in range(200)]

    assert tsb(demands, 0.1, 0.05) == pytest.approx(tsb_plainly(demands, 0.1, 0.05))
    assert usual_demand(days(*demands), RULES) == pytest.approx(tsb_plainly(demands, 0.1, 0.05))


def test_tsb_forgets_what_nobody_asks_for_any_more() -> None:
    wanted = [0, 0, 5] * 20

    assert tsb([*wanted, *[0] * 100], 0.1, 0.05) < 0.01 * tsb(wanted, 0.1, 0.05)


def test_the_first_demand_after_a_quiet_opening_gives_the_size() -> None:
    assert tsb([*[0] * 20, 4], 0.1, 0.05) == pytest.approx(0.05 * 4)


def test_half_of_the_days_may_be_wild_without_moving_the_centre() -> None:
    told = spread([10.0, 11.0, 9.0, 10.0, 10.0, 500.0, 400.0], 5)

    assert told == Spread(centre=10.0, dispersion=1.0)


def test_a_wide_spread_is_told() -> None:
    told = spread([0.0, 20.0, 40.0, 60.0, 80.0], 5)

    assert isinstance(told, Spread)
    assert told.centre == 40
    assert told.dispersion == pytest.approx((1.4826 * 20) ** 2 / 40)


def test_counts_that_are_mostly_zero_have_their_mean_for_a_centre() -> None:
    told = spread([0.0, 0.0, 0.0, 3.0], 3)

    assert isinstance(told, Spread)
    assert told.centre == 0.75
    assert told.dispersion == pytest.approx((1.4826 * 0.75) ** 2 / 0.75)


@pytest.mark.parametrize(
    ("values", "unknown"),
    [([], Unknown.NOTHING_REPORTED), ([1.0], Unknown.TOO_FEW), ([0.0] * 9, Unknown.NO_DEMAND)],
    ids=["none", "few", "zero"],
)
def test_a_spread_that_cannot_be_known_is_unknown(values: list[float], unknown: Unknown) -> None:
    assert spread(values, 5) is unknown


def pooled(asked: list[int], usual: float = 18.0) -> list[PooledDay]:
    return [PooledDay(at=NOW + timedelta(days=n), asked=each, usual=usual) for n, each in enumerate(asked)]


def around(mean: float, count: int, seed: int = 1) -> list[int]:
    """Poisson by thinning a fine grid."""
    chance = Random(seed)
    return [sum(chance.random() < mean / 200 for _ in range(200)) for _ in range(count)]


def test_twice_as_much_as_usual_alarms_within_days() -> None:
    quiet = around(18, 80)

    assert surge(pooled(quiet), SURGE).alarms is False  # type: ignore[union-attr]
    standing = surge(pooled([*quiet, 36, 35, 38]), SURGE)
    assert isinstance(standing, Standing)
    assert standing.alarms
    assert standing.began_at == NOW + timedelta(days=80)


def test_the_order_of_reports_changes_nothing() -> None:
    told = pooled([*around(18, 80), 36, 35, 38])

    assert surge(list(reversed(told)), SURGE) == surge(told, SURGE)


def test_half_of_the_reporters_being_silent_is_no_fall_and_their_return_no_surge() -> None:
    quiet = around(18, 60)
    half = [PooledDay(at=NOW + timedelta(days=60 + n), asked=9, usual=9.0) for n in range(20)]
    back = [PooledDay(at=NOW + timedelta(days=80 + n), asked=18, usual=18.0) for n in range(5)]

    standing = surge([*pooled(quiet), *half, *back], SURGE)

    assert isinstance(standing, Standing)
    assert not standing.alarms


def test_a_day_that_almost_nobody_told_is_left_out() -> None:
    quiet = pooled(around(18, 80))
    hardly = PooledDay(at=NOW + timedelta(days=80), asked=40, usual=0.5)

    assert surge([*quiet, hardly], SURGE) == surge(quiet, SURGE) or not surge([*quiet, hardly], SURGE).alarms  # type: ignore[union-attr]


def test_too_short_a_history_says_nothing() -> None:
    assert surge([], SURGE) is Unknown.NOTHING_REPORTED
    assert surge(pooled([18] * 12), SURGE) is Unknown.TOO_FEW
    assert surge(pooled([0] * 60), SURGE) is Unknown.NO_DEMAND
    assert surge(pooled([18] * 60, usual=0.0), SURGE) is Unknown.NOTHING_REPORTED


def test_nobody_telling_in_the_latest_weeks_leaves_the_walk_where_it_is() -> None:
    silent = [PooledDay(at=NOW + timedelta(days=90 + n), asked=0, usual=0.0) for n in range(30)]

    assert surge([*pooled(around(18, 60)), *silent], SURGE) == Standing()


def test_days_that_nobody_told_after_a_short_history_are_no_steps() -> None:
    silent = [PooledDay(at=NOW + timedelta(days=40 + n), asked=0, usual=0.0) for n in range(20)]

    assert surge([*pooled(around(18, 21)), *silent], SURGE) == Standing()
