"""The simulation finds what it is there for: each seeded bug within 200 seeds, and tells how to see it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rxflow import simulate_cli
from rxflow.simulation import seeds
from services.seedwork.logs import configure_logging
from tests.simulation.seeded_bugs import SIMULATED, find


@pytest.fixture(scope="module")
def founded() -> Iterator[Path]:
    configure_logging("error")
    with seeds.founded() as directory:
        yield directory


@pytest.mark.parametrize("bug", SIMULATED)
def test_a_seeded_bug_is_found(bug: str, founded: Path) -> None:
    assert find(bug, founded) is not None


def test_a_violation_comes_with_its_history_and_how_to_see_it_again(founded: Path) -> None:
    found = find("key reuse", founded)
    assert found is not None
    with SIMULATED["key reuse"]():
        told = CliRunner().invoke(simulate_cli.app, ["world", "--seed", str(found.seeds)])

    assert told.exit_code == 1
    assert "under the taken key" in told.output
    assert "key-reused" in told.output, "the mishap that led to it stands in its history"
    assert f"again: rxflow simulate world --seed {found.seeds} --hours 48 --without " in told.output
