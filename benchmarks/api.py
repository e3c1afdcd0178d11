"""The api of prescribe against plain endpoints that insert one row: issue (signature check and sealing included) and a
follow-up command. Known patients, tokens met before; 16 connections; one process each, as many requests per slice."""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import bare_api
from benchmarks.installations import Served, api, installation, process, until_it_answers
from benchmarks.load_generator import Generator, Load, generator, post
from benchmarks.measuring import Figure, interleaved, percentile
from contracts.registers import SigningKey
from rxflow.play.cast import Cast
from rxflow.world import Draft, Patient, Person, everyday_products, prescription_for, registration_of
from services.seedwork.model import PersonalClass
from services.seedwork.signing import verify_compact
from services.seedwork.signing.algorithms import ALGORITHMS
from services.seedwork.store.sealing import Place, seal
from tests.support import servers

REQUESTS = 500
"""In one slice."""
SLICES = 7
GATE = 0.6
"""What an issue lacks of it, and why: `docs/adr/0015-what-an-issue-may-cost.md`."""
CPU_GATE = 4.0
REPEATS = 500
JSON = {"Content-Type": "application/json"}


@dataclass
class Prescribing:
    """The people of the world as far as prescribe knows them, and what they have written."""

    cast: Cast
    patients: list[tuple[Patient, uuid.UUID]]
    issuing: list[tuple[uuid.UUID, Person]] = field(default_factory=list)
    written: list[tuple[uuid.UUID, Person]] = field(default_factory=list)

    @classmethod
    def on(cls, cast: Cast) -> Prescribing:
        """Registers loaded, patients registered."""
        administrator = cast.administrator()
        for kind in ("institution", "drug", "person"):
            refused = [each for each in administrator.record("prescribe", kind, _entries(cast, kind)) if each]
            if refused:
                raise RuntimeError(refused[0])
        registered = [
            (patient, administrator.register_patient(registration_of(patient))) for patient in cast.world.patients
        ]
        return cls(cast, registered)

    def drafts(self, count: int) -> Iterator[tuple[Draft, Person]]:
        """New prescriptions: the world's patients and doctors in turn, those who sign with ES256; what SM2 takes is a
        figure of its own."""
        products = everyday_products(self.cast.world)
        doctors = [doctor for doctor in self.cast.world.doctors if doctor.key.public_jwk["crv"] == "P-256"]
        for number in range(count):
            patient, patient_ref = self.patients[number % len(self.patients)]
            doctor = doctors[number % len(doctors)]
            draft = prescription_for(
                self.cast.world,
                patient,
                doctor,
                prescription_id=uuid.uuid4(),
                patient_ref=patient_ref,
                products=(products[number % len(products)],),
            )
            yield draft, doctor

    def token(self, doctor: Person) -> str:
        return f"Bearer {self.cast.prescriber(doctor).session.token}"

    def issues(self, count: int) -> list[bytes]:
        """Requests to issue."""
        requests = []
        self.issuing = []
        for draft, doctor in self.drafts(count):
            headers = {"Authorization": self.token(doctor), "Idempotency-Key": uuid.uuid4().hex}
            body = draft.jws.encode()
            requests.append(post("/prescriptions", body, {**headers, "Content-Type": "application/jose"}))
            self.issuing.append((draft.prescription_id, doctor))
        return requests

    def issued(self, load: Load) -> None:
        """What of the last requests was issued can be cancelled."""
        self.written += [each for number, each in enumerate(self.issuing) if number not in load.shed]

    def cancellations(self, count: int) -> list[bytes]:
        """Requests to cancel what was issued before."""
        requests = []
        for prescription_id, doctor in [self.written.pop() for _ in range(min(count, len(self.written)))]:
            headers = {"Authorization": self.token(doctor), "Idempotency-Key": uuid.uuid4().hex}
            requests.append(post(f"/prescriptions/{prescription_id}/cancellations", _cancel(), {**headers, **JSON}))
        return requests

    def bare_issues(self, count: int) -> list[bytes]:
        return [post("/prescriptions", draft.body, JSON) for draft, _ in self.drafts(count)]

    def bare_cancellations(self, count: int) -> list[bytes]:
        return [post(f"/prescriptions/{uuid.uuid4()}/cancellations", _cancel(), JSON) for _ in range(count)]


def _entries(cast: Cast, kind: str) -> list[dict[str, Any]]:
    return [entry.as_json() for entry in cast.world.entries(kind)]


def _cancel() -> bytes:
    return orjson.dumps({"request_id": str(uuid.uuid4()), "reason_code": "wrong_drug", "urgent": False})


@contextmanager
def bare() -> Iterator[Served]:
    """The plain endpoints in a process of their own."""
    with servers.database("rxflow_bench") as url:
        port = servers.free_port()
        arguments = ["-m", "uvicorn", "benchmarks.bare_api:app", "--port", str(port), "--no-access-log"]
        with process([*arguments, "--log-level", "warning"], {**os.environ, bare_api.DATABASE_URL: url}) as child:
            until_it_answers(f"http://127.0.0.1:{port}/")
            yield Served(port, child.pid, urlsplit(url).path.lstrip("/"))


