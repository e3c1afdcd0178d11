"""Long loops give way."""

import time
from collections.abc import Iterator

import pytest

from services.seedwork import turns


@pytest.fixture
def given() -> Iterator[list[str]]:
    """Turns given to the others."""
    before, given = list(turns._give_way), list[str]()
    turns.give_way_by(lambda: given.append("turn"))
    yield given
    turns._give_way[:] = before


def test_the_items_come_as_they_are(given: list[str]) -> None:
    assert list(turns.in_turns(range(5))) == [0, 1, 2, 3, 4]


def test_work_of_some_milliseconds_is_followed_by_a_turn_for_the_others(
    given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_last", 0.0)
    clock = iter([0.001, 0.002, 0.0025, 0.003, 0.005, 0.006])  # looked at after each item, and after each turn
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))

    assert list(turns.in_turns("abcd")) == ["a", "b", "c", "d"]

    assert given == ["turn", "turn"]


def test_loops_that_follow_one_another_share_one_turn(given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_last", 0.0)
    clock = iter([0.001, 0.002, 0.0021])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))

    for _ in range(2):  # each of them alone is too short for a turn
        list(turns.in_turns("a"))

    assert given == ["turn"]
