"""Days are China's, and what holds on a day is the newest that has begun."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from services.seedwork.calendar import civil_day
from services.seedwork.policies import DatedPolicy, Policies, read_policies


class Opening(DatedPolicy):
    hours: int


EARLY = Opening(valid_from=date(2024, 1, 1), source="", hours=8)
LATE = Opening(valid_from=date(2026, 7, 1), source="", hours=12)


@pytest.mark.parametrize(("hour", "day"), [(15, date(2026, 3, 2)), (16, date(2026, 3, 3))])
def test_the_civil_day_is_chinas(hour: int, day: date) -> None:
    assert civil_day(datetime(2026, 3, 2, hour, tzinfo=UTC)) == day


@pytest.mark.parametrize(
    ("day", "hours"), [(date(1999, 1, 1), 8), (date(2026, 6, 30), 8), (date(2026, 7, 1), 12), (date(2030, 1, 1), 12)]
)
def test_the_policy_in_force_is_the_newest_that_has_begun_before_the_first_the_first(day: date, hours: int) -> None:
    assert Policies[Opening](jurisdiction="cn", versions=(LATE, EARLY)).on(day).hours == hours


def test_a_jurisdiction_has_at_least_one_version() -> None:
    with pytest.raises(ValidationError):
        Policies[Opening](jurisdiction="cn", versions=())


def test_a_file_without_the_fields_of_its_form_does_not_load() -> None:
    with pytest.raises(ValidationError, match="hours"):
        read_policies("services.review.domain", Opening)
