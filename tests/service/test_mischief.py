"""Two prescriptions among people who do anything at any moment, while messages overtake each other and repeat."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.invariants import hold_always, hold_at_rest, hold_at_the_end
from tests.support.mischief import Mischief, a_journey
from tests.support.town import copy_of

ACTS = 90
SEEDS = [*range(1, 4), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(4, 60))]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_people_do_quantities_goods_and_money_add_up(founded: Path, tmp_path: Path, seed: int) -> None:
    with copy_of(founded, tmp_path, seed=seed) as town:
        journeys = [a_journey(town, 0, packs=2), a_journey(town, 1, packs=2, lines=2)]
        for journey in journeys:
            journey.issue()
            journey.pass_review()
        mischiefs = [Mischief(town, journey) for journey in journeys]
        town.settle()
        town.follows = False

        for act in range(ACTS):
            town.random.choice(mischiefs).act()
            town.stir(town.random.choice((0, 2, 8)))
            if act % 15 == 0:
                hold_always(town)
        town.settle()
        hold_at_rest(town)

        for each in mischiefs:
            each.bring_what_is_on_the_road()
        for _ in range(4):  # a hold's end, validity, collection, and what they leave behind
            town.move_clock(timedelta(days=3))
            town.settle()
        hold_at_the_end(town)


def history(founded: Path, directory: Path, *, seed: int, starts_ns: int) -> str:
    """What is recorded when people have done whatever they like for a while."""
    with copy_of(founded, directory, seed=seed, starts_ns=starts_ns) as town:
        journey = a_journey(town, 0, packs=2)
        journey.issue()
        journey.pass_review()
        mischief = Mischief(town, journey)
        town.settle()
        town.follows = False
        for _ in range(30):
            mischief.act()
            town.stir(3)
        town.settle()
        return town.digest()


def test_the_same_seed_does_the_same_again_to_the_byte(founded: Path, tmp_path: Path) -> None:
    now = time.time_ns()

    first, again, other = (
        history(founded, tmp_path / name, seed=seed, starts_ns=now) for name, seed in (("1", 1), ("2", 1), ("3", 2))
    )

    assert first == again
    assert first != other
