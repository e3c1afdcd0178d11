"""Another product at the counter than the prescribed one: another brand of the same drug, or what nobody may give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rxflow.client import Hold
from rxflow.simulation.writing import Town
from rxflow.world import Store

OTHER_DRUG = 0.3
"""How often somebody reaches for another drug."""


@dataclass
class Brands:
    """Of one prescription. `fulfilment`: an instalment of it, `token`: what opens it, `stocked_up`: what a pharmacy may
    hold of a product."""

    town: Town
    fulfilment: Callable[[], dict[str, Any]]
    token: Callable[[str], str]
    store: Callable[[], Store]
    stocked_up: Callable[[Store, str], int]
    holds: list[tuple[Store, Hold]]
    must_be_refused: Callable[[str, Callable[[], object]], None]

    def deeds(self) -> list[Callable[[], object]]:
        return [self.hold_another]

    def hold_another(self) -> None:
        """A line by another brand, where there is one; or by another drug, without a protocol."""
        chance, world, shown, store = self.town.random, self.town.world, self.fulfilment(), self.store()
        row = chance.choice(shown["lines"])
        drug = world.product[row["product"]].drug.drug_key
        brands = [each.code for each in world.products if each.drug.drug_key == drug and each.code != row["product"]]
        others = [each.code for each in world.products if each.drug.drug_key != drug]
        if not brands or chance.random() < OTHER_DRUG:
            product = chance.choice(others)
            self.must_be_refused(f"{product} for {row['product']}", lambda: self._hold(store, shown, row, product))
        else:
            self.holds.append((store, self._hold(store, shown, row, chance.choice(brands))))

    def _hold(self, store: Store, shown: dict[str, Any], row: dict[str, Any], product: str) -> Hold:
        lines = [{"line": row["line"], "product": product, "quantity": self.stocked_up(store, product)}]
        token = self.token(shown["fulfilment_id"])
        return self.town.cast.pharmacy(store).hold(shown["fulfilment_id"], token, lines)
