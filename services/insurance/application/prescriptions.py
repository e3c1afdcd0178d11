"""What prescribe tells of a released prescription, kept for the audit of its claims."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.prescribe import PrescriptionReleased
from services.insurance.domain.audit.prescription import (
    KnownLine,
    PrescriptionKnown,
    PrescriptionState,
    know,
    prescription_ref,
)
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Moment, UseCase


def know_prescription(event: PrescriptionReleased, _envelope: Envelope) -> UseCase:
    """The last revision counts."""
    codes = [each.code for each in event.diagnoses or ()] + [each.code for each in event.tcm_diagnoses or ()]
    told = PrescriptionKnown(
        prescription_id=event.prescription_id,
        patient_ref=event.patient_ref,
        revision=event.revision,
        prescriber=event.prescriber,
        institution=event.institution,
        sex=event.patient_sex,
        age_days=event.patient_age_days,
        diagnoses=None if event.diagnoses is None else tuple(codes),
        lines=tuple(
            KnownLine(line=line.line, generic_name=line.generic_name, quantity=line.quantity, days=line.days)
            for line in event.lines
        ),
    )

    def decide(_moment: Moment, known: Loaded[PrescriptionState]) -> Decision:
        return Decision.on(known, know(known.state, told))

    return UseCase((prescription_ref(event.prescription_id),), decide)
