"""A case that the prescriber's second signature (双签名) opened."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.review.application import use_cases
from services.review.domain.case import case_id, case_ref
from services.review.domain.commands import TakeCase
from services.review.domain.confirmed import not_confirmed
from services.review.domain.values import ConfirmedFinding, Finding, Severity
from tests.unit.review.conftest import SUN, Hospital, issued, line, reviewer

LONG = {"lines": [line(days=14)]}


def confirmed_of(hospital: Hospital, case: UUID) -> list[dict[str, Any]]:
    findings = hospital.store.state(case_ref(case)).findings
    return [
        each.model_dump(exclude={"knowledge_version", "confirmable"}) | {"severity": "serious", "reason": "长期稳定"}
        for each in findings
    ]


def test_a_confirmed_finding_no_longer_stands_in_the_way(
    hospital: Hospital, code_of: Callable[[Any], str | None]
) -> None:
    first = issued(**LONG)
    hospital.store.react(first)
    before = case_id(first.prescription_id, 1, 0)
    again = issued(
        **LONG,
        prescription_id=first.prescription_id,
        kind="confirmed",
        confirmation_no=1,
        confirmed=confirmed_of(hospital, before),
    )
    hospital.store.react(again)
    case = case_id(first.prescription_id, 1, 1)

    assert hospital.store.state(case_ref(before)).closed_as == "superseded"
    assert hospital.store.state(case_ref(case)).opened.confirmed[0].reason == "长期稳定"
    sun = reviewer(SUN)
    hospital.store.run(use_cases.take_case(TakeCase(case_id=case), sun), sun)
    passed = hospital.store.run(use_cases.pass_case(case, hospital.signed(case), sun), sun)
    assert code_of(passed) is None
    assert hospital.store.state(case_ref(case)).status == "passed"


def test_another_finding_and_one_that_cannot_be_confirmed_still_stand() -> None:
    finding = Finding(
        number=1,
        rule="A5",
        knowledge_version="k",
        evidence="line 1, line 2",
        severity=Severity.SERIOUS,
        result_code="2-8",
        lines=(1, 2),
        confirmable=True,
    )
    about = finding.model_dump(include={"number", "rule", "result_code", "lines", "evidence"})
    signed = (ConfirmedFinding(**about, severity="serious", reason="x"),)

    assert not_confirmed((finding,), signed) == ()
    assert not_confirmed((finding,), None) == (finding,)
    for changed in ({"lines": (1,)}, {"confirmable": False}, {"evidence": "line 1"}, {"result_code": "2-7"}):
        other = finding.model_copy(update=changed)
        assert not_confirmed((other,), signed) == (other,)
