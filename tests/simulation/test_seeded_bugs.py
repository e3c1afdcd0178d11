"""The simulation finds what it is there for: each seeded bug within 200 seeds, and tells how to see it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rxflow import simulate_cli
from rxflow.simulation import seeds
from rxflow.simulation.mishaps import EVERY, Mishap
from services.seedwork.logs import configure_logging
from tests.simulation.seeded_bugs import SIMULATED, find, find_again

LEFT_OUT = sorted({*Mishap} - {Mishap.KEY_REUSED, Mishap.DELAYED, Mishap.DOUBLE_CLICK})
"""What is left out to begin with: to try each of the others costs a world."""
OF_HISTORY = re.compile(r" *\d+\.\d{3}  \S")

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def founded() -> Iterator[Path]:
    configure_logging("error")
    with seeds.founded() as directory:
        yield directory


@pytest.mark.parametrize("bug", SIMULATED)
def test_a_seeded_bug_is_found(bug: str, founded: Path) -> None:
    assert find_again(bug, founded) is not None


def test_a_violation_comes_with_its_history_and_how_to_see_it_again(founded: Path) -> None:
    found = find("key reuse", founded, without=LEFT_OUT)
    assert found is not None
    with SIMULATED["key reuse"]():
        told = CliRunner().invoke(
            simulate_cli.app, ["world", "--seed", str(found.seeds), "--without", ",".join(LEFT_OUT)]
        )
        lines = told.output.splitlines()
        command = next(line for line in lines if line.startswith("again: ")).removeprefix("again: ")
        told_again = CliRunner().invoke(simulate_cli.app, shlex.split(command)[2:])
    configure_logging("error")  # the command logs to a stream that has ended with it

    assert told.exit_code == told_again.exit_code == 1
    again = next(number for number, line in enumerate(lines) if line.startswith("again: "))
    assert lines[again].startswith(f"again: rxflow simulate world --seed {found.seeds} --hours 48 --without ")
    assert not OF_HISTORY.match(lines[again - 1]), "what does not hold is said after its history"
    history = [line for line in lines if OF_HISTORY.match(line)]
    assert len(history) > 1
    assert any(mishap in line for line in history for mishap in EVERY), "and what went wrong stands in it"
    lines_again = told_again.output.splitlines()
    assert lines[again - 1] in lines_again, "the command shows the same violation"
    assert [line for line in lines_again if OF_HISTORY.match(line)] == history, "after the same history"
