"""What alarms are worth, by the book."""

import pytest

from rxflow.supply.scoring import GRACE_DAYS, Score
from rxflow.supply.setting import Episode


def episode(begin: int, end: int, kind: str = "fill 30 %") -> Episode:
    return Episode(0, kind, begin, end, 0.3, 1.0)


def scored(episodes: list[Episode], alarms: list[tuple[int, int]]) -> Score:
    score = Score()
    score.add(episodes, alarms, 100, 465)
    return score


def test_an_alarm_in_an_episode_detects_it_and_one_outside_is_false() -> None:
    score = scored([episode(150, 200)], [(120, 130), (153, 190), (300, 310)])

    assert score.delay("fill 30 %", 0.5) == 3
    assert (score.true_alarms, score.false_alarms) == (1, 2)
    assert score.predictive_value == pytest.approx(1 / 3)


def test_an_episode_without_an_alarm_is_missed_and_counts_in_the_median() -> None:
    score = scored([episode(150, 200), episode(250, 300), episode(350, 400)], [(152, 160), (255, 260)])

    assert score.detected("fill 30 %") == pytest.approx(2 / 3)
    assert score.delay("fill 30 %", 0.5) == 5
    assert score.delay("fill 30 %", 0.9) is None


def test_an_alarm_soon_after_an_episode_is_neither_false_nor_a_detection() -> None:
    score = scored([episode(150, 200)], [(200 + GRACE_DAYS - 1, 240)])

    assert (score.true_alarms, score.false_alarms) == (1, 0)
    assert score.detected("fill 30 %") == 0


def test_what_began_while_it_alarmed_is_not_judged() -> None:
    score = scored([episode(150, 200)], [(140, 190)])

    assert score.already == 1
    assert score.detected("fill 30 %") is None
    assert score.delay("fill 30 %", 0.5) is None


def test_false_alarms_are_reckoned_over_the_days_on_which_one_would_be_false() -> None:
    score = scored([episode(150, 200)], [(300, 310)])

    assert score.quiet_days == 365 - 50 - GRACE_DAYS
    assert score.false_per_drug_year == pytest.approx(365 / (365 - 50 - GRACE_DAYS))


def test_no_false_alarm_can_begin_while_one_stands() -> None:
    score = scored([episode(150, 200)], [(190, 300), (310, 320)])

    assert score.free_days == score.quiet_days - (300 - 227) - 10
    assert score.false_alarms == 1
    assert score.false_per_free_year == pytest.approx(365 / score.free_days)


def test_alarms_of_the_days_of_learning_are_not_counted() -> None:
    assert scored([], [(20, 30), (470, 480)]).false_alarms == 0


def test_nothing_known_is_no_figure() -> None:
    score = Score()

    rates = (score.false_per_drug_year, score.false_per_free_year, score.predictive_value)
    assert (*rates, score.detected("x"), score.delay("x", 0.5)) == (None,) * 5
