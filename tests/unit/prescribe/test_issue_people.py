"""Who may prescribe what, where: practice sites, rights by class and level, titles, institutions, online visits."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.events.prescribe import PrescriptionIssued
from services.prescribe.domain.commands import IssuePrescription
from services.prescribe.domain.issue_checks.online import admitted
from services.prescribe.domain.issue_checks.written import Written, whole_years
from services.prescribe.domain.policy import CN
from services.prescribe.domain.registers import Known
from services.seedwork.model import Refusal
from tests.unit.prescribe.conftest import (
    ARSENIC,
    DOCTOR,
    ESTAZOLAM,
    HOSPITAL,
    OTHER_HOSPITAL,
    Clinic,
    drug,
    line,
)

AMOXICILLIN, CEFIXIME, MEROPENEM = "XJ01CAA111A001010100001", "XJ01DDA111A001010100001", "XJ01DHA111B001010100001"
LEVELS = {AMOXICILLIN: "unrestricted", CEFIXIME: "restricted", MEROPENEM: "special"}
ONLINE = {"first_visit": False, "prior_record": "MR-2025-0001", "authorisation_no": "A0001"}


def refused(clinic: Clinic, **changes: Any) -> Refusal | None:
    return clinic.issue(**changes).refusal


def code_of(clinic: Clinic, **changes: Any) -> str | None:
    refusal = refused(clinic, **changes)
    return refusal.code if refusal else None


@pytest.fixture
def ward(clinic: Clinic) -> Clinic:
    """With antibacterials of each level, and a doctor who may write the restricted ones."""
    for code, level in LEVELS.items():
        clinic.load("drug", code, drug(level, atc=f"J01{code[4:6]}01", antibacterial_level=level))
    may_write(clinic, "restricted")
    return clinic


def may_write(clinic: Clinic, level: str | None, title: str = "attending", **dates: Any) -> None:
    rights = [{"level": level, "valid_from": "2026-01-01"} | dates] if level else []
    clinic.load_person(DOCTOR, antibacterial_rights=rights, title=title)


def day(product: str, days: int = 1) -> list[dict[str, Any]]:
    return [line(product=product, days=days, quantity=days)]


def test_a_doctor_prescribes_at_each_place_of_practice_as_long_as_it_is_registered(clinic: Clinic) -> None:
    def at(**dates: str) -> str | None:
        site = {"institution": OTHER_HOSPITAL, "valid_from": "2026-01-01"} | dates
        clinic.load_person(DOCTOR, sites=[site])
        return code_of(clinic, institution=OTHER_HOSPITAL)

    assert code_of(clinic, institution=OTHER_HOSPITAL) == "prescriber.practice_site"
    assert at() is None
    assert at(valid_until="2026-03-02") is None
    assert at(valid_until="2026-03-01") == "prescriber.site_not_in_force"
    assert at(valid_from="2026-03-03") == "prescriber.site_not_in_force"
    assert code_of(clinic, institution=HOSPITAL) is None


def test_a_right_by_class_holds_between_its_dates(clinic: Clinic) -> None:
    def holding(**dates: str) -> str | None:
        right = {"drug_class": "psychotropic_2", "valid_from": "2026-01-01"} | dates
        clinic.load_person(DOCTOR, dated_rights=[right])
        return code_of(clinic, lines=[line(product=ESTAZOLAM)])

    assert holding() is None
    assert holding(valid_until="2026-03-01") == "prescriber.right_not_in_force"
    assert holding(valid_from="2026-03-03") == "prescriber.right_not_in_force"


def test_of_two_grants_of_one_right_either_may_hold(clinic: Clinic) -> None:
    ended = {"drug_class": "ordinary", "valid_from": "2025-01-01", "valid_until": "2025-12-31"}
    clinic.load_person(DOCTOR, dated_rights=[ended, ended | {"valid_until": "2026-12-31"}], prescribing_rights=[])

    assert code_of(clinic) is None


@pytest.mark.parametrize(
    ("level", "product", "code"),
    [
        (None, AMOXICILLIN, "antibacterial.no_right"),
        ("unrestricted", AMOXICILLIN, None),
        ("unrestricted", CEFIXIME, "antibacterial.no_right"),
        ("restricted", CEFIXIME, None),
        ("special", MEROPENEM, "antibacterial.not_outpatient"),
    ],
)
def test_antibacterials_are_prescribed_by_level_and_the_special_ones_never_to_outpatients(
    ward: Clinic, level: str | None, product: str, code: str | None
) -> None:
    may_write(ward, level, "chief")

    assert code_of(ward, lines=day(product)) == code


def test_an_antibacterial_right_that_has_ended_is_none(ward: Clinic) -> None:
    may_write(ward, "restricted", valid_until="2026-03-01")

    assert code_of(ward, lines=day(CEFIXIME)) == "antibacterial.no_right"


def test_in_an_emergency_the_special_level_may_be_written_by_who_has_the_right(ward: Clinic) -> None:
    may_write(ward, "special", "chief")

    assert code_of(ward, visit_kind="emergency", lines=day(MEROPENEM)) is None


@pytest.mark.parametrize(
    ("product", "days", "reason", "code"),
    [
        (MEROPENEM, 1, "感染性休克", None),
        (MEROPENEM, 1, None, "antibacterial.reason_missing"),
        (MEROPENEM, 2, "感染性休克", "antibacterial.too_long"),
    ],
)
def test_in_an_emergency_one_level_beyond_is_lawful_for_a_day_with_its_indication(
    ward: Clinic, product: str, days: int, reason: str | None, code: str | None
) -> None:
    assert code_of(ward, visit_kind="emergency", lines=day(product, days), beyond_level_reason=reason) == code


def test_two_levels_beyond_are_too_many(ward: Clinic) -> None:
    may_write(ward, "unrestricted")

    assert (
        code_of(ward, visit_kind="emergency", lines=day(MEROPENEM), beyond_level_reason="x") == "antibacterial.no_right"
    )


@pytest.mark.parametrize(("title", "code"), [("resident", "prescriber.title"), ("attending", None)])
def test_a_level_asks_for_a_title(ward: Clinic, title: str, code: str | None) -> None:
    may_write(ward, "restricted", title)

    assert code_of(ward, lines=day(CEFIXIME)) == code


def test_a_reason_for_going_beyond_the_right_makes_no_title(ward: Clinic) -> None:
    may_write(ward, "restricted", "resident")

    assert code_of(ward, lines=day(CEFIXIME), beyond_level_reason="x") == "prescriber.title"


def test_antibacterials_were_not_ruled_by_level_before_2012() -> None:
    assert CN.on(date(2012, 7, 31)).antibacterials is None
    assert CN.on(date(2012, 8, 1)).antibacterials is not None


def test_a_jurisdiction_without_levels_asks_for_no_right() -> None:
    clinic = Clinic("demo-eu")
    clinic.load("drug", MEROPENEM, drug("meropenem", form="tablet", antibacterial_level="special"))

    diagnoses, intent = [{"code": "J15.9", "name": "pneumonia"}], {"kind": "general"}
    assert code_of(clinic, lines=day(MEROPENEM, 7), diagnoses=diagnoses, insurance_intent=intent) is None


@pytest.fixture
def online(clinic: Clinic) -> Clinic:
    """A doctor of four years' practice at a hospital that may hold online visits."""
    hospital(clinic, "hospital_online")
    clinic.load_person(
        DOCTOR, practising_since="2022-03-02", prescribing_rights=["ordinary", "psychotropic_2", "toxic"]
    )
    return clinic