class Counter:
    """One api under load: what it was sent, and what became of it."""

    def __init__(self, sender: Generator, served: Served) -> None:
        self._sender, self._served = sender, served
        self.loads: dict[str, list[Load]] = defaultdict(list)
        self.cpu_ms: dict[str, list[float]] = defaultdict(list)
        """Of one request, slice by slice: the api and its PostgreSQL backends."""

    def send(self, name: str, requests: Sequence[bytes], status: int) -> float:
        """The rate at which these were answered."""
        before = self._served.cpu_seconds()
        load = self._sender.send(self._served.port, requests)
        self.cpu_ms[name].append((self._served.cpu_seconds() - before) * 1000 / len(requests))
        self.loads[name].append(load)
        return load.rate(status)

    def note(self, name: str) -> str:
        """How long the callers waited, and how many were told to come again."""
        latencies = [each for load in self.loads[name] for each in load.latencies_ms]
        shed = sum(len(load.shed) for load in self.loads[name])
        return f"p50/p99 {percentile(latencies, 0.5):.0f}/{percentile(latencies, 0.99):.0f} ms, {shed} shed"


class PrescribingCounter(Counter):
    """An api of prescribe with its own installation and people."""

    def __init__(self, running: ExitStack, sender: Generator, module: str) -> None:
        installed = running.enter_context(installation(["prescribe"]))
        served = running.enter_context(api(installed, "prescribe", module))
        super().__init__(sender, served)
        self.prescribing = Prescribing.on(running.enter_context(installed.cast({"prescribe": served.port})))

    def issue(self) -> float:
        rate = self.send("issue", self.prescribing.issues(REQUESTS), 201)
        self.prescribing.issued(self.loads["issue"][-1])
        return rate

    def follow_up(self) -> float:
        return self.send("follow-up", self.prescribing.cancellations(REQUESTS), 200)


def endpoint_figures() -> Iterator[Figure]:
    """Issue and follow-up against one insert; what its signature check and sealing cost is quoted apart."""
    with ExitStack() as running:
        sender = running.enter_context(generator())
        plain = Counter(sender, running.enter_context(bare()))
        proven = PrescribingCounter(running, sender, "services.prescribe")
        unproven = PrescribingCounter(running, sender, "benchmarks.unproven_api")
        people = proven.prescribing
        proven.issue()  # so that a follow-up that goes first finds something
        unproven.issue()
        slices = {
            "bare issue": lambda: plain.send("issue", people.bare_issues(REQUESTS), 201),
            "unproven issue": unproven.issue,
            "issue": proven.issue,
            "bare follow-up": lambda: plain.send("follow-up", people.bare_cancellations(REQUESTS), 200),
            "follow-up": proven.follow_up,
        }
        rates = interleaved(slices, SLICES)
    spent, plainly = (each.cpu_ms["issue"][-SLICES:] for each in (proven, plain))
    costs = statistics.median(mine / theirs for mine, theirs in zip(spent, plainly, strict=True))
    note = f"{statistics.median(spent):.2f} and {statistics.median(plainly):.2f} ms"
    yield Figure(
        "CPU of an issue, PostgreSQL's too / of the plain endpoint", costs, CPU_GATE, at_least=False, note=note
    )
    shown = (
        ("issue", "issue", proven.note("issue"), "bare issue", GATE),
        ("unproven issue", "issue less signature check and sealing", unproven.note("issue"), "bare issue", None),
        ("follow-up", "follow-up", proven.note("follow-up"), "bare follow-up", GATE),
    )
    for name, told, note, against, gate in shown:
        all_noted = f"{rates.note(name, against)}, {note}"
        yield Figure(f"{told} / plain one-insert endpoint", rates.ratio(name, against), gate, note=all_noted)


def part_figures() -> Iterator[Figure]:
    """What an issue spends on its signature check and on sealing, by itself."""
    with installation([]) as installed, installed.cast({}) as cast:
        doctors, patient = cast.world.hospitals[0].doctors, cast.world.patients[0]
        drafts = [
            prescription_for(cast.world, patient, doctor, prescription_id=uuid.uuid4(), patient_ref=uuid.uuid4())
            for doctor in doctors
        ]
    today = datetime.now(UTC).date()
    by_algorithm = {ALGORITHMS[draft.signer.public_jwk["crv"]]: draft for draft in drafts}
    for algorithm, draft in sorted(by_algorithm.items()):
        pair = draft.signer
        key = SigningKey(kid=pair.kid, jwk=pair.public_jwk, valid_from=date.min, valid_until=date.max)
        check = partial(verify_compact, draft.jws, (key,), today)
        yield Figure(f"signature check of an issue, {algorithm}", _each_ms(check), unit="ms")

    draft = drafts[0]
    patient_ref = uuid.uuid4()
    place, personal = Place(uuid.uuid4(), 1, "bench"), {"diagnoses": PersonalClass.CLINICAL}
    keys = {(patient_ref, PersonalClass.CLINICAL): AESGCM(bytes(32))}

    def sealed() -> None:
        seal({"diagnoses": draft.payload["diagnoses"]}, personal, patient_ref, place, keys, os.urandom)

    yield Figure("sealing of one personal field", _each_ms(sealed), unit="ms")


def _each_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of this thread."""
    work()
    started = time.thread_time()
    for _ in range(REPEATS):
        work()
    return (time.thread_time() - started) / REPEATS * 1000


def figures() -> Iterator[Figure]:
    yield from endpoint_figures()
    yield from part_figures()
