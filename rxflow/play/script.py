"""Thirty prescriptions, each played to its end: most of them collected, some with a story of their own.

26 are settled (one amended after a return, one filled at two pharmacies and one delivered among them), one is refused,
one cancelled while it is held. One is out of stock at three pharmacies, which opens a shortage case, and one is never
fetched: when all others have ended the clock moves on, and these two expire.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import uuid4

from rxflow.client import TimedOut, wait_until
from rxflow.client.transport import Service
from rxflow.play.journey import Journey
from rxflow.play.stage import Stage
from rxflow.world import Patient, Person, Product, Store, everyday_products, line_for, prescription_for
from rxflow.world.prescribing import LONG_SUPPLY_REASON

EXPECTED: Mapping[str, int] = {"settled": 26, "refused": 1, "cancelled while held": 1, "expired": 2}
STORIES = ("amended", "split", "delivered", "refused", "cancelled", "out_of_stock", "never_fetched")
PRESCRIPTIONS = 30
AT_ONCE = 4
"""Prescriptions played at the same time."""
VALIDITY_DAYS = 3
CLOCK_MOVES_SECONDS = 4 * 24 * 3600
SHORTAGE_PHARMACIES = 3
TWO_PACKS = 2
TRACED_LAST = frozenset({"insurance.claim_settled.v1", "dispatch.fulfilment_closed.v1"})
VAGUE_REASON = "备用"
"""A reason for a longer supply that no reviewer accepts."""


@dataclass(frozen=True)
class Scene:
    """One prescription of the play: who, for whom, where, and how it goes."""

    number: int
    story: str
    patient: Patient
    doctor: Person
    products: tuple[Product, ...]
    stores: tuple[Store, ...]


@dataclass
class Report:
    """How the play went. `failures`: what did not go as written, by scene."""

    ended: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    shortage: dict[str, Any] | None = None
    traced: str = ""
    trace: list[dict[str, Any]] = field(default_factory=list)

    @property
    def as_written(self) -> bool:
        return not self.failures and self.shortage is not None and dict(self.ended) == dict(EXPECTED)


Told = Callable[[Scene, str], None]
"""`told(scene, what)`: progress, from any of the threads"""


def scenes(stage: Stage, count: int = PRESCRIPTIONS, stories: Iterable[str] = STORIES) -> tuple[Scene, ...]:
    """The play's scenes: the stories first, because one of them waits for nobody; then ordinary ones."""
    world = stage.world
    named = list(stories)
    two_packs = next(product for product in everyday_products(world) if product.drug.generic_name == "阿莫西林")
    written = []
    for number in range(count):
        story = named[number] if number < len(named) else "collected"
        patient = world.patients[number]
        hospital = next(each for each in world.hospitals if each.institution.region == patient.region)
        everyday = everyday_products(world, patient)
        first = everyday[number * 5 % len(everyday)]
        second = everyday[(number * 5 + 17) % len(everyday)]
        alone = story != "collected" or number % 4 or second.drug.drug_key == first.drug.drug_key
        stores = world.stores_in(patient.region)
        written.append(
            Scene(
                number=number + 1,
                story=story,
                patient=patient,
                doctor=hospital.doctors[number % len(hospital.doctors)],
                products=(two_packs,) if story == "split" else (first,) if alone else (first, second),
                stores=stores[number % len(stores) :] + stores[: number % len(stores)],
            )
        )
    return tuple(written)


