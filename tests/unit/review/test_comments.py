"""Prescription comment (处方点评): what is drawn, who comments, and the figures."""

import json
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.dispatch import SupplyRefused
from contracts.roles import Role
from services.review.api import router
from services.review.application import use_cases
from services.review.domain.case import case_ref
from services.review.domain.commands import CommentCase, PassCase, SampleCase
from services.review.domain.policy import CN
from services.review.domain.values import Licence, Signature
from services.review.domain.verdicts import pass_case
from services.review.projections.comments import PRESCRIPTION_COMMENTS
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from tests.support.http_caller import Caller
from tests.support.store_in_memory import RandomIds
from tests.unit.review.conftest import DOCTOR, HOSPITAL, LI, NOW, SUN, Hospital, digest, reviewer
from tests.unit.review.steps import pass_, refuse, return_, taken
from tests.unit.review.test_delegated_review import CENTRE, THEIRS, ZHAO, agree

Code = Callable[[Any], str | None]
Get = Callable[..., Any]


def passed(hospital: Hospital, **changes: Any) -> UUID:
    case = taken(hospital, **changes)
    assert pass_(hospital, case).refusal is None
    return case


def sample(hospital: Hospital, case: UUID, actor: Actor | None = None) -> Outcome:
    actor = actor or reviewer(LI)
    return hospital.store.run(use_cases.sample_case(SampleCase(case_id=case), actor), actor)


def comment(hospital: Hospital, case: UUID, *codes: str, actor: Actor | None = None) -> Outcome:
    actor = actor or reviewer(LI)
    command = CommentCase(case_id=case, codes=codes, comment="剂量偏大" if codes else None)
    return hospital.store.run(use_cases.comment_case(command, actor), actor)


@pytest.fixture
def caller(hospital: Hospital, tmp_path: Path) -> Caller:
    return Caller(hospital.store, router, tmp_path)


@pytest.fixture
def get(caller: Caller) -> Get:
    def get_(path: str, person: str = LI, role: Role = Role.REVIEWER, **claims: Any) -> Any:
        token = caller.token(person, role, **({"organisation": HOSPITAL} | claims))
        return caller(token, "GET", path).json()

    return get_


MARCH = "/comment-statistics?month_from=2026-03&month_to=2026-03"


def test_a_drawn_case_is_commented_by_another_pharmacist_once(hospital: Hospital, code_of: Code) -> None:
    case = passed(hospital)
    sample(hospital, case)

    assert code_of(comment(hospital, case, "2-5", actor=reviewer(SUN))) == "case.comment_on_own_review"
    assert comment(hospital, case, "2-5", "1-10", "2-5").refusal is None
    assert code_of(comment(hospital, case)) == "case.commented_already"

    said = hospital.store.state(case_ref(case)).commented
    assert (said.reviewer.person, said.codes, said.comment) == (LI, ("2-5", "1-10"), "剂量偏大")


def test_what_was_not_drawn_is_not_commented(hospital: Hospital, code_of: Code) -> None:
    assert code_of(comment(hospital, passed(hospital))) == "case.not_sampled"


def test_only_passed_cases_are_drawn_and_commented(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)

    assert code_of(sample(hospital, case)) == "case.wrong_state"
    assert code_of(comment(hospital, case)) == "case.wrong_state"


def test_drawing_and_commenting_ask_for_the_licence_and_two_pairs_of_eyes(hospital: Hospital, code_of: Code) -> None:
    case = passed(hospital)
    sample(hospital, case)
    hospital.admit("institution", CENTRE, {"name": "市审方中心", "region": "330100", "level": 3})
    hospital.admit_person(ZHAO, "赵云", "reviewer", organisation=CENTRE)

    for decide in (sample, comment):
        assert code_of(decide(hospital, case, actor=reviewer(DOCTOR))) == "case.own_prescription"
        assert code_of(decide(hospital, case, actor=THEIRS)) == "case.not_yours"
    agree(hospital)
    assert comment(hospital, case, actor=THEIRS).refusal is None


def test_only_official_codes_comment(hospital: Hospital, code_of: Code) -> None:
    case = passed(hospital)
    sample(hospital, case)

    assert code_of(comment(hospital, case, "9-9")) == "case.unknown_code"


def test_drawn_twice_is_drawn_once(hospital: Hospital) -> None:
    case = passed(hospital)
    sample(hospital, case)
    before = hospital.store.log_index

    assert sample(hospital, case, reviewer(SUN)).refusal is None
    assert hospital.store.log_index == before


@pytest.mark.parametrize(("per_mille", "drawn"), [(1000, True), (0, False)])
def test_chance_draws_at_the_pass_as_often_as_the_policy_says(hospital: Hospital, per_mille: int, drawn: bool) -> None:
    case = taken(hospital)
    policy = CN.versions[-1]
    policy = policy.model_copy(update={"sampling": policy.sampling.model_copy(update={"per_mille": per_mille})})
    may = {"professions": ("reviewer",), "in_force": True, "organisation_in_force": True}
    licence = Licence(person=SUN, name="孙丽", organisation=HOSPITAL, **may)
    command = PassCase(case_id=case, revision=1, signed_sha256=digest(1))
    loaded = hospital.store.loaded(case_ref(case))

    events = pass_case(loaded.state, command, NOW, licence, Signature(compact="a", sha256="b"), policy, RandomIds())

    assert isinstance(events, list)
    assert (loaded.after(events).sampled is not None) == drawn


