"""Issue: what a lawful prescription becomes, and which rule refuses which other one."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from joserfc.jwk import ECKey

from contracts.events.prescribe import PrescriptionIssued
from services.prescribe.application.signed_commands import issue_prescription
from services.seedwork.model import PersonalClass
from services.seedwork.usecase import Actor
from tests.unit.prescribe.conftest import (
    AMLODIPINE,
    ARSENIC,
    COLLEAGUE,
    DOCTOR,
    ESTAZOLAM,
    HOSPITAL,
    METFORMIN,
    MORPHINE,
    OTHER_HOSPITAL,
    Clinic,
    line,
)


def test_a_lawful_prescription_waits_for_its_review(clinic: Clinic) -> None:
    outcome = clinic.issue()

    assert outcome.status == 201
    assert outcome.body["status"] == "issued"
    assert outcome.body["valid_until"] == "2026-03-02T23:59:59+08:00"
    (told,) = clinic.store.told_of(PrescriptionIssued)
    assert (told.kind, told.revision, told.region) == ("first", 1, "330102")
    assert told.facts.sex == "male"
    assert told.facts.age_days == 16862
    assert told.lines[0].drug_key == "苯磺酸氨氯地平|片剂|5mg"


def test_the_signed_form_is_kept_exactly_as_received(clinic: Clinic) -> None:
    jws = clinic.sign(clinic.written())

    outcome = clinic.issue_signed(jws)

    state = clinic.state(UUID(outcome.body["prescription_id"]))
    assert state.signed.jws == jws
    assert state.signed.signature.kid == f"{DOCTOR}-1"
    marks = {
        name: mark.data_class
        for name, field in type(state.signed).model_fields.items()
        for mark in field.metadata
        if hasattr(mark, "data_class")
    }
    assert marks["jws"] is PersonalClass.CLINICAL
    assert marks["patient_name"] is PersonalClass.IDENTITY


def test_the_same_bytes_again_are_answered_and_change_nothing(clinic: Clinic) -> None:
    jws = clinic.sign(clinic.written())
    first = clinic.issue_signed(jws)

    again = clinic.issue_signed(jws)

    assert again.body == first.body
    assert len(clinic.store.told_of(PrescriptionIssued)) == 1


def test_an_id_is_used_once(clinic: Clinic) -> None:
    prescription_id = clinic.issued()

    outcome = clinic.issue(prescription_id=str(prescription_id))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "prescription.already_exists"


def test_nobody_issues_in_another_doctors_name(clinic: Clinic) -> None:
    outcome = clinic.issue(clinic.doctor(COLLEAGUE))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "prescription.not_yours"


def test_a_class_that_is_never_delivered_and_a_drug_that_cannot_be_are_for_the_counter_only(clinic: Clinic) -> None:
    prescription_id = clinic.issued(
        lines=[line(), line(2, METFORMIN), line(3, ARSENIC, days=2, quantity=2)],
    )

    assert [each.counter_only for each in clinic.state(prescription_id).signed.lines] == [False, True, True]


def test_a_child_without_standing_facts_is_screened_by_age_and_sex(clinic: Clinic) -> None:
    clinic.patient_ref = clinic.register(identity_number="330102202602280020", birth_date="2026-02-28", sex="female")

    facts = clinic.state(clinic.issued(facts={"weight_grams": 3400})).signed.facts

    assert facts is not None
    assert (facts.age_days, facts.sex, facts.allergies) == (2, "female", None)


LONG = [line(days=14, quantity=14)]
BROKEN: dict[str, dict[str, Any]] = {
    "prescriber.not_registered": {"prescriber": "D330102000009"},
    "institution.not_admitted": {"institution": "H33010200009"},
    "prescriber.practice_site": {"institution": OTHER_HOSPITAL},
    "prescription.patient_unknown": {"patient_ref": str(uuid4())},
    "diagnosis.missing": {"diagnoses": []},
    "diagnosis.code": {"diagnoses": [{"code": "hypertension", "name": "高血压"}]},
    "line.numbering": {"lines": [line(2)]},
    "line.drug_twice": {"lines": [line(), line(2)]},
    "drug.unknown": {"lines": [line(product="XZ99ZZZ999Z999999999999")]},
    "drug.never_circulates": {"lines": [line(product=MORPHINE)]},
    "prescriber.no_right": {"lines": [line(product=ESTAZOLAM)]},
    "line.as_directed": {"lines": [line(instructions="请遵医嘱服用")]},
    "line.dose_unit": {"lines": [line(dose_unit="g")]},
    "line.quantity": {"lines": [line(quantity=8)]},
    "supply.reason_missing": {"lines": LONG},
    "supply.too_long": {"lines": [line(days=29, quantity=29)], "long_supply_reason": "慢性病"},
    "supply.class_limit": {"lines": [line(product=ARSENIC, days=3, quantity=3)]},
    "validity.reason_missing": {"validity_days": 2},
    "validity.too_long": {"validity_days": 4, "validity_reason": "外出"},
    "insurance_intent.disease_code": {"insurance_intent": {"kind": "chronic_disease"}},
    "insurance_intent.line": {"insurance_intent": {"kind": "general", "restricted_use": [{"line": 2, "met": True}]}},
    "insurance_intent.reason": {"insurance_intent": {"kind": "general", "restricted_use": [{"line": 1, "met": False}]}},
}


@pytest.mark.parametrize("code", BROKEN)
def test_each_broken_rule_has_its_own_code(clinic: Clinic, code: str) -> None:
    changes = BROKEN[code]
    actor = Actor(changes.get("prescriber", DOCTOR), "prescriber", HOSPITAL)

    outcome = clinic.issue(actor, **changes)

    assert outcome.refusal is not None
    assert outcome.refusal.code == code
    assert not clinic.store.told_of(PrescriptionIssued)


@pytest.mark.parametrize("lines", [[], [line(n) for n in range(1, 7)]])
def test_there_are_one_to_five_lines(clinic: Clinic, lines: list[dict[str, Any]]) -> None:
    outcome = clinic.issue(lines=lines)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "line.count"


def test_a_half_tablet_is_refused_and_never_rounded(clinic: Clinic) -> None:
    outcome = clinic.issue(lines=[line(dose="2.5", quantity=4)])

    assert outcome.refusal is not None
    assert outcome.refusal.facts["needed"] == "3.5"


@pytest.mark.parametrize(
    "content",
    [
        {"lines": LONG, "long_supply_reason": "要求"},
        {"visit_kind": "emergency", "lines": [line(days=3, quantity=3)]},
        {"validity_days": 3, "validity_reason": "行动不便"},
        {"insurance_intent": {"kind": "chronic_disease"}, "insurance_disease_code": "M00100"},
        {"insurance_intent": {"kind": "general", "restricted_use": [{"line": 1, "met": False, "reason": "试用"}]}},
    ],
)
def test_a_reason_lets_it_pass_to_the_review(clinic: Clinic, content: dict[str, Any]) -> None:
    assert clinic.issue(**content).body["status"] == "issued"


def test_an_emergency_has_three_days(clinic: Clinic) -> None:
    outcome = clinic.issue(visit_kind="emergency")

    assert outcome.refusal is not None
    assert outcome.refusal.code == "supply.reason_missing"


def test_a_suspended_or_ended_entry_is_obeyed_at_once(clinic: Clinic) -> None:
    clinic.load_person(DOCTOR, suspended=True)
    refused = clinic.issue()
    clinic.load_person(DOCTOR, professions=["reviewer"])
    no_prescriber = clinic.issue()
    clinic.load_person(DOCTOR)
    clinic.load("drug", AMLODIPINE, DRUG, valid_until="2026-03-01")
    withdrawn = clinic.issue()
    clinic.load("institution", HOSPITAL, {"name": "示例", "region": "330102", "level": 3}, valid_until="2026-03-01")
    closed = clinic.issue()

    codes = [each.refusal.code for each in (refused, no_prescriber, withdrawn, closed) if each.refusal]
    assert codes == [
        "prescriber.not_in_force",
        "prescriber.not_registered",
        "drug.not_in_force",
        "institution.not_admitted",
    ]


DRUG = {
    "generic_name": "苯磺酸氨氯地平",
    "english_name": "amlodipine",
    "form": "片剂",
    "strength": "5mg",
    "atc": "C08CA01",
    "base_unit": "片",
    "pack_size": 7,
    "dose_unit": "mg",
    "dose_per_base_unit": 5000,
}


def test_a_foreign_key_an_expired_key_and_changed_bytes_do_not_sign(clinic: Clinic) -> None:
    unknown = clinic.issue_signed(clinic.sign(clinic.written(), kid="somebody"))
    genuine, clinic.key = clinic.key, ECKey.generate_key("P-256")
    forged = clinic.issue()
    clinic.key = genuine
    clinic.load_person(DOCTOR, key_until="2026-03-01")
    expired = clinic.issue()

    codes = [each.refusal.code for each in (unknown, forged, expired) if each.refusal]
    assert codes == ["signature.unknown_key", "signature.invalid", "signature.key_not_valid"]


@pytest.mark.parametrize("jws", ["", "no jws", "a.%%%.c", "a.é.c"])
def test_what_is_no_jws_is_refused(clinic: Clinic, jws: str) -> None:
    refusal = clinic.issue_signed(jws).refusal

    assert refusal is not None
    assert refusal.code == "signature.malformed"


def test_a_payload_of_the_wrong_form_names_fields_but_shows_no_values(clinic: Clinic) -> None:
    refusal = clinic.issue(diagnoses="secret", more="unknown").refusal

    assert refusal is not None
    assert refusal.code == "prescription.payload"
    assert {each["at"] for each in refusal.facts["errors"]} == {"diagnoses", "more"}
    assert "secret" not in str(refusal.facts)


def test_a_use_case_reads_each_drug_once(clinic: Clinic) -> None:
    use_case = issue_prescription(clinic.sign(clinic.written(lines=[line(), line(2)])))

    assert len({ref.stream_id for ref in use_case.relaxed}) == len(use_case.relaxed) == 4


@pytest.mark.parametrize("misspelt", [AMLODIPINE[:-2] + "94", AMLODIPINE.lower(), f" {AMLODIPINE}"])
def test_an_unknown_drug_is_told_with_the_nearest_of_the_register(clinic: Clinic, misspelt: str) -> None:
    refusal = clinic.issue(lines=[line(product=misspelt)]).refusal

    assert refusal is not None
    assert refusal.facts == {
        "line": 1,
        "product": misspelt,
        "nearest": [{"product": AMLODIPINE, "generic_name": "苯磺酸氨氯地平"}],
    }


def test_nothing_is_near_to_what_is_like_nothing(clinic: Clinic) -> None:
    refusal = clinic.issue(lines=[line(product="Q")]).refusal

    assert refusal is not None
    assert refusal.facts["nearest"] == []
