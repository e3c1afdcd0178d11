"""How a parcel ends, over HTTP and through all five services: what it means for stock, trace codes, claim and
prescription. Every exit of the delivery's table is here, by who brings it about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from rxflow.client import Problem, Supply
from rxflow.play.journey import Journey
from rxflow.simulation.people import stores_of
from tests.service.test_insulin import insulin
from tests.service.test_rules import cancellation, collector, pickup_code, released
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

    @property
    def codes(self) -> set[str]:
        """How the trace codes of its packs stand in the registry over all pharmacies."""
        session = self.town.cast.pharmacy(self.store).pharmacist
        scanned = self.supply.shown["lines"][0]["trace_codes"]
        return {str(session.read("dispatch", "/trace-codes", code=code)["status"]) for code in scanned}

    @property
    def irregular(self) -> dict[str, list[list[str]]]:
        """What was out of turn with it, as the lists of its pharmacy and of its courier show it, who has to say why."""
        courier = self.town.cast.courier(self.town.world.carrier_near(self.store)).session
        sessions = {"pharmacy": self.town.cast.pharmacy(self.store).checker, "courier": courier}
        lists = {who: session.read("dispatch", "/irregularities")["items"] for who, session in sessions.items()}
        supply_id = str(self.supply.supply_id)
        return {
            who: [row["irregularities"] for row in rows if row["supply_id"] == supply_id] for who, rows in lists.items()
        }

    @property
    def status(self) -> str:
        return str(self.town.cast.pharmacy(self.store).pharmacist.read("dispatch", self.path)["status"])


@pytest.fixture
def road(at: Town) -> OnTheRoad:
    return sent(at)


def packed(at: Town, **how: Any) -> OnTheRoad:
    """Dispensed, cleared, and in a sealed parcel that is still in the pharmacy."""
    journey = released(at, **how)
    while at.world.product[journey.product_of(1)].drug.cold_chain:  # which takes a logger that was read
        journey = released(at, **how)
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store, way="delivery"))
    journey.clear(store, supply)
    pharmacy, carrier = at.cast.pharmacy(store), at.world.carrier_near(store)
    contact = {"name": "某", "phone": "13912345678", "address": "某路"}
    delivery_id = pharmacy.arrange_delivery(supply, carrier.code, contact)
    pharmacy.pack(delivery_id, "SEAL", "LOGGER")
    return OnTheRoad(at, journey, store, supply, delivery_id)


def sent(at: Town, **how: Any) -> OnTheRoad:
    parcel = packed(at, **how)
    at.cast.pharmacy(parcel.store).hand_over(parcel.delivery_id, b"courier")
    parcel.courier("in-transit")
    return parcel


def quantity(road: OnTheRoad) -> int:
    return int(road.supply.shown["lines"][0]["quantity"])


def test_delivered_the_claim_settles_and_the_prescription_is_completed(road: OnTheRoad) -> None:
    road.courier("arrive")
    code = pickup_code(road.town, road.journey, road.supply)
    road.courier("deliver", proof_sha256="ab" * 32, code=code, identity_checked=True)

    road.journey.wait_for_settlement()
    assert (road.status, road.buckets, road.codes) == ("delivered", {"in_hands": quantity(road)}, {"sold"})
    assert road.journey.status() == "completed"


@pytest.mark.parametrize(
    ("verdict", "code_is"), [("restocked", "free"), ("quarantined", "locked"), ("destroyed", "spent")]
)
def test_back_and_looked_at_the_claim_is_voided_and_the_quantity_is_free(
    road: OnTheRoad, verdict: str, code_is: str
) -> None:
    before = road.on_hand
    road.courier("arrive")
    road.courier("refuse")
    assert road.claim == "authorised(cleared)"

    road.inspect(verdict, seal_intact=verdict == "restocked")

    assert road.claim == "voided"
    assert road.buckets == {"remaining": quantity(road)}
    assert road.on_hand == before + (quantity(road) if verdict == "restocked" else 0)
    assert (road.status, road.codes) == (verdict, {code_is})


@pytest.mark.parametrize(("to", "code_is"), [("restocked", "free"), ("destroyed", "spent")])
def test_what_quarantine_decides_later_moves_goods_and_codes_but_neither_money_nor_quantity(
    road: OnTheRoad, to: str, code_is: str
) -> None:
    before = road.on_hand
    road.courier("arrive")
    road.courier("refuse")
    road.inspect("quarantined", seal_intact=False)
    decided = (road.claim, road.buckets)

    road.pharmacy("quality", "quarantine", to=to, reason="looked at again")

    assert (road.claim, road.buckets) == decided == ("voided", {"remaining": quantity(road)})
    assert road.on_hand == before + (quantity(road) if to == "restocked" else 0)
    assert (road.status, road.codes) == (to, {code_is})


def test_after_the_last_attempt_it_comes_back_by_itself_and_is_sold_again(road: OnTheRoad) -> None:
    before = road.on_hand
    for again in (True, True, False):
        road.courier("arrive")
        road.courier("fail-attempt", reason="nobody_there")
        if again:
            road.courier("in-transit")
    assert (road.status, road.claim) == ("returning", "authorised(cleared)")

    road.inspect("restocked")

    assert (road.claim, road.buckets, road.codes) == ("voided", {"remaining": quantity(road)}, {"free"})
    assert road.on_hand == before + quantity(road)


def test_without_a_word_for_days_it_is_lost_and_a_later_report_changes_nothing(road: OnTheRoad) -> None:
    before = road.on_hand
    road.town.move_clock(timedelta(days=7, hours=1))
    road.town.settle()

    assert (road.status, road.claim, road.codes, road.on_hand) == ("lost", "voided", {"spent"}, before)
    assert road.buckets in ({"remaining": quantity(road)}, {"replaceable": quantity(road)})
    with pytest.raises(Problem, match=r"delivery\.wrong_state"):
        road.courier("in-transit")
    assert (road.status, road.claim, road.codes) == ("lost", "voided", {"spent"})


def test_found_again_it_is_never_sold_and_money_and_quantity_stay_as_they_were(road: OnTheRoad) -> None:
    before = road.on_hand
    road.courier("report-lost")
    packs = [number for number, _ in enumerate(road.supply.shown["lines"][0]["trace_codes"], 1)]
    road.pharmacy("checker", "found", seal_intact=True, packs=packs)

    with pytest.raises(Problem, match=r"delivery\.not_restockable"):
        road.pharmacy(
            "quality", "inspect", verdicts=[{"pack": pack, "verdict": "restocked", "reason": None} for pack in packs]
        )
    verdicts = [{"pack": pack, "verdict": "destroyed", "reason": "was lost"} for pack in packs]
    road.pharmacy("quality", "inspect", verdicts=verdicts)

    assert (road.claim, road.buckets, road.on_hand) == ("voided", {"remaining": quantity(road)}, before)
    assert (road.status, road.codes) == ("destroyed", {"spent"})


def test_called_off_before_the_courier_has_it_the_supply_waits_at_the_counter(at: Town) -> None:
    road = packed(at)
    before = road.on_hand

    road.pharmacy("pharmacist", "cancel", reason="patient_wish")

    assert (road.status, road.claim, road.codes) == ("cancelled", "authorised(cleared)", {"sold"})
    assert (road.buckets, road.on_hand) == ({"dispensed": quantity(road)}, before)
    code = pickup_code(at, road.journey, road.supply)
    at.cast.pharmacy(road.store).hand_out(road.supply, code, collector(road.journey))
    road.journey.wait_for_settlement()
    assert road.buckets == {"in_hands": quantity(road)}


def test_cancelled_in_its_parcel_in_the_pharmacy_it_is_undone_at_once(at: Town) -> None:
    road = packed(at)
    before = road.on_hand

    road.journey.cancel()

    assert cancellation(at, road.journey)["answer"] == "cancelled"
    assert (road.status, road.claim, road.codes) == ("cancelled", "voided", {"free"})
    assert (road.buckets, road.on_hand) == ({"cancelled": quantity(road)}, before + quantity(road))


def test_its_lot_recalled_it_is_called_back_and_destroyed(road: OnTheRoad) -> None:
    line = road.supply.shown["lines"][0]
    authority = road.town.cast.regulator(road.journey.admitted.patient.region[:2] + "0000").session
    body = {"recall_id": str(road.town.new_id()), "product": line["product"], "lots": [line["lot"]]}
    body |= {"recall_class": "1", "reason": "contamination", "instruction": "do not take it"}
    authority.command("dispatch", "/recalls", body)
    for _ in range(10):  # it works itself off step by step
        road.town.move_clock(timedelta(minutes=1))
        road.town.settle()
    assert (road.status, road.claim) == ("returning", "authorised(cleared)")

    with pytest.raises(Problem, match=r"stock\.lot_recalled|delivery\.not_restockable"):
        road.inspect("restocked")
    packs = [number for number, _ in enumerate(line["trace_codes"], 1)]
    verdicts = [{"pack": pack, "verdict": "destroyed", "reason": "recalled"} for pack in packs]
    road.pharmacy("quality", "inspect", verdicts=verdicts)

    assert (road.claim, road.buckets, road.codes) == ("voided", {"remaining": quantity(road)}, {"spent"})


def test_lost_the_claim_is_voided_and_the_quantity_is_free(road: OnTheRoad) -> None:
    before = road.on_hand

    road.courier("report-lost")

    assert (road.claim, road.buckets, road.on_hand) == ("voided", {"remaining": quantity(road)}, before)
    assert (road.status, road.codes) == ("lost", {"spent"})


def test_accepted_in_part_the_claim_is_billed_anew_for_what_the_patient_kept(at: Town) -> None:
    road = sent(at, lines=2)
    (supply,) = road.town.cast.pharmacy(road.store).fulfilment(road.supply.hold.fulfilment_id)["supplies"]
    first, second = supply["lines"]
    road.courier("arrive")
    code = pickup_code(road.town, road.journey, road.supply)
    road.courier("deliver", proof_sha256="ab" * 32, code=code, identity_checked=True, rejected_lines=[second["line"]])
    kept = len(first["trace_codes"])
    back = [kept + number for number, _ in enumerate(second["trace_codes"], 1)]
    road.pharmacy("checker", "return-arrived", seal_intact=False, packs=back)

    road.pharmacy("quality", "inspect", verdicts=[{"pack": n, "verdict": "destroyed", "reason": "open"} for n in back])

    patient = road.town.cast.patient(road.journey.admitted.patient_ref)
    again = patient.claims(road.supply.supply_id)[1]
    shares = [(each["amount"], each["status"]) for each in patient.payments(again["claim_id"])]
    due = again["patient_share"]  # what was paid for the first claim counts here, and the rest went back
    assert shares == ([(due, "paid")] if due else [])
    claims = patient.claims(road.supply.supply_id)
    assert [(claim["attempt"], claim["state"]) for claim in claims] == [(1, "voided"), (2, "settled")]
    assert claims[1]["total"] == first["amount"]
    shown = road.town.cast.prescriber(road.journey.doctor).prescription(road.journey.prescription_id)["lines"]
    assert [(row["buckets"]["in_hands"], row["buckets"]["remaining"]) for row in shown] == [
        (first["quantity"], 0),
        (0, second["quantity"]),
    ]
    pharmacist = road.town.cast.pharmacy(road.store).pharmacist
    codes = (first["trace_codes"][0], second["trace_codes"][0])
    assert [pharmacist.read("dispatch", "/trace-codes", code=code)["status"] for code in codes] == ["sold", "spent"]


def test_too_warm_before_the_courier_has_it_it_is_set_apart_and_undone_at_once(at: Town) -> None:
    journey = insulin(at)
    journey.issue()
    journey.pass_review()
    store = stores_of(at, journey)[0]
    supply = journey.dispense(store, journey.hold(store, way="delivery"))
    journey.clear(store, supply)
    pharmacy = at.cast.pharmacy(store)
    carrier = next(each for each in at.world.carriers if each.courier.cold_chain)
    delivery_id = pharmacy.arrange_delivery(
        supply, carrier.code, {"name": "某", "phone": "13912345678", "address": "路"}
    )
    pharmacy.pack(delivery_id, "SEAL", "LOGGER")
    parcel, since = OnTheRoad(at, journey, store, supply, delivery_id), at.now()
    at.move_clock(timedelta(hours=1))
    readings = [{"at": (since + timedelta(minutes=n)).isoformat(), "celsius": 11} for n in range(0, 60, 10)]
    parcel.pharmacy("checker", "temperatures", readings=readings)
    with pytest.raises(Problem, match=r"delivery\.excursion_open"):
        pharmacy.hand_over(delivery_id, b"courier")

    parcel.pharmacy("quality", "excursions/1/assess", decision="rejected", reason="11 C for an hour")

    assert (parcel.status, parcel.claim, parcel.codes) == ("quarantined", "voided", {"locked"})
    assert parcel.buckets == {"remaining": quantity(parcel)}
    with pytest.raises(Problem, match=r"delivery\.not_restockable"):
        parcel.pharmacy("quality", "quarantine", to="restocked", reason="it looks good")
    parcel.pharmacy("quality", "quarantine", to="destroyed", reason="rejected")
    assert (parcel.status, parcel.codes) == ("destroyed", {"spent"})


def test_damaged_on_the_road_it_comes_back_and_is_destroyed(road: OnTheRoad) -> None:
    before = road.on_hand
    road.courier("report-damaged")
    assert road.claim == "authorised(cleared)"

    road.inspect("destroyed", seal_intact=False)

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


def test_called_back_by_its_pharmacy_it_comes_back_and_is_sold_again(road: OnTheRoad) -> None:
    before = road.on_hand
    road.pharmacy("pharmacist", "recall", reason="pharmacy_wish")
    assert (road.status, road.claim, road.codes) == ("returning", "authorised(cleared)", {"sold"})
    with pytest.raises(Problem, match=r"delivery\.wrong_state"):
        road.courier("arrive")

    road.inspect("restocked")

    assert (road.claim, road.buckets, road.codes) == ("voided", {"remaining": quantity(road)}, {"free"})
    assert (road.status, road.on_hand) == ("restocked", before + quantity(road))


def test_given_to_the_patient_though_it_was_called_back_it_is_delivered_and_paid(road: OnTheRoad) -> None:
    """A proved delivery always wins; that it was out of turn stands on record."""
    before = road.on_hand
    road.pharmacy("pharmacist", "recall", reason="pharmacy_wish")
    code = pickup_code(road.town, road.journey, road.supply)

    road.courier("deliver", proof_sha256="ab" * 32, code=code, identity_checked=True)

    road.journey.wait_for_settlement()
    assert (road.status, road.buckets, road.codes) == ("delivered", {"in_hands": quantity(road)}, {"sold"})
    assert (road.on_hand, road.journey.status()) == (before, "completed")
    assert road.irregular == {"pharmacy": [], "courier": [["delivery.wrong_state"]]}


def test_back_without_a_word_it_is_counted_looked_at_and_sold_again(road: OnTheRoad) -> None:
    before = road.on_hand
    road.back()
    assert (road.status, road.claim) == ("return_arrived", "authorised(cleared)")
    packs = [number for number, _ in enumerate(road.supply.shown["lines"][0]["trace_codes"], 1)]

    road.pharmacy(
        "quality", "inspect", verdicts=[{"pack": pack, "verdict": "restocked", "reason": None} for pack in packs]
    )

    assert (road.claim, road.buckets, road.codes) == ("voided", {"remaining": quantity(road)}, {"free"})
    assert (road.status, road.on_hand) == ("restocked", before + quantity(road))
    assert road.irregular == {"pharmacy": [["delivery.wrong_state"]], "courier": []}


def test_when_nobody_goes_again_it_comes_back_by_itself(road: OnTheRoad) -> None:
    road.courier("arrive")
    road.courier("fail-attempt", reason="nobody_there")
    for _ in range(6):
        road.town.move_clock(timedelta(days=1))
        road.town.settle()
        if road.status == "returning":
            break
    assert (road.status, road.claim) == ("returning", "authorised(cleared)")

    road.inspect("destroyed", seal_intact=False)

    assert (road.claim, road.codes, road.status) == ("voided", {"spent"}, "destroyed")
