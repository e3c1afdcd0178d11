"""A town in which things have happened: one prescription fetched, one on the road, one being prepared, one in review,
one that nobody has in stock; with everybody's tokens at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import orjson

from rxflow.client import Hold, Supply
from rxflow.play.journey import Journey
from rxflow.simulation.writing import a_journey, stores_of
from services.insurance.domain.audit.case import audit_id_of
from tests.support.town import Town


@dataclass
class Story:
    """One prescription, how far it came, and the names of what is around it."""

    journey: Journey
    ids: dict[str, Any] = field(default_factory=dict)
    hold: Hold | None = None
    supply: Supply | None = None
    picked: list[dict[str, Any]] = field(default_factory=list)


class Played:
    """The stories of a town, and who is who in them."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.stage = town.stage
        self._flag_what_is_insured()
        self.fetched = self._fetched(a_journey(town, 0))
        self.on_the_road = self._on_the_road(a_journey(town, 6))
        self.prepared = self._prepared(a_journey(town, 12))
        self.reviewed = self._in_review(a_journey(town, 18))
        self.short = self._short(a_journey(town, 24))
        town.settle()

    def _flag_what_is_insured(self) -> None:
        """A rule of the audit that every insured claim meets, so that there are cases; it only hints."""
        check = {"kind": "visit", "allowed": ["nowhere"]}
        named = {"id": "ANY", "grade": "hint", "about": "patient", "says": "任何", "source": "test"}
        content = {"version": "any-1", "rules": [{**named, "check": check}]}
        entry = {"code": "cn", "content": content, "valid_from": "2020-01-01"}
        assert not any(self.town.cast.administrator().record("insurance", "audit_rules", [entry]))

    def store(self, story: Story) -> Any:
        return stores_of(self.town, story.journey)[0]

    def pharmacy(self, story: Story) -> Any:
        return self.town.cast.pharmacy(self.store(story))

    def other_pharmacy(self, story: Story) -> Any:
        """Another one of the same place."""
        return self.town.cast.pharmacy(stores_of(self.town, story.journey)[1])

    def carrier(self, story: Story) -> Any:
        return self.town.world.carrier_near(self.store(story))

    def other_carrier(self, story: Story) -> Any:
        return next(each for each in self.town.world.carriers if each.code != self.carrier(story).code)

    def patient(self, story: Story) -> Any:
        return self.town.cast.patient(story.journey.admitted.patient_ref)

    def stranger(self) -> Any:
        """A patient who has nothing to do with any of it."""
        return self.town.cast.patient(uuid4())

    def other_doctor(self, story: Story) -> Any:
        hospital = self.town.world.hospital_of(story.journey.doctor)
        return next(each for each in hospital.doctors if each.code != story.journey.doctor.code)

    def other_reviewer(self, story: Story) -> Any:
        """Of another hospital."""
        doctor = next(d for d in self.town.world.doctors if d.organisation != story.journey.doctor.organisation)
        return self.town.cast.reviewer_of(doctor)

    def pass_of(self, story: Story, person: Any, **changes: Any) -> str:
        """The signed pass of a case."""
        reviewer, _ = self.town.cast.reviewer_of(story.journey.doctor)
        case = reviewer.case(str(story.ids["id"]))
        signed = {"case_id": case["case_id"], "revision": case["revision"], "signed_sha256": case["signed_sha256"]}
        return str(person.key.sign(orjson.dumps({**signed, "comments": [], **changes})))

    def _released(self, journey: Journey) -> Story:
        journey.issue()
        story = Story(journey, {"prescription_id": journey.prescription_id})
        reviewer, _ = self.town.cast.reviewer_of(journey.doctor)
        story.ids |= {"id": reviewer.case_of(journey.prescription_id)["case_id"]}  # type: ignore[index]
        journey.pass_review()
        story.ids |= {"patient_ref": journey.admitted.patient_ref, "fulfilment_id": journey.wait_for_fulfilment()}
        return story

    def _held(self, journey: Journey, way: Any = "counter") -> Story:
        story = self._released(journey)
        story.hold = journey.hold(self.store(story), way=way)
        story.ids |= {"hold_id": story.hold.hold_id}
        return story

    def _dispensed(self, journey: Journey, way: Any = "counter") -> Story:
        story = self._held(journey, way)
        store = self.store(story)
        story.supply = journey.dispense(store, story.hold)  # type: ignore[arg-type]
        journey.clear(store, story.supply)
        claim = self.patient(story).claims(story.supply.supply_id)[0]["claim_id"]
        payments = self.patient(story).payments(claim)
        story.ids |= {"supply_id": story.supply.supply_id, "claim_id": claim, "payment_id": payments[0]["payment_id"]}
        story.ids |= {"audit_id": str(audit_id_of(UUID(str(story.supply.supply_id))))}
        return story

    def _fetched(self, journey: Journey) -> Story:
        story = self._dispensed(journey)
        journey.collect(self.store(story), story.supply)  # type: ignore[arg-type]
        journey.wait_for_settlement()
        self._advised(story)
        wish = {"url": "https://insurer.example/hooks", "kinds": ["settlement.settled"]}
        officer = self.town.cast.insurer(journey.admitted.patient.insurer).session
        story.ids |= {"endpoint_id": officer.command("insurance", "/settlement-webhooks", wish).body["endpoint_id"]}
        reviewer, _ = self.town.cast.reviewer_of(journey.doctor)
        reviewer.session.command("review", f"/consultations/{story.ids['advice_id']}/answer", {"answer": "可以"})
        reviewer.session.command("review", f"/medication-reviews/{story.ids['review_id']}/close", {})
        return story

    def _advised(self, story: Story) -> None:
        """The patient has asked, and a pharmacist looks at all that they take."""
        about = str(story.journey.prescription_id)
        reviewer, _ = self.town.cast.reviewer_of(story.journey.doctor)
        asking = {"prescriptions": [about], "question": "可以一起吃吗"}
        asked = self.patient(story).session.command("review", "/consultations", asking)
        opened = reviewer.session.command("review", "/medication-reviews", {"prescription_id": about})
        story.ids |= {"advice_id": asked.body["advice_id"], "review_id": opened.body["advice_id"]}

    def _on_the_road(self, journey: Journey) -> Story:
        story = self._dispensed(journey, "delivery")
        contact = {"name": "收件人某", "phone": "13912345678", "address": "某路1号"}
        delivery_id = self.pharmacy(story).arrange_delivery(story.supply, self.carrier(story).code, contact)
        self.pharmacy(story).pack(delivery_id, "SEAL-1", "LOGGER-1")
        self.pharmacy(story).hand_over(delivery_id, b"courier")
        story.ids |= {"delivery_id": delivery_id}
        self._advised(story)
        return story

    def _prepared(self, journey: Journey) -> Story:
        story = self._held(journey)
        self.pharmacy(story).pass_review(story.hold)
        for line in story.hold.shown["lines"]:  # type: ignore[union-attr]
            packs = self.stage.take_packs(self.store(story), line["product"], line["quantity"])
            story.picked += [{"line": line["line"], **pack} for pack in packs]
        story.supply = self.pharmacy(story).prepare(story.hold, story.picked)
        story.ids |= {"supply_id": story.supply.supply_id}
        return story

    def _in_review(self, journey: Journey) -> Story:
        journey.issue()
        case = journey.take_case()
        return Story(journey, {"prescription_id": journey.prescription_id, "id": case["case_id"]})

    def _short(self, journey: Journey) -> Story:
        story = self._released(journey)
        for store in stores_of(self.town, journey)[:3]:
            self.town.cast.pharmacy(store).release(journey.hold(store), "out_of_stock")
        region = journey.admitted.patient.region[:2] + "0000"
        case = next(iter(self.town.cast.regulator(region).shortages(region=region)))
        wish = {"url": "https://authority.example/hooks", "kinds": ["shortage.new"]}
        opened = self.town.cast.regulator(region).session.command("shortage", "/shortage-webhooks", wish)
        story.ids |= {"id": case["case_id"], "endpoint_id": opened.body["endpoint_id"]}
        return story
