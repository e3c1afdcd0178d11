"""Story D4 of the design: insulin that comes back warm, and what its pharmacy may still do once validity is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from rxflow.client import Problem, Supply
from rxflow.client.retail import Hold
from rxflow.play.journey import Journey
from rxflow.world import Store, line_for, prescription_for
from tests.support.invariants import hold_at_rest
from tests.support.town import Town

GLARGINE = "A10AE04"
PROOF = "ab" * 32
TEN_MINUTES = timedelta(minutes=10)


def insulin(town: Town) -> Journey:
    """One pen for six days, for a resident, who pays a share of it in money. What must stay cold is never long-term."""
    patient = next(each for each in town.world.patients if each.scheme == "390")
    hospital = next(each for each in town.world.hospitals if each.institution.region == patient.region)
    product = next(each for each in town.world.products if each.drug.atc == GLARGINE)
    admitted = town.stage.admit(patient)
    draft = prescription_for(
        town.world,
        patient,
        hospital.doctors[0],
        prescription_id=town.new_id(),
        patient_ref=admitted.patient_ref,
        lines=[line_for(1, product)],
    )
    return Journey(town.stage, hospital.doctors[0], admitted, draft)


@dataclass
class Story:
    """The people of one prescription and what they do."""

    town: Town
    journey: Journey
    store: Store

    @property
    def patient(self) -> Any:
        return self.town.cast.patient(self.journey.admitted.patient_ref)

    @property
    def buckets(self) -> dict[str, int]:
        shown = self.town.cast.prescriber(self.journey.doctor).prescription(self.journey.prescription_id)
        return {name: amount for name, amount in shown["lines"][0]["buckets"].items() if amount}

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the doctor has in the inbox of it, the oldest first."""
        entries = [*self.town.cast.prescriber(self.journey.doctor).feedback()]
        return [each for each in entries if each["prescription_id"] == str(self.journey.prescription_id)][::-1]

    def claim(self, supply: Supply) -> dict[str, Any]:
        (claim,) = self.patient.claims(supply.supply_id)
        return dict(claim)

    def code_is(self, supply: Supply) -> str:
        (code,) = supply.shown["lines"][0]["trace_codes"]
        session = self.town.cast.pharmacy(self.store).pharmacist
        return str(session.read("dispatch", "/trace-codes", code=code)["status"])

    def send(self, supply: Supply) -> Parcel:
        """Packed with a logger, sealed, with a courier who has cold boxes."""
        carrier = next(each for each in self.town.world.carriers if each.courier.cold_chain)
        pharmacy = self.town.cast.pharmacy(self.store)
        contact = {"name": "某", "phone": "13912345678", "address": "某路"}
        delivery_id = pharmacy.arrange_delivery(supply, carrier.code, contact)
        pharmacy.pack(delivery_id, f"SEAL-{delivery_id[:8]}", f"LOGGER-{delivery_id[:8]}")
        pharmacy.hand_over(delivery_id, b"courier")
        return Parcel(self, delivery_id, self.town.cast.courier(carrier).session)


@dataclass
class Parcel:
    """One parcel on its way and back."""

    story: Story
    delivery_id: str
    rider: Any

    def courier(self, step: str, **body: Any) -> dict[str, Any]:
        return dict(self.rider.command("dispatch", f"/deliveries/{self.delivery_id}/{step}", body or None).body)

    def pharmacy(self, person: str, step: str, **body: Any) -> dict[str, Any]:
        session = getattr(self.story.town.cast.pharmacy(self.story.store), person)
        return dict(session.command("dispatch", f"/deliveries/{self.delivery_id}/{step}", body).body)

    def carried(self, celsius: float, hours: int) -> None:
        """The logger reads this for so long, up to now."""
        town = self.story.town
        since = town.now()
        town.move_clock(timedelta(hours=hours))
        readings = [{"at": (since + n * TEN_MINUTES).isoformat(), "celsius": celsius} for n in range(hours * 6)]
        self.courier("temperatures", readings=readings)

    def failed_twice(self) -> None:
        """Two attempts are all that cold goods have."""
        for _ in range(2):
            self.courier("in-transit")
            self.courier("arrive")
            self.courier("fail-attempt", reason="nobody_there")


@pytest.fixture
def story(town: Town) -> Iterator[Story]:
    """Released, held for delivery, and cleared."""
    journey = insulin(town)
    journey.issue()
    journey.pass_review()
    yield Story(town, journey, town.world.stores_in(journey.admitted.patient.region)[0])
    town.settle()
    hold_at_rest(town)


