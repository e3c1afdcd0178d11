"""What review does about what others publish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events.dispatch import SupplyDispensed, SupplyReceived, SupplyRefused
from contracts.events.dispatch_later import SubstitutionProposed
from contracts.events.dispatch_returned import SupplyTakenBack
from contracts.events.prescribe import (
    InstalmentOpened,
    PatientForgotten,
    PrescriptionCancelled,
    PrescriptionCompleted,
    PrescriptionExpired,
    PrescriptionIssued,
    PrescriptionReleased,
    RegisterEntryRecorded,
)
from services.review.application.library import known_on
from services.review.application.licences import REFERENCE, policy_on
from services.review.application.opening import opened_with, registered
from services.review.domain.case import CaseState, case_id, case_ref
from services.review.domain.commenting import sample_refused
from services.review.domain.decisions import close_case, open_case, rescreen
from services.review.domain.dossier import DossierState, as_given, dossier_ref, give
from services.review.domain.events import CaseFiled, CaseOpened, GivenSubstitute
from services.review.domain.library import ShelfState, shelf_ref
from services.review.domain.medication import (
    MedicationState,
    current_medicines,
    end_prescription,
    list_prescription,
    list_supply,
    medication_ref,
    shorten_supply,
)
from services.review.domain.substitutes import Proposed, screen_substitute
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
        medication: Loaded[MedicationState],
        shelf: Loaded[ShelfState],
        person: Loaded[EntryState],
    ) -> Generator[Load, Any, Decision]:
        if not dossier.state.is_newer(event.revision, event.confirmation_no):
            return Decision.nothing()
        policy = policy_on(moment)
        today = civil_day(moment.now)
        knowledge = yield from known_on(shelf.state, today)
        filed = CaseFiled(case_id=identity, revision=event.revision, confirmation_no=event.confirmation_no)
        medicines = current_medicines(medication.state, today, apart_from=event.prescription_id)
        prescriber = registered(person.state, event, today)
        opened = opened_with(event, identity, moment, policy, medicines, prescriber)
        if dossier.state.case_id is None:
            return Decision.on(case, open_case(case.state, opened, policy, knowledge)).and_also(dossier, [filed])
        (older,) = yield Load.of(case_ref(dossier.state.case_id))
        decision = Decision.on(case, open_case(case.state, opened, policy, knowledge, older.state.findings))
        closed = close_case(older.state, "prescription_issued")
        return decision.and_also(dossier, [filed]).and_also(older, closed)

    streams = (dossier_ref(event.prescription_id), case_ref(identity))
    relaxed = (medication_ref(event.patient_ref), shelf_ref(), entry(REFERENCE, "person", event.prescriber))
    return UseCase(streams, decide, relaxed)


def on_prescription_cancelled(event: PrescriptionCancelled, _envelope: Envelope) -> UseCase:
    """Withdraws the open case; what is not in the patient's hands is off the medication list."""
    return _close(event.prescription_id, event.patient_ref, "prescription_cancelled")


def on_prescription_expired(event: PrescriptionExpired, _envelope: Envelope) -> UseCase:
    """Lapses the open case; what is not in the patient's hands is off the medication list."""
    return _close(event.prescription_id, event.patient_ref, "prescription_expired")


def on_prescription_completed(event: PrescriptionCompleted, _envelope: Envelope) -> UseCase:
    """Everything is in the patient's hands: from now on only the supplies count."""

    def decide(_moment: Moment, medication: Loaded[MedicationState]) -> Decision:
        return Decision.on(medication, end_prescription(medication.state, event.prescription_id))

    return UseCase((medication_ref(event.patient_ref),), decide)


