"""Every check of an issue, taken out in turn: what it alone refuses is then refused by nothing, or by another rule.

`CASES`: one prescription per problem of the catalogue, lawful but for that one thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from contracts.errors.issuing import ISSUE_RULES
from services.prescribe.domain import issue
from services.prescribe.domain.issue_checks import WHAT, WHO, IssueRule
from tests.unit.prescribe.conftest import (
    AMLODIPINE,
    DOCTOR,
    HOSPITAL,
    METFORMIN,
    OTHER_HOSPITAL,
    Clinic,
    drug,
    line,
)

Change = dict[str, Any]
ONLINE = {"first_visit": False, "prior_record": "MR-1", "authorisation_no": "A-1"}
ENDED = {"valid_from": "2025-01-01", "valid_until": "2025-12-31"}
CHILD = {"identity_number": "33010220200303002X", "birth_date": "2020-03-03", "sex": "female"}
INFANT = {"identity_number": "330102202602280020", "birth_date": "2026-02-28", "sex": "female"}


@dataclass(frozen=True)
class Case:
    """What is unlawful: something in the registers, or something that is written."""

    check: str
    doctor: Change = field(default_factory=dict)
    drug: Change = field(default_factory=dict)
    hospital: Change = field(default_factory=dict)
    patient: Change = field(default_factory=dict)
    written: Change = field(default_factory=dict)
    before: Callable[[Clinic], object] = lambda _clinic: None


def lines(*each: Change) -> Change:
    return {"lines": list(each)}


def online(**changes: Any) -> Change:
    """Out of an online visit."""
    return {"online_visit": True, "written_by": "person", "online": ONLINE | changes}


def paid(kind: str = "general", **more: Any) -> Change:
    return {"insurance_intent": {"kind": kind, **more}}


BACTERIA: Change = {"antibacterial_level": "restricted", "atc": "J01DD08"}
MAY_ONLINE: Change = {"doctor": {"practising_since": "2020-01-01"}, "hospital": {"kind": "hospital_online"}}
PATIENT_GONE = "5f1c2b7e-5c0e-4a6e-9c68-3f0f6d9b2a11"

CASES: dict[str, Case] = {
    "prescriber.not_registered": Case("prescriber_registered", doctor={"professions": ["reviewer"]}),
    "prescriber.not_in_force": Case("prescriber_registered", doctor={"suspended": True}),
    "institution.not_admitted": Case("institution_admitted", hospital={"suspended": True}),
    "prescriber.practice_site": Case("practice_site", doctor={"organisation": OTHER_HOSPITAL}),
    "prescriber.site_not_in_force": Case(
        "practice_site",
        doctor={"organisation": OTHER_HOSPITAL, "sites": [{"institution": HOSPITAL} | ENDED]},
    ),
    "institution.kind": Case("institution_holds_such_visits", hospital={"kind": "internet_hospital"}),
    "patient.weight_missing": Case("weight_known", patient=INFANT),
    "prescriber.no_right": Case("prescribing_right", doctor={"prescribing_rights": ["toxic"]}),
    "prescriber.right_not_in_force": Case(
        "prescribing_right", doctor={"prescribing_rights": [], "dated_rights": [{"drug_class": "ordinary"} | ENDED]}
    ),
    "antibacterial.no_right": Case("antibacterial_level", drug=BACTERIA, doctor={"title": "chief"}),
    "antibacterial.not_outpatient": Case(
        "antibacterial_level",
        drug=BACTERIA | {"antibacterial_level": "special"},
        doctor={"title": "chief", "antibacterial_rights": [{"level": "special", "valid_from": "2026-01-01"}]},
    ),
    "antibacterial.reason_missing": Case(
        "antibacterial_level",
        drug=BACTERIA | {"antibacterial_level": "unrestricted"},
        doctor={"title": "resident"},
        written={"visit_kind": "emergency"} | lines(line(days=1, quantity=1)),
    ),
    "antibacterial.too_long": Case(
        "antibacterial_level",
        drug=BACTERIA | {"antibacterial_level": "unrestricted"},
        doctor={"title": "resident"},
        written={"visit_kind": "emergency", "beyond_level_reason": "感染性休克"} | lines(line(days=2, quantity=2)),
    ),
    "prescriber.title": Case(
        "antibacterial_title",
        drug=BACTERIA,
        doctor={"title": "resident", "antibacterial_rights": [{"level": "restricted", "valid_from": "2026-01-01"}]},
    ),
    "online.details_missing": Case("admitted", **MAY_ONLINE, written=online() | {"online": None}),
    "online.not_online": Case("admitted", written={"online": ONLINE}),
    "online.first_visit": Case("return_visit", **MAY_ONLINE, written=online(first_visit=True)),
    "online.prior_record": Case("return_visit", **MAY_ONLINE, written=online(prior_record=None)),
    "online.authorisation_no": Case("authorised", **MAY_ONLINE, written=online(authorisation_no=None)),
    "online.excluded_class": Case(
        "no_excluded_class",
        **MAY_ONLINE,
        drug={"drug_class": "toxic"},
        written=online() | lines(line(days=1, quantity=1)),
    ),
    "online.practice_years": Case("experienced", hospital={"kind": "hospital_online"}, written=online()),
    "online.guardian": Case("child_accompanied", **MAY_ONLINE, patient=CHILD, written=online()),
    "online.specialty": Case(
        "child_accompanied",
        **MAY_ONLINE,
        patient=CHILD,
        written=online(guardian={"name": "李芳", "relation": "母亲"}),
    ),
    "prescription.machine_written": Case("written_by_a_person", written={"written_by": "machine"}),
    "prescription.author_not_stated": Case(
        "written_by_a_person", **MAY_ONLINE, written=online() | {"written_by": None}
    ),
    "prescription.names_a_pharmacy": Case("no_steering", written={"pharmacy": "P33010200001"}),
    "diagnosis.missing": Case("diagnoses", written={"diagnoses": []}),
    "diagnosis.code": Case("diagnoses", written={"diagnoses": [{"code": "high blood pressure", "name": "x"}]}),
    "diagnosis.unknown": Case("diagnoses", written={"diagnoses": [{"code": "A12.900", "name": "x"}]}),
    "diagnosis.tcm_missing": Case(
        "tcm_diagnosis", drug={"medicine_type": "herbal"}, written={"medicine_kind": "herbal"}
    ),
    "line.count": Case("line_count", written=lines()),
    "line.numbering": Case("line_count", written=lines(line(2))),
    "line.drug_twice": Case("line_count", written=lines(line(), line(2))),
    "drug.not_in_force": Case("drugs_known", drug={"suspended": True}),
    "drug.never_circulates": Case(
        "class_circulates",
        drug={"drug_class": "radioactive"},
        doctor={"prescribing_rights": ["radioactive"]},
    ),
    "line.medicine_kind": Case("medicine_kind", drug={"medicine_type": "herbal"}),
    "line.written_alone": Case(
        "written_alone", drug={"medicine_type": "patent", "form": "注射液"}, written=lines(line(), line(2, METFORMIN))
    ),
    "line.as_directed": Case("clear_directions", written=lines(line(instructions="遵医嘱"))),
    "line.mixed_with": Case("infusion", written=lines(line(mixed_with=1))),
    "line.solvent": Case("infusion", written=lines(line(solvent="5%葡萄糖注射液"))),
    "line.frequency_unclear": Case("frequency", written=lines(line(frequency="qd", frequency_per_day=2))),
    "line.dose_unit": Case("quantity_follows", written=lines(line(dose_unit="g"))),
    "line.quantity": Case("quantity_follows", written=lines(line(quantity=14))),
    "line.pack": Case("whole_packs", drug={"splittable": False}, written=lines(line(days=5, quantity=5))),
    "supply.class_limit": Case("class_amounts", drug={"drug_class": "toxic"}, written=lines(line(days=3, quantity=3))),
    "supply.largest_dose": Case(
        "class_amounts",
        drug={"drug_class": "toxic", "daily_dose_max": 4999},
        written=lines(line(days=2, quantity=2)),
    ),
    "supply.class_reason_missing": Case(
        "class_amounts",
        drug={"drug_class": "psychotropic_2"},
        doctor={"prescribing_rights": ["psychotropic_2"]},
        written=lines(line(days=14, quantity=14)),
    ),
    "supply.reason_missing": Case("days_supplied", written=lines(line(days=14, quantity=14))),
    "supply.too_long": Case(
        "days_supplied", written={"long_supply_reason": "慢性病"} | lines(line(days=35, quantity=35))
    ),
    "validity.reason_missing": Case("validity", written={"validity_days": 2}),
    "validity.too_long": Case("validity", written={"validity_days": 4, "validity_reason": "外出"}),
    "insurance_intent.line": Case("kinds", written=paid(lines=[{"line": 2, "kind": "general"}])),
    "insurance_intent.line_twice": Case(
        "kinds", written=paid(lines=[{"line": 1, "kind": "general"}, {"line": 1, "kind": "general"}])
    ),
    "insurance_intent.disease_code": Case("disease_code", written=paid("chronic_disease")),
    "insurance_intent.disease_code_form": Case(
        "disease_code", written=paid("chronic_disease") | {"insurance_disease_code": "I10"}
    ),
    "insurance_intent.self_pay_reason": Case("self_pay", written=paid(lines=[{"line": 1, "kind": "self_pay"}])),
    "insurance_intent.self_pay_note": Case(
        "self_pay", written=paid(lines=[{"line": 1, "kind": "self_pay", "self_pay_reason": "other"}])
    ),
    "insurance_intent.restricted_use": Case("restricted_use", drug={"restricted_use": True}),
    "insurance_intent.reason": Case("restricted_use", written=paid(restricted_use=[{"line": 1, "met": False}])),
}

ELSEWHERE = {
    "prescription.online_visit": "no policy of today refuses all online visits: test_issue_people",
    "supply.single_dose": "its classes do not circulate: test_issue_content",
    "insurance_intent.kind": "China has every kind: test_issue_content, of the other jurisdiction",
    # Without the check there is nothing to go on with.
    "drug.unknown": "test_issue",
    "line.frequency_missing": "test_issue_content",
    "line.frequency": "test_issue_content",
}
ELSEWHERE_WHOLE = {"patient_known", "long_term"}
"""Their problems stand with the patient's and with the plan's."""


def clinic_of(case: Case) -> Clinic:
    clinic = Clinic()
    hospital = dict(case.hospital)
    suspended = {"suspended": hospital.pop("suspended", False)}
    clinic.load("institution", HOSPITAL, {"name": "示例", "region": "330102", "level": 3} | hospital, **suspended)
    medicine = dict(case.drug)
    suspended = {"suspended": medicine.pop("suspended", False)}
    clinic.load("drug", AMLODIPINE, drug("苯磺酸氨氯地平") | medicine, **suspended)
    if case.patient:
        clinic.patient_ref = clinic.register(**case.patient)
    clinic.load_person(DOCTOR, **case.doctor)
    return clinic


def code_of(case: Case) -> str | None:
    refusal = clinic_of(case).issue(**case.written).refusal
    return refusal.code if refusal else None


def without(rules: tuple[IssueRule, ...], name: str) -> tuple[IssueRule, ...]:
    return tuple(rule for rule in rules if rule.name != name)


@pytest.mark.parametrize("code", CASES)
def test_what_is_unlawful_in_one_thing_is_refused_by_its_code(code: str) -> None:
    assert code_of(CASES[code]) == code


@pytest.mark.parametrize("code", CASES)
def test_without_its_check_it_is_not_refused_so(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue, "WHO", without(WHO, CASES[code].check))
    monkeypatch.setattr(issue, "WHAT", without(WHAT, CASES[code].check))

    assert code_of(CASES[code]) != code


def test_every_problem_and_every_check_has_a_case() -> None:
    assert {problem.code for problem in ISSUE_RULES} - CASES.keys() == ELSEWHERE.keys()
    names = {rule.name for rule in (*WHO, *WHAT)}
    assert names - {case.check for case in CASES.values()} <= ELSEWHERE_WHOLE
