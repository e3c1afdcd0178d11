"""What review does about what others publish."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events.prescribe import (
    PatientForgotten,
    PrescriptionCancelled,
    PrescriptionExpired,
    PrescriptionIssued,
    RegisterEntryRecorded,
)
from contracts.prescribed import IssuedLine
from contracts.registers import Person
from services.review.application.library import in_force
from services.review.application.licences import REFERENCE
from services.review.domain.case import CaseState, case_id, case_ref
from services.review.domain.decisions import close_case, deadline_of, open_case
from services.review.domain.dossier import DossierState, dossier_ref
from services.review.domain.events import CaseFiled, CaseOpened
from services.review.domain.library import ShelfState, shelf_ref
from services.review.domain.policy import POLICIES, ReviewPolicy
from services.review.domain.values import (
    ClinicalFacts,
    ConfirmedFinding,
    Diagnosis,
    Line,
    PatientFacts,
    Prescriber,
    SignatureChecked,
    TcmDiagnosis,
)
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Reaction
from services.seedwork.forgotten_copies import keep_forgotten
from services.seedwork.model import Loaded
from services.seedwork.reference import EntryState, entry
from services.seedwork.register_loading import copy_entry
from services.seedwork.usecase import Decision, Load, Moment, UseCase

OBEYED = frozenset({"person", "institution", "review_agreement"})
"""The registers review decides by. Lines bring what it must know of their drugs."""


def on_prescription_issued(event: PrescriptionIssued, _envelope: Envelope) -> UseCase:
    """Opens and screens a case; a case of an older revision that nobody has decided is superseded."""
    identity = case_id(event.prescription_id, event.revision, event.confirmation_no)

    def decide(
        moment: Moment,
        dossier: Loaded[DossierState],
        case: Loaded[CaseState],
        shelf: Loaded[ShelfState],
        person: Loaded[EntryState],
    ) -> Generator[Load, Any, Decision]:
        if not dossier.state.is_newer(event.revision, event.confirmation_no):
            return Decision.nothing()
        today = civil_day(moment.now)
        policy = POLICIES.on(today, moment.jurisdiction)
        known = yield from in_force(shelf.state, today)
        knowledge = known.on(today) if known else None
        filed = CaseFiled(case_id=identity, revision=event.revision, confirmation_no=event.confirmation_no)
        opened = _opened(event, identity, moment, policy, _prescriber(person.state, event, moment))
        if dossier.state.case_id is None:
            return Decision.on(case, open_case(case.state, opened, policy, knowledge)).and_also(dossier, [filed])
        (older,) = yield Load.of(case_ref(dossier.state.case_id))
        decision = Decision.on(case, open_case(case.state, opened, policy, knowledge, older.state.findings))
        closed = close_case(older.state, "prescription_issued")
        return decision.and_also(dossier, [filed]).and_also(older, closed)

    relaxed = (shelf_ref(), entry(REFERENCE, "person", event.prescriber))
    return UseCase((dossier_ref(event.prescription_id), case_ref(identity)), decide, relaxed)


def on_prescription_cancelled(event: PrescriptionCancelled, _envelope: Envelope) -> UseCase:
    """Withdraws the open case."""
    return _close(event.prescription_id, "prescription_cancelled")


def on_prescription_expired(event: PrescriptionExpired, _envelope: Envelope) -> UseCase:
    """Lapses the open case."""
    return _close(event.prescription_id, "prescription_expired")


def on_register_entry(event: RegisterEntryRecorded, _envelope: Envelope) -> UseCase:
    """Keeps a copy of the entries that review obeys."""
    if event.kind not in OBEYED:
        return UseCase((), lambda _moment: Decision.nothing())
    return copy_entry(REFERENCE, event)


def _close(prescription_id: UUID, trigger: str) -> UseCase:
    def decide(
        _moment: Moment, dossier: Loaded[DossierState]
    ) -> Generator[Load, tuple[Loaded[CaseState], ...], Decision]:
        if dossier.state.case_id is None:
            return Decision.nothing()
        (case,) = yield Load.of(case_ref(dossier.state.case_id))
        return Decision.on(case, close_case(case.state, trigger))

    return UseCase((dossier_ref(prescription_id),), decide)


def _opened(
    event: PrescriptionIssued, identity: UUID, moment: Moment, policy: ReviewPolicy, prescriber: Prescriber | None
) -> CaseOpened:
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
        clinical=_clinical(event),
        opened_at=moment.now,
        confirmed=_confirmed(event),
        deadline=deadline_of(moment.now, policy, emergency=emergency),
        herbal=event.medicine_kind == "herbal",
        registered=prescriber,
        signature=SignatureChecked(degraded=event.signature.degraded),
    )


def _prescriber(entry: EntryState, event: PrescriptionIssued, moment: Moment) -> Prescriber | None:
    """By review's own copy of the register; None as long as that has not come."""
    content = entry.read(Person)
    if content is None:
        return None
    return Prescriber(
        registered="prescriber" in content.professions,
        in_force=entry.in_force(civil_day(moment.now)),
        at_site=event.institution in {content.organisation, *getattr(content, "practice_sites", ())},
        rights=tuple(content.prescribing_rights),
        antibacterial_level=getattr(content, "antibacterial_level", None),
    )


def _line(line: IssuedLine) -> Line:
    return Line(**{name: getattr(line, name) for name in Line.model_fields})


def _confirmed(event: PrescriptionIssued) -> tuple[ConfirmedFinding, ...] | None:
    if not event.confirmed:
        return None
    return tuple(ConfirmedFinding(number=e.number, rule=e.rule, reason=e.reason) for e in event.confirmed)


def _clinical(event: PrescriptionIssued) -> ClinicalFacts | None:
    """None where the patient is forgotten, or the facts cannot be read."""
    if event.facts is None or event.diagnoses is None:
        return None
    return ClinicalFacts(
        patient=PatientFacts(**{name: getattr(event.facts, name) for name in PatientFacts.model_fields}),
        diagnoses=tuple(Diagnosis(code=diagnosis.code, name=diagnosis.name) for diagnosis in event.diagnoses),
        long_supply_reason=event.long_supply_reason,
        validity_reason=event.validity_reason,
        tcm_diagnoses=tuple(TcmDiagnosis(**each.model_dump()) for each in event.tcm_diagnoses or ()),
    )


REACTIONS: Mapping[type[IntegrationEvent], Reaction] = {
    PatientForgotten: keep_forgotten,
    PrescriptionIssued: on_prescription_issued,
    PrescriptionCancelled: on_prescription_cancelled,
    PrescriptionExpired: on_prescription_expired,
    RegisterEntryRecorded: on_register_entry,
}
