"""The patient's own choice of a pharmacy, and what the doctor was shown before signing."""

from uuid import UUID, uuid4

import pytest

from contracts.events import review
from contracts.events.prescribe import PrescriptionReleased
from services.prescribe.application.use_cases import nominate_pharmacy
from services.prescribe.application.views import show_prescription
from services.prescribe.domain.commands import NominatePharmacy
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.unit.prescribe.conftest import PHARMACY, Clinic

HINT = {"kind": "availability", "id": "near/330102/XC08CAB799A001029194749", "age_seconds": 40}


def nominate(
    clinic: Clinic, prescription_id: UUID, pharmacy: str | None = PHARMACY, who: UUID | None = None
) -> Outcome:
    command = NominatePharmacy(prescription_id=prescription_id, pharmacy=pharmacy)
    patient = Actor("patient", "patient", patient_ref=who or clinic.patient_ref)
    return clinic.store.run(nominate_pharmacy(command), patient)


def test_the_patients_choice_goes_with_the_release(clinic: Clinic) -> None:
    prescription_id = clinic.issued()

    outcome = nominate(clinic, prescription_id)
    clinic.answer(prescription_id, review.CasePassed)

    assert outcome.body["nominated_pharmacy"] == PHARMACY
    (told,) = clinic.store.told_of(PrescriptionReleased)
    assert told.nominated_pharmacy == PHARMACY
    assert show_prescription(clinic.state(prescription_id))["nominated_pharmacy"] == PHARMACY


def test_a_choice_is_changed_taken_back_and_repeated(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    nominate(clinic, prescription_id)
    before = len(clinic.store.log)

    nominate(clinic, prescription_id)
    assert len(clinic.store.log) == before

    nominate(clinic, prescription_id, "P33010200002")
    assert clinic.state(prescription_id).nominated_pharmacy == "P33010200002"
    nominate(clinic, prescription_id, None)
    assert clinic.state(prescription_id).nominated_pharmacy is None


def test_an_amended_prescription_keeps_the_choice(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    nominate(clinic, prescription_id)
    clinic.answer(prescription_id, review.CaseReturned)

    assert clinic.amend(prescription_id).refusal is None
    assert clinic.state(prescription_id).nominated_pharmacy == PHARMACY


def test_nobody_chooses_for_another_patient(clinic: Clinic) -> None:
    refusal = nominate(clinic, clinic.issued(), who=uuid4()).refusal

    assert refusal is not None
    assert refusal.code == "prescription.not_yours"


def test_what_nobody_has_written_has_no_pharmacy(clinic: Clinic) -> None:
    refusal = nominate(clinic, uuid4()).refusal

    assert refusal is not None
    assert refusal.code == "prescription.unknown"


@pytest.mark.parametrize(("ended", "code"), [(False, "prescription.wrong_state"), (True, "prescription.ended")])
def test_after_release_the_choice_is_no_longer_made_here(clinic: Clinic, ended: bool, code: str) -> None:
    prescription_id = clinic.issued()
    clinic.answer(prescription_id, review.CaseRefused if ended else review.CasePassed)

    refusal = nominate(clinic, prescription_id).refusal

    assert refusal is not None
    assert refusal.code == code


def test_the_hints_a_doctor_saw_are_on_record_and_in_the_trace(clinic: Clinic) -> None:
    prescription_id = clinic.issued(hints_seen=[HINT])

    (hint,) = clinic.state(prescription_id).signed.hints_seen
    assert hint.model_dump() == HINT
    assert clinic.trace(prescription_id)[0]["summary"]["hints_seen"] == [HINT]


def test_who_saw_no_hint_has_none_in_the_trace(clinic: Clinic) -> None:
    assert "hints_seen" not in clinic.trace(clinic.issued())[0]["summary"]
