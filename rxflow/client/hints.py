"""What a prescriber is shown before signing: availability near the patient and open shortages, asked of their owners.

Each hint says how old it is. What was shown is named in the signed prescription (`hints_seen`), so that it can be
known later what the prescriber knew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

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
class Hint:
    """One hint. `facts`: what its owner answered; `seen` is how it stands in the prescription."""

    kind: Literal["availability", "shortage"]
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
