"""Two prescriptions among people who do anything at any moment, while messages overtake each other and repeat."""

from __future__ import annotations

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
