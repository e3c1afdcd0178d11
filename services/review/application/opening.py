"""What a case is opened with, out of the issued prescription, the registers and the patient's medication list."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from contracts.events.prescribe import PrescriptionIssued
from contracts.prescribed import IssuedLine
from contracts.registers import Person
from services.review.domain.decisions import deadline_of
from services.review.domain.events import CaseOpened
from services.review.domain.policy import ReviewPolicy
from services.review.domain.screening.legality import LEVELS
from services.review.domain.values import (
    ClinicalFacts,
    ConfirmedFinding,
    Diagnosis,
    Line,
    Medicine,
    PatientFacts,
    Prescriber,
    SignatureChecked,
    TcmDiagnosis,
)
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Moment


def opened_with(
    event: PrescriptionIssued,
    identity: UUID,
    moment: Moment,
    policy: ReviewPolicy,
    medicines: tuple[Medicine, ...],
    prescriber: Prescriber | None,
) -> CaseOpened:
    """All that the case is screened by, now and again later."""
    emergency = event.visit_kind == "emergency"
    return CaseOpened(
        case_id=identity,
        prescription_id=event.prescription_id,
        patient_ref=event.patient_ref,
        revision=event.revision,
        confirmation_no=event.confirmation_no,
        signed_sha256=event.signed_sha256,
        prescriber=event.prescriber,
        institution=event.institution,
        region=event.region,
        emergency=emergency,
        validity_days=event.validity_days,
        valid_until=event.valid_until,
        lines=tuple(_line(line) for line in event.lines),
        clinical=_clinical(event, medicines),
        opened_at=moment.now,
        confirmed=_confirmed(event),
        deadline=deadline_of(moment.now, policy, emergency=emergency),
        herbal=event.medicine_kind == "herbal",
        planned=event.plan is not None,
        registered=prescriber,
        signature=SignatureChecked(degraded=event.signature.degraded, reason=event.signature.degraded_reason),
    )


def registered(entry: EntryState, event: PrescriptionIssued, today: date) -> Prescriber | None:
    """By review's own copy of the register; None as long as that has not come."""
    content = entry.read(Person)
    if content is None:
        return None
    sites = {site.institution for site in content.sites if site.in_force(today)}
    rights = {str(right.drug_class) for right in content.dated_rights if right.in_force(today)}
    levels = [str(right.level) for right in content.antibacterial_rights if right.in_force(today)]
    return Prescriber(
        registered="prescriber" in content.professions,
        in_force=entry.in_force(today),
        at_site=event.institution in sites | {content.organisation},
        rights=tuple(sorted(rights | set(map(str, content.prescribing_rights)))),
        antibacterial_level=max(levels, key=LEVELS.index, default=None),
    )


def _line(line: IssuedLine) -> Line:
    told = line.model_dump(include=set(Line.model_fields))
    return Line.model_validate(told)


def _confirmed(event: PrescriptionIssued) -> tuple[ConfirmedFinding, ...] | None:
    if not event.confirmed:
        return None
    return tuple(ConfirmedFinding(number=e.number, rule=e.rule, reason=e.reason) for e in event.confirmed)


def _clinical(event: PrescriptionIssued, medicines: tuple[Medicine, ...]) -> ClinicalFacts | None:
    """None where the patient is forgotten, or the facts cannot be read."""
    if event.facts is None or event.diagnoses is None:
        return None
    return ClinicalFacts(
        patient=PatientFacts(**{name: getattr(event.facts, name) for name in PatientFacts.model_fields}),
        diagnoses=tuple(Diagnosis(code=diagnosis.code, name=diagnosis.name) for diagnosis in event.diagnoses),
        long_supply_reason=event.long_supply_reason,
        validity_reason=event.validity_reason,
        beyond_level_reason=event.beyond_level_reason,
        tcm_diagnoses=tuple(TcmDiagnosis(**each.model_dump()) for each in event.tcm_diagnoses or ()),
        current_medicines=medicines,
    )
