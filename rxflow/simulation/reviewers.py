"""A prescription under review: pharmacists who take, pass, return and refuse it, or want to without being allowed, and
its doctor who amends it or signs again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rxflow.client import Problem
from rxflow.simulation.doing import Doing
from rxflow.world import Person, signing_again

SENSIBLE = 0.5
OUT_OF_TURN = 0.3
"""Share of decisions by whoever else is there, not by whose turn it is."""
STEPS_MAX = 8
PASSED = "已与医师核实"
RETURNED = "2-8"
REFUSED = "3-1"
Deed = Callable[[], object]


@dataclass
class Reviewing(Doing):
    """Every act may be refused. `see_through` does what is right until somebody has decided."""

    def act(self) -> bool:
        """Somebody does something; whether there is anything to do yet."""
        under_review = True

        def choose() -> Deed:
            nonlocal under_review
            shown = self._shown()
            under_review = shown["status"] in {"issued", "returned"}
            case = self._case() if shown["status"] == "issued" else None
            if self.town.random.random() < SENSIBLE:
                return self._right(shown, case) or self._look
            return self.town.random.choice(list(self._anything(shown, case)))

        self.attempt(choose)
        return under_review

    def see_through(self) -> None:
        """Until it is decided, or nothing more can be done. Raises Problem, NoAnswer or TimedOut."""
        for _ in range(STEPS_MAX):
            shown, case = self.town.cast.wait_until(self._next, "something to decide")
            deed = self._right(shown, case)
            if deed is None:
                return
            deed()

    def _next(self) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
        """The prescription and its open case; None while what was decided last is on its way."""
        shown = self._shown()
        case = self._case() if shown["status"] == "issued" else None
        return None if shown["status"] == "issued" and case is None else (shown, case)

    # -- what there is

    def _shown(self) -> dict[str, Any]:
        return self.town.cast.prescriber(self.journey.doctor).prescription(self.journey.prescription_id)

    def _case(self) -> dict[str, Any] | None:
        """The open case in the queue of the own hospital."""
        found = self.town.cast.reviewer(self._own[0]).case_of(self.journey.prescription_id)
        return found and self.town.cast.reviewer(self._own[0]).case(found["case_id"])

    def _look(self) -> None:
        """Nothing can be done yet."""

    @property
    def _own(self) -> tuple[Person, ...]:
        """Two pharmacists; the second one is their supervisor."""
        return self.town.world.hospital_of(self.journey.doctor).reviewers

    def _anybody(self) -> Person:
        """Of the hospital, of one that reviews for it or does not, or the doctor in person."""
        doctor = self.journey.doctor
        strangers = [person for each in self.town.world.hospitals for person in each.reviewers]
        others = self.town.world.hospital_of(doctor).doctors
        return self.town.random.choice([*2 * self._own, self.town.random.choice(strangers), *3 * [doctor], *others])

    # -- what is done

    def _right(self, shown: dict[str, Any], case: dict[str, Any] | None) -> Deed | None:
        """What somebody may do who knows the rules; mostly it leads on."""
        if shown["status"] == "returned":
            return self._signed_again(shown)
        if case is None:
            return None
        by_name = {person.code: person for person in self._own}
        who = self.town.random.choice(self._own)
        if case["state"] == "taken":
            holder = by_name.get(case["holder"])
            if holder is None:
                return lambda: self._take_over(self._own[1], case)
            decider = who if self.town.random.random() < OUT_OF_TURN else holder
            return lambda: self._decide(decider, case)
        if case["state"] == "second_wanted":
            return lambda: self._decide(who, case)
        if self.town.random.random() < 0.3 and not case["findings"]:
            return lambda: self._batch(who, case)
        return lambda: self._take(who, case)

    def _anything(self, shown: dict[str, Any], case: dict[str, Any] | None) -> Iterator[Deed]:
        """Whoever it is, whatever state it is in."""
        if case is None:
            yield lambda: self._amend(shown)
            yield lambda: self._confirm(shown)
            return
        steps = [self._take, self._put_back, self._take_over, self._batch]
        for step in [self._take, *steps, *2 * [self._pass, self._return], self._refuse]:
            yield lambda step=step: step(self._anybody(), case)  # type: ignore[misc]

    def _decide(self, person: Person, case: dict[str, Any]) -> None:
        chance = self.town.random.random()
        serious = any(each["severity"] == "serious" and not each["confirmed"] for each in case["findings"])
        if chance < (0.6 if serious else 0.1) and case["revision"] + case["confirmation_no"] < 3:
            self._return(person, case)
        elif chance > 0.97:
            self._refuse(person, case)
        else:
            self._pass(person, case)

    def _take(self, person: Person, case: dict[str, Any]) -> None:
        self.town.cast.reviewer(person).take(case["case_id"])

    def _pass(self, person: Person, case: dict[str, Any]) -> None:
        self.town.cast.reviewer(person).pass_case(case["case_id"], signing_again.passed(person, case, PASSED))

    def _batch(self, person: Person, case: dict[str, Any]) -> None:
        """The answer says that it was refused; nothing is raised."""
        self.town.cast.reviewer(person).pass_batch([signing_again.passed(person, case, PASSED)])

    def _return(self, person: Person, case: dict[str, Any]) -> None:
        confirmable = self.town.random.random() < 0.8
        finding = {"code": RETURNED, "lines": [1], "confirmable": confirmable}
        self.town.cast.reviewer(person).return_case(case["case_id"], [finding], "请核对")

    def _refuse(self, person: Person, case: dict[str, Any]) -> None:
        self.town.cast.reviewer(person).refuse(case["case_id"], [REFUSED], "无适应证")

    def _put_back(self, person: Person, case: dict[str, Any]) -> None:
        self.town.cast.reviewer(person).put_back(case["case_id"])

    def _take_over(self, person: Person, case: dict[str, Any]) -> None:
        self.town.cast.reviewer(person).take_over(case["case_id"])

    # -- the doctor

    def _signed_again(self, shown: dict[str, Any]) -> Deed:
        if all(each["confirmable"] for each in shown["findings"] if each["severity"] in {"serious", "blocking"}):
            return lambda: self._confirm(shown)
        return lambda: self._amend(shown)

    def _confirm(self, shown: dict[str, Any]) -> None:
        if not shown["findings"]:
            raise Problem("nothing.found", 404)
        jws = signing_again.confirmation(self.journey.doctor, shown, "病情需要, 已告知患者")
        self.town.cast.prescriber(self.journey.doctor).confirm(self.journey.prescription_id, jws)

    def _amend(self, shown: dict[str, Any]) -> None:
        """The first line alone, once more."""
        lines = self.journey.draft.payload["lines"][:1]
        amended = self.journey.draft.amended(shown["revision"] + 1, lines=lines)
        self.town.cast.prescriber(self.journey.doctor).amend(self.journey.prescription_id, amended.jws)
        self.journey.draft = amended
