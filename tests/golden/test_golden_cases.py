"""Golden prescriptions: every case against the shipped set and the shipped rules, and every rule taken out in turn."""

from datetime import date

import pytest

from rxflow.docs.golden import Case, cases, failing, found
from services.review.domain.policy import CN
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


def test_every_code_of_the_catalogue_is_found_but_those_that_only_a_person_finds() -> None:
    """1-3: nobody has reviewed it; 1-9: a correction without signature; 3-2: a costly medicine without need."""
    found_codes = {code for case in cases() for _rule, _severity, code, _lines in case.expected}

    assert set(CN.on(date(2026, 6, 1)).result_codes) - found_codes == {"1-3", "1-9", "3-2"}
