"""What patients choose beside asking for their medicine: a pharmacy, before or after the release, and that claims are
authorised without asking them each time; and the pharmacy that holds because it was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rxflow.client import Hold, Patient, Problem
from rxflow.simulation.prescribers import Desk
from rxflow.simulation.writing import Town, stores_of
from rxflow.world import Store

NOMINATED_AMONG = 3
"""So many pharmacies near the patient are ever chosen."""
SELDOM = 0.1


@dataclass
class Wishes:
    """Of the patient of one prescription. `fulfilment` is one of its instalments as the patient sees it, `stocked_up`
    what a pharmacy may hold of a product."""

    town: Town
    desk: Desk
    holds: list[tuple[Store, Hold]]
    fulfilment: Callable[[], dict[str, Any]]
    stocked_up: Callable[[Store, str], int]

    def deeds(self) -> list[Callable[[], object]]:
        return [self.nominate, self.nominate_first, self.hold_nominated, self.agree_for_good]

    def nominate(self) -> None:
        """For an instalment and those to come, or nobody any more."""
        self._patient.nominate_for(self.fulfilment()["fulfilment_id"], self._choice())

    def nominate_first(self) -> None:
        """While it is under review."""
        self._patient.nominate(self.desk.journey.prescription_id, self._choice())

    def hold_nominated(self) -> None:
        """Without the patient's code."""
        fulfilment = self.fulfilment()
        chosen = [each for each in self._stores() if each.code == fulfilment["nominated_pharmacy"]]
        if not chosen:
            raise Problem("not.nominated", 404)
        row = self.town.random.choice(fulfilment["lines"])
        lines = [{"line": row["line"], "quantity": self.stocked_up(chosen[0], row["product"])}]
        held = self.town.cast.pharmacy(chosen[0]).hold_nominated(fulfilment["fulfilment_id"], lines)
        self.holds.append((chosen[0], held))

    def agree_for_good(self) -> None:
        """Seldom: then every later claim is authorised when its supply is dispensed."""
        if self.town.random.random() < SELDOM:
            self._patient.give_standing_authorisation()

    def _choice(self) -> str | None:
        return self.town.random.choice([*(each.code for each in self._stores()), None])

    def _stores(self) -> tuple[Store, ...]:
        return stores_of(self.town, self.desk.journey)[:NOMINATED_AMONG]

    @property
    def _patient(self) -> Patient:
        return self.town.cast.patient(self.desk.journey.admitted.patient_ref)
