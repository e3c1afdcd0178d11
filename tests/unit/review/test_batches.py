"""Passing clean cases in a batch: a signature each, and one bad case holds up no other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.review import CasePassed
from contracts.roles import Role
from services.review.api import router
from services.review.domain.policy import CN
from services.seedwork.signing import sign_compact
from tests.support.http_caller import Caller
from tests.unit.review.conftest import HOSPITAL, LI, REASON, SUN, Hospital, digest, line, reviewer
from tests.unit.review.steps import pass_batch, status, taken
from tests.unit.review.test_delegated_review import CENTRE, THEIRS, ZHAO, agree

Code = Callable[[Any], str | None]


def problems(outcome: Any) -> list[str | None]:
    return [row.get("problem") for row in outcome.body["rows"]]


def test_clean_cases_are_passed_each_by_its_own_signature(hospital: Hospital) -> None:
    cases = [hospital.issue(), hospital.issue(lines=[line(days=14)], long_supply_reason=REASON)]

    outcome = pass_batch(hospital, [hospital.signed(case) for case in cases])

    assert (outcome.body["passed"], outcome.body["refused"]) == (2, 0)
    assert [row["result"] for row in outcome.body["rows"]] == ["passed", "passed"]
    told = hospital.store.told_of(CasePassed)
    assert {each.case_id for each in told} == set(cases)
    assert len({each.reviewers[0].signed_sha256 for each in told}) == 2


def test_what_is_not_clean_is_refused_by_itself(hospital: Hospital) -> None:
    clean, unscreened = hospital.issue(), hospital.issue(facts=None, diagnoses=None)
    caution, serious = hospital.issue(validity_days=2), hospital.issue(lines=[line(days=14)])

    outcome = pass_batch(hospital, [hospital.signed(case) for case in (unscreened, caution, serious, clean)])

    assert problems(outcome) == ["case.not_clean", "case.not_clean", "case.not_clean", None]
    assert outcome.body["rows"][2]["facts"] == {"degraded": False, "findings": [1]}
    assert status(hospital, clean) == "passed"
    assert {status(hospital, case) for case in (unscreened, caution, serious)} == {"queued"}


def test_each_signature_is_checked(hospital: Hospital) -> None:
    case, other = hospital.issue(), hospital.issue()
    rows = [
        "no signature",
        "a.b.c",
        hospital.signed(case)[:-4] + "AAAA",
        hospital.signed(case, person=LI),
        hospital.signed(case, signed_sha256=digest(2)),
        hospital.signed(case, extra=1),
        hospital.signed(uuid4()),
        hospital.signed(other),
        hospital.signed(other),
    ]

    assert problems(pass_batch(hospital, rows)) == [
        "signature.malformed",
        "signature.malformed",
        "signature.invalid",
        "signature.unknown_key",
        "case.signed_something_else",
        "request.invalid",
        "case.unknown",
        None,
        "case.twice_in_batch",
    ]
    assert status(hospital, case) == "queued"


def test_only_what_waits_in_the_queue_is_passed(hospital: Hospital) -> None:
    held = taken(hospital)

    assert problems(pass_batch(hospital, [hospital.signed(held)])) == ["case.wrong_state"]


def test_a_batch_obeys_licence_and_agreement_of_each_case(hospital: Hospital) -> None:
    hospital.admit("institution", CENTRE, {"name": "市审方中心", "region": "330100", "level": 3})
    hospital.admit_person(ZHAO, "赵云", "reviewer", organisation=CENTRE)
    hospital.admit_person("D330100000009", "钱进", "prescriber", organisation=CENTRE)
    own, theirs = hospital.issue(institution=CENTRE, prescriber="D330100000009"), hospital.issue()

    def both() -> list[str | None]:
        return problems(pass_batch(hospital, [hospital.signed(case, person=ZHAO) for case in (own, theirs)], THEIRS))

    assert both() == [None, "case.not_yours"]
    agree(hospital)
    assert both() == ["case.wrong_state", None]


def test_a_batch_has_a_limit(hospital: Hospital, code_of: Code) -> None:
    too_many = CN.versions[-1].batch_cases_max + 1
    case = hospital.issue()

    assert code_of(pass_batch(hospital, [hospital.signed(case)] * too_many)) == "case.batch_too_large"
    assert status(hospital, case) == "queued"


def test_a_clean_case_that_needs_a_second_pharmacist_waits_for_one(hospital: Hospital) -> None:
    case = hospital.issue(lines=[line(days=2) | {"drug_class": "toxic"}])

    outcome = pass_batch(hospital, [hospital.signed(case)])

    assert status(hospital, case) == "second_wanted"
    assert outcome.body == {
        "passed": 0,
        "second_wanted": 1,
        "refused": 0,
        "rows": [{"case_id": str(case), "result": "second_wanted"}],
    }
    assert problems(pass_batch(hospital, [hospital.signed(case, person=LI)], reviewer(LI))) == ["case.wrong_state"]


@pytest.mark.parametrize("body", [{}, {"signatures": []}, {"signatures": [""]}, {"signatures": ["x"] * 51}])
def test_a_batch_of_the_wrong_form_is_invalid(hospital: Hospital, tmp_path: Path, body: Any) -> None:
    caller = Caller(hospital.store, router, tmp_path)
    token = caller.token(SUN, Role.REVIEWER, organisation=HOSPITAL)

    assert caller(token, "POST", "/cases/pass-batch", json=body).json()["code"] == "request.invalid"


def test_a_batch_over_http(hospital: Hospital, tmp_path: Path) -> None:
    caller = Caller(hospital.store, router, tmp_path)
    case: UUID = hospital.issue()
    token = caller.token(SUN, Role.REVIEWER, organisation=HOSPITAL)

    answer = caller(token, "POST", "/cases/pass-batch", json={"signatures": [hospital.signed(case)]})

    assert answer.json()["rows"] == [{"case_id": str(case), "result": "passed"}]
    taken_too_late = caller(token, "POST", f"/cases/{case}/take-over")
    assert taken_too_late.json()["code"] == "case.wrong_state"


def test_a_name_twice_in_what_is_signed_is_refused_as_it_is_alone(hospital: Hospital) -> None:
    case = hospital.issue()
    payload = {"case_id": str(case), "revision": 9, "signed_sha256": digest(1), "comments": []}
    twice = json.dumps(payload)[:-1] + ', "revision": 1}'
    signed = sign_compact(twice.encode(), hospital.key.as_dict(private=True), f"{SUN}-1")

    assert problems(pass_batch(hospital, [signed])) == ["request.malformed"]
    assert status(hospital, case) == "queued"
