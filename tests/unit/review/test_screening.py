"""What the rules find, and how it is told."""

from datetime import date
from typing import Any

import pytest

from contracts.events.review import CaseScreened, Severity
from services.review.api.cases import shown
from services.review.application.library import checked, load_knowledge
from services.review.domain.case import case_ref
from services.review.domain.policy import CN
from services.seedwork.usecase import Actor
from tests.support.knowledge import document, drug
from tests.unit.review.conftest import REASON, Hospital, line


def screened(hospital: Hospital, **changes: Any) -> CaseScreened:
    hospital.issue(**changes)
    event: CaseScreened = hospital.store.told_of(CaseScreened)[-1]
    return event


def test_a_short_clean_prescription_has_no_finding(hospital: Hospital) -> None:
    event = screened(hospital)

    assert event.findings == ()
    assert not event.degraded


def test_six_drugs_are_a_blocking_finding(hospital: Hospital) -> None:
    event = screened(hospital, lines=[line(number) for number in range(1, 7)])

    (finding,) = event.findings
    assert (finding.rule, finding.severity, finding.result_code) == ("N3.3.lines_max", Severity.BLOCKING, "1-11")
    assert not finding.confirmable
    assert "6 lines, at most 5" in finding.evidence


def test_five_drugs_are_as_many_as_allowed(hospital: Hospital) -> None:
    assert screened(hospital, lines=[line(number) for number in range(1, 6)]).findings == ()


def test_two_brands_of_one_drug_are_one_drug_on_two_lines(hospital: Hospital) -> None:
    same = "阿司匹林|片剂|100mg"
    event = screened(hospital, lines=[line(1, drug_key=same), line(2), line(3, drug_key=same)])

    (finding,) = event.findings
    assert (finding.rule, finding.severity, finding.lines) == ("N3.3.one_line_per_drug", Severity.SERIOUS, (1, 3))


@pytest.mark.parametrize(("visit_kind", "days", "limit"), [("outpatient", 8, 7), ("emergency", 4, 3)])
def test_a_longer_supply_without_reason_is_serious(hospital: Hospital, visit_kind: str, days: int, limit: int) -> None:
    event = screened(hospital, visit_kind=visit_kind, lines=[line(1, days=limit), line(2, days=days)])

    (finding,) = event.findings
    assert (finding.rule, finding.severity, finding.result_code) == ("N3.6.longer_supply", Severity.SERIOUS, "1-12")
    assert finding.lines == (2,)
    assert finding.confirmable
    assert f"line 2: {days} days, limit {limit}; no reason" in finding.evidence


def test_a_reason_that_is_none_of_the_accepted_ones_does_not_convince(hospital: Hospital) -> None:
    event = screened(hospital, lines=[line(days=14)], long_supply_reason="患者要求")

    (finding,) = event.findings
    assert finding.severity is Severity.SERIOUS
    assert "none of the accepted" in finding.evidence
    assert "患者要求" not in finding.evidence, "evidence is not personal data"


def test_a_longer_supply_with_a_convincing_reason_is_only_told(hospital: Hospital) -> None:
    event = screened(hospital, lines=[line(days=28)], long_supply_reason=REASON)

    (finding,) = event.findings
    assert (finding.severity, finding.result_code) == (Severity.INFO, None)


@pytest.mark.parametrize(
    ("days", "reason", "severity"),
    [
        (1, None, None),
        (2, None, Severity.CAUTION),
        (3, "行动不便", None),
        (4, "行动不便", Severity.BLOCKING),
        (4, None, Severity.BLOCKING),
    ],
)
def test_validity_is_one_day_or_three_with_a_reason(
    hospital: Hospital, days: int, reason: str | None, severity: Severity | None
) -> None:
    event = screened(hospital, validity_days=days, validity_reason=reason)

    assert [finding.severity for finding in event.findings] == ([severity] if severity else [])


def test_findings_are_numbered_and_name_the_version_of_the_rules(hospital: Hospital) -> None:
    event = screened(hospital, lines=[line(days=9)], validity_days=2)

    assert [finding.number for finding in event.findings] == [1, 2]
    assert {finding.knowledge_version for finding in event.findings} == {"plain-1"}


def test_content_that_cannot_be_read_is_said_to_be_unscreened(hospital: Hospital) -> None:
    event = screened(hospital, facts=None, diagnoses=None)

    assert event.degraded
    assert [finding.rule for finding in event.findings] == ["screening"]


def test_days_before_the_first_version_of_the_policy_are_under_the_first() -> None:
    assert CN.on(date(2000, 1, 1)) is CN.versions[0]
    assert CN.on(date(2026, 1, 1)) is CN.versions[-1]


@pytest.mark.parametrize(
    ("reason", "rule", "severity"),
    [
        ("感染性休克", "L3.antibacterial_beyond_level", Severity.CAUTION),
        (None, "L3.antibacterial_level", Severity.BLOCKING),
    ],
)
def test_why_the_next_level_is_needed_in_an_emergency_reaches_the_rules_and_the_pharmacist(
    hospital: Hospital, reason: str | None, rule: str, severity: Severity
) -> None:
    meropenem = drug("meropenem", "药品1", atc="J01DH02", antibacterial_level="restricted")
    levels = checked(document(version="levels-1", drugs=[meropenem], groups=[], doses=[], interactions=[]))
    hospital.store.run(load_knowledge(*levels), Actor("root", "system_admin"))

    case = hospital.issue(
        visit_kind="emergency",
        beyond_level_reason=reason,
        lines=[line(days=1)],
        facts={"age_days": 20_000, "sex": "male", "allergies": []},
    )

    state = hospital.store.state(case_ref(case))
    assert [(each.rule, each.severity.word) for each in state.findings] == [(rule, severity)]
    assert shown(state)["clinical"]["beyond_level_reason"] == reason
