"""Whole worlds in a seed, through the command line: nothing is violated, and the same seed does the same again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

SEEDS, PARTS = 50, 5
SECONDS_MAX = 1500
pytestmark = pytest.mark.timeout(SECONDS_MAX + 300)
RXFLOW = Path(sys.executable).with_name("rxflow")


def simulate(*arguments: str, hash_seed: str = "random") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [str(RXFLOW), "simulate", "world", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_violated_in_fifty_worlds(part: int) -> None:
    each = SEEDS // PARTS

    lived = simulate("--seeds", str(each), "--first", str(1 + part * each), "--jobs", "1")

    assert lived.returncode == 0, lived.stdout + lived.stderr
    accepted = re.search(r"(\d+) commands accepted", lived.stdout)
    assert accepted
    assert int(accepted[1]) > 20 * each, lived.stdout


def digest(lived: subprocess.CompletedProcess[str]) -> Sequence[str]:
    return re.findall(r"digest ([0-9a-f]{64})", lived.stdout)


@pytest.mark.parametrize("seed", ["7", "1796026266", "1796026335"])
def test_the_same_seed_does_the_same_again_to_the_byte_wherever_it_was_founded(seed: str) -> None:
    """Whatever order Python gives its sets, and founded anew. The long seeds once did not."""
    first, again = (digest(simulate("--seed", seed, hash_seed=each)) for each in ("1", "2"))
    other = digest(simulate("--seed", "8"))

    assert len(first) == 1
    assert first == again
    assert first != other


def test_a_mishap_that_does_not_exist_is_named() -> None:
    lived = simulate("--seed", "1", "--without", "weather")

    assert lived.returncode == 2
    assert "weather" in lived.stdout
    assert "killed-after-commit" in lived.stdout
