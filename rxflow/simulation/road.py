"""Parcels on the road: carried, failed, partly refused at the door, damaged, lost, found again, sent back, looked at,
kept apart; in any order, by whoever comes to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rxflow.client import Courier, Problem, Supply
from rxflow.client.retail import Kept
from rxflow.simulation.writing import Town
from rxflow.world import Store
from services.dispatch.domain.delivery.transitions import ABROAD

BACK = "return_arrived"
REFUSED_AT_THE_DOOR = 0.15
PACKS_TRIED = (3, 4, 5)
"""Packs are numbered from 1; whoever counts may name one that was never in it."""
VERDICTS = ("restocked", "restocked", "quarantined", "destroyed")
REASON = "外观检查"


@dataclass
class Road:
    """The parcels of one prescription. `code` answers the pickup code that somebody shows."""

    town: Town
    code: Callable[[Supply], str]
    parcels: list[tuple[Store, Supply, str]] = field(default_factory=list)

    def deeds(self) -> list[Callable[[], object]]:
        if not self.parcels:
            return []
        there = [self.pack, self.hand_over, self.carry, self.carry, self.deliver, self.call_off]
        return [*2 * there, self.lose, self.damage, self.count, self.inspect, self.inspect, self.decide_about_kept]

    def next(self, delivery_id: str) -> Callable[[], object]:
        """What leads on with a parcel that is with the courier, by where it is."""
        shown = next((self._shown(s, d) for s, _, d in self.parcels if d == delivery_id), {"status": "unheard"})
        match shown["status"]:
            case "returning" | "lost":
                return self.count
            case "return_arrived":
                return self.inspect
            case _:
                return self.town.random.choice((self.carry, self.deliver))

    def _one(self) -> tuple[Store, Supply, str]:
        """Mostly the latest."""
        if not self.parcels:
            raise Problem("not.heard", 404)
        return self.parcels[-1] if self.town.random.random() < 0.7 else self.town.random.choice(self.parcels)

    def _courier(self, store: Store) -> Courier:
        return self.town.cast.courier(self.town.world.carrier_near(store))

    def _shown(self, store: Store, delivery_id: str) -> dict[str, Any]:
        return self.town.cast.pharmacy(store).delivery(delivery_id)

    # -- there

    def pack(self) -> None:
        store, _, delivery_id = self._one()
        self.town.cast.pharmacy(store).pack(delivery_id, "SEAL-1", "LOGGER-1")

    def hand_over(self) -> None:
        store, _, delivery_id = self._one()
        self.town.cast.pharmacy(store).hand_over(delivery_id, b"courier")

    def carry(self) -> None:
        store, _, delivery_id = self._one()
        courier = self._courier(store)
        match self.town.random.choice(("transit", "arrive", "fail")):
            case "transit":
                courier.in_transit(delivery_id)
            case "arrive":
                courier.arrive(delivery_id)
            case _:
                courier.fail_attempt(delivery_id, "nobody_there")

    def deliver(self) -> None:
        """Now and then a line of it is not taken."""
        store, supply, delivery_id = self._one()
        rejected = [self.town.random.choice((1, 2))] if self.town.random.random() < REFUSED_AT_THE_DOOR else []
        self._courier(store).deliver(delivery_id, b"proof", self.code(supply), rejected_lines=rejected)

    def call_off(self) -> None:
        store, _, delivery_id = self._one()
        self.town.cast.pharmacy(store).call_off(delivery_id, "patient_wish")

    # -- and back

    def lose(self) -> None:
        store, _, delivery_id = self._one()
        self._courier(store).report_lost(delivery_id)

    def damage(self) -> None:
        store, _, delivery_id = self._one()
        self._courier(store).report_damaged(delivery_id)

    def count(self) -> None:
        """It is back, announced or not, with all, some or none of its packs; maybe written off before."""
        store, _, delivery_id = self._one()
        pharmacy = self.town.cast.pharmacy(store)
        numbers = range(self.town.random.choice((1, 1, 1, 2)), self.town.random.choice((2, 2, 2, *PACKS_TRIED)))
        if self._shown(store, delivery_id)["status"] == "lost":
            pharmacy.report_found(delivery_id, numbers)
        else:
            pharmacy.receive_return(delivery_id, numbers, seal_intact=self.town.random.random() < 0.8)

    def inspect(self) -> None:
        store, _, delivery_id = self._one()
        self._look_at(store, delivery_id)

    def _look_at(self, store: Store, delivery_id: str) -> None:
        """Every pack that was counted."""
        verdicts = [
            {"pack": number, "verdict": self.town.random.choice(VERDICTS), "reason": REASON}
            for number in self._shown(store, delivery_id)["packs_back"]
        ]
        self.town.cast.pharmacy(store).inspect_return(delivery_id, verdicts)

    def decide_about_kept(self) -> None:
        store, _, delivery_id = self._one()
        to: Kept = self.town.random.choice(("restocked", "destroyed"))
        self.town.cast.pharmacy(store).decide_quarantine(delivery_id, to, REASON)

    # -- in the end

    def bring_home(self, away: dict[str, str]) -> None:
        """Of supplies that are with a courier (`away`: supply to delivery): a proved delivery is always recorded, and
        what is back is looked at."""
        for store, supply, delivery_id in self.parcels:
            if away.get(supply.supply_id) != delivery_id:
                continue
            status = self._shown(store, delivery_id)["status"]
            if status in ABROAD:
                self._courier(store).deliver(delivery_id, b"proof", "")
            elif status == BACK:
                self._destroy_what_is_back(store, delivery_id)

    def _destroy_what_is_back(self, store: Store, delivery_id: str) -> None:
        back = self._shown(store, delivery_id)["packs_back"]
        verdicts = [{"pack": number, "verdict": "destroyed", "reason": REASON} for number in back]
        self.town.cast.pharmacy(store).inspect_return(delivery_id, verdicts)
