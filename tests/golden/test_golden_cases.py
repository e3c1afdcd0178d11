"""Golden prescriptions: every case against the shipped set and the shipped rules, and every rule taken out in turn."""

import pytest

from rxflow.docs.golden import Case, cases, failing, found
from services.review.domain.screening import RULES


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_a_golden_prescription_is_found_to_be_what_it_is(case: Case) -> None:
    assert found(case) == case.expected, case.title


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_a_rule_that_is_taken_out_is_missed(rule: str) -> None:
    assert failing(rule, cases()), f"no golden case fails without {rule}"


def test_the_cases_are_about_rules_that_there_are() -> None:
    assert {name for case in cases() for name in case.rules} <= {rule.name for rule in RULES}


def test_a_case_without_fault_expects_at_most_information() -> None:
    assert [case.id for case in cases() if not case.faulty and any(each[1] != "info" for each in case.expected)] == []


def test_there_are_two_hundred_cases_and_about_half_of_them_are_faulty() -> None:
    faulty = sum(case.faulty for case in cases())

    assert len(cases()) >= 200
    assert 0.4 <= faulty / len(cases()) <= 0.6
