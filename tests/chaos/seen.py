"""What the public APIs answer at the end, put together per prescription and per shelf."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson

from rxflow.client import NoAnswer, Problem
from rxflow.play.cast import Cast
from tests.chaos.notes import Accepted
from tests.chaos.stories import Told

THREADS = 6
Shelf = tuple[str, str]
"""pharmacy, product"""


@dataclass
class Seen:
    """One prescription in the eyes of its doctor and its patient. `trouble`: what could not be read."""

    prescription_id: str
    ended: str
    begun_at: float
    prescription: Mapping[str, Any] = field(default_factory=dict)
    fulfilments: Sequence[Mapping[str, Any]] = ()
    claims: Sequence[Mapping[str, Any]] = ()
    """Each as its patient reads it, with its `payments`."""
    trace: Sequence[Mapping[str, Any]] = ()
    trouble: str = ""

    @property
    def supplies(self) -> list[Mapping[str, Any]]:
        return [supply for fulfilment in self.fulfilments for supply in fulfilment["supplies"]]


@dataclass
class Picture:
    """All of it. `received`: base units by shelf, as accepted receipts say; `stock`: as pharmacies' lists say."""

    prescriptions: Sequence[Seen]
    received: Mapping[Shelf, int]
    stock: Mapping[Shelf, Mapping[str, Any]]
    balances: Mapping[str, int]
    """By insurer."""


def look(cast: Cast, told: Iterable[Told], accepted: Iterable[Accepted], progress: Callable[[int], None]) -> Picture:
    """Asks everybody for what he may see."""
    issued = [each for each in told if each.journey is not None and each.step != "issuing"]
    seen: list[Seen] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for number, one in enumerate(pool.map(lambda each: _see(cast, each), issued), start=1):
            seen.append(one)
            if number % 200 == 0:
                progress(number)
    received = received_by_shelf(accepted)
    stock = {
        (code, row["product"]): row
        for code in sorted({pharmacy for pharmacy, _ in received})
        for row in cast.pharmacy(cast.world.store[code]).stock()
    }
    balances = {each.code: cast.insurer(each.code).trial_balance()["balance"] for each in cast.world.authorities}
    return Picture(seen, received, stock, balances)


def received_by_shelf(accepted: Iterable[Accepted]) -> Counter[Shelf]:
    """Goods that were booked in, each intent once."""
    received: Counter[Shelf] = Counter()
    known: set[tuple[str, str]] = set()
    for each in accepted:
        if each.sent.path == "/stock/receipts" and (each.sent.key, each.sent.path) not in known:
            known.add((each.sent.key, each.sent.path))
            body = orjson.loads(each.sent.content)
            received[_organisation(each), body["product"]] += body["quantity"]
    return received


def _organisation(accepted: Accepted) -> str:
    """Whose token it was."""
    claims = accepted.sent.headers["authorization"].split(".")[1]
    return str(orjson.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["org"])


def _see(cast: Cast, told: Told) -> Seen:
    assert told.journey is not None
    journey = told.journey
    seen = Seen(str(journey.prescription_id), told.ended, told.begun_at)
    doctor, patient = cast.prescriber(journey.doctor), cast.patient(journey.admitted.patient_ref)
    try:
        seen.prescription = doctor.prescription(journey.prescription_id)
        seen.trace = doctor.trace(journey.prescription_id)
        seen.fulfilments = patient.fulfilments(journey.prescription_id)
        seen.claims = [
            {**patient.session.read("insurance", f"/claims/{row['claim_id']}"), **_payments(patient, row)}
            for supply in seen.supplies
            for row in patient.claims(supply["supply_id"])
        ]
    except (Problem, NoAnswer) as error:
        seen.trouble = str(error)
    return seen


def _payments(patient: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"payments": patient.payments(row["claim_id"])}
