"""Where the versions of a rule have come to an end there is a gap, and a gap is told: nobody pays by another's rows."""

from datetime import date

from services.insurance.domain.periods import overlap
from services.insurance.domain.policy import POLICIES, PolicyTable, PooledFund

TODAY = date(2026, 3, 2)
POLICY = POLICIES.on(TODAY, "cn")
ASKED = ("310100", "390", "居民", "门诊统筹", TODAY)


def table(since: date, until: date | None) -> PolicyTable:
    nation = POLICY.row(*ASKED)
    assert nation is not None
    of_the_city = {"id": "city", "insuplc": "310100", "valid_from": since, "valid_until": until}
    return PolicyTable(
        rows=(nation.model_copy(update={**of_the_city, "pooled": PooledFund(ratio_bp=1, annual_cap=1)}),)
    )


def test_the_nearest_place_with_a_row_of_the_day_decides() -> None:
    row = POLICY.row(*ASKED, regional=[table(date(2026, 1, 1), None)])
    assert row is not None
    assert row.id == "city"


def test_rows_that_are_still_to_come_leave_the_place_to_those_around_it() -> None:
    row = POLICY.row(*ASKED, regional=[table(date(2026, 4, 1), None)])
    assert row is not None
    assert row.id.startswith("cn/000000")


def test_rows_that_have_ended_are_a_gap_and_not_the_nations_business() -> None:
    assert POLICY.row(*ASKED, regional=[table(date(2026, 1, 1), date(2026, 3, 1))]) is None
    assert POLICY.row(*ASKED, regional=[table(date(2026, 1, 1), date(2026, 3, 2))]) is not None


def test_two_periods_overlap_where_a_day_is_in_both() -> None:
    one, other = table(date(2026, 1, 1), date(2026, 2, 1)).rows[0], table(date(2026, 2, 1), None).rows[0]
    assert overlap(one, other)
    assert overlap(other, one)
    assert not overlap(one, table(date(2026, 2, 2), None).rows[0])
