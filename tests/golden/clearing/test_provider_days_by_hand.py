"""A payment provider's day by the examples worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.golden.settlement.arithmetic import value_of

EXAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "provider_days.yaml").read_text(encoding="utf-8")
)["days"]


def listed(example: dict[str, Any]) -> list[tuple[str, int]]:
    """The provider's file: what, and fen."""
    file = ((what, amount if isinstance(amount, list) else [amount]) for what, amount in example["file"].items())
    return [(what, amount) for what, amounts in file for amount in amounts]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_sums_are_right(name: str) -> None:
    example = EXAMPLES[name]
    for words, arithmetic, amount in example["steps"].values():
        assert words
        assert value_of(arithmetic) == amount
    steps = {what: amount for what, (_words, _arithmetic, amount) in example["steps"].items()}
    assert sum(amount for _what, amount in listed(example)) == steps["theirs"]
    missing = [amount for what, amount in steps.items() if what.startswith("missing.")]
    assert steps["ours"] - steps["theirs"] == sum(missing)
    assert {f"missing.{what}" for what in example.get("differences", {})} == {
        what for what in steps if what.startswith("missing.")
    }