def hospital(clinic: Clinic, kind: str | None) -> None:
    clinic.load("institution", HOSPITAL, {"name": "示例医院", "region": "330102", "level": 3, "kind": kind})


def visit(**changes: Any) -> dict[str, Any]:
    return {"online_visit": True, "written_by": "person", "online": ONLINE | changes}


def test_a_return_visit_online_is_written_and_what_made_it_lawful_is_kept(online: Clinic) -> None:
    prescription_id = online.issued(**visit())

    signed = online.state(prescription_id).signed
    assert signed.online is not None
    assert signed.online.prior_record == "MR-2025-0001"
    (told,) = online.store.told_of(PrescriptionIssued)
    assert told.online_visit


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("online.details_missing", {"online_visit": True, "written_by": "person"}),
        ("online.not_online", {"online": ONLINE}),
        ("online.first_visit", visit(first_visit=True)),
        ("online.prior_record", visit(prior_record=None)),
        ("online.prior_record", visit(prior_record=" ")),
        ("online.authorisation_no", visit(authorisation_no=None)),
        ("online.authorisation_no", visit(authorisation_no=" ")),
        ("online.excluded_class", visit() | {"lines": [line(product=ESTAZOLAM)]}),
        ("online.excluded_class", visit() | {"lines": day(ARSENIC)}),
        ("prescription.author_not_stated", visit() | {"written_by": None}),
        ("prescription.machine_written", visit() | {"written_by": "machine"}),
        ("prescription.machine_written", {"written_by": "machine"}),
        ("prescription.names_a_pharmacy", {"pharmacy": "P33010200001"}),
    ],
)
def test_each_rule_of_an_online_visit_has_its_own_code(online: Clinic, code: str, changes: dict[str, Any]) -> None:
    assert code_of(online, **changes) == code