class Play:
    """Plays the scenes in one installation."""

    def __init__(self, stage: Stage, told: Told = lambda _scene, _what: None) -> None:
        self.stage = stage
        self.told = told
        self.report = Report()
        self._waiting: list[tuple[Scene, Journey]] = []

    def run(self, written: Iterable[Scene], *, at_once: int = AT_ONCE) -> Report:
        """All scenes; then the clock moves on and what was never fetched expires."""
        played = tuple(written)
        with ThreadPoolExecutor(at_once) as pool:
            for scene, outcome in zip(played, pool.map(self._attempt, played), strict=True):
                self._note(scene, outcome)
        if self._waiting:
            self._let_expire()
        return self.report

    def _attempt(self, scene: Scene) -> str | Exception:
        try:
            return self._play(scene)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is told at the end, the others go on
            return error

    def _play(self, scene: Scene) -> str:
        journey = self._written(scene)
        journey.issue()
        self.told(scene, "issued")
        match scene.story:
            case "refused":
                journey.refuse("3-1", "无适应证用药")
                journey.wait_for_status("refused")
                return "refused"
            case "amended":
                journey.return_to_doctor("1-12", "超过7日用量, 未注明可接受的理由")
                lines = [line_for(1, scene.products[0])]
                journey.amend(journey.draft.amended(2, lines=lines, long_supply_reason=None))
        journey.pass_review()
        self.told(scene, "passed")
        journey.wait_for_fulfilment()
        return self._at_the_pharmacy(scene, journey)

    def _at_the_pharmacy(self, scene: Scene, journey: Journey) -> str:
        store = scene.stores[0]
        match scene.story:
            case "never_fetched":
                self._waiting.append((scene, journey))
                return ""
            case "out_of_stock":
                self._find_nothing(scene, journey)
                return ""
            case "cancelled":
                journey.hold(store)
                journey.cancel()
                journey.wait_for_status("cancelled")
                return "cancelled while held"
            case "delivered":
                self._fill(scene, journey, store, way="delivery")
                journey.wait_for_settlement()
                self._remember(journey)
            case "split":
                self._fill(scene, journey, store, less=scene.products[0].drug.pack_size)
                self._fill(scene, journey, scene.stores[1])
            case _:
                self._fill(scene, journey, store)
        journey.wait_for_settlement()
        return "settled"

    def _fill(self, scene: Scene, journey: Journey, store: Store, *, way: Any = "counter", less: int = 0) -> None:
        supply = journey.dispense(store, journey.hold(store, way=way), less=less)
        self.told(scene, "dispensed")
        journey.clear(store, supply)
        self.told(scene, "cleared")
        if way == "delivery":
            journey.deliver(store, self.stage.world.carrier_near(store), supply)
        else:
            journey.collect(store, supply)
        self.told(scene, "in the patient's hands")

    def _remember(self, journey: Journey) -> None:
        """What happened to it, up to its settlement, as its doctor may see it."""
        doctor = self.stage.cast.prescriber(journey.doctor)

        def whole() -> list[dict[str, Any]] | None:
            events = doctor.trace(journey.prescription_id)
            return events if {event["type"] for event in events} >= TRACED_LAST else None

        self.report.trace = wait_until(whole, "the whole trace")
        self.report.traced = str(journey.prescription_id)

    def _find_nothing(self, scene: Scene, journey: Journey) -> None:
        """The books say there is some, the shelves are empty: three pharmacies give the hold back."""
        for store in scene.stores[:SHORTAGE_PHARMACIES]:
            hold = journey.hold(store)
            self.stage.cast.pharmacy(store).release(hold, "out_of_stock")
            self.told(scene, f"out of stock at {store.pharmacy.name}")
        province = f"{scene.patient.region[:2]}0000"
        drug_key = scene.products[0].drug.drug_key
        authority = self.stage.cast.regulator(province)

        def confirmed() -> dict[str, Any] | None:
            cases = authority.shortages(region=province, drug_key=drug_key)
            return next((case for case in cases if case["state"] == "confirmed"), None)

        self.report.shortage = wait_until(confirmed, "a confirmed shortage case")
        self._waiting.append((scene, journey))

    def _let_expire(self) -> None:
        administrator = self.stage.cast.administrator()
        for service in get_args(Service):
            administrator.move_clock(service, CLOCK_MOVES_SECONDS)
        for scene, journey in self._waiting:
            try:
                journey.wait_for_status("expired")
                self._note(scene, "expired")
            except TimedOut as error:
                self._note(scene, error)

    def _note(self, scene: Scene, outcome: str | Exception) -> None:
        if isinstance(outcome, Exception):
            self.report.failures.append(f"{scene.number} ({scene.story}): {outcome}")
            self.told(scene, f"failed: {outcome}")
        elif outcome:
            self.report.ended[outcome] += 1
            self.told(scene, outcome)
        else:
            self.told(scene, "waits")

    def _written(self, scene: Scene) -> Journey:
        admitted = self.stage.admit(scene.patient)
        lines = [line_for(number, product) for number, product in enumerate(scene.products, start=1)]
        if scene.story == "split":
            lines = [line_for(1, scene.products[0], dose=TWO_PACKS * scene.products[0].regimen.dose)]
        if scene.story == "amended":
            lines = [line_for(1, scene.products[0], days=2 * scene.products[0].regimen.days)]
        draft = prescription_for(
            self.stage.world,
            scene.patient,
            scene.doctor,
            prescription_id=uuid4(),
            patient_ref=admitted.patient_ref,
            lines=lines,
            validity_days=VALIDITY_DAYS,
            long_supply_reason=VAGUE_REASON if scene.story == "amended" else LONG_SUPPLY_REASON,
        )
        return Journey(self.stage, scene.doctor, admitted, draft)
