"""Whatever an insurer beyond the network does, and whoever dies meanwhile: at the end its own file of the day and our
books agree, but for exactly what was put in.

The simulated insurer is a process of its own; its file comes from its journal, in which nothing of ours is.
Under the profile nightly it takes RXFLOW_SOAK_SUPPLIES supplies, of insurers in one step and in two.
"""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from rxflow.client import Connection, Problem, Supply
from rxflow.installation import Installation
from rxflow.play.cast import Cast
from rxflow.play.journey import Journey
from rxflow.play.stage import Admitted, Stage
from rxflow.reconcile_cli import close_day
from rxflow.tokens import tokens_of
from rxflow.world import Product, Store, World, build_world, everyday_products, line_for, prescription_for
from services.insurance.adapters.national.money import fen, yuan
from services.insurance.adapters.simulated_insurer.journal import write_day
from services.insurance.domain.payer_items import message_key
from services.seedwork.calendar import ZONE
from tests.faults.insurers import Calendar, FarInsurer, with_rates
from tests.faults.systems import System, rxflow, supervised
from tests.support.waiting import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(1800)]

INSURER = "I330100"
SEED = 20260301
SUPPLIES = 12
NIGHTLY = int(os.environ.get("RXFLOW_SOAK_SUPPLIES", "120"))
ATTEMPTS_MAX = 60
"""Of a request, while whoever should answer it is started again."""
AT_ONCE = 4
PATIENTS = 5
"""So few that their deductibles are used up and the funds have something to pay."""
STRETCHES: Sequence[tuple[Mapping[str, float], Sequence[str]]] = (
    ({"unknown": 0.35, "fail": 0.35}, ["insurer"]),
    ({"bad_signature": 0.6}, ["api", "worker"]),
    ({"refuse": 0.35, "delay": 0.35}, ["insurer"]),
)
"""What goes wrong, and who is killed meanwhile; each takes its share of the supplies."""
MISCOUNTS = {"miscount": 1.0}
"""What nobody notices: a fen more than was answered. The last share of the supplies."""
HEARD_TWICE = {"duplicate": 1.0}
"""What is done while all the others come to rest: it must make no difference."""
SHARES = len(STRETCHES) + 1
INQUIRY = timedelta(minutes=16)
"""A little more than an insurer that has not answered is left alone."""
MOVES_MAX = 50
"""Then the day would be over."""
ENDS = ("settled", "settled", "given_up", "settled", "taken_back")
WAITING = {"quoted", "authorising", "settling", "voiding", "reversing"}
OVER = {"settled", "voided", "reversed"}


@dataclass
class Fate:
    """One supply: what its people want of it, and the credential that they show where there is no standing consent."""

    journey: Journey
    store: Store
    end: str
    credential: str | None
    supply: Supply | None = None
    done: bool = False


