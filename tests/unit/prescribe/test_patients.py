"""Patients: an identity number must agree with itself and with what is written beside it."""

from typing import Any

import pytest

from services.prescribe.application.use_cases import register_new_patient
from services.prescribe.domain.patient_record import PATIENT, PatientState, register_patient
from services.seedwork.model import PersonalClass, Refusal
from tests.unit.prescribe.conftest import DOCTOR, IDENTITY_NUMBER, NOW, Clinic, registration


def test_a_patient_is_known_by_a_random_reference(clinic: Clinic) -> None:
    first, second = clinic.register(), clinic.register()

    state: PatientState = clinic.store.state(PATIENT.ref(first))
    assert first != second
    assert (state.patient_ref, state.registered_by) == (first, DOCTOR)
    assert state.identity is not None
    assert state.identity.identity_number == IDENTITY_NUMBER


def test_everything_about_the_person_is_personal() -> None:
    marks = {
        name: mark.data_class
        for event in PATIENT.events
        for name, field in event.model_fields.items()
        for mark in field.metadata
        if hasattr(mark, "data_class")
    }
    assert marks == {
        "identity": PersonalClass.IDENTITY,
        "contact": PersonalClass.CONTACT,
        "facts": PersonalClass.CLINICAL,
        "terms": PersonalClass.IDENTITY,
        "person": PersonalClass.IDENTITY,
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"identity_number": "110101198001011233"}, "patient.identity_number"),
        ({"identity_number": "110101800101123"}, "patient.identity_number"),
        ({"birth_date": "1980-01-02"}, "patient.birth_date"),
        ({"identity_number": "110101203001011236", "birth_date": "2030-01-01"}, "patient.birth_date"),
        ({"sex": "female"}, "patient.sex"),
    ],
)
def test_a_contradiction_is_refused(clinic: Clinic, changes: dict[str, Any], code: str) -> None:
    outcome = clinic.store.run(register_new_patient(registration(**changes)), clinic.doctor())

    assert outcome.refusal is not None
    assert outcome.refusal.code == code


def test_a_reference_names_one_patient(clinic: Clinic) -> None:
    state = clinic.store.state(PATIENT.ref(clinic.patient_ref))

    outcome = register_patient(state, registration(), clinic.patient_ref, DOCTOR, now=NOW)

    assert isinstance(outcome, Refusal)
    assert outcome.code == "patient.already_registered"
