"""Confirmed findings (双签名): what the prescriber has signed for, the pharmacist may pass."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from contracts.events.prescribe import PrescriptionIssued
from contracts.events.review import CasePassed
from services.review.api.cases import shown
from services.review.domain.case import case_id, case_ref
from tests.unit.review.conftest import LI, Hospital, issued, line, reviewer
from tests.unit.review.steps import pass_, return_, status, take

Code = Callable[[Any], str | None]
CONFIRMED = [{"number": 1, "rule": "N3.6.longer_supply", "reason": "患者出差两周"}]


def confirmed(hospital: Hospital, confirmations: list[dict[str, Any]], **changes: Any) -> UUID:
    """A case whose first one was returned for a long supply and came back with these confirmations; taken."""
    event = issued(lines=[line(days=14)])
    hospital.store.react(event)
    first = case_id(event.prescription_id, 1, 0)
    take(hospital, first)
    return_(hospital, first)
    again = event.model_dump() | {"kind": "confirmed", "confirmation_no": 1, "confirmed": confirmations} | changes
    hospital.store.react(PrescriptionIssued.model_validate(again))
    second = case_id(event.prescription_id, again["revision"], 1)
    assert take(hospital, second).refusal is None
    return second


def test_a_confirmed_serious_finding_may_be_passed_without_a_word_by_two(hospital: Hospital) -> None:
    case = confirmed(hospital, CONFIRMED)

    assert pass_(hospital, case).body["state"] == "second_wanted"
    assert pass_(hospital, case, actor=reviewer(LI)).body["state"] == "passed"

    (passed,) = hospital.store.told_of(CasePassed)
    assert (passed.confirmation_no, passed.confirmed) == (1, (1,))


def test_the_reviewer_sees_the_prescribers_reasons(hospital: Hospital) -> None:
    case = confirmed(hospital, CONFIRMED)

    seen = shown(hospital.store.state(case_ref(case)))

    assert seen["confirmed"] == CONFIRMED
    assert [finding["confirmed"] for finding in seen["findings"]] == [True]


def test_what_was_not_confirmed_still_needs_a_comment(hospital: Hospital, code_of: Code) -> None:
    for strange in (
        [],
        [{"number": 2, "rule": "N3.6.longer_supply", "reason": "x"}],
        [{"number": 1, "rule": "A5", "reason": "x"}],
    ):
        case = confirmed(hospital, strange)

        assert code_of(pass_(hospital, case)) == "case.comment_missing"
        assert status(hospital, case) == "taken"


def test_a_confirmation_is_worth_nothing_for_another_finding_under_the_same_number(
    hospital: Hospital, code_of: Code
) -> None:
    case = confirmed(hospital, CONFIRMED, lines=[line(days=28)])

    assert code_of(pass_(hospital, case)) == "case.comment_missing"


def test_what_nobody_may_confirm_is_not_confirmed(hospital: Hospital) -> None:
    same = {"drug_key": "阿司匹林|片剂|100mg"}
    twice = [line(1) | same, line(2) | same]
    event = issued(lines=twice)
    hospital.store.react(event)
    first = case_id(event.prescription_id, 1, 0)
    take(hospital, first)
    return_(hospital, first)
    again = {"kind": "confirmed", "confirmation_no": 1, "confirmed": [{"number": 1, "rule": "N3.3", "reason": "x"}]}
    hospital.store.react(PrescriptionIssued.model_validate(event.model_dump() | again))

    assert hospital.store.state(case_ref(case_id(event.prescription_id, 1, 1))).confirmed == frozenset()


def test_what_a_pharmacist_found_and_the_prescriber_confirmed_is_passed_by_two(hospital: Hospital) -> None:
    event = issued(lines=[line(days=2)])
    hospital.store.react(event)
    first = case_id(event.prescription_id, 1, 0)
    take(hospital, first)
    return_(hospital, first)
    (found,) = hospital.store.state(case_ref(first)).findings
    told = [{"number": found.number, "rule": found.rule, "reason": "已与患者核实"}]
    again = event.model_dump() | {"kind": "confirmed", "confirmation_no": 1, "confirmed": told}
    hospital.store.react(PrescriptionIssued.model_validate(again))
    second = case_id(event.prescription_id, 1, 1)
    take(hospital, second)

    seen = shown(hospital.store.state(case_ref(second)))
    assert [(each["rule"], each["result_code"], each["confirmed"]) for each in seen["findings"]] == [
        ("pharmacist", "2-5", True)
    ]
    assert pass_(hospital, second).body["state"] == "second_wanted"
    assert pass_(hospital, second, actor=reviewer(LI)).body["state"] == "passed"
