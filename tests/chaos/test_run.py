"""A short run on an embedded installation: the long one is `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.house import small_house
from tests.chaos.run import Options, run, write

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(400)]

SECONDS = 16


def test_nothing_is_lost_or_doubled_while_the_processes_of_an_embedded_installation_are_killed(tmp_path: Path) -> None:
    told: list[str] = []
    chosen = {name: FAULTS[name] for name in ("worker killed", "api killed")}
    options = Options(minutes=SECONDS / 60, every=5, seed=11, rate=1.0, faults=chosen)

    with small_house(tmp_path) as house:
        outcome = run(house, options, told.append)

    write(outcome, tmp_path / "report.json")
    assert outcome.passed, (tmp_path / "report.json").read_text()
    assert sum(figure.times for figure in outcome.figures) == 2
    assert outcome.load["started"] > 4
    assert 0 < outcome.calls["invalid calls"] < outcome.calls["calls"] / 3
