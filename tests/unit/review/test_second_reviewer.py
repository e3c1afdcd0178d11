"""When the policy wants a second pair of eyes, and what the second pharmacist may do."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from contracts.events.review import CaseClosed, CaseEscalated, CasePassed, CaseRefused, CaseReturned
from services.review.domain.case import case_ref
from services.review.domain.commands import PassCase
from services.review.domain.policy import CN
from services.review.domain.values import Licence, Signature
from services.review.domain.verdicts import chosen, pass_case
from tests.support.store_in_memory import RandomIds
from tests.unit.review.conftest import DOCTOR, HOSPITAL, LI, NOW, SUN, Hospital, digest, issued, line, reviewer
from tests.unit.review.steps import pass_, put_back, refuse, return_, status, take, taken

Code = Callable[[Any], str | None]


def once_passed(hospital: Hospital) -> UUID:
    """A toxic drug: one pharmacist has passed it."""
    case = taken(hospital, lines=[line(days=2) | {"drug_class": "toxic"}])
    assert pass_(hospital, case).body["state"] == "second_wanted"
    return case


def test_a_drug_of_a_listed_class_needs_two_and_nothing_is_told_before_both_have_passed(hospital: Hospital) -> None:
    case = once_passed(hospital)
    assert hospital.store.told_of(CasePassed) == []

    outcome = pass_(hospital, case, actor=reviewer(LI))

    assert outcome.body["state"] == "passed"
    (passed,) = hospital.store.told_of(CasePassed)
    assert [who.person for who in passed.reviewers] == [SUN, LI]
    assert len({who.signed_sha256 for who in passed.reviewers} - {None}) == 2


def test_the_first_pharmacist_is_not_the_second(hospital: Hospital, code_of: Code) -> None:
    case = once_passed(hospital)

    for decide in (pass_, return_, refuse):
        assert code_of(decide(hospital, case)) == "case.second_must_be_another"
    assert status(hospital, case) == "second_wanted"


def test_the_second_must_be_licensed_and_not_the_prescriber(hospital: Hospital, code_of: Code) -> None:
    case = once_passed(hospital)

    assert code_of(return_(hospital, case, actor=reviewer("HY999999000001"))) == "case.reviewer_not_registered"
    assert code_of(return_(hospital, case, actor=reviewer(DOCTOR))) == "case.own_prescription"


def test_the_second_may_return_or_refuse_alone(hospital: Hospital) -> None:
    return_(hospital, once_passed(hospital), actor=reviewer(LI))
    refuse(hospital, once_passed(hospital), actor=reviewer(LI))

    (returned,), (refused,) = hospital.store.told_of(CaseReturned), hospital.store.told_of(CaseRefused)
    assert [who.person for who in returned.reviewers] == [LI]
    assert [who.person for who in refused.reviewers] == [LI]


def test_a_case_that_waits_for_the_second_is_neither_taken_nor_put_back(hospital: Hospital, code_of: Code) -> None:
    case = once_passed(hospital)

    assert code_of(take(hospital, case, reviewer(LI))) == "case.wrong_state"
    assert code_of(put_back(hospital, case, reviewer(LI))) == "case.wrong_state"


def test_the_words_of_both_are_told(hospital: Hospital) -> None:
    case = taken(hospital, lines=[line(days=2) | {"drug_class": "toxic"}, line(2, days=14)])
    for person, said in ((SUN, "已核实"), (LI, "同意")):
        jws = hospital.signed(case, person=person, comments=[{"finding": 1, "comment": said}])
        pass_(hospital, case, jws, reviewer(person))

    (passed,) = hospital.store.told_of(CasePassed)
    assert passed.comment == "1: 已核实\n1: 同意"


def test_it_escalates_and_ends_with_its_prescription_like_any_open_case(hospital: Hospital) -> None:
    event = issued(lines=[line(days=2) | {"drug_class": "toxic"}])
    hospital.store.react(event)
    case = next(id_ for id_, ref in hospital.store.refs.items() if ref.aggregate.name == "case")
    take(hospital, case)
    pass_(hospital, case)
    deadline = hospital.store.state(case_ref(case)).deadline

    hospital.store.move_clock(deadline - NOW)
    hospital.store.react(event.model_copy(update={"revision": 2, "kind": "amended"}))

    assert [told.level for told in hospital.store.told_of(CaseEscalated)] == [1]
    assert [told.closed_as for told in hospital.store.told_of(CaseClosed)] == ["superseded"]


@pytest.mark.parametrize(("per_mille", "wanted"), [(1000, "sampled"), (0, None)])
def test_chance_asks_for_a_second_as_often_as_the_policy_says(
    hospital: Hospital, per_mille: int, wanted: str | None
) -> None:
    case = taken(hospital)
    policy = CN.versions[-1]
    second = policy.second_reviewer.model_copy(update={"per_mille": per_mille})
    may = {"professions": ("reviewer",), "in_force": True, "organisation_in_force": True}
    licence = Licence(person=SUN, name="孙丽", organisation=HOSPITAL, **may)
    command = PassCase(case_id=case, revision=1, signed_sha256=digest(1))

    events = pass_case(
        hospital.store.state(case_ref(case)),
        command,
        NOW,
        licence,
        Signature(compact="a.b.c", sha256="0" * 64),
        policy.model_copy(update={"second_reviewer": second}),
        RandomIds(),
    )

    assert isinstance(events, list)
    assert getattr(events[0], "why", None) == wanted


def test_chance_is_fair() -> None:
    ids = RandomIds()

    picked = sum(chosen(250, ids) for _ in range(4000))

    assert 800 < picked < 1200  # five standard deviations are 137
