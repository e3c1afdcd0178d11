"""Whether memory is flat, over made-up lives."""

from __future__ import annotations

import os

from tests.chaos.memory import LIFE_SECONDS_MIN, WARM_SECONDS, Sample, growth, resident_bytes

MIB = 1024 * 1024
LONG = int(WARM_SECONDS + LIFE_SECONDS_MIN + 200)


def life(name: str, pid: int, mib_at: object, seconds: int = LONG) -> list[Sample]:
    return [Sample(name, pid, float(at), int(mib_at(at) * MIB)) for at in range(0, seconds, 3)]  # type: ignore[operator]


def test_a_life_that_stays_where_it_is_is_flat() -> None:
    (found,) = growth(life("review-api", 1, lambda _at: 80))

    assert found.flat
    assert (found.first_bytes, found.last_bytes) == (80 * MIB, 80 * MIB)


def test_growing_by_a_fifth_and_twenty_mebibytes_is_not() -> None:
    (found,) = growth(life("review-api", 1, lambda at: 80 + at / 6))

    assert not found.flat
    assert found.worst_share > 0.2


def test_much_for_little_and_little_for_much_are_both_borne() -> None:
    small = growth(life("a-api", 1, lambda at: 20 + at / 40))
    large = growth(life("b-api", 2, lambda at: 400 + at / 12))

    assert all(found.flat for found in [*small, *large])


def test_what_a_process_loads_at_its_beginning_does_not_count() -> None:
    (found,) = growth(life("review-api", 1, lambda at: 40 if at < WARM_SECONDS else 90))

    assert found.flat


def test_a_short_life_says_nothing() -> None:
    assert growth(life("review-api", 1, lambda at: 10 + at, seconds=100)) == []


def test_a_successor_is_a_life_of_its_own_and_a_standby_of_the_same_kind() -> None:
    lives = [
        *life("review-worker", 1, lambda _at: 50),
        *life("review-worker", 2, lambda _at: 90),
        *life("review-worker-b", 3, lambda _at: 70),
    ]

    (found,) = growth(lives)

    assert (found.kind, found.processes, found.flat) == ("review-worker", 3, True)


def test_this_very_process_holds_something_and_a_gone_one_nothing() -> None:
    assert (resident_bytes(os.getpid()) or 0) > MIB
    assert resident_bytes(2**31 - 1) is None
