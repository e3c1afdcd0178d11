"""The patient's choice of a pharmacy before release. Nobody else has a say in it."""

from __future__ import annotations

from uuid import UUID

from services.prescribe.domain.commands import NominatePharmacy
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import PharmacyNominated
from services.seedwork.model import Outcome, Refusal


def nominate(state: PrescriptionState, command: NominatePharmacy, patient_ref: UUID | None) -> Outcome:
    """The same choice again changes nothing."""
    if state.current is None:
        return Refusal("prescription.unknown")
    if state.current.patient_ref != patient_ref:
        return Refusal("prescription.not_yours")
    if refusal := state.refuses("NominatePharmacy"):
        return refusal
    if command.pharmacy == state.nominated_pharmacy:
        return []
    return [PharmacyNominated(pharmacy=command.pharmacy)]