def on_prescription_released(event: PrescriptionReleased, _envelope: Envelope) -> UseCase:
    """What is prescribed counts among what the patient takes."""

    def decide(
        moment: Moment, dossier: Loaded[DossierState], medication: Loaded[MedicationState]
    ) -> Generator[Load, tuple[Loaded[CaseState], ...], Decision]:
        opened = yield from _opened_case(dossier.state)
        if opened is None:
            return Decision.nothing()
        today = civil_day(moment.now)
        listed = list_prescription(medication.state, event.patient_ref, event.prescription_id, opened.lines, today)
        return Decision.on(medication, listed)

    return UseCase((dossier_ref(event.prescription_id), medication_ref(event.patient_ref)), decide)


def on_supply_dispensed(event: SupplyDispensed, _envelope: Envelope) -> UseCase:
    """Substitutes are what the patient will take once the supply is received."""
    substitutes = {
        row.line: GivenSubstitute.model_validate(row.model_dump(include=set(GivenSubstitute.model_fields)))
        for row in event.lines
        if row.substitution == "protocol"
    }

    def decide(_moment: Moment, dossier: Loaded[DossierState]) -> Decision:
        return Decision.on(dossier, give(dossier.state, event.supply_id, tuple(substitutes.values())))

    return UseCase((dossier_ref(event.prescription_id),), decide)


def on_supply_received(event: SupplyReceived, envelope: Envelope) -> UseCase:
    """What the patient has in hands is on the list for as long as it lasts, from the day it was received."""
    received_on = civil_day(envelope.parsed_body().occurred_at)

    def decide(_moment: Moment, dossier: Loaded[DossierState]) -> Generator[Load, tuple[Loaded[Any], ...], Decision]:
        opened = yield from _opened_case(dossier.state)
        if opened is None:
            return Decision.nothing()
        (medication,) = yield Load.of(medication_ref(opened.patient_ref))
        lines = {line.line: line for line in opened.lines}
        quantities = [
            (as_given(dossier.state, event.supply_id, lines[each.line]), each.quantity)
            for each in event.accepted
            if each.line in lines
        ]
        listed = list_supply(
            medication.state, opened.patient_ref, opened.prescription_id, event.supply_id, quantities, received_on
        )
        return Decision.on(medication, listed)

    return UseCase((dossier_ref(event.prescription_id),), decide)


def on_supply_taken_back(event: SupplyTakenBack, envelope: Envelope) -> UseCase:
    """What the patient brought back is not taken any more."""
    back: Counter[int] = Counter()
    for each in event.lines:
        back[each.line] += each.quantity

    def decide(_moment: Moment, dossier: Loaded[DossierState]) -> Generator[Load, tuple[Loaded[Any], ...], Decision]:
        opened = yield from _opened_case(dossier.state)
        if opened is None:
            return Decision.nothing()
        (medication,) = yield Load.of(medication_ref(opened.patient_ref))
        lines = {line.line: as_given(dossier.state, event.supply_id, line) for line in opened.lines}
        about = (opened.patient_ref, opened.prescription_id, event.supply_id)
        return Decision.on(medication, shorten_supply(medication.state, *about, back, lines, envelope.message_id))

    return UseCase((dossier_ref(event.prescription_id),), decide)


def on_supply_refused(event: SupplyRefused, _envelope: Envelope) -> UseCase:
    """What one pharmacist passes and another refuses is drawn for comment."""

    def decide(
        moment: Moment, dossier: Loaded[DossierState]
    ) -> Generator[Load, tuple[Loaded[CaseState], ...], Decision]:
        if dossier.state.case_id is None:
            return Decision.nothing()
        (case,) = yield Load.of(case_ref(dossier.state.case_id))
        return Decision.on(case, sample_refused(case.state, event.pharmacist, moment.now))

    return UseCase((dossier_ref(event.prescription_id),), decide)


