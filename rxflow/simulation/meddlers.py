"""Who goes on with what is somebody else's: another pharmacy, another patient, another doctor. All must be refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rxflow.client import Hold, Problem, Supply
from rxflow.simulation.prescribers import Desk
from rxflow.simulation.writing import Town
from rxflow.world import Store

SELDOM = 0.7
MustBeRefused = Callable[[str, Callable[[], object]], None]


@dataclass
class Meddler:
    """Around one prescription, by what its people have so far."""

    town: Town
    desk: Desk
    holds: Sequence[tuple[Store, Hold]]
    supplies: Sequence[tuple[Store, Supply]]
    must_be_refused: MustBeRefused

    def deeds(self) -> list[Callable[[], object]]:
        deeds: list[Callable[[], object]] = [self.cancel_others]
        if self.holds:
            deeds += [self.take_others_hold]
        if self.supplies:
            deeds += [self.take_others_supply, self.give_up_others]
        return deeds

    def take_others_hold(self) -> None:
        """By its secret, from another counter."""
        store, hold = self.town.random.choice(list(self.holds))
        pharmacy = self.town.cast.pharmacy(self._another(store))
        deed = self.town.random.choice((pharmacy.pass_review, lambda it: pharmacy.release(it, "mistake")))
        self.must_be_refused(f"hold {hold.hold_id} goes on at another pharmacy", lambda: deed(hold))

    def take_others_supply(self) -> None:
        """Checked, or handed out for the right code, by another pharmacy."""
        store, supply = self.town.random.choice(list(self.supplies))
        pharmacy = self.town.cast.pharmacy(self._another(store))
        if self.town.random.random() < 0.5:
            self.must_be_refused(f"supply {supply.supply_id} checked elsewhere", lambda: pharmacy.check(supply))
            return
        person = self.desk.journey.admitted.patient
        collector = {"name": person.name, "identity_no": person.identity_number}
        code = self._code_of(supply)
        what = f"supply {supply.supply_id} handed out elsewhere"
        self.must_be_refused(what, lambda: pharmacy.hand_out(supply, code, collector))

    def give_up_others(self) -> None:
        """By a patient whose supply it is not, who also wants to see its code."""
        _, supply = self.town.random.choice(list(self.supplies))
        stranger = self.town.cast.patient(self.town.new_id())
        deed = self.town.random.choice((stranger.give_up, lambda it: stranger.token(it.hold.fulfilment_id)))
        self.must_be_refused(f"supply {supply.supply_id} is another patient's", lambda: deed(supply))

    def cancel_others(self) -> None:
        """By a doctor of another hospital, now and then, of a prescription that has arrived: before, any word is
        kept."""
        if self.town.random.random() < SELDOM:
            return
        journey = self.desk.journey
        self.desk.shown()
        own = self.town.world.hospital_of(journey.doctor)
        others = [each for each in self.town.world.hospitals if each is not own]
        doctor = self.town.cast.prescriber(self.town.random.choice(self.town.random.choice(others).doctors))
        request_id = self.town.new_id()
        self.must_be_refused(
            f"prescription {journey.prescription_id} cancelled by another hospital's doctor",
            lambda: doctor.cancel(journey.prescription_id, "wrong_drug", request_id=request_id),
        )

    def _code_of(self, supply: Supply) -> str:
        """The right one, as its patient sees it. Raises Problem where there is none yet."""
        patient = self.town.cast.patient(self.desk.journey.admitted.patient_ref)
        shown = patient.session.read("dispatch", f"/fulfilments/{supply.hold.fulfilment_id}/token")
        codes = {pickup["supply_id"]: pickup["code"] for pickup in shown["pickup_codes"]}
        if supply.supply_id not in codes:
            raise Problem("not.yet", 404)
        return str(codes[supply.supply_id])

    def _another(self, store: Store) -> Store:
        region = self.desk.journey.admitted.patient.region
        return self.town.random.choice([each for each in self.town.world.stores_in(region) if each is not store])
