"""Which faults come, in which order, and when the load's prescriptions start."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS, TESTS
from tests.chaos.load import arrivals
from tests.chaos.schedule import Schedule, moments

CLAIMS = {"a": {"api"}, "b": {"broker"}, "c": {"broker", "database"}, "d": {"clock"}}


def drawn(seed: int, count: int) -> list[str | None]:
    schedule = Schedule(CLAIMS, seed)
    return [schedule.next_fault(set()) for _ in range(count)]


def test_one_seed_is_one_order_and_another_is_another() -> None:
    assert drawn(1, 40) == drawn(1, 40)
    assert drawn(1, 40) != drawn(2, 40)


def test_every_fault_comes_once_in_each_round() -> None:
    assert Counter(drawn(3, 40)) == dict.fromkeys(CLAIMS, 10)


def test_a_fault_whose_claim_is_taken_is_put_off_and_not_forgotten() -> None:
    schedule = Schedule(CLAIMS, 4)

    first = {schedule.next_fault({"broker"}) for _ in range(2)}
    later = {schedule.next_fault({"api", "clock"}) for _ in range(2)}

    assert first == {"a", "d"}
    assert later == {"b", "c"}


def test_there_is_none_while_all_is_claimed() -> None:
    assert Schedule(CLAIMS, 5).next_fault({"api", "broker", "clock", "database"}) is None


@pytest.mark.parametrize(("seconds", "every", "expected"), [(60, 20, [20, 40]), (10, 20, [5]), (1800, 20, 89)])
def test_the_last_fault_leaves_time_to_recover(seconds: float, every: float, expected: object) -> None:
    found = moments(seconds, every)

    assert found == expected or len(found) == expected


def test_arrivals_have_the_rate_that_was_asked_for_and_follow_from_the_seed() -> None:
    two_thousand = list(islice(arrivals(2.0, 7), 2000))

    assert two_thousand == sorted(two_thousand)
    assert two_thousand == list(islice(arrivals(2.0, 7), 2000))
    assert 900 < two_thousand[-1] < 1100


def test_each_fault_says_what_it_challenges_and_ends() -> None:
    for name, fault in FAULTS.items():
        assert fault.does, name
        assert fault.promise, name
        assert fault.claims, name
        assert 0 <= fault.seconds < 20, name


def test_every_promise_has_its_test_and_stands_in_the_docs() -> None:
    told = Path("docs/faults.md").read_text(encoding="utf-8")

    assert {fault.promise for fault in FAULTS.values()} == set(TESTS)
    for promise, tests in TESTS.items():
        assert all(Path(test).is_file() for test in tests.split(", ")), promise
        assert f"| {promise} | {', '.join(f'`{test}`' for test in tests.split(', '))} |" in told
