"""The patient's choice of a pharmacy after the release: that pharmacy may hold without the patient's code, no other.

Nobody steers it: neither doctor nor pharmacy has a say. It gives a right to hold and takes none away: what a pharmacy
holds already it goes on with, and whoever shows the code is served everywhere, as before.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.fulfilment.transitions import FULFILMENT, wrong_state
from services.dispatch.domain.values import CODE_LENGTH_MAX
from services.seedwork.model import Command, DomainEvent, Refusal

SHOWN_BEFORE_A_HOLD = (
    "fulfilment_id",
    "instalment",
    "instalments",
    "insurance_intent",
    "opens_at",
    "closes_at",
    "lines",
)
"""What the nominated pharmacy sees before it holds: enough to know whether it can serve. Who the patient is, what they
suffer from, who prescribed it and what others hold is shown to a pharmacy that holds, or that is shown the code."""
LINE_SHOWN_BEFORE_A_HOLD = ("line", "product", "generic_name", "drug_key", "deliverable", "cold_chain", "blocked")
"""Of each line, beside how much of it is free."""


class NominatePharmacy(Command):
    """The patient names the pharmacy they want to be served by; None: none after all."""

    pharmacy: str | None = Field(max_length=CODE_LENGTH_MAX)


class PharmacyNominated(DomainEvent):
    """The pharmacy that may hold by the patient's word; None: none any more."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.pharmacy_nominated"

    pharmacy: str | None


def refuses_nomination(state: FulfilmentState, patient_ref: UUID | None) -> Refusal | None:
    """None when this patient may choose: it is theirs, and something may still be held."""
    if state.patient_ref != patient_ref:
        return Refusal("fulfilment.not_yours", {"fulfilment_id": str(state.fulfilment_id)})
    if not FULFILMENT.allows(state.status, "NominatePharmacy"):
        return wrong_state("fulfilment", state.status, "NominatePharmacy")
    return None


def nominate(state: FulfilmentState, command: NominatePharmacy) -> list[DomainEvent]:
    """The same choice again changes nothing, and neither does any where nothing can be held any more."""
    if state.nominated_pharmacy == command.pharmacy or not FULFILMENT.allows(state.status, "NominatePharmacy"):
        return []
    return [PharmacyNominated(pharmacy=command.pharmacy)]


def not_nominated(state: FulfilmentState, pharmacy: str) -> Refusal | None:
    """None when this pharmacy may hold by the patient's nomination."""
    if state.nominated_pharmacy == pharmacy:
        return None
    return Refusal("hold.not_nominated", {"fulfilment_id": str(state.fulfilment_id)})