@dataclass
class Soak:
    """A town of one insurer."""

    system: System
    insurer: FarInsurer
    stage: Stage
    calendar: Calendar
    fates: list[Fate] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    moves: int = 0
    admitted: list[Admitted] = field(default_factory=list)

    @property
    def officer(self) -> Any:
        return self.stage.cast.insurer(INSURER)

    def patient(self, fate: Fate) -> Any:
        return self.stage.cast.patient(fate.journey.admitted.patient_ref)

    # -- before anything goes wrong

    def admit(self) -> None:
        """Every second patient shows a credential each time, the others have given a standing authorisation."""
        patients = [each for each in self.stage.world.patients if each.insurer == INSURER]
        self.admitted = [self.stage.admit(each) for each in patients[:PATIENTS]]
        for each in self.admitted[::2]:
            session = self.stage.cast.patient(each.patient_ref).session
            session.command("insurance", "/authorisations/withdrawals")

    def hold(self, number: int) -> Fate:
        """A prescription issued, reviewed and prepared: all but the second person's check."""
        world, place = self.stage.world, number % PATIENTS
        admitted = self.admitted[place]
        patient = admitted.patient
        hospital = next(each for each in world.hospitals if each.institution.region == patient.region)
        doctor = hospital.doctors[number % len(hospital.doctors)]
        store = next(each for each in world.stores_in(patient.region) if _designated(world, each))
        dear = sorted(everyday_products(world, patient), key=partial(_price, world, store), reverse=True)
        draft = prescription_for(
            world,
            patient,
            doctor,
            prescription_id=uuid4(),
            patient_ref=admitted.patient_ref,
            lines=[line_for(1, dear[number % len(dear)])],
            validity_days=3,
        )
        journey = Journey(self.stage, doctor, admitted, draft)
        journey.issue()
        journey.pass_review()
        fate = Fate(journey, store, ENDS[number % len(ENDS)], None if place % 2 else f"card-{number:04d}")
        hold = journey.hold(store)
        pharmacy = self.stage.cast.pharmacy(store)
        pharmacy.pass_review(hold)
        picked = []
        for line in hold.shown["lines"]:
            packs = self.stage.take_packs(store, journey.product_of(line["line"]), line["quantity"])
            picked += [{"line": line["line"], **pack} for pack in packs]
        fate.supply = pharmacy.prepare(hold, picked)
        return fate

    # -- while everything does

    def live(self, fates: Sequence[Fate], chances: Mapping[str, float], victims: Sequence[str]) -> None:
        """These are dispensed and claimed while this may go wrong, and somebody dies."""
        self.insurer.may_go_wrong(chances)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            people = [pool.submit(self._first_steps, fate) for fate in fates]
            eventually(lambda: any(each.supply and self.claim(each) for each in fates), within=60)
            for victim in victims:
                self.system.kill(victim)
                self.deaths.append(victim)
            if "insurer" in victims:
                self.insurer.begin(self.calendar.ahead, chances)
            for each in people:
                each.result()

    def _first_steps(self, fate: Fate) -> None:
        assert fate.supply is not None
        self.stage.cast.pharmacy(fate.store).check(fate.supply)
        eventually(lambda: self.claim(fate), within=60, describe="a claim to be opened")
        for _ in range(3):
            self.step(fate)

    def claim(self, fate: Fate) -> dict[str, Any] | None:
        """The attempt that stands for the supply now."""
        assert fate.supply is not None
        claims = self.patient(fate).claims(fate.supply.supply_id)
        return max(claims, key=lambda each: int(each["attempt"]), default=None)

    def step(self, fate: Fate) -> bool:
        """What the people do as the claim stands; False: they wait."""
        claim = self.claim(fate)
        if claim is None or fate.supply is None or fate.done:
            return False
        patient, state = self.patient(fate), claim["state"]
        try:
            match state:
                case "quoted" if fate.credential:
                    body = {"credential": fate.credential}
                    patient.session.command("insurance", f"/claims/{claim['claim_id']}/authorise", body)
                case "authorised":
                    (due,) = [each for each in patient.payments(claim["claim_id"]) if each["status"] == "requested"]
                    patient.pay(due["payment_id"], f"pay-{due['payment_id'][:16]}")
                case "authorised(cleared)" if fate.end == "given_up":
                    patient.give_up(fate.supply)
                case "authorised(cleared)":
                    fate.journey.collect(fate.store, fate.supply)
                case "refused":
                    fate.end = "given_up"
                    patient.give_up(fate.supply)
                case _:
                    fate.done = state in OVER
                    return fate.done
        except (Problem, ValueError):
            return False  # another event has not arrived, or has come first: it is looked at again
        return True

    def state(self, fate: Fate) -> str:
        claim = self.claim(fate)
        return claim["state"] if claim else ""

    def take_back(self, fate: Fate) -> None:
        """After possession, of bad quality: the settled claim is reversed."""
        assert fate.supply is not None
        self.stage.cast.pharmacy(fate.store).take_back(fate.supply, "quality")
        eventually(lambda: self.state(fate) == "reversed", within=60, describe="a claim to be reversed")

    def rest(self, fates: Sequence[Fate], chances: Mapping[str, float]) -> None:
        """Nobody is silent any more; insurance's clock goes on whenever people can only wait."""
        self.insurer.may_go_wrong(chances)
        while open_ := [fate for fate in fates if not fate.done]:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                moved = list(pool.map(self.step, open_))
                waiting = list(pool.map(self._waits_for_the_clock, open_))
            if any(moved) or not all(waiting):
                continue
            self.moves += 1
            assert self.moves < MOVES_MAX, [self.claim(fate) for fate in open_]
            self.calendar.move(INQUIRY)
            before = [self.claim(fate) for fate in open_]
            with suppress(AssertionError):  # whatever was due may have come to the same again
                eventually(lambda before=before: [self.claim(each) for each in open_] != before, within=0.5)  # type: ignore[misc]

    def _waits_for_the_clock(self, fate: Fate) -> bool:
        claim = self.claim(fate)
        return claim is not None and claim["state"] in WAITING and not (claim["state"] == "quoted" and fate.credential)


def _price(world: World, store: Store, product: Product) -> int:
    return world.lots(store.code, product.code)[0].unit_price


def _designated(world: World, store: Store) -> bool:
    return any(entry.code == f"{store.code}-{INSURER}" for entry in world.entries("designation"))


def begun(system: System, connection: Connection, insurer: FarInsurer, steps: str) -> Soak:
    world = build_world(as_of=datetime.now(ZONE).date())
    stage = Stage(Cast(world, connection, tokens_of(system.installation)))
    stage.load_registers()
    assert stage.cast.administrator().record("insurance", "insurer", [insurer.entry(steps)]) == [None]
    return Soak(system, insurer, stage, Calendar.of(stage, insurer))


