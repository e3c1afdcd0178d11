"""Waiting ends with what was waited for, or at the deadline with a name for it."""

import pytest

from rxflow.client.failures import TimedOut
from rxflow.client.waiting import PAUSE_SECONDS_MAX, wait_until


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_what_is_there_at_once_is_not_waited_for() -> None:
    time = Time()

    assert wait_until(lambda: "token", "a token", clock=lambda: time.now, sleep=time.sleep) == "token"
    assert time.pauses == []


def test_it_asks_again_until_it_is_there() -> None:
    time = Time()
    answers = iter([None, "", "here"])

    assert wait_until(lambda: next(answers), "it", clock=lambda: time.now, sleep=time.sleep) == "here"
    assert len(time.pauses) == 2


def test_the_deadline_names_what_did_not_come() -> None:
    time = Time()

    with pytest.raises(TimedOut, match=r"the claim: not within 3 s \(last: \[\]\)"):
        wait_until(list, "the claim", seconds=3, clock=lambda: time.now, sleep=time.sleep)

    assert max(time.pauses) == PAUSE_SECONDS_MAX
    assert time.now < 4
