"""Who has stopped to report."""

from datetime import date, timedelta
from random import Random

import pytest

from services.shortage.domain.detection.silence import Reporting, SilenceRules, silent_from_days, silent_since

RULES = SilenceRules(days_between_alarms=3650, days_min=3, prior_days=10, prior_share=0.9)
TODAY = date(2026, 3, 2)


def test_a_daily_reporter_is_silent_after_days_and_a_rare_one_after_weeks() -> None:
    daily = Reporting(days=360, told=360, last_told=TODAY)
    weekly = Reporting(days=360, told=50, last_told=TODAY)

    assert silent_from_days(daily, RULES) == 3
    assert 30 < silent_from_days(weekly, RULES) < 50


def test_silence_begins_with_the_last_day_that_was_told() -> None:
    last = TODAY - timedelta(days=3)

    assert silent_since(Reporting(days=360, told=360, last_told=last), TODAY, RULES) == last
    assert silent_since(Reporting(days=360, told=360, last_told=last), TODAY - timedelta(days=1), RULES) is None


def test_whoever_never_told_anything_is_waited_for_by_the_prior() -> None:
    assert silent_from_days(Reporting(days=0, told=0, last_told=TODAY), RULES) == 4


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_reporter_that_is_still_there_is_taken_for_silent_as_rarely_as_stated(share: float) -> None:
    chance = Random(3)
    rules = SilenceRules(days_between_alarms=500, days_min=1, prior_days=0.001, prior_share=1)
    wanted = silent_from_days(Reporting(days=1000, told=round(1000 * share), last_told=TODAY), rules)
    runs, days, silent = 0, 400_000, 0
    for _ in range(days):
        silent = 0 if chance.random() < share else silent + 1
        runs += silent == wanted

    assert days / runs >= 500 * 0.85, "once in 500 days, or more rarely for whole days"
    assert days / runs <= 500 / (1 - share) * 1.15
