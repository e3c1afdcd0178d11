"""Days are China's, and what holds on a day is the newest that has begun."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

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


def test_a_version_of_a_file_says_what_it_changes_and_the_rest_goes_on(tmp_path: Path, monkeypatch: Any) -> None:
    policies = tmp_path / "a_domain" / "policies"
    policies.mkdir(parents=True)
    (tmp_path / "a_domain" / "__init__.py").touch()
    (policies / "mars.json").write_text(
        '{"jurisdiction": "mars", "versions": [{"valid_from": "2026-07-01", "hours": 12},'
        ' {"valid_from": "2024-01-01", "source": "a law", "hours": 8}]}'
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    read = read_policies("a_domain", Opening)

    assert read.names == {"mars"}
    assert [(each.hours, each.source) for each in read.of("mars").versions] == [(8, "a law"), (12, "a law")]
    assert read.on(date(2026, 7, 1), "mars").hours == 12