def soaked(directory: Path, supplies: int, steps: str) -> Soak:
    """What came of it, when all is over; the system has gone down in order."""
    installation = with_rates(Installation.in_directory(directory), 100)
    insurer = FarInsurer.beside(directory, INSURER, SEED)
    children = [*installation.embedded_children(), insurer.child(installation)]
    addresses = installation.addresses
    with supervised(installation, children) as system, Connection(addresses, attempts_max=ATTEMPTS_MAX) as connection:
        system.wait_until_ready()
        soak = begun(system, connection, insurer, steps)
        soak.admit()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            soak.fates = list(pool.map(soak.hold, range(supplies)))
        for number, (chances, victims) in enumerate(STRETCHES):
            soak.live(soak.fates[number::SHARES], chances, victims)
        *_, quiet = shares = [soak.fates[number::SHARES] for number in range(SHARES)]
        soak.rest([fate for share in shares[:-1] for fate in share], HEARD_TWICE)
        soak.live(quiet, MISCOUNTS, [])
        soak.rest(quiet, MISCOUNTS)
        close_by_file(soak)
        close_by_asking(soak)
        assert soak.officer.trial_balance()["balance"] == 0
        return soak


class PutIn(NamedTuple):
    """What somebody has done to the insurer's file: a booking lost, one changed, one that nobody sent."""

    lost: str
    changed: str
    strange: str = "330100-20260302-0007"

    @classmethod
    def to(cls, path: Path, right: Sequence[str]) -> PutIn:
        with path.open(newline="") as file:
            header, *rows = list(csv.reader(file))
        put_in = cls(*random.Random(SEED).sample(sorted(right), 2))
        rows = [row for row in rows if row[0] != put_in.lost]
        changed = next(row for row in rows if row[0] == put_in.changed)
        changed[2] = yuan(fen(changed[2]) + 100)
        rows.append([put_in.strange, "0", "9.99", "9.00", "0.00"])
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return put_in


def close_by_file(soak: Soak) -> None:
    """The day is over: its file, from the insurer's journal and with something put in, against our books."""
    ended = soak.calendar.day
    soak.calendar.move(timedelta(days=1))
    path = soak.insurer.journal.with_suffix(".csv")
    assert write_day(soak.insurer.journal, ended, path) >= len(soak.fates) // 2
    standing = soak.insurer.standing()
    miscounted = {number for number, off in standing.items() if off}
    put_in = PutIn.to(path, [number for number, off in standing.items() if not off])

    day = close_day(soak.officer, path, ended.isoformat())

    assert miscounted, "none was booked otherwise than it was answered"
    expected = {**dict.fromkeys(miscounted, "amount"), put_in.lost: "only_ours", put_in.changed: "amount"}
    strange = str(message_key(put_in.strange))
    assert {each["message_id"]: each["kind"] for each in day["items"]} == {**expected, strange: "unknown"}
    for each in day["items"]:
        kind = {"only_ours": "insurer_books", "amount": "insurer_corrects", "unknown": "insurer_takes_back"}
        soak.officer.answer_difference(ended.isoformat(), each["message_id"], kind[each["kind"]], "told by phone")
    assert soak.officer.reconciliation(ended.isoformat())["how"] == "accepted"


def close_by_asking(soak: Soak) -> None:
    """The day after, some come back; the insurer is asked what it has of that day (3201, 3202)."""
    settled = [fate for fate in soak.fates if fate.end == "taken_back" and soak.state(fate) == "settled"]
    miscounted = {number for number, off in soak.insurer.standing().items() if off}
    for fate in settled:
        soak.take_back(fate)
    wrong = miscounted - soak.insurer.standing().keys()
    ended = soak.calendar.day
    soak.calendar.move(timedelta(days=1))

    printed = rxflow(soak.system.installation, "reconcile", "--insurer", INSURER, "--day", ended.isoformat())

    assert settled
    assert printed.returncode == (1 if wrong else 0), printed.stdout + printed.stderr
    day = soak.officer.reconciliation(ended.isoformat())
    assert (day["ours"]["count"], day["open"]) == (len(settled), len(wrong))


def test_whatever_the_insurer_does_and_whoever_dies_its_file_and_our_books_agree(tmp_path: Path) -> None:
    soak = soaked(tmp_path, SUPPLIES, "one_step")

    assert Counter(soak.deaths) == {"insurer": 2, "api": 1, "worker": 1}


@pytest.mark.nightly
@pytest.mark.parametrize("steps", ["one_step", "two_step"])
def test_for_long(tmp_path: Path, steps: str) -> None:
    soak = soaked(tmp_path, NIGHTLY, steps)

    assert {"insurer", "api", "worker"} <= set(soak.deaths)
