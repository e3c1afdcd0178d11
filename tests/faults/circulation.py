"""Prescriptions in bulk: doctors issue, their hospitals' pharmacists pass or refuse, as fast as the system takes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from contracts.roles import Role
from rxflow.installation import Installation
from rxflow.tokens import tokens_of
from rxflow.world import Hospital, World, build_world, prescription_for, registration_of
from services.seedwork.calendar import ZONE
from tests.faults.callers import Caller, RefusedError, Tally
from tests.support.waiting import eventually

HOSPITALS = 3
PATIENTS = 12
ISSUING_THREADS = 4
REFUSED_EVERY = 10
CODES_OF_REFUSAL = {"codes": ["3-1"], "reason": "无适应证用药"}
PAGE = 200
FORBIDDEN = 403
RESERVE_SECONDS = 800.0


@dataclass
class Circulation:
    """What was written and decided so far, and how to go on. One per installation; the registers are loaded."""

    installation: Installation
    world: World
    patients: Sequence[UUID] = ()
    tally: Tally = field(default_factory=Tally)
    issued: list[UUID] = field(default_factory=list)
    refused: set[UUID] = field(default_factory=set)
    passed: set[UUID] = field(default_factory=set)
    reserved_from: int | None = None
    """From this number on, prescriptions wait for `reserve_freed`: so that there is work left for the last death."""
    reserve_freed: threading.Event = field(default_factory=threading.Event)

    @property
    def hospitals(self) -> Sequence[Hospital]:
        return self.world.hospitals[:HOSPITALS]

    @property
    def decided(self) -> int:
        return len(self.refused) + len(self.passed)

    # -- users

    @contextmanager
    def caller(self, subject: str, role: Role, organisation: str | None = None, **claims: Any) -> Iterator[Caller]:
        token = tokens_of(self.installation)(subject, role, organisation=organisation, **claims)
        caller = Caller(self.installation.addresses, token, self.tally)
        try:
            yield caller
        finally:
            caller.close()

    @contextmanager
    def doctor(self, hospital: Hospital) -> Iterator[Caller]:
        person = hospital.doctors[0]
        with self.caller(person.code, Role.PRESCRIBER, hospital.code, region=person.region) as caller:
            yield caller

    @contextmanager
    def pharmacist(self, hospital: Hospital) -> Iterator[Caller]:
        person = hospital.reviewers[0]
        with self.caller(person.code, Role.REVIEWER, hospital.code, region=person.region) as caller:
            yield caller

    # -- registers

    def load_registers(self) -> None:
        """Those that issuing and reviewing need, and some patients."""
        people = {person.code for hospital in self.hospitals for person in (*hospital.doctors, *hospital.reviewers)}
        with self.caller("administrator", Role.SYSTEM_ADMIN) as administrator:
            for kind in ("institution", "drug", "person"):
                entries = [e.as_json() for e in self.world.entries(kind) if kind != "person" or e.code in people]
                for part in _parts(entries, 90):
                    report = administrator.command("prescribe", f"/registers/{kind}", {"entries": list(part)})
                    assert all(row["result"] != "refused" for row in report["rows"]), report
            self.patients = [
                UUID(administrator.command("prescribe", "/patients", registration_of(patient))["patient_ref"])
                for patient in self.world.patients[:PATIENTS]
            ]

    # -- work

    def issue(self, count: int, threads: int = ISSUING_THREADS) -> list[UUID]:
        """So many more, by several doctors at once; their ids."""
        with ThreadPoolExecutor(threads) as pool:
            shares = [range(each, count, threads) for each in range(threads)]
            parts = [pool.submit(self._issue_all, share) for share in shares]
            return [each for part in parts for each in part.result()]

    def issue_and_review(self, count: int) -> set[UUID]:
        """So many more, each to the end of its review; their ids. Returns when all are decided."""
        with self.reviewing() as reviews:
            issued = set(self.issue(count))

            def all_decided() -> bool:
                for review in reviews:
                    if review.done():
                        review.result()  # its error, where it has one
                return issued <= self.passed | self.refused

            eventually(all_decided, within=400, describe=f"all decided; there are {self.decided} of {count}")
        return issued

    @contextmanager
    def reviewing(self) -> Iterator[list[Future[None]]]:
        """Pharmacists at work while the block runs."""
        ended = threading.Event()
        with ThreadPoolExecutor(len(self.hospitals)) as pool:
            try:
                yield [pool.submit(self._review, hospital, ended) for hospital in self.hospitals]
            finally:
                ended.set()

    def _issue_all(self, numbers: Sequence[int]) -> list[UUID]:
        done = []
        with self._all_doctors() as doctors:
            for number in numbers:
                if self.reserved_from is not None and number >= self.reserved_from:
                    assert self.reserve_freed.wait(RESERVE_SECONDS), "nobody freed the reserve"
                hospital, doctor = doctors[number % len(doctors)]
                done.append(self._issue(hospital, doctor, number))
        return done

    @contextmanager
    def _all_doctors(self) -> Iterator[list[tuple[Hospital, Caller]]]:
        with ExitStack() as stack:
            yield [(each, stack.enter_context(self.doctor(each))) for each in self.hospitals]

    def _issue(self, hospital: Hospital, doctor: Caller, number: int) -> UUID:
        place = number % len(self.patients)
        draft = prescription_for(
            self.world,
            self.world.patients[place],
            hospital.doctors[0],
            prescription_id=uuid4(),
            patient_ref=self.patients[place],
        )
        doctor.command("prescribe", "/prescriptions", draft.jws)
        self.issued.append(draft.prescription_id)
        return draft.prescription_id

    def _review(self, hospital: Hospital, ended: threading.Event) -> None:
        seen: set[str] = set()
        with self.pharmacist(hospital) as pharmacist:
            while not ended.is_set():
                queue = pharmacist.read("review", "/cases", limit=PAGE)["items"]
                new = [case for case in queue if case["case_id"] not in seen]
                for case in new:
                    if ended.is_set():
                        return
                    try:
                        self._decide(hospital, pharmacist, case)
                    except RefusedError as refused:
                        if refused.status != FORBIDDEN:
                            raise
                        # licences come from another service: who has just joined may have its cases before them
                        ended.wait(0.2)
                        break
                    seen.add(case["case_id"])
                if not new:
                    ended.wait(0.05)

    def _decide(self, hospital: Hospital, pharmacist: Caller, listed: dict[str, Any]) -> None:
        path, prescription_id = f"/cases/{listed['case_id']}", UUID(listed["prescription_id"])
        pharmacist.command("review", f"{path}/take")
        if prescription_id.int % REFUSED_EVERY == 0:
            pharmacist.command("review", f"{path}/refuse", CODES_OF_REFUSAL)
            self.refused.add(prescription_id)
            return
        case = pharmacist.read("review", path)
        signed = {
            "case_id": case["case_id"],
            "revision": case["revision"],
            "signed_sha256": case["signed_sha256"],
            "comments": [
                {"finding": finding["number"], "comment": "已与医师核实"}
                for finding in case["findings"]
                if finding["severity"] == "serious"
            ],
        }
        pharmacist.command("review", f"{path}/pass", hospital.reviewers[0].key.sign(orjson.dumps(signed)))
        self.passed.add(prescription_id)

    # -- what became of them, by the public APIs

    def statuses(self) -> list[tuple[UUID, str]]:
        """Every prescription as its doctor's list shows it, as often as it shows it."""
        found = []
        for hospital in self.hospitals:
            with self.doctor(hospital) as doctor:
                cursor: dict[str, str] = {}
                while True:
                    page = doctor.read("prescribe", "/prescriptions", limit=PAGE, **cursor)
                    found += [(UUID(item["prescription_id"]), item["status"]) for item in page["items"]]
                    if page.get("next") is None:
                        break
                    cursor = {"cursor": page["next"]}
        return found

    def traces(self) -> dict[UUID, list[str]]:
        """What every prescription's trace tells, in order."""

        def of(part: Sequence[UUID]) -> dict[UUID, list[str]]:
            with self.caller("authority", Role.REGULATOR, region="330000") as regulator:
                return {
                    each: [
                        event["type"] for event in regulator.read("prescribe", f"/prescriptions/{each}/trace")["events"]
                    ]
                    for each in part
                }

        with ThreadPoolExecutor(ISSUING_THREADS) as pool:
            parts = pool.map(of, [self.issued[first::ISSUING_THREADS] for first in range(ISSUING_THREADS)])
            return {each: types for part in parts for each, types in part.items()}


def circulation_in(installation: Installation) -> Circulation:
    """With the registers loaded; they may still be on their way to the others."""
    circulation = Circulation(installation, build_world(as_of=datetime.now(ZONE).date()))
    circulation.load_registers()
    return circulation


def _parts(entries: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(entries), size):
        yield entries[first : first + size]
