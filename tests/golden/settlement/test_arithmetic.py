"""What the golden examples say adds up, by an arithmetic of their own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.settlement.arithmetic import complaints, complaints_of_year, half_up, of_kind, value_of

CLAIMS = {**of_kind("cases"), **of_kind("parts")}
YEARS = of_kind("years")


@pytest.mark.parametrize("example", CLAIMS.values(), ids=CLAIMS.keys())
def test_the_sums_of_a_claim_are_right(example: dict[str, Any]) -> None:
    assert complaints(example["steps"]) == []
    assert all(words for words, _, _ in example["steps"].values())
    assert example["source"]


@pytest.mark.parametrize("example", YEARS.values(), ids=YEARS.keys())
def test_the_sums_of_a_year_are_right(example: dict[str, Any]) -> None:
    assert complaints_of_year(example) == []
    assert example["source"]


def test_there_are_more_than_sixty() -> None:
    assert len(CLAIMS) + len(YEARS) > 60


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ({"L1.total": ["x", "2 * 3", 7], "L1.own": ["x", "7", 7], "patient": ["x", "7", 7]}, "is 6, not 7"),
        ({"L1.total": ["x", "6", 6], "L1.own": ["x", "5", 5], "patient": ["x", "6", 6]}, "its parts are 5"),
        ({"L1.total": ["x", "6", 6], "L1.own": ["x", "6", 6], "patient": ["x", "5", 5]}, "bear 5 of 6"),
        ({"L1.total": ["x", "6", 6], "L1.own": ["x", "6", 6], "hifp": ["x", "6", 6]}, "more than what is in scope"),
        (
            {"L1.total": ["x", "6", 6], "L1.scope": ["x", "6", 6], "L1.hifp": ["x", "5", 5], "hifp": ["x", "6", 6]},
            "the lines have 5 of 6",
        ),
    ],
    ids=["sum", "parts", "payers", "funds", "shares"],
)
def test_a_slip_of_the_pen_is_found(steps: Any, wrong: str) -> None:
    assert any(wrong in complaint for complaint in complaints(steps))


def test_the_arithmetic_knows_whole_numbers_only() -> None:
    assert (half_up(5, 10), half_up(4, 10), half_up(15, 10)) == (1, 0, 2)
    assert value_of("min(3, 2) + half_up(7 * 5, 10) - 9 // 2") == 2 + 4 - 4
    for refused in ("1.5", "True", "price", "-1"):
        with pytest.raises(ValueError, match="whole numbers"):
            value_of(refused)
