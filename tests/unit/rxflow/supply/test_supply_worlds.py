"""Small worlds of supply: the same seed lives the same, and the detectors see what is done to it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rxflow import simulate_cli
from rxflow.supply.living import NEVER, Lived, lived
from rxflow.supply.report import supply_page
from rxflow.supply.reports import Reports
from rxflow.supply.running import Result, run
from rxflow.supply.setting import KINDS, Setting
from rxflow.supply.watching import ORDERS, TOGETHER, runs
from services.shortage.domain.policy import POLICIES

SMALL = Setting(pharmacies=25, drugs=3, carried_by=20, history=80)
POLICY = POLICIES.of("cn").versions[-1]


@pytest.fixture(scope="module")
def world() -> Lived:
    return lived(SMALL, 7)


@pytest.fixture(scope="module")
def result() -> Result:
    return run(POLICY, SMALL, 7)


def test_no_shelf_is_below_zero_and_nothing_is_given_that_is_not_there(world: Lived) -> None:
    assert world.stock.min() >= 0
    assert (world.given >= 0).all()
    assert (world.stock[world.in_vain > 0] == 0).all(), "nobody is turned away from a shelf that is not empty"


def test_orders_are_filled_as_seldom_as_the_episode_says(world: Lived) -> None:
    for episode in world.episodes:
        span = slice(episode.begin, episode.end)
        ordered, short = world.ordered[span, episode.drug].sum(), world.short[span, episode.drug].sum()
        assert short / ordered == pytest.approx(1 - episode.fill, abs=0.1), episode
    quiet = slice(0, SMALL.history)
    assert world.short[quiet].sum() / world.ordered[quiet].sum() == pytest.approx(0.03, abs=0.02)


def test_every_kind_of_episode_is_made_and_none_overlap(world: Lived) -> None:
    assert {episode.kind for episode in world.episodes} == {kind.name for kind in KINDS}
    for drug in range(SMALL.drugs):
        first, second = [episode for episode in world.episodes if episode.drug == drug]
        assert SMALL.history <= first.begin < first.end < second.begin < second.end <= SMALL.days


def test_the_silent_tell_nothing_and_the_late_tell_later(world: Lived) -> None:
    for pharmacy, begin, end in world.silent:
        assert (world.arrival[begin:end, pharmacy] == NEVER).all()
    days = np.arange(SMALL.days)[:, None]
    delays = (world.arrival - days)[world.arrival < NEVER]
    assert delays.min() == 0
    assert 0 < delays.max() <= 7


def test_reports_of_a_drug_are_what_happened_and_some_come_twice(world: Lived) -> None:
    reports = Reports(world, 0, 7)
    told = [line for day in range(SMALL.days + 7) for line in reports.order_lines(day)]

    reported = (reports.arrival < NEVER) & world.ordered[:, 0]
    assert len({line.key for line in told}) == reported.sum()
    assert len(told) > reported.sum()
    assert (
        sum(line.short for line in {line.key: line for line in told}.values()) == (reported & world.short[:, 0]).sum()
    )


def test_a_shortage_is_found_by_short_filled_orders(result: Result) -> None:
    assert result.scores[ORDERS].delay("fill 0 %", 0.5) is not None
    assert result.scores[ORDERS].delay("fill 0 %", 0.5) <= 3  # type: ignore[operator]
    assert result.scores[TOGETHER].true_alarms > 0
    assert all(delay is not None for delay in result.silences.delays)


def test_the_same_seed_gives_the_same_report_and_another_seed_another(result: Result) -> None:
    again = run(POLICY, SMALL, 7)
    other = run(POLICY, SMALL, 8)

    assert supply_page(again) == supply_page(result)
    assert supply_page(other) != supply_page(result)


def test_calm_worlds_are_judged_too_and_every_alarm_of_theirs_is_false(result: Result) -> None:
    assert set(result.calm) == set(result.scores)
    assert all(score.true_alarms == 0 for score in result.calm.values())
    assert result.calm[ORDERS].quiet_days == SMALL.drugs * SMALL.year
    assert "in calm worlds" in supply_page(result)


def test_a_calm_world_has_no_episodes() -> None:
    assert lived(replace(SMALL, calm=True), 7).episodes == ()


def test_alarms_are_runs_of_days() -> None:
    assert runs([False, True, True, False, True]) == [(1, 3), (4, 5)]
    assert runs([True]) == [(0, 1)]
    assert runs([]) == []


def test_the_command_prints_the_figures_and_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "supply.md"

    told = CliRunner().invoke(
        simulate_cli.app,
        ["supply", "--seed", "7", "--drugs", "1", "--pharmacies", "10", "--report", str(page)],
    )

    assert told.exit_code == 0, told.output
    assert "false alarms per drug-year" in told.output
    assert "seeds 7" in page.read_text(encoding="utf-8")
    assert "--seed 7 --worlds 1 --drugs 1 --pharmacies 10" in page.read_text(encoding="utf-8")
