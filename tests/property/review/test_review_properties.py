"""What holds for every prescription and every order of steps in review."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events.review import CaseClosed, CasePassed, CaseRefused, CaseReturned, Severity
from services.review.application import use_cases
from services.review.domain.case import case_ref
from services.review.domain.commands import CodedFinding, PutBack, RefuseCase, ReturnCase, TakeCase
from services.review.domain.policy import CN
from tests.unit.review.conftest import LI, SUN, Hospital, issued, line, reviewer

ENDS = (CasePassed, CaseReturned, CaseRefused, CaseClosed)
LINES = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@given(days=LINES, validity=st.integers(1, 6), reason=st.none() | st.text(max_size=20) | st.just("老年病"))
@settings(max_examples=60, deadline=None)
def test_what_breaks_no_rule_is_clean_and_what_breaks_one_is_found(
    days: list[int], validity: int, reason: str | None
) -> None:
    hospital = Hospital()
    lines = [line(number, days=each) for number, each in enumerate(days, start=1)]
    case = hospital.issue(lines=lines, validity_days=validity, long_supply_reason=reason)

    findings = hospital.store.state(case_ref(case)).findings

    policy = CN.versions[-1].screening
    lawful = len(days) <= policy.lines_max and max(days) <= policy.days_max and validity == policy.validity_days
    assert (not findings) == lawful
    assert [finding.number for finding in findings] == list(range(1, len(findings) + 1))
    assert {line_ for finding in findings for line_ in finding.lines} == {
        number for number, each in enumerate(days, start=1) if each > policy.days_max
    }


STEPS = st.lists(
    st.sampled_from(["take", "take_other", "put_back", "pass", "return", "refuse", "wait", "amend"]), max_size=12
)


@given(steps=STEPS, days=st.sampled_from([7, 14]), validity=st.sampled_from([1, 4]))
@settings(max_examples=60, deadline=None)
def test_a_case_ends_once_and_is_passed_only_without_blocking_finding(
    steps: list[str], days: int, validity: int
) -> None:
    hospital = Hospital()
    event = issued(lines=[line(days=days)], validity_days=validity)
    hospital.store.react(event)
    case = next(id_ for id_, ref in hospital.store.refs.items() if ref.aggregate.name == "case")

    for step in steps:
        _step(hospital, step, case, event)

    ends = [told for told in hospital.store.told if isinstance(told, ENDS) and told.case_id == case]
    assert len(ends) <= 1
    for passed in hospital.store.told_of(CasePassed):
        assert all(finding.severity is not Severity.BLOCKING for finding in passed.findings)
        assert validity == 1
    state = hospital.store.state(case_ref(case))
    assert (state.holder is not None) == (state.status == "taken")


def _step(hospital: Hospital, step: str, case: Any, event: Any) -> None:
    store, sun, li = hospital.store, reviewer(SUN), reviewer(LI)
    match step:
        case "take":
            store.run(use_cases.take_case(TakeCase(case_id=case), sun), sun)
        case "take_other":
            store.run(use_cases.take_case(TakeCase(case_id=case), li), li)
        case "put_back":
            store.run(use_cases.put_back(PutBack(case_id=case)), sun)
        case "pass":
            jws = hospital.signed(case, comments=[{"finding": 1, "comment": "x"}])
            store.run(use_cases.pass_case(case, jws, sun), sun)
            store.run(use_cases.pass_case(case, hospital.signed(case), sun), sun)
        case "return":
            command = ReturnCase(case_id=case, findings=(CodedFinding(code="2-5"),), comment="x")
            store.run(use_cases.return_case(command, sun), sun)
        case "refuse":
            store.run(use_cases.refuse_case(RefuseCase(case_id=case, codes=("3-1",), reason="x"), sun), sun)
        case "wait":
            store.move_clock(timedelta(minutes=20))
        case "amend":
            store.react(event.model_copy(update={"revision": 2, "kind": "amended"}))
