"""What a prescriber is shown before signing, asked of its owners: availability near the patient, open shortages, the
patient's share.

Each hint says how old it is. What was shown is named in the signed prescription (`hints_seen`), so that it can be
known later what the prescriber knew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from rxflow.client.transport import Session

SHORTAGES_MAX = 20
"""Of one drug; more are no better reason to choose another one."""


@dataclass(frozen=True)
class Place:
    """Where the patient is: GB/T 2260 division and degrees."""

    region: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Priced:
    """A line as it would be prescribed: base units, base units per pack, fen per pack where the price is known, and the
    days it lasts."""

    product: str
    quantity: int
    pack_size: int
    unit_price: int | None = None
    days: int | None = None

    @property
    def asked(self) -> str:
        price = "" if self.unit_price is None else f":{self.unit_price}"
        return f"{self.product}:{self.quantity}:{self.pack_size}{price}"


@dataclass(frozen=True)
class Said:
    """What the audit is told before signing; what is not said is held against nobody. `diagnoses`: ICD-10."""

    sex: str | None = None
    age_days: int | None = None
    diagnoses: tuple[str, ...] = ()


NOTHING_SAID = Said()


@dataclass(frozen=True)
class Hint:
    """One hint. `facts`: what its owner answered; `seen` is how it stands in the prescription."""

    kind: Literal["availability", "shortage", "patient_share", "payment_rule"]
    id: str
    age_seconds: float
    facts: Mapping[str, Any]

    @property
    def seen(self) -> dict[str, Any]:
        return {"kind": self.kind, "id": self.id, "age_seconds": round(self.age_seconds)}


def hints(session: Session, place: Place, drugs: Mapping[str, str]) -> Iterator[Hint]:
    """Of these products (code -> drug key), at most five, as a prescription has lines."""
    near = session.ask("dispatch", "/pharmacies/near", lat=place.latitude, lon=place.longitude, products=list(drugs))
    yield Hint("availability", f"near:{near.body['as_of']}", near.age_seconds or 0.0, near.body)
    for drug_key in dict.fromkeys(drugs.values()):
        found = session.ask("shortage", "/shortages", region=place.region, drug_key=drug_key, limit=SHORTAGES_MAX)
        for case in found.body["items"]:
            yield Hint("shortage", case["case_id"], found.age_seconds or 0.0, case)


def share_hints(
    session: Session,
    patient_ref: UUID,
    insurance_intent: str,
    lines: Sequence[Priced],
    pharmacy: str | None = None,
    said: Said = NOTHING_SAID,
) -> Iterator[Hint]:
    """The patient's share, each rule that makes it larger (codes of the error catalogue), and what the insurer's audit
    would find."""
    days = [line.days for line in lines]
    found = session.ask(
        "insurance",
        "/share-previews",
        patient_ref=str(patient_ref),
        insurance_intent=insurance_intent,
        pharmacy=pharmacy,
        lines=[line.asked for line in lines],
        sex=said.sex,
        age_days=said.age_days,
        diagnoses=list(said.diagnoses) or None,
        days=None if None in days else days,
    )
    age = found.age_seconds or 0.0
    yield Hint("patient_share", found.body["id"], age, found.body)
    for concern in found.body["concerns"]:
        line = "" if concern["line"] is None else f":{concern['line']}"
        yield Hint("payment_rule", f"{concern['code']}{line}@{found.body['id']}", age, concern)
    for finding in found.body["audit_hints"]:
        yield Hint("payment_rule", f"audit:{finding['rule']}@{found.body['id']}", age, finding)
