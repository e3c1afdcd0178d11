"""Pharmacists who count: rightly, wrongly by some packs, by a lot that is not there, all lots or some, also while some
of it is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rxflow.client import Hold, Problem
from rxflow.simulation.writing import Town
from rxflow.world import Store

DIFFERENCES = (0, 0, 0, 1, -1, 7)
"""What is found beside what the books say, in base units."""
STRANGE = 0.2
"""How often there is a lot that the books do not know, or under another expiry."""
COMPLETE = 0.3
FOR_HOW_LONG = timedelta(days=500)


@dataclass
class Stocktakers:
    """Around the products of one prescription, most of all where some are held."""

    town: Town
    products: Sequence[str]
    stores: Callable[[], Sequence[Store]]
    holds: Sequence[tuple[Store, Hold]]

    def deeds(self) -> list[Callable[[], object]]:
        return [self.count]

    def count(self) -> None:
        """One product in one pharmacy. Raises Problem where it has none."""
        chance = self.town.random
        store, product = self._held() if self.holds and chance.random() < 0.5 else self._any()
        stockroom = self.town.cast.stockroom(store)
        shown = [lot for lot in stockroom.item(product)["lots"] if lot["expiry"]]
        if not shown:
            raise Problem("nothing.there", 404)
        lots = [self._found(lot) for lot in chance.sample(shown, chance.randint(1, len(shown)))]
        stockroom.count(product, lots, complete=chance.random() < COMPLETE)

    def _held(self) -> tuple[Store, str]:
        store, hold = self.town.random.choice(list(self.holds))
        return store, self.town.random.choice(hold.shown["lines"])["product"]

    def _any(self) -> tuple[Store, str]:
        return self.town.random.choice(self.stores()), self.town.random.choice(self.products)

    def _found(self, lot: dict[str, Any]) -> dict[str, Any]:
        chance = self.town.random
        quantity = max(0, lot["on_hand"] + chance.choice(DIFFERENCES))
        if chance.random() < STRANGE:  # another lot's name on it: either nobody knows it, or its expiry differs
            name = chance.choice((f"C{chance.randint(1, 3)}", lot["lot"]))
            expiry = (self.town.world.as_of + FOR_HOW_LONG).isoformat()
            return {"lot": name, "expiry": expiry, "quantity": quantity}
        return {"lot": lot["lot"], "expiry": lot["expiry"], "quantity": quantity}
