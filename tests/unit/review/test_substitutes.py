"""A proposed substitute is screened for this patient, in place of its line; what it brings is told."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.dispatch_later import SubstitutionProposed
from contracts.events.prescribe import PrescriptionIssued
from contracts.events.review import Severity, SubstituteScreened
from services.review.domain.case import case_id
from services.review.domain.substitutes import Proposed, _dose, _instead
from services.review.domain.values import Line
from tests.unit.review.conftest import NOW, Hospital, issued, line
from tests.unit.review.test_rescreening import SIX, passed

PATIENT = UUID(int=7)


def proposes(hospital: Hospital, event: PrescriptionIssued, **changes: Any) -> UUID:
    """A pharmacy proposes; answers the proposal."""
    first = event.lines[0]
    substitute = {
        "product": "XC09AAA040A002010102699",
        "generic_name": first.generic_name,
        "english_name": first.english_name,
        "drug_key": f"{first.generic_name}|{first.form}|other",
        "form": first.form,
        "strength": "other",
        "atc": first.atc,
        "dose_unit": first.dose_unit,
        "dose_per_base_unit": 10000,
        "base_unit": first.base_unit,
        **changes.pop("substitute", {}),
    }
    fields = {
        "prescription_id": event.prescription_id,
        "fulfilment_id": uuid4(),
        "patient_ref": event.patient_ref,
        "proposal_id": uuid4(),
        "hold_id": uuid4(),
        "pharmacy": "P33010200001",
        "pharmacist": "HY1",
        "line": 1,
        "prescribed_product": first.product,
        "quantity": first.quantity,
        "substitute": substitute,
        "substitute_quantity": first.quantity,
        "ratio": {"numerator": 1, "denominator": 1},
        "protocol_id": uuid4(),
        "answer_due_at": NOW + timedelta(hours=4),
        **changes,
    }
    proposed = SubstitutionProposed.model_validate(fields)
    hospital.store.react(proposed)
    hospital.store.react(proposed)
    return proposed.proposal_id


def told(hospital: Hospital) -> SubstituteScreened:
    (screened,) = hospital.store.told_of(SubstituteScreened)
    assert isinstance(screened, SubstituteScreened)
    return screened


def test_what_was_found_anyway_is_not_told_again(hospital: Hospital) -> None:
    event = passed(hospital, lines=SIX)

    proposal_id = proposes(hospital, event)

    screened = told(hospital)
    assert (screened.proposal_id, screened.line, screened.degraded) == (proposal_id, 1, False)
    assert "N3.3.lines_max" not in {finding.rule for finding in screened.findings}


@pytest.mark.parametrize(
    ("facts", "severity", "evidence"),
    [({"pregnant": True}, Severity.BLOCKING, "pregnant: yes"), ({"pregnant": None}, Severity.CAUTION, "not asked")],
    ids=["pregnant", "not asked"],
)
def test_whom_the_protocol_excludes_is_found(
    hospital: Hospital, facts: dict[str, Any], severity: Severity, evidence: str
) -> None:
    event = passed(hospital)
    changed = event.facts.model_copy(update=facts)  # type: ignore[union-attr]
    other = passed(hospital, prescription_id=uuid4(), facts=changed)

    proposes(hospital, other, excluded=["pregnant"])

    found = [finding for finding in told(hospital).findings if finding.rule == "protocol.excluded"]
    assert [(each.severity, each.lines) for each in found] == [(severity, (1,))]
    assert evidence in found[0].evidence
    assert [each.number for each in told(hospital).findings] == list(range(1, len(told(hospital).findings) + 1))


def test_grown_ups_and_what_was_denied_are_not_excluded(hospital: Hospital) -> None:
    event = passed(hospital)
    changed = event.facts.model_copy(update={"lactating": False, "age_days": 20000})  # type: ignore[union-attr]
    other = passed(hospital, prescription_id=uuid4(), facts=changed)

    proposes(hospital, other, excluded=["children", "lactating", "never heard of"])

    found = [each.evidence for each in told(hospital).findings if each.rule == "protocol.excluded"]
    assert found == ["never heard of: not asked"]


def test_children_are_found_by_their_age(hospital: Hospital) -> None:
    event = passed(hospital)
    child = passed(hospital, prescription_id=uuid4(), facts=event.facts.model_copy(update={"age_days": 4000}))  # type: ignore[union-attr]

    proposes(hospital, child, excluded=["children"])

    assert "children: yes" in {each.evidence for each in told(hospital).findings}


def test_without_readable_content_it_says_so(hospital: Hospital) -> None:
    event = passed(hospital, facts=None, diagnoses=None)

    proposes(hospital, event)

    assert (told(hospital).degraded, told(hospital).findings) == (True, ())


def test_what_has_not_passed_is_not_known_or_has_no_such_line_is_not_screened(hospital: Hospital) -> None:
    waiting = issued()
    hospital.store.react(waiting)
    proposes(hospital, waiting)
    proposes(hospital, issued(prescription_id=uuid4()))
    proposes(hospital, passed(hospital, prescription_id=uuid4()), line=9)

    assert hospital.store.told_of(SubstituteScreened) == []
    assert hospital.store.streams[case_id(waiting.prescription_id, 1, 0)]


def test_the_same_drug_is_taken_in_the_same_dose_another_by_what_its_units_hold() -> None:
    prescribed = Line(
        line=1,
        product="A",
        drug_key="甲|片剂|5mg",
        generic_name="甲",
        quantity=56,
        base_unit="片",
        dose="10",
        dose_unit="mg",
        frequency_per_day=2,
        route="口服",
        days=14,
    )
    same = Proposed(
        proposal_id=uuid4(),
        line=1,
        quantity=14,
        prescribed_quantity=28,
        product="B",
        generic_name="甲",
        drug_key="甲|片剂|10mg",
        form="片剂",
        strength="10mg",
        dose_unit="mg",
        dose_per_base_unit=10000,
        base_unit="片",
    )
    other = same.model_copy(update={"generic_name": "乙", "dose_per_base_unit": 2500})

    line_with_same, line_with_other = _instead(prescribed, same), _instead(prescribed, other)

    assert (line_with_same.quantity, line_with_same.dose) == (28, "10")
    assert (line_with_other.quantity, line_with_other.dose, line_with_other.name) == (28, "2.5", "乙")
    assert _dose(prescribed, other, 7 * 28) != line_with_other.dose  # type: ignore[arg-type]
    assert line()["line"] == 1
