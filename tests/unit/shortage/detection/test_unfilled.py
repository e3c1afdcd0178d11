"""Demands that nobody could fill, counted by day."""

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random

import pytest

from services.seedwork.calendar import ZONE, civil_day
from services.shortage.domain.detection.calibration import Walk
from services.shortage.domain.detection.unfilled import CountPrior, Unfilled, UnfilledDemands, design

NOW = datetime(2026, 3, 2, 9, tzinfo=ZONE)
TODAY = date(2026, 3, 2)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WALK = Walk(usual=0.5, unit=2, allowance=2, threshold=8, run_length=400)
PRIOR = CountPrior(per_day=0.2, weight_days=30, ratio=3, days_between_alarms=365)


def tried(demand: str, at: datetime, reporter: str = "P1") -> Unfilled:
    return Unfilled(demand_key=demand, reporter=reporter, region="330102", at=at)


def level_plainly(tries: list[Unfilled], walk: Walk, begin: date, end: date) -> int:
    first: dict[str, date] = {}
    for each in tries:
        day = civil_day(each.at)
        first[each.demand_key] = min(day, first.get(each.demand_key, day))
    counts = Counter(first.values())
    level, day = 0, begin
    while day <= end:
        level = min(max(0, level + walk.unit * counts[day] - walk.allowance), walk.ceiling)
        day += DAY
    return level


@pytest.mark.parametrize("seed", range(15))
def test_the_level_is_that_of_a_plain_count_whatever_is_settled(seed: int) -> None:
    chance = Random(seed)
    tries = [tried("first", NOW)]
    tries += [tried(f"d{chance.randrange(80)}", NOW + chance.randrange(40 * 24) * HOUR) for _ in range(60)]
    tries.sort(key=lambda each: each.at)
    # a demand is not tried again after weeks
    kept = [each for n, each in enumerate(tries) if each.demand_key not in {t.demand_key for t in tries[:n]}]
    known = UnfilledDemands()
    for days in range(0, 40, 10):
        known = known.taken(each for each in kept if civil_day(each.at) <= TODAY + days * DAY)
        expected = level_plainly(
            [e for e in kept if civil_day(e.at) <= TODAY + days * DAY], WALK, TODAY, TODAY + days * DAY
        )
        assert known.standing(WALK, NOW.replace(hour=23) + days * DAY).level == expected
        known = known.settle(WALK, TODAY + (days - 3) * DAY)


def test_three_tries_of_one_line_are_one_demand_on_its_first_day() -> None:
    known = UnfilledDemands().taken(
        [tried("line", NOW + DAY, "P2"), tried("line", NOW, "P1"), tried("line", NOW + HOUR, "P3")]
    )

    assert dict(known.first) == {"line": NOW}


def test_five_demands_of_a_day_alarm_as_the_fifth_comes() -> None:
    known = UnfilledDemands().taken(tried(f"line-{n}", NOW + n * HOUR) for n in range(5))

    assert not known.standing(WALK, NOW + 3 * HOUR).alarms
    standing = known.standing(WALK, NOW + 4 * HOUR)
    assert (standing.level, standing.alarmed_at) == (8, NOW + 4 * HOUR)
    assert standing.named == tuple(f"line-{n}" for n in range(5))


def test_quiet_days_end_the_alarm() -> None:
    known = UnfilledDemands().taken(tried(f"line-{n}", NOW) for n in range(5))

    assert known.standing(WALK, NOW + 3 * DAY).alarms
    assert not known.standing(WALK, NOW + 4 * DAY).alarms


def test_settled_days_are_closed() -> None:
    known = UnfilledDemands().taken([tried("line", NOW)]).settle(WALK, TODAY + 2 * DAY)

    assert known.taken([tried("other", NOW + DAY)]) == known
    assert known.first == {}


def test_quiet_days_tell_what_is_usual_and_sure_shortages_do_not() -> None:
    quiet = UnfilledDemands().taken([tried("line", NOW)]).settle(WALK, TODAY + 10 * DAY)
    assert (quiet.quiet_days, quiet.quiet_demands) == (10, 1)
    assert quiet.per_day(PRIOR) == pytest.approx((1 + 6) / 40)

    many = quiet.taken(tried(f"line-{n}", NOW + 10 * DAY) for n in range(9)).settle(WALK, TODAY + 11 * DAY)

    assert (many.quiet_days, many.quiet_demands) == (10, 1)
    assert UnfilledDemands().per_day(PRIOR) == pytest.approx(0.2)


def test_the_design_follows_what_is_usual() -> None:
    rare = design(UnfilledDemands(), PRIOR)
    often = design(UnfilledDemands(quiet_days=300, quiet_demands=900), PRIOR)

    assert rare.run_length >= 365
    assert often.run_length >= 365
    assert often.threshold / often.unit > rare.threshold / rare.unit
