"""The registers of prescribe: national codes, told to the other services, listed."""

from typing import Any

import pytest

from contracts.events.prescribe import RegisterEntryRecorded
from tests.unit.prescribe.conftest import AMLODIPINE, DOCTOR, HOSPITAL, Clinic

CODE = "H33010200007"
CONTENT = {"name": "第七示例医院", "region": "330102", "level": 1}


def test_a_new_entry_is_told_and_listed(clinic: Clinic) -> None:
    clinic.load("institution", CODE, CONTENT)

    told = clinic.store.told_of(RegisterEntryRecorded)[-1]
    assert (told.kind, told.code, told.content["level"]) == ("institution", CODE, 1)
    listed = clinic.store.rows("register_entries", kind="institution", after=HOSPITAL, limit=10)
    assert [each["code"] for each in listed] == ["H33010200002", CODE]


def test_the_same_load_again_tells_nothing_and_a_suspension_is_told(clinic: Clinic) -> None:
    clinic.load("institution", CODE, CONTENT)
    before = len(clinic.store.told)

    clinic.load("institution", CODE, CONTENT)
    assert len(clinic.store.told) == before

    clinic.load("institution", CODE, CONTENT, suspended=True)
    assert clinic.store.told_of(RegisterEntryRecorded)[-1].suspended


@pytest.mark.parametrize(("kind", "code"), [("person", HOSPITAL), ("institution", DOCTOR), ("drug", AMLODIPINE[:-1])])
def test_a_code_has_the_form_of_its_kind(clinic: Clinic, kind: str, code: str) -> None:
    known = clinic.store.rows("register_entries", kind=kind, after="", limit=1)[0]

    (row,) = clinic.load(kind, code, known["content"]).body["rows"]

    assert row["result"] == "refused"
    assert row["errors"][0].startswith("code: not of the form")


AGREEMENT = {"institution": HOSPITAL, "reviewed_by": CODE, "agreement_no": "WT-2026-1"}


def test_a_review_agreement_is_told_under_the_code_of_both_sides(clinic: Clinic) -> None:
    (row,) = clinic.load("review_agreement", f"{HOSPITAL}-{CODE}", AGREEMENT).body["rows"]

    assert row["result"] == "recorded"
    told = clinic.store.told_of(RegisterEntryRecorded)[-1]
    assert (told.kind, told.code, told.content) == ("review_agreement", f"{HOSPITAL}-{CODE}", AGREEMENT)


def test_a_review_agreement_under_another_code_is_refused(clinic: Clinic) -> None:
    (row,) = clinic.load("review_agreement", f"{CODE}-{HOSPITAL}", AGREEMENT).body["rows"]

    assert row["errors"] == ["code: not the one of its content"]


@pytest.mark.parametrize(
    ("kind", "code"), [("person", "D999999000001"), ("person", "HY331099000001"), ("institution", "H33109900001")]
)
def test_a_code_names_a_division_that_exists(clinic: Clinic, kind: str, code: str) -> None:
    known = clinic.store.rows("register_entries", kind=kind, after="", limit=1)[0]

    (row,) = clinic.load(kind, code, known["content"]).body["rows"]

    assert row["errors"] == ["code: names no division of GB/T 2260"]


OFFICER = {"name": "-", "professions": ["authority"], "organisation": "330000", "registration_no": "-"}


@pytest.mark.parametrize(
    ("code", "changed", "errors"),
    [
        ("R330000000001", {}, None),
        ("R000000000001", {"organisation": "000000"}, None),
        ("R610000000001", {}, ["code: not of the division that the organisation is"]),
        ("D330000000001", {}, ["code: not of the division that the organisation is"]),
        ("R990000000001", {"organisation": "990000"}, ["code: names no division of GB/T 2260"]),
        ("R330000000001", {"professions": ["prescriber"]}, ["code: R is of those who sign for an authority"]),
    ],
)
def test_who_signs_for_an_authority_has_a_code_of_its_division(
    clinic: Clinic, code: str, changed: dict[str, Any], errors: list[str] | None
) -> None:
    (row,) = clinic.load("person", code, OFFICER | changed).body["rows"]

    assert row.get("errors") == errors


@pytest.mark.parametrize(("number", "result"), [("12330102000000001E", "recorded"), ("12330102000000001A", "refused")])
def test_the_social_credit_code_of_an_institution_has_its_check_character(
    clinic: Clinic, number: str, result: str
) -> None:
    (row,) = clinic.load("institution", CODE, CONTENT | {"social_credit_code": number}).body["rows"]

    assert row["result"] == result


@pytest.mark.parametrize(
    ("code", "result"), [("T000000001", "recorded"), ("T00000001", "refused"), ("XC08", "refused")]
)
def test_a_drug_has_23_characters_and_herbal_pieces_ten(clinic: Clinic, code: str, result: str) -> None:
    known = clinic.store.rows("register_entries", kind="drug", after="", limit=1)[0]

    (row,) = clinic.load("drug", code, known["content"]).body["rows"]

    assert row["result"] == result
