"""Wrong codes lock for longer each time, and nothing but time forgives them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.dispatch.domain import guess
from services.dispatch.domain.guess import GUESSES, GuessState
from services.dispatch.domain.policy import CN, POLICIES

POLICY = CN.versions[-1]
START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def locked(state: GuessState, now: datetime) -> tuple[GuessState, timedelta]:
    """Wrong codes until the lock; how long it lasts."""
    for _ in range(POLICY.wrong_codes_max):
        assert guess.check(state, now) is None
        state = GUESSES.fold(guess.miss(state, now, POLICY), state)
    refusal = guess.check(state, now)
    assert refusal is not None
    assert refusal.code == "token.locked"
    return state, state.locked_until - now


def test_each_lock_in_a_row_is_twice_as_long_up_to_a_limit() -> None:
    state, now = GUESSES.initial, START
    waits: list[Any] = []
    for _ in range(6):
        state, wait = locked(state, now)
        waits.append(wait.total_seconds() / 60)
        now = state.locked_until

    assert waits == [60, 120, 240, 480, 480, 480]


def test_at_the_very_end_of_a_lock_a_code_is_looked_at_again() -> None:
    state, _ = locked(GUESSES.initial, START)

    assert guess.check(state, state.locked_until - timedelta(microseconds=1)) is not None
    assert guess.check(state, state.locked_until) is None


def test_long_without_a_wrong_code_begins_anew() -> None:
    state, _ = locked(GUESSES.initial, START)
    state, second = locked(state, state.locked_until + POLICY.wrong_codes_forgotten - timedelta(seconds=1))
    assert second == timedelta(hours=2)

    _, third = locked(state, state.locked_until + POLICY.wrong_codes_forgotten)

    assert third == timedelta(hours=1)


def test_a_lock_of_before_there_were_levels_counts_as_the_first() -> None:
    before = guess.CodesLocked.model_validate({"until": START + timedelta(hours=1)})
    state = GUESSES.fold([before])

    _, wait = locked(state, START + timedelta(hours=1))

    assert wait == timedelta(hours=2)


@pytest.mark.parametrize("name", sorted(POLICIES.names))
def test_no_number_of_locks_overflows(name: str) -> None:
    policy = POLICIES.of(name).versions[-1]

    assert policy.wrong_codes_lock(10_000) == timedelta(minutes=policy.wrong_codes_lock_minutes_max)
