"""Golden prescriptions against the checks of an issue; every check and every row of the policy taken out in turn."""

import pytest

from contracts.errors.issuing import ISSUE_RULES
from rxflow.docs.golden_issuing import RULES, Case, cases, failing_row, failing_without, found
from rxflow.docs.issuing import check_rows, policy_rows, refusals
from rxflow.docs.issuing_rows import FIELDS, Row, rows
from services.prescribe.domain.issue_checks import WHAT, WHO
from services.prescribe.domain.policy import CN, Policy

PROBLEMS = [(rule.name, problem) for rule in RULES for problem in dict.fromkeys(refusals(rule))]
NEWEST = CN.versions[-1]
READ_BY_NO_CHECK = {
    "valid_from",
    "source",
    "version",
    "sources",
    "amendments_max",
    "cancellation_answer_minutes",
    "cancellations_max",
    "forgetting_wait_hours",
    "records_kept_years",
    "representatives",
}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_a_golden_prescription_is_answered_as_its_source_says(case: Case) -> None:
    assert found(case) == case.expected, case.title


@pytest.mark.parametrize(("rule", "problem"), PROBLEMS)
def test_a_check_that_is_taken_out_is_missed_for_each_of_its_problems(rule: str, problem: str) -> None:
    assert failing_without(rule, problem), f"no golden case of {problem} fails without {rule}"


@pytest.mark.parametrize("row", tuple(rows(NEWEST)), ids=lambda row: row.name)
def test_a_row_of_the_policy_that_is_taken_out_or_moved_is_missed(row: Row) -> None:
    assert row.changes
    assert failing_row(row), f"a change of {row.name} is missed by no golden case"


def test_no_cell_of_the_tables_is_empty() -> None:
    table = [*check_rows(WHO), *check_rows(WHAT), *policy_rows()]

    assert [row for row in table if not all(row)] == []


def test_the_cases_are_about_checks_and_problems_that_there_are() -> None:
    assert {case.expected.refused for case in cases() if case.expected.refused} == set(PROBLEMS)


def test_every_problem_of_issuing_is_one_that_a_check_refuses_by() -> None:
    assert {problem.code for problem in ISSUE_RULES} <= {problem for _rule, problem in PROBLEMS}


def test_every_field_of_the_policy_is_looked_at_or_read_by_no_check() -> None:
    assert set(FIELDS) == set(Policy.model_fields) - READ_BY_NO_CHECK
    assert NEWEST.sources.keys() == set(FIELDS)


def test_about_half_of_the_cases_are_faulty_and_none_of_the_others_expects_a_refusal() -> None:
    faulty = [case for case in cases() if case.faulty]

    assert 0.4 <= len(faulty) / len(cases()) <= 0.65
    assert [case.id for case in cases() if case.faulty != (case.expected.refused is not None)] == []