@pytest.mark.parametrize(("since", "code"), [("2023-03-02", None), ("2023-03-03", "online.practice_years")])
def test_online_doctors_have_practised_for_three_years(online: Clinic, since: str, code: str | None) -> None:
    online.load_person(DOCTOR, practising_since=since)

    assert code_of(online, **visit()) == code


def test_a_doctor_whose_practice_nobody_knows_holds_no_online_visit(online: Clinic) -> None:
    online.load_person(DOCTOR)

    assert code_of(online, **visit()) == "online.practice_years"


def test_a_child_under_six_has_a_guardian_and_a_doctor_for_children(online: Clinic) -> None:
    online.patient_ref = online.register(identity_number="33010220200303002X", birth_date="2020-03-03", sex="female")
    guardian = {"guardian": {"name": "李芳", "relation": "母亲"}}

    alone, unfit = code_of(online, **visit()), code_of(online, **visit(**guardian))
    online.load_person(DOCTOR, practising_since="2020-01-01", specialties=["儿科"])
    lawful = code_of(online, **visit(**guardian))
    online.store.time = datetime(2026, 3, 3, 1, tzinfo=UTC)
    six = code_of(online, **visit())

    assert (alone, unfit, lawful, six) == ("online.guardian", "online.specialty", None, None)


@pytest.mark.parametrize(
    ("kind", "in_person", "online_visit"),
    [
        (None, None, "institution.kind"),
        ("hospital", None, "institution.kind"),
        ("hospital_online", None, None),
        ("internet_hospital", "institution.kind", None),
        ("museum", "institution.kind", "institution.kind"),
    ],
)
def test_an_institution_holds_the_visits_of_its_kind(
    online: Clinic, kind: str | None, in_person: str | None, online_visit: str | None
) -> None:
    hospital(online, kind)

    assert code_of(online) == in_person
    assert code_of(online, **visit()) == online_visit


def test_nothing_is_prescribed_online_where_it_is_not_admitted(online: Clinic) -> None:
    policy = CN.on(date(2018, 7, 16))
    content = IssuePrescription.model_validate(online.written(**visit()))

    refusal = admitted(Written(content, Known(None, None, None, {}), policy, date(2018, 7, 16)))

    assert refusal is not None
    assert refusal.code == "prescription.online_visit"
    assert CN.on(date(2018, 7, 17)).online_visits is not None


@pytest.mark.parametrize(("born", "code"), [("2024-03-03", "patient.weight_missing"), ("2024-03-02", None)])
def test_an_infant_is_prescribed_for_by_weight(clinic: Clinic, born: str, code: str | None) -> None:
    number = {"2024-03-03": "330102202403030029", "2024-03-02": "330102202403020023"}[born]
    clinic.patient_ref = clinic.register(identity_number=number, birth_date=born, sex="female")

    assert code_of(clinic) == code
    assert code_of(clinic, facts={"weight_grams": 11_500}) is None


@pytest.mark.parametrize(
    ("since", "day", "years"),
    [
        (date(2020, 3, 2), date(2026, 3, 1), 5),
        (date(2020, 3, 2), date(2026, 3, 2), 6),
        (date(2020, 2, 29), date(2026, 2, 28), 5),
        (date(2020, 2, 29), date(2026, 3, 1), 6),
    ],
)
def test_age_counts_completed_years(since: date, day: date, years: int) -> None:
    assert whole_years(since, day) == years
