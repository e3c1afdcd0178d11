"""What review does about what others publish."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from uuid import UUID

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events.prescribe import (
    IssuedLine,
    PatientForgotten,
    PrescriptionCancelled,
    PrescriptionExpired,
    PrescriptionIssued,
    RegisterEntryRecorded,
)
from services.review.application.use_cases import REFERENCE
from services.review.domain.case import CaseState, case_id, case_ref
from services.review.domain.decisions import close_case, open_case
from services.review.domain.dossier import DossierState, dossier_ref
from services.review.domain.events import CaseFiled, CaseOpened
from services.review.domain.policy import CN
from services.review.domain.values import ClinicalFacts, ConfirmedFinding, Diagnosis, Line, PatientFacts
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Reaction
from services.seedwork.forgotten_copies import keep_forgotten
from services.seedwork.model import Loaded
from services.seedwork.register_loading import copy_entry
from services.seedwork.usecase import Decision, Load, Moment, UseCase

OBEYED = frozenset({"person", "institution"})
"""The registers review decides by. Lines bring what it must know of their drugs."""


def on_prescription_issued(event: PrescriptionIssued, _envelope: Envelope) -> UseCase:
    """Opens and screens a case; a case of an older revision that nobody has decided is superseded."""
    identity = case_id(event.prescription_id, event.revision, event.confirmation_no)

    def decide(
        moment: Moment, dossier: Loaded[DossierState], case: Loaded[CaseState]
    ) -> Generator[Load, tuple[Loaded[CaseState], ...], Decision]:
        if not dossier.state.is_newer(event.revision, event.confirmation_no):
            return Decision.nothing()
        policy = CN.on(civil_day(moment.now))
        opened = open_case(case.state, _opened(event, identity, moment), policy)
        filed = CaseFiled(case_id=identity, revision=event.revision, confirmation_no=event.confirmation_no)
        decision = Decision.on(case, opened).and_also(dossier, [filed])
        if dossier.state.case_id is None:
            return decision
        (older,) = yield Load.of(case_ref(dossier.state.case_id))
        return decision.and_also(older, close_case(older.state, "prescription_issued"))

    return UseCase((dossier_ref(event.prescription_id), case_ref(identity)), decide)


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


def _opened(event: PrescriptionIssued, identity: UUID, moment: Moment) -> CaseOpened:
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
        emergency=event.visit_kind == "emergency",
        validity_days=event.validity_days,
        valid_until=event.valid_until,
        lines=tuple(_line(line) for line in event.lines),
        clinical=_clinical(event),
        confirmed=_confirmed(event),
        opened_at=moment.now,
    )


def _line(line: IssuedLine) -> Line:
    return Line(**{name: getattr(line, name) for name in Line.model_fields})


def _confirmed(event: PrescriptionIssued) -> tuple[ConfirmedFinding, ...] | None:
    if event.confirmed is None:
        return None
    return tuple(ConfirmedFinding.model_validate(each.model_dump()) for each in event.confirmed)


def _clinical(event: PrescriptionIssued) -> ClinicalFacts | None:
    """None where the patient is forgotten, or the facts cannot be read."""
    if event.facts is None or event.diagnoses is None:
        return None
    return ClinicalFacts(
        patient=PatientFacts(**{name: getattr(event.facts, name) for name in PatientFacts.model_fields}),
        diagnoses=tuple(Diagnosis(code=diagnosis.code, name=diagnosis.name) for diagnosis in event.diagnoses),
        long_supply_reason=event.long_supply_reason,
        validity_reason=event.validity_reason,
    )


REACTIONS: Mapping[type[IntegrationEvent], Reaction] = {
    PatientForgotten: keep_forgotten,
    PrescriptionIssued: on_prescription_issued,
    PrescriptionCancelled: on_prescription_cancelled,
    PrescriptionExpired: on_prescription_expired,
    RegisterEntryRecorded: on_register_entry,
}