def on_instalment_opened(event: InstalmentOpened, _envelope: Envelope) -> UseCase:
    """A later instalment is screened again; the first one opens with the review itself."""

    def decide(
        moment: Moment, dossier: Loaded[DossierState], medication: Loaded[MedicationState], shelf: Loaded[ShelfState]
    ) -> Generator[Load, Any, Decision]:
        if dossier.state.case_id is None:
            return Decision.nothing()
        (case,) = yield Load.of(case_ref(dossier.state.case_id))
        today = civil_day(moment.now)
        knowledge = yield from known_on(shelf.state, today)
        medicines = current_medicines(medication.state, today, apart_from=event.prescription_id)
        found = rescreen(case.state, event.instalment, medicines, policy_on(moment), knowledge, today)
        return Decision.on(case, found)

    streams = (dossier_ref(event.prescription_id), medication_ref(event.patient_ref))
    return UseCase(streams, decide, relaxed=(shelf_ref(),))


def on_substitution_proposed(event: SubstitutionProposed, _envelope: Envelope) -> UseCase:
    """A substitute is screened for this patient, in place of its line, with today's knowledge and medicines."""

    def decide(
        moment: Moment, dossier: Loaded[DossierState], medication: Loaded[MedicationState], shelf: Loaded[ShelfState]
    ) -> Generator[Load, Any, Decision]:
        if dossier.state.case_id is None:
            return Decision.nothing()
        (case,) = yield Load.of(case_ref(dossier.state.case_id))
        today = civil_day(moment.now)
        knowledge = yield from known_on(shelf.state, today)
        medicines = current_medicines(medication.state, today, apart_from=event.prescription_id)
        proposed = Proposed(
            proposal_id=event.proposal_id,
            line=event.line,
            quantity=event.substitute_quantity,
            prescribed_quantity=event.quantity,
            excluded=event.excluded,
            **event.substitute.model_dump(include=set(Proposed.model_fields)),
        )
        found = screen_substitute(case.state, proposed, medicines, policy_on(moment), knowledge, today)
        return Decision.on(case, found)

    streams = (dossier_ref(event.prescription_id), medication_ref(event.patient_ref))
    return UseCase(streams, decide, relaxed=(shelf_ref(),))


def on_register_entry(event: RegisterEntryRecorded, _envelope: Envelope) -> UseCase:
    """Keeps a copy of the entries that review obeys."""
    if event.kind not in OBEYED:
        return UseCase((), lambda _moment: Decision.nothing())
    return copy_entry(REFERENCE, event)


def _close(prescription_id: UUID, patient_ref: UUID, trigger: str) -> UseCase:
    def decide(
        _moment: Moment, dossier: Loaded[DossierState], medication: Loaded[MedicationState]
    ) -> Generator[Load, tuple[Loaded[CaseState], ...], Decision]:
        if dossier.state.case_id is None:
            return Decision.nothing()
        (case,) = yield Load.of(case_ref(dossier.state.case_id))
        closed = Decision.on(case, close_case(case.state, trigger))
        return closed.and_also(medication, end_prescription(medication.state, prescription_id))

    return UseCase((dossier_ref(prescription_id), medication_ref(patient_ref)), decide)


def _opened_case(dossier: DossierState) -> Generator[Load, tuple[Loaded[CaseState], ...], CaseOpened | None]:
    """What the current case of a prescription was opened with."""
    if dossier.case_id is None:
        return None
    (case,) = yield Load.of(case_ref(dossier.case_id))
    opened: CaseOpened | None = case.state.opened
    return opened


REACTIONS: Mapping[type[IntegrationEvent], Reaction] = {
    PatientForgotten: keep_forgotten,
    PrescriptionIssued: on_prescription_issued,
    PrescriptionCancelled: on_prescription_cancelled,
    PrescriptionExpired: on_prescription_expired,
    PrescriptionReleased: on_prescription_released,
    PrescriptionCompleted: on_prescription_completed,
    InstalmentOpened: on_instalment_opened,
    SupplyDispensed: on_supply_dispensed,
    SupplyReceived: on_supply_received,
    SupplyTakenBack: on_supply_taken_back,
    SupplyRefused: on_supply_refused,
    RegisterEntryRecorded: on_register_entry,
    SubstitutionProposed: on_substitution_proposed,
}
