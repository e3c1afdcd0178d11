"""Long loops give way."""

import time

import pytest

from services.seedwork import turns


def test_the_items_come_as_they_are() -> None:
    assert list(turns.in_turns(range(5))) == [0, 1, 2, 3, 4]


def test_work_of_some_milliseconds_is_followed_by_a_turn_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.001, 0.004, 0.004, 0.005, 0.009, 0.009])
    given: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(time, "sleep", given.append)

    assert list(turns.in_turns("abcd")) == ["a", "b", "c", "d"]

    assert given == [0, 0]
