"""What doctors, their institution and the patient do about a released prescription: right, wrong or out of turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rxflow.client import Prescriber, Problem
from rxflow.play.journey import Journey
from rxflow.simulation.reviewers import Reviewing
from rxflow.simulation.writing import Town, follow_up
from rxflow.world import Person, signing_again

RIGHT = 0.85
"""Share of answers that are signed by the one whose answer they are, over what stands now."""
OTHER_BYTES = "0" * 64


@dataclass
class Desk:
    """The prescriber's side of one prescription; `journey` is the last one that was written."""

    town: Town
    journey: Journey
    followed: list[Journey] = field(default_factory=list)

    def deeds(self) -> list[Callable[[], object]]:
        return [self.answer, self.answer, self.stop, self.acknowledge, self.go_on]

    def shown(self) -> dict[str, Any]:
        return self._doctor(self.journey.doctor).prescription(self.journey.prescription_id)

    def answer(self) -> None:
        """Why a line was blocked, by another signature."""
        shown, doctor = self.shown(), self.journey.doctor
        asked = [each for each in shown["queries"] if not each["answered"]] or shown["queries"]
        if not asked:
            raise Problem("nothing.asked", 404)
        query = self.town.random.choice(asked)
        if self.town.random.random() > RIGHT:
            if self.town.random.random() < 0.5:
                doctor = self.town.random.choice(self.town.world.hospital_of(doctor).doctors)
            else:
                shown = {**shown, "signature": {"sha256": OTHER_BYTES}}
        words = self.town.random.choice(("已核对, 按原处方", "剂量无误"))
        jws = signing_again.answer(doctor, shown, query["block_id"], words)
        self._doctor(doctor).answer(self.journey.prescription_id, jws)

    def stop(self) -> None:
        """The medical office stops a line, or all of them, now and then."""
        if self.town.random.random() < 0.3:
            line = self.town.random.choice(self.journey.draft.payload["lines"])["line"]
            lines = self.town.random.choice(([line], None))
            office = self.town.cast.office_of(self.journey.doctor)
            office.stop(self.journey.prescription_id, "药品安全警示", lines=lines)

    def acknowledge(self) -> None:
        """The patient has read what must not be used any more."""
        for notice in self.shown()["stop_use"]:
            patient = self.town.cast.patient(self.journey.admitted.patient_ref)
            patient.acknowledge_stop_use(self.journey.prescription_id, notice["request_id"])

    def go_on(self) -> None:
        """Once, and not often: renewed or replaced by its doctor, or continued by a family doctor."""
        if self.followed or self.town.random.random() > 0.15:
            return
        link = self.town.random.choice(("renews", "replaces", "extends"))
        doctor, named = self.journey.doctor, {link: str(self.journey.prescription_id)}
        if link == "extends":
            doctor = self.town.random.choice(self.town.world.doctors)
            named["family_contract"] = self._contract(doctor)
        self.followed.append(self.journey)
        written = follow_up(self.town, self.journey, doctor, **named)
        written.issue()
        self.journey = written
        Reviewing(self.town, written).see_through()

    def _contract(self, doctor: Person) -> str:
        """Registered by the administrator, in force at once."""
        code = f"FC{self.town.random.randrange(10**12):012d}"
        content = {"doctor": doctor.code, "patient_ref": str(self.journey.admitted.patient_ref)}
        entry = {"code": code, "content": content, "valid_from": self.town.world.as_of.isoformat()}
        self.town.cast.administrator().record("prescribe", "family_contract", [entry])
        return code

    def _doctor(self, doctor: Person) -> Prescriber:
        return self.town.cast.prescriber(doctor)
