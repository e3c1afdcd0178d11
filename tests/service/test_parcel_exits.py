"""How a parcel ends, over HTTP and through all five services: what it means for stock, claim and prescription."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rxflow.client import Supply
from rxflow.play.journey import Journey
from rxflow.simulation.people import stores_of
from tests.service.test_rules import cancellation, pickup_code, released
from tests.support.invariants import hold_at_rest
from tests.support.town import Town


@pytest.fixture
def at(shared_town: Town) -> Iterator[Town]:
    shared_town.follows = True
    yield shared_town
    shared_town.settle()
    hold_at_rest(shared_town)


@dataclass
class OnTheRoad:
    """One parcel with its courier, and everybody who hears of it."""

    town: Town
    journey: Journey
    store: Any
    supply: Supply
    delivery_id: str

    @property
    def path(self) -> str:
        return f"/deliveries/{self.delivery_id}"

    def courier(self, step: str, **body: Any) -> dict[str, Any]:
        session = self.town.cast.courier(self.town.world.carrier_near(self.store)).session
        return dict(session.command("dispatch", f"{self.path}/{step}", body or None).body)

    def pharmacy(self, person: str, step: str, **body: Any) -> dict[str, Any]:
        session = getattr(self.town.cast.pharmacy(self.store), person)
        return dict(session.command("dispatch", f"{self.path}/{step}", body or None).body)

    def back(self, *, seal_intact: bool = True) -> list[int]:
        packs = [number for number, _ in enumerate(self.supply.shown["lines"][0]["trace_codes"], 1)]
        self.pharmacy("checker", "return-arrived", seal_intact=seal_intact, packs=packs)
        return packs

    def inspect(self, verdict: str, *, seal_intact: bool = True) -> None:
        reason = None if verdict == "restocked" else "inspection"
        packs = self.back(seal_intact=seal_intact)
        verdicts = [{"pack": pack, "verdict": verdict, "reason": reason} for pack in packs]
        self.pharmacy("quality", "inspect", verdicts=verdicts)

    @property
    def claim(self) -> str:
        (claim,) = self.town.cast.patient(self.journey.admitted.patient_ref).claims(self.supply.supply_id)
        return str(claim["state"])

    @property
    def buckets(self) -> dict[str, int]:
        """As prescribe knows them, of line 1; those that are something."""
        shown = self.town.cast.prescriber(self.journey.doctor).prescription(self.journey.prescription_id)
        return {name: amount for name, amount in shown["lines"][0]["buckets"].items() if amount}

    @property
    def on_hand(self) -> int:
        product = self.supply.shown["lines"][0]["product"]
        found = [row for row in self.town.cast.pharmacy(self.store).stock() if row["product"] == product]
        return int(found[0]["on_hand"])


@pytest.fixture
def road(at: Town) -> OnTheRoad:
    journey = released(at)
    while at.world.product[journey.product_of(1)].drug.cold_chain:  # which takes a logger that was read
        journey = released(at)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store, way="delivery"))
    journey.clear(store, supply)
    pharmacy, carrier = at.cast.pharmacy(store), at.world.carrier_near(store)
    contact = {"name": "某", "phone": "13912345678", "address": "某路"}
    delivery_id = pharmacy.arrange_delivery(supply, carrier.code, contact)
    pharmacy.pack(delivery_id, "SEAL", "LOGGER")
    pharmacy.hand_over(delivery_id, b"courier")
    parcel = OnTheRoad(at, journey, store, supply, delivery_id)
    parcel.courier("in-transit")
    return parcel


def quantity(road: OnTheRoad) -> int:
    return int(road.supply.shown["lines"][0]["quantity"])


def test_delivered_the_claim_settles_and_the_prescription_is_completed(road: OnTheRoad) -> None:
    road.courier("arrive")
    code = pickup_code(road.town, road.journey, road.supply)
    road.courier("deliver", proof_sha256="ab" * 32, code=code, identity_checked=True)

    road.journey.wait_for_settlement()
    assert road.buckets == {"in_hands": quantity(road)}


@pytest.mark.parametrize("verdict", ["restocked", "quarantined", "destroyed"])
def test_back_and_looked_at_the_claim_is_voided_and_the_quantity_is_free(road: OnTheRoad, verdict: str) -> None:
    before = road.on_hand
    road.courier("arrive")
    road.courier("refuse")
    assert road.claim == "authorised(cleared)"

    road.inspect(verdict, seal_intact=verdict == "restocked")

    assert road.claim == "voided"
    assert road.buckets == {"remaining": quantity(road)}
    assert road.on_hand == before + (quantity(road) if verdict == "restocked" else 0)


def test_lost_the_claim_is_voided_and_the_quantity_is_free(road: OnTheRoad) -> None:
    before = road.on_hand

    road.courier("report-lost")

    assert (road.claim, road.buckets, road.on_hand) == ("voided", {"remaining": quantity(road)}, before)


def test_cancelled_on_the_road_it_is_called_back_and_ends_cancelled(road: OnTheRoad) -> None:
    road.journey.cancel()
    assert cancellation(road.town, road.journey)["answer"] == "awaiting_return"

    road.inspect("destroyed", seal_intact=False)

    assert cancellation(road.town, road.journey)["answer"] == "cancelled"
    assert (road.claim, road.buckets) == ("voided", {"cancelled": quantity(road)})
    assert road.journey.status() == "cancelled"


def test_cancelled_on_the_road_and_lost_it_ends_cancelled_too(road: OnTheRoad) -> None:
    road.journey.cancel()

    road.courier("report-lost")

    assert cancellation(road.town, road.journey)["answer"] == "cancelled"
    assert (road.claim, road.journey.status()) == ("voided", "cancelled")
