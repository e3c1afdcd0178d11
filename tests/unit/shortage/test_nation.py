"""The nation's case and those of its regions, whichever came first."""

from datetime import date, datetime, timedelta

import pytest

from contracts.events.shortage import Grade, ShortageCaseConfirmed, ShortageCaseGraded
from services.shortage.domain.policy import POLICIES
from tests.unit.shortage.conftest import HANGZHOU, XIAN, Region
from tests.unit.shortage.test_case_life import GUANGZHOU, confirmed, in_three_provinces, report, stop

POLICY = POLICIES.of("cn").versions[-1]
PROVINCES = {"33", "61", "44"}


def test_three_provinces_confirm_what_was_only_suspected_of_the_nation(region: Region) -> None:
    report(region, region="")
    assert region.case(region="").status == "suspected"

    in_three_provinces(region)

    national = region.case(region="")
    assert (national.status, national.grade) == ("confirmed", Grade.I)
    assert set(national.children.values()) == PROVINCES
    (told,) = [each for each in region.store.told_of(ShortageCaseConfirmed) if each.region == ""]
    assert told.confirmed_by == "rule"


def test_two_provinces_leave_a_suspicion_of_the_nation_to_people(region: Region) -> None:
    report(region, region="")
    for county in (HANGZHOU, XIAN):
        confirmed(region, county, county, county)

    assert region.case(region="").status == "suspected"


def test_a_suspicion_of_the_nation_that_is_over_takes_no_region_in(region: Region) -> None:
    report(region, region="")
    region.store.time += POLICY.hysteresis
    confirmed(region)

    assert region.case(region="").status == "dismissed"
    assert region.case().parent is None


def test_a_notice_finds_the_regions_that_were_confirmed_before_it(region: Region) -> None:
    for county in (HANGZHOU, XIAN):
        confirmed(region, county, county, county)
    stop(region)

    national = region.case(region="")
    assert set(national.children.values()) == {"33", "61"}
    assert not national.anticipated, "it is short already"
    assert region.case(region="61").parent == region.id(1, "")

    confirmed(region, GUANGZHOU, GUANGZHOU, GUANGZHOU)

    assert region.case(region="").grade == Grade.I
    assert [each.grade for each in region.store.told_of(ShortageCaseGraded)] == [Grade.I], "once, not step by step"


def test_a_suspicion_of_the_nation_finds_the_regions_that_were_confirmed_before_it(region: Region) -> None:
    for county in (HANGZHOU, XIAN):
        confirmed(region, county, county, county)
    report(region, region="")

    assert set(region.case(region="").children.values()) == {"33", "61"}
    assert region.case(region="33").parent == region.id(1, "")


def test_a_notice_that_is_amended_raises_the_grade_at_once(region: Region) -> None:
    stop(region, sole_supplier=False)
    assert region.case(region="").grade == Grade.IV

    stop(region, sole_supplier=True)

    assert region.case(region="").grade == Grade.II


def test_three_provinces_are_grade_one_when_the_makers_take_their_date_back(region: Region) -> None:
    stop(region, sole_supplier=False, restored_by=date(2026, 7, 1), stops_on=date(2026, 3, 1))
    in_three_provinces(region)
    assert region.case(region="").grade == Grade.II

    stop(region, sole_supplier=False, restored_by=None, stops_on=date(2026, 3, 1))

    assert region.case(region="").grade == Grade.I


@pytest.mark.parametrize("days", [POLICY.restoration_days + 1, 1])
def test_a_day_of_return_that_is_too_far_or_over_is_none(region: Region, days: int) -> None:
    today = date(2026, 3, 2)
    stop(region, sole_supplier=False, restored_by=today + timedelta(days=days), stops_on=today)
    if days == 1:
        region.store.time = datetime(2026, 3, 4, 1, tzinfo=region.store.time.tzinfo)
    in_three_provinces(region)

    assert region.case(region="").grade == Grade.I
