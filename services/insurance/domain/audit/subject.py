"""What the audit looks at: one supply, what is known of its prescription, and what the patient was supplied before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.seedwork.model import Immutable


class SuppliedLine(Immutable):
    """What was supplied under one prescription line. `days`: how long it lasts by the directions; None: not known."""

    line: int
    product: str
    generic_name: str
    quantity: int
    days: int | None = None


class PastSupply(Immutable):
    """A supply of the patient, by whatever payer. `prescriber` None: its prescription is not known here."""

    supply_id: UUID
    fulfilment_id: UUID
    prescription_id: UUID
    prescriber: str | None
    day: date
    lines: tuple[SuppliedLine, ...]


@dataclass(frozen=True)
class Subject:
    """The supply under audit. What is None is not known, and a rule that needs it says nothing."""

    supply: PastSupply
    visit: str
    sex: str | None = None
    age_days: int | None = None
    diagnoses: tuple[str, ...] | None = None
    before: tuple[PastSupply, ...] = ()
    """Supplies of the patient up to this one, this one not among them; those that never reached the patient are not."""
    lots: frozenset[tuple[str, str]] = frozenset()
    """Product and lot of what it holds."""
    recalled: frozenset[tuple[str, str]] = frozenset()
    """Product and lot of what is recalled."""
    repeated_codes: bool = False
    """One of its trace codes was met a second time."""
