"""What the pharmacist's screening is told of the patient and of each line."""

from typing import Any

import pytest

from contracts.events.prescribe import PrescriptionIssued, PrescriptionReleased
from contracts.prescribed import TcmDiagnosis
from tests.unit.prescribe.conftest import METFORMIN, Clinic, line, registration

TCM = {"code": "A17.07", "name": "眩晕病", "syndrome": "肝阳上亢证"}


def test_standing_facts_reach_the_screening(clinic: Clinic) -> None:
    facts = {
        "height_cm": 172,
        "creatinine_clearance_ml_min": 45,
        "child_pugh": "B",
        "conditions": ["E11.900"],
        "other_medicines": ["阿司匹林"],
    }
    clinic.patient_ref = clinic.register(facts=facts)

    clinic.issued()

    (told,) = clinic.store.told_of(PrescriptionIssued)
    assert told.facts.model_dump(include=set(facts), mode="json") == facts
    assert told.facts.gestation_weeks is None


def test_what_was_asked_at_the_visit_wins_over_the_record(clinic: Clinic) -> None:
    clinic.patient_ref = clinic.register(facts={"weight_grams": 60_000, "allergies": ["青霉素"]})

    clinic.issued(facts={"weight_grams": 58_000, "pregnant": True, "gestation_weeks": 12})

    (told,) = clinic.store.told_of(PrescriptionIssued)
    assert (told.facts.weight_grams, told.facts.gestation_weeks) == (58_000, 12)
    assert told.facts.allergies == ("青霉素",)


def test_a_line_says_how_it_is_given_and_what_the_register_knows_of_it(clinic: Clinic) -> None:
    infusion = {"solvent": "0.9%氯化钠注射液", "solvent_ml": 250, "drip_minutes": 60, "skin_test": "negative"}

    clinic.issued(lines=[line(**infusion), line(2, METFORMIN, mixed_with=1)])

    (told,) = clinic.store.told_of(PrescriptionIssued)
    assert told.lines[0].model_dump(include=set(infusion)) == infusion
    assert told.lines[1].mixed_with == 1
    assert (told.lines[0].atc, told.lines[0].english_name) == ("C08CA01", "苯磺酸氨氯地平")


def test_a_diagnosis_of_chinese_medicine_goes_with_the_prescription(clinic: Clinic) -> None:
    clinic.released(tcm_diagnoses=[TCM])

    (issued,) = clinic.store.told_of(PrescriptionIssued)
    (released,) = clinic.store.told_of(PrescriptionReleased)
    assert issued.tcm_diagnoses == released.tcm_diagnoses == (TcmDiagnosis(**TCM),)
    assert issued.medicine_kind == released.medicine_kind == "western"


@pytest.mark.parametrize("mixed_with", [1, 3])
def test_a_line_is_mixed_into_another_line_of_the_prescription(clinic: Clinic, mixed_with: int) -> None:
    refusal = clinic.issue(lines=[line(mixed_with=mixed_with), line(2, METFORMIN)]).refusal

    assert refusal is not None
    assert refusal.code == "line.mixed_with"
    assert refusal.facts == {"line": 1, "mixed_with": mixed_with}


@pytest.mark.parametrize("alone", [{"solvent_ml": 100}, {"solvent": "5%葡萄糖注射液"}])
def test_a_solvent_has_a_name_and_a_volume(clinic: Clinic, alone: dict[str, Any]) -> None:
    refusal = clinic.issue(lines=[line(**alone)]).refusal

    assert refusal is not None
    assert refusal.code == "line.solvent"


def test_facts_of_a_visit_leave_the_record_as_it_was() -> None:
    record = registration(facts={"weight_grams": 60_000}).facts

    assert record.and_today(type(record)(weight_grams=1)).weight_grams == 1
    assert record.weight_grams == 60_000