@pytest.fixture
def warm(story: Story) -> Supply:
    """Out twice in vain, three hours at 11 degrees, and back: looked at when the prescription's validity is over."""
    journey, store, town = story.journey, story.store, story.town
    supply = journey.dispense(store, journey.hold(store, way="delivery"))
    journey.clear(store, supply)
    parcel = story.send(supply)
    parcel.carried(5, hours=1)
    parcel.failed_twice()
    shown = town.cast.pharmacy(store).pharmacist.read("dispatch", f"/deliveries/{parcel.delivery_id}")
    assert (shown["status"], shown["return_reason"]) == ("returning", "attempts_used_up")
    parcel.carried(11, hours=3)
    town.move_clock(timedelta(days=1))
    town.settle()
    parcel.pharmacy("checker", "return-arrived", seal_intact=True, packs=[1])
    with pytest.raises(Problem, match=r"delivery\.not_restockable"):
        parcel.pharmacy("quality", "inspect", verdicts=[{"pack": 1, "verdict": "restocked", "reason": None}])
    assert story.claim(supply)["state"] == "authorised(cleared)"

    parcel.pharmacy("quality", "inspect", verdicts=[{"pack": 1, "verdict": "quarantined", "reason": "11 C, 3 h"}])

    assert (story.buckets, story.code_is(supply)) == ({"replaceable": 1}, "locked")
    claim = story.claim(supply)
    assert claim["state"] == "voided"
    assert [each["status"] for each in story.patient.payments(claim["claim_id"])] == ["refunded"]
    parcel.pharmacy("quality", "excursions/1/assess", decision="rejected", reason="温度超限, 按说明书不得使用")
    parcel.pharmacy("quality", "quarantine", to="destroyed", reason="excursion rejected")
    assert story.code_is(supply) == "spent"
    return supply


def replacing(story: Story, lost: Supply, store: Store) -> Hold:
    """The hold that replaces what came back."""
    fulfilment_id = lost.hold.fulfilment_id
    body = {
        "token": story.patient.token(fulfilment_id),
        "way": "delivery",
        "lines": [{"line": 1, "quantity": 1}],
        "replaces": lost.supply_id,
    }
    story.town.stage.stock_up(store, story.journey.product_of(1))
    path = f"/fulfilments/{fulfilment_id}/holds"
    held = story.town.cast.pharmacy(store).pharmacist.command("dispatch", path, body).body
    return Hold(fulfilment_id, held["hold_id"], held["secret"], held)


def test_what_came_back_warm_is_supplied_again_by_the_same_pharmacy(story: Story, warm: Supply) -> None:
    told = [each for each in story.told if each["kind"] != "not_dispensed_in_time"]
    assert [each["kind"] for each in told] == ["delivery_failed", "delivery_failed", "delivery_returning", "undone"]
    assert len(story.told) == len(told) + 1, (
        "the validity was over, before the parcel went out or after: as the clock says"
    )
    assert [each["facts"]["may_retry"] for each in told[:2]] == [True, False]
    elsewhere = story.town.world.stores_in(story.journey.admitted.patient.region)[1]
    with pytest.raises(Problem, match=r"hold\.replaced_elsewhere"):
        replacing(story, warm, elsewhere)

    journey, store = story.journey, story.store
    journey.supplies.clear()
    again = journey.dispense(store, replacing(story, warm, store))
    journey.clear(store, again)
    parcel = story.send(again)
    parcel.courier("in-transit")
    parcel.courier("arrive")
    code = story.patient.pickup_code(again)
    parcel.courier("deliver", proof_sha256=PROOF, code=code, identity_checked=True)

    shown = story.town.cast.pharmacy(store).fulfilment(again.hold.fulfilment_id)["supplies"]
    assert {each["supply_id"]: (each["fill_no"], each["status"]) for each in shown} == {
        warm.supply_id: (1, "undone"),
        again.supply_id: (2, "in_hands"),
    }
    assert again.shown["lines"][0]["trace_codes"] != warm.shown["lines"][0]["trace_codes"]
    journey.wait_for_settlement()
    assert (story.buckets, story.claim(warm)["state"]) == ({"in_hands": 1}, "voided")


def test_a_window_that_is_missed_lapses_with_an_offer_to_renew(story: Story, warm: Supply) -> None:
    story.town.move_clock(timedelta(hours=73))
    story.town.settle()

    assert story.buckets == {"lapsed": 1}
    assert story.journey.status() == "expired"
    last = story.told[-1]
    assert (last["kind"], last["facts"]) == ("not_replaced", {"instalment": 1, "lapsed": 1, "offer": "renew"})
    assert story.claim(warm)["state"] == "voided"
    with pytest.raises(Problem, match=r"token\.used_up"):
        story.patient.token(warm.hold.fulfilment_id)
