"""Golden prescriptions against the checks of an issue; every check and every row of the policy taken out in turn."""

import pytest

from contracts.errors.issuing import ISSUE_RULES
from rxflow.docs.golden_issuing import CASES, RULES, Case, cases, failing_row, failing_without, found, policy_rows
from rxflow.docs.issuing import check_rows, refusals, row_table
from rxflow.docs.issuing_rows import FIELDS, Row
from services.prescribe.domain.issue_checks import WHAT, WHO
from services.prescribe.domain.policy import POLICIES, Policy

PROBLEMS = [(rule.name, problem) for rule in RULES for problem in dict.fromkeys(refusals(rule))]
VERSIONS = [version for name in sorted(POLICIES.names) for version in POLICIES.of(name).versions]
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


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.id}-{case.policy.version}-{case.on}")
def test_a_golden_prescription_is_answered_as_its_source_says(case: Case) -> None:
    assert found(case) == case.expected, case.title


@pytest.mark.parametrize(("rule", "problem"), PROBLEMS)
def test_a_check_that_is_taken_out_is_missed_for_each_of_its_problems(rule: str, problem: str) -> None:
    assert failing_without(rule, problem), f"no golden case of {problem} fails without {rule}"


@pytest.mark.parametrize("row", policy_rows(), ids=lambda row: f"{row.in_force}: {row.name}")
def test_a_row_of_the_policy_that_is_taken_out_or_moved_is_missed(row: Row) -> None:
    assert row.changes
    assert failing_row(row), f"a change of {row.name} ({row.in_force}) is missed by no golden case"


def test_no_cell_of_the_tables_is_empty() -> None:
    table = [*check_rows(WHO), *check_rows(WHAT), *(row for name in POLICIES.names for row in row_table(name))]

    assert [row for row in table if not all(row)] == []


def test_the_cases_are_about_checks_and_problems_that_there_are() -> None:
    assert {case.expected.refused for case in cases() if case.expected.refused} == set(PROBLEMS)


def test_every_problem_of_issuing_is_one_that_a_check_refuses_by() -> None:
    assert {problem.code for problem in ISSUE_RULES} <= {problem for _rule, problem in PROBLEMS}


def test_every_field_of_the_policy_is_looked_at_or_read_by_no_check() -> None:
    assert set(FIELDS) == set(Policy.model_fields) - READ_BY_NO_CHECK
    assert [version.version for version in VERSIONS if version.sources.keys() != set(FIELDS)] == []


def test_every_version_that_changes_what_a_check_reads_has_rows_of_its_own_in_the_table() -> None:
    tabled = {version.version for row in policy_rows() for version in row.versions}

    assert tabled == {version.version for version in VERSIONS}
    assert {row.jurisdiction for row in policy_rows()} == POLICIES.names


def test_a_case_is_repeated_on_days_of_earlier_versions_with_everybody_as_old_as_then() -> None:
    repeated = [case for case in cases() if case.id == "I022"]  # the day before the second birthday

    assert [case.policy.version for case in repeated[1:]] == [
        version.version for version in POLICIES.of("cn").versions[:-1]
    ]
    ages = {(case.on - case.known.patient.birth_date).days for case in repeated if case.known.patient}
    assert ages == {729}


def test_about_half_of_the_cases_are_faulty_and_none_of_the_others_expects_a_refusal() -> None:
    faulty = {case.id: case.faulty for case in cases()}

    assert 0.4 <= sum(faulty.values()) / len(faulty) <= 0.65
    assert len(faulty) == len(list(CASES.glob("*.json")))
    assert [case.id for case in cases() if case.faulty != (case.expected.refused is not None)] == []
