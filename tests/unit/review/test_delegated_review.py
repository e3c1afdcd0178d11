"""Delegated review (委托审方): whose prescriptions an institution's pharmacists see and take."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.events.review import CasePassed
from contracts.roles import Role
from services.review.api import router
from tests.support.http_caller import Caller
from tests.unit.review.conftest import HOSPITAL, Hospital, reviewer
from tests.unit.review.steps import pass_, return_, status, take, taken

Code = Callable[[Any], str | None]
CENTRE = "H33010000009"
ZHAO = "HY330100000001"
THEIRS = reviewer(ZHAO, CENTRE)


@pytest.fixture
def hospital(hospital: Hospital) -> Hospital:
    """Beside a centre whose pharmacist would like to review for it."""
    hospital.admit("institution", CENTRE, {"name": "市审方中心", "region": "330100", "level": 3})
    hospital.admit_person(ZHAO, "赵云", "reviewer", organisation=CENTRE)
    return hospital


def agree(hospital: Hospital, **more: Any) -> None:
    content = {"institution": HOSPITAL, "reviewed_by": CENTRE, "agreement_no": "WT-1"}
    hospital.admit("review_agreement", f"{HOSPITAL}-{CENTRE}", content, **more)


@pytest.fixture
def get(hospital: Hospital, tmp_path: Path) -> Callable[[str], Any]:
    caller = Caller(hospital.store, router, tmp_path)
    token = caller.token(ZHAO, Role.REVIEWER, organisation=CENTRE)
    return lambda path: caller(token, "GET", path).json()


def test_the_delegates_pharmacist_reviews_and_the_answer_names_the_delegate(hospital: Hospital) -> None:
    agree(hospital)
    case = hospital.issue()

    assert take(hospital, case, THEIRS).refusal is None
    assert pass_(hospital, case, actor=THEIRS).refusal is None

    (passed,) = hospital.store.told_of(CasePassed)
    assert (passed.organisation, passed.delegated) == (CENTRE, True)
    assert [who.organisation for who in passed.reviewers] == [CENTRE]


def test_the_own_review_is_no_delegated_one(hospital: Hospital) -> None:
    pass_(hospital, taken(hospital))

    (passed,) = hospital.store.told_of(CasePassed)
    assert (passed.organisation, passed.delegated) == (HOSPITAL, False)


def test_without_an_agreement_a_case_is_not_theirs(hospital: Hospital, code_of: Code) -> None:
    case = hospital.issue()

    assert code_of(take(hospital, case, THEIRS)) == "case.not_yours"
    assert status(hospital, case) == "queued"


@pytest.mark.parametrize(
    "why",
    [
        {"suspended": True},
        {"valid_until": date(2026, 3, 1)},
        {"valid_from": date(2026, 3, 3)},
    ],
    ids=["suspended", "ended", "not begun"],
)
def test_an_agreement_out_of_force_holds_nothing(hospital: Hospital, code_of: Code, why: dict[str, Any]) -> None:
    agree(hospital, **why)

    assert code_of(take(hospital, hospital.issue(), THEIRS)) == "case.not_yours"


def test_the_end_of_an_agreement_is_obeyed_at_once_also_for_what_is_taken(hospital: Hospital, code_of: Code) -> None:
    agree(hospital)
    case = hospital.issue()
    take(hospital, case, THEIRS)

    agree(hospital, suspended=True)

    assert code_of(return_(hospital, case, actor=THEIRS)) == "case.not_yours"
    assert status(hospital, case) == "taken"


def test_an_agreement_is_one_way(hospital: Hospital, code_of: Code) -> None:
    agree(hospital)
    theirs = hospital.issue(institution=CENTRE)

    assert code_of(take(hospital, theirs)) == "case.not_yours"


def test_the_delegates_institution_must_be_admitted(hospital: Hospital, code_of: Code) -> None:
    agree(hospital)
    content = {"name": "市审方中心", "region": "330100", "level": 3}
    hospital.admit("institution", CENTRE, content, suspended=True)

    assert code_of(take(hospital, hospital.issue(), THEIRS)) == "case.institution_not_admitted"


def test_the_delegate_sees_the_cases_it_reviews_while_the_agreement_holds(
    hospital: Hospital, get: Callable[[str], Any]
) -> None:
    case, own = hospital.issue(), hospital.issue(institution=CENTRE, region="330106")

    def seen(path: str = "/cases") -> set[UUID]:
        return {UUID(item["case_id"]) for item in get(path)["items"]}

    assert seen() == {own}
    assert get(f"/cases/{case}")["code"] == "case.not_yours"
    agree(hospital)
    assert seen() == {own, case}
    assert seen(f"/cases?institution={HOSPITAL}") == {case}
    assert seen("/cases?region=3301") == {own, case}
    assert seen("/cases?region=330106") == {own}
    assert get(f"/cases/{case}")["state"] == "queued"
    agree(hospital, valid_until=date(2026, 3, 1))
    assert seen() == {own}
    assert get(f"/cases/{case}")["code"] == "case.not_yours"
