"""供应状态 of every reporter of a drug by the table of china.md 4.3, and what of it counts for a grade."""

from datetime import date, timedelta

import pytest

from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.detection.figures import Unknown
from services.shortage.domain.live_days import ShelfDay, Told
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.supply_status import Ordered, statuses
from tests.unit.shortage.conftest import HANGZHOU, NINGBO, Region, authority
from tests.unit.shortage.test_live_detection import DAY, MINUTE, order, tick

POLICY = POLICIES.of("cn").versions[-1].detection
TODAY = date(2026, 3, 2)
OK, NEARLY, SHORT, SEVERE = SupplyStatus


def shelf(*free: int, given: int = 10, reporter: str = "P1") -> list[ShelfDay]:
    """Levels of the last days, today's last, and of the month before as the first of them."""
    levels = [free[0]] * 30 + list(free)
    days = [TODAY - timedelta(days=back) for back in range(len(levels) - 1, -1, -1)]
    return [
        ShelfDay(reporter, HANGZHOU, "X", day, level, given, empty=level == 0)
        for day, level in zip(days, levels, strict=True)
    ]


def line(came: int, missing: int, *, days_ago: int = 1, coming: int = 0, promised: int | None = None) -> Ordered:
    promise = None if promised is None else TODAY + timedelta(days=promised)
    return Ordered("P1", TODAY - timedelta(days=days_ago), came, missing, coming, promise)


def status(
    shelves: list[ShelfDay], *orders: Ordered, turned_away: int | None = None, replaceable: bool = False
) -> SupplyStatus | Unknown:
    in_vain = {} if turned_away is None else {("P1", TODAY - timedelta(days=turned_away)): 1}
    known = Told(shelves, in_vain, set(in_vain), {"P1": TODAY} if shelves else {})
    return statuses(known, orders, TODAY, POLICY, served={"P1"} if replaceable else set())["P1"]


@pytest.mark.parametrize(
    ("level", "expected"), [(141, OK), (140, NEARLY), (71, NEARLY), (70, SHORT), (31, SHORT), (30, SEVERE), (0, SEVERE)]
)
def test_by_days_of_supply(level: int, expected: SupplyStatus) -> None:
    assert status(shelf(200, level)) is expected  # 10 are given out in a day


def test_what_comes_within_three_days_is_as_good_as_here() -> None:
    assert status(shelf(200, 60), line(0, 0, coming=30, promised=3)) is NEARLY
    assert status(shelf(200, 60), line(0, 0, coming=30, promised=4)) is SHORT
    assert status(shelf(200, 60), line(0, 0, coming=30)) is SHORT, "nobody says when"


def test_one_short_line_among_many_is_no_shortage() -> None:
    many = [line(100, 0) for _ in range(9)]
    assert status(shelf(200), *many, line(0, 100)) is OK
    assert status(shelf(200), line(59, 41)) is SHORT
    assert status(shelf(200), line(60, 40)) is OK
    assert status(shelf(200), line(0, 100, days_ago=14)) is OK, "ordered too long ago"
    assert status([], line(0, 100)) is SHORT, "known to be bad, though nobody knows the shelf"


def test_who_was_turned_away_without_an_alternative_is_severe() -> None:
    assert status(shelf(200), turned_away=0) is SEVERE
    assert status(shelf(200), turned_away=0, replaceable=True) is OK
    assert status([], turned_away=0) is SEVERE


def test_worse_at_once_and_better_after_two_days() -> None:
    assert status(shelf(200, 200, 20)) is SEVERE
    assert status(shelf(200, 20, 200)) is SEVERE
    assert status(shelf(200, 20, 200, 200)) is OK
    assert status(shelf(200), turned_away=1) is SEVERE
    assert status(shelf(200), turned_away=2) is OK


def test_unknown_is_neither_supplied_nor_short() -> None:
    few = shelf(200)[-3:]
    assert status(few) is Unknown.TOO_FEW
    assert status(shelf(0)) is Unknown.ALWAYS_OUT, "it is not kept here"
    assert status(shelf(0), turned_away=0) is SEVERE
    gone = [each for each in shelf(20) if each.day < TODAY - timedelta(days=10)]
    silent = Told(gone, {}, set(), {"P1": TODAY - timedelta(days=10)})
    assert statuses(silent, (), TODAY, POLICY) == {"P1": Unknown.NOTHING_REPORTED}


def alarmed(region: Region, others: int) -> None:
    """Twelve pharmacies of two cities have a short line each beside so many that came; the detectors have looked."""
    for n in range(12):
        region.store.time += MINUTE / 4
        place = HANGZHOU if n % 2 else NINGBO
        for extra in range(others):
            order(region, f"P{n}", short=False, place=place, at=region.store.time - DAY - extra * MINUTE)
        order(region, f"P{n}", place=place)
    tick(region)


@pytest.mark.parametrize(("others", "cities"), [(0, 2), (2, 0)])
def test_only_pharmacies_that_are_short_count_for_the_grade(region: Region, others: int, cities: int) -> None:
    alarmed(region, others)
    region.confirm(region.id(), authority())

    confirmed = region.case().confirmed
    assert confirmed is not None
    assert confirmed.inputs is not None
    assert (confirmed.inputs.cities, confirmed.grade) == (cities, "II" if cities else "IV")
