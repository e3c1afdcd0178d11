"""The drug authority of the patient's province: seldom calls a lot back, confirms shortages or dismisses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rxflow.client import Hold, Problem
from rxflow.client.people import Regulator
from rxflow.simulation.writing import Town
from rxflow.world import Store

SELDOM = 0.1
"""Share of thoughts about a recall that are acted upon: it is of a whole lot, everywhere."""
CLASSES = ("1", "2", "3")
DIGITS = 2
"""Of a division's code, those of its province."""


@dataclass
class Authority:
    """Around the holds of one prescription. `region`: of its patient."""

    town: Town
    region: str
    holds: Sequence[tuple[Store, Hold]]

    def deeds(self) -> list[Callable[[], object]]:
        return [self.judge_shortages, *([self.recall] if self.holds else [])]

    def recall(self) -> None:
        """A lot that is held somewhere. From this save on nothing of it is given out."""
        if self.town.random.random() < SELDOM:
            store, hold = self.town.random.choice(list(self.holds))
            product = self.town.random.choice(hold.shown["lines"])["product"]
            lots = [self.town.world.lots(store.code, product)[0].lot]
            name, recall_class = self.town.new_id(), self.town.random.choice(CLASSES)
            self.regulator.recall(name, product, lots, recall_class, "检出杂质")

    def judge_shortages(self) -> None:
        """Of what is suspected in the province."""
        cases = list(self.regulator.shortages())
        if not cases:
            raise Problem("nothing.suspected", 404)
        case_id = self.town.random.choice(cases)["case_id"]
        deed = self.town.random.choice((self.regulator.confirm, self.regulator.dismiss))
        deed(case_id, "核实库存")

    @property
    def regulator(self) -> Regulator:
        return self.town.cast.regulator(self.region[:DIGITS] + "0000")
