"""How a prescription goes under load: the stories, how often each is told, and whom it is told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import Any
from uuid import UUID, uuid4

from rxflow.client import Supply
from rxflow.play.journey import Journey
from rxflow.play.stage import Admitted, Stage
from rxflow.world import Patient, Person, Product, Store, everyday_products, line_for, prescription_for
from rxflow.world.identity import identity_number
from rxflow.world.prescribing import LONG_SUPPLY_REASON

STORIES: Mapping[str, int] = {
    "collected": 50,
    "delivered": 12,
    "split": 6,
    "amended": 6,
    "refused": 6,
    "released": 6,
    "cancelled while held": 5,
    "cancelled at once": 4,
    "given up": 4,
    "never fetched": 1,
}
"""How often, of a hundred."""
VALIDITY_DAYS = 3
VAGUE_REASON = "备用"
"""A reason for a longer supply that no reviewer accepts."""
SHELF_PACKS = 4
"""Packs that one prescription may take; the shelf of a product in a pharmacy holds at least six."""


@dataclass(frozen=True)
class Plan:
    """One prescription to be: who, for whom, where, and how it goes."""

    number: int
    story: str
    patient: Patient
    doctor: Person
    product: Product
    stores: tuple[Store, ...]


@dataclass
class Told:
    """A prescription as it went. `ended`: the story's end; otherwise `stopped` says what was in its way."""

    plan: Plan
    journey: Journey | None = None
    begun_at: float = 0.0
    ended_at: float | None = None
    ended: str = ""
    stopped: str = ""
    step: str = "admitted"
    holds: list[str] = field(default_factory=list)

    @property
    def prescription_id(self) -> UUID | None:
        return self.journey.prescription_id if self.journey else None


class Author:
    """Writes plans without end, each of another patient; all of one seed are equal."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._random = Random(seed)
        self._numbers = count()
        self._identities: set[str] = {patient.identity_number for patient in stage.world.patients}

    def next_plan(self) -> Plan:
        number, world = next(self._numbers), self._stage.world
        story = self._random.choices(list(STORIES), weights=list(STORIES.values()))[0]
        patient = self._patient(number)
        hospital = next(each for each in world.hospitals if each.institution.region == patient.region)
        stores = world.stores_in(patient.region)
        regions = len(world.regions)
        first = number // regions % len(stores)
        products = everyday_products(world, patient)
        product = products[number // (regions * len(stores)) % len(products)]
        return Plan(
            number=number,
            story=story,
            patient=patient,
            doctor=hospital.doctors[number % len(hospital.doctors)],
            product=product,
            stores=stores[first:] + stores[:first],
        )

    def _patient(self, number: int) -> Patient:
        """Like one of the world's, and nobody yet."""
        like = self._stage.world.patients[number % len(self._stage.world.patients)]
        while True:
            identity, born = identity_number(self._random, like.region, like.sex, serial=self._random.randrange(2))
            if identity not in self._identities:
                self._identities.add(identity)
                return replace(like, number=number, identity_number=identity, born=born, allergies=())


class Teller:
    """Lets the people of a stage play one plan; in a thread of its own, to whatever end."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def tell(self, told: Told) -> None:
        """Raises what the clients raise; `told` says how far it came."""
        journey = told.journey = self._written(told.plan)
        told.step = "issuing"
        journey.issue()
        told.step = "issued"
        if self._before_review(told, journey):
            return
        journey.pass_review()
        told.step = "passed"
        journey.wait_for_fulfilment()
        told.step = "fetchable"
        self._at_the_pharmacy(told, journey)

    def _before_review(self, told: Told, journey: Journey) -> bool:
        """Whether that was all."""
        match told.plan.story:
            case "refused":
                journey.refuse("3-1", "无适应证用药")
                journey.wait_for_status("refused")
                told.ended = "refused"
            case "cancelled at once":
                journey.cancel()
                journey.wait_for_status("cancelled")
                told.ended = "cancelled"
            case "amended":
                journey.return_to_doctor("1-12", "超过7日用量, 未注明可接受的理由")
                journey.amend(journey.draft.amended(2, lines=[line_for(1, told.plan.product)], long_supply_reason=None))
        return bool(told.ended)

    def _at_the_pharmacy(self, told: Told, journey: Journey) -> None:
        plan, store = told.plan, told.plan.stores[0]
        match plan.story:
            case "never fetched":
                told.ended = "waits for its patient"
                return
            case "cancelled while held":
                journey.hold(store)
                journey.cancel()
                journey.wait_for_status("cancelled")
                told.ended = "cancelled"
                return
            case "given up":
                supply = journey.dispense(store, journey.hold(store))
                told.step = "dispensed"
                self._stage.cast.patient(journey.admitted.patient_ref).give_up(supply)
                journey.cancel()
                journey.wait_for_status("cancelled")
                told.ended = "given up and cancelled"
                return
            case "released":
                self._stage.cast.pharmacy(store).release(journey.hold(store), "out_of_stock")
                self._fill(told, journey, plan.stores[1])
            case "delivered":
                self._fill(told, journey, store, way="delivery")
            case "split":
                self._fill(told, journey, store, less=plan.product.drug.pack_size)
                self._fill(told, journey, plan.stores[1])
            case _:
                self._fill(told, journey, store)
        journey.wait_for_settlement()
        told.ended = "settled"

    def _fill(self, told: Told, journey: Journey, store: Store, *, way: Any = "counter", less: int = 0) -> None:
        supply: Supply = journey.dispense(store, journey.hold(store, way=way), less=less)
        told.step = "dispensed"
        journey.clear(store, supply)
        told.step = "cleared"
        if way == "delivery":
            journey.deliver(store, self._stage.world.carrier_near(store), supply)
        else:
            journey.collect(store, supply)
        told.step = "in the patient's hands"

    def _written(self, plan: Plan) -> Journey:
        admitted: Admitted = self._stage.admit(plan.patient)
        lines: Sequence[Mapping[str, Any]] = [line_for(1, plan.product)]
        if plan.story == "split":
            lines = [line_for(1, plan.product, dose=2 * plan.product.regimen.dose)]
        if plan.story == "amended":
            lines = [line_for(1, plan.product, days=2 * plan.product.regimen.days)]
        draft = prescription_for(
            self._stage.world,
            plan.patient,
            plan.doctor,
            prescription_id=uuid4(),
            patient_ref=admitted.patient_ref,
            lines=lines,
            validity_days=VALIDITY_DAYS,
            long_supply_reason=VAGUE_REASON if plan.story == "amended" else LONG_SUPPLY_REASON,
        )
        return Journey(self._stage, plan.doctor, admitted, draft)