def test_what_waits_for_a_comment_is_listed_oldest_first_until_it_has_one(hospital: Hospital, get: Get) -> None:
    first, second = passed(hospital), passed(hospital)
    passed(hospital)
    sample(hospital, second)
    hospital.store.time += timedelta(minutes=1)
    sample(hospital, first)

    items = get("/samples")["items"]
    assert [item["case_id"] for item in items] == [str(second), str(first)]
    assert items[0]["sampled_at"].startswith("2026-03-02T01:00:00")
    page = get("/samples?limit=1")
    assert [each["case_id"] for each in get(f"/samples?limit=1&cursor={page['next']}")["items"]] == [str(first)]
    comment(hospital, second)
    assert [item["case_id"] for item in get("/samples")["items"]] == [str(first)]


def test_figures_count_what_was_decided_drawn_and_rational_by_institution_and_month(
    hospital: Hospital, get: Get
) -> None:
    rational, irrational, silent = passed(hospital), passed(hospital), passed(hospital)
    for case in (rational, irrational, silent):
        sample(hospital, case)
    comment(hospital, rational)
    comment(hospital, irrational, "2-5", "2-7")
    return_(hospital, taken(hospital))
    refuse(hospital, taken(hospital))
    hospital.issue()

    assert get(MARCH)["items"] == [
        {
            "institution": HOSPITAL,
            "month": "2026-03",
            "passed": 3,
            "returned": 1,
            "refused": 1,
            "sampled": 3,
            "commented": 2,
            "rational": 1,
            "owed": 3,
            "rational_per_ten_thousand": 5000,
            "codes": {"2-5": 1, "2-7": 1},
        }
    ]


def test_without_a_comment_there_is_no_rate(hospital: Hospital, get: Get) -> None:
    passed(hospital)

    (figures,) = get(MARCH)["items"]

    assert figures["rational_per_ten_thousand"] is None
    assert figures["codes"] == {}


def test_months_are_told_apart_and_only_those_asked_for(hospital: Hospital, get: Get) -> None:
    passed(hospital)
    hospital.store.time += timedelta(days=31)
    passed(hospital)

    both = get("/comment-statistics?month_from=2026-01&month_to=2026-12")["items"]

    assert [(row["month"], row["passed"]) for row in both] == [("2026-03", 1), ("2026-04", 1)]
    assert len(get(MARCH)["items"]) == 1
    assert get("/comment-statistics?month_from=2026-04&month_to=2026-03")["code"] == "comment.months"


def test_figures_are_for_the_own_institution_for_delegates_and_for_the_regions_authority(
    hospital: Hospital, get: Get
) -> None:
    passed(hospital)

    def seen(person: str, role: Role, **claims: Any) -> int:
        return len(get(MARCH, person, role, **claims)["items"])

    assert seen(ZHAO, Role.REVIEWER, organisation=CENTRE) == 0
    hospital.admit("institution", CENTRE, {"name": "市审方中心", "region": "330100", "level": 3})
    agree(hospital)
    assert seen(ZHAO, Role.REVIEWER, organisation=CENTRE) == 1
    assert seen("R1", Role.REGULATOR, organisation=HOSPITAL, region="440000") == 0
    assert seen("R1", Role.REGULATOR, organisation=HOSPITAL) == 0
    assert [seen("R1", Role.REGULATOR, region=region) for region in ("330102", "330100", "330000", "000000")] == [1] * 4
    assert get(MARCH, DOCTOR, Role.PRESCRIBER)["code"] == "identity.forbidden"


def test_no_figure_names_a_prescriber_or_a_drug(hospital: Hospital) -> None:
    columns = {column.name for table in PRESCRIPTION_COMMENTS.tables for column in table.columns}

    assert not {name for name in columns if "prescriber" in name or "drug" in name or "product" in name}


def test_drawing_and_commenting_over_http(hospital: Hospital, caller: Caller) -> None:
    case = passed(hospital)
    token = caller.token(LI, Role.REVIEWER, organisation=HOSPITAL)

    drawn = caller(token, "POST", f"/cases/{case}/sample")
    commented = caller(token, "POST", f"/cases/{case}/comment", json={"codes": ["2-5"], "comment": "剂量偏大"})
    too_long = caller(token, "POST", f"/cases/{case}/comment", json={"codes": ["2-5"] * 21})

    assert (drawn.status_code, commented.status_code) == (200, 200)
    assert too_long.json()["code"] == "request.invalid"
    shown = caller(token, "GET", f"/cases/{case}").json()
    assert shown["comment"]["codes"] == ["2-5"]
    assert shown["comment"]["comment"] == "剂量偏大"


def refused_at_a_counter(hospital: Hospital, prescription: UUID) -> None:
    golden = files("contracts").joinpath("examples", "dispatch.supply_refused.v1.json").read_bytes()
    fields = {**json.loads(golden), "prescription_id": prescription, "pharmacist": "HY330108000006", "reason": None}
    hospital.store.react(SupplyRefused.model_validate(fields))


def test_what_a_counter_refuses_although_it_was_passed_is_drawn_once(hospital: Hospital) -> None:
    case = passed(hospital)
    prescription = hospital.store.state(case_ref(case)).opened.prescription_id

    refused_at_a_counter(hospital, prescription)
    drawn = hospital.store.state(case_ref(case)).sampled
    refused_at_a_counter(hospital, prescription)

    assert drawn.by == "HY330108000006"
    assert hospital.store.state(case_ref(case)).sampled == drawn
    assert comment(hospital, case, "2-8").refusal is None


def test_what_review_never_passed_is_not_drawn_by_a_counter(hospital: Hospital) -> None:
    case = taken(hospital)

    refused_at_a_counter(hospital, hospital.store.state(case_ref(case)).opened.prescription_id)
    refused_at_a_counter(hospital, uuid4())

    assert hospital.store.state(case_ref(case)).sampled is None
