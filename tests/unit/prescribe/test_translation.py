"""What prescribe tells the others stays tellable once a patient is forgotten."""

from dataclasses import replace

from services.prescribe.application.translation import TRANSLATE
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import PrescriptionReleased
from services.seedwork.composition import Happened
from services.seedwork.model import DomainEvent
from tests.unit.prescribe.conftest import Clinic

FORGOTTEN = dict.fromkeys(
    ("patient_name", "facts", "diagnoses", "tcm_diagnoses", "online", "jws", "long_supply_reason")
)


def test_a_forgotten_patient_is_told_without_personal_data(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    state = clinic.state(prescription_id)
    forgotten: PrescriptionState = replace(state, current=state.signed.model_copy(update=FORGOTTEN))

    for event in clinic.store.streams[prescription_id]:
        for told in TRANSLATE[type(event)](Happened(event, state, forgotten, prescription_id)):
            assert told.model_dump().get("diagnoses") is None
            assert told.model_dump().get("tcm_diagnoses") is None
            assert told.model_dump().get("facts") is None
            assert told.model_dump().get("patient_age_days") is None
            assert told.model_dump().get("patient_sex") is None


def test_only_listed_events_are_told(clinic: Clinic) -> None:
    assert PrescriptionReleased in TRANSLATE
    assert DomainEvent not in TRANSLATE


def test_who_reviews_is_told_why_an_antibacterial_beyond_the_level_is_needed(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    state = clinic.state(prescription_id)
    reason = {"beyond_level_reason": "感染性休克"}
    urgent: PrescriptionState = replace(state, current=state.signed.model_copy(update=reason))
    (event,) = clinic.store.streams[prescription_id]

    (told,) = TRANSLATE[type(event)](Happened(event, state, urgent, prescription_id))

    assert told.model_dump()["beyond_level_reason"] == "感染性休克"
