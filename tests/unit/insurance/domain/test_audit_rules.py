"""What each kind of audit rule hits, what it lets pass, and when it cannot tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.insurance.domain.audit.checks import CHECKS, hit, years_of
from services.insurance.domain.audit.findings import audit, gravest
from services.insurance.domain.audit.history import HISTORY, HistoryState, SupplyCounted, count, take_out
from services.insurance.domain.audit.prescription import (
    KnownLine,
    PrescriptionKnown,
    PrescriptionState,
    know,
)
from services.insurance.domain.audit.rules import SHIPPED, AuditRule, RuleSet
from services.insurance.domain.audit.subject import PastSupply, Subject, SuppliedLine

DAY = date(2026, 3, 2)
DRUG, OTHER = "XG04CBF001A001010100001", "XC08CAB799A001029194749"


def rule(check: dict[str, Any], **more: Any) -> AuditRule:
    fields = {"id": "R-1", "check": check, "grade": "suspicious", "about": "patient", "says": "x", "source": "y"}
    return AuditRule.model_validate({**fields, **more})


def line(number: int = 1, name: str = "非那雄胺", days: int | None = 7, product: str = DRUG) -> SuppliedLine:
    return SuppliedLine(line=number, product=product, generic_name=name, quantity=7, days=days)


def supply(number: int, ago: int, *lines: SuppliedLine, doctor: str | None = "D1", **more: Any) -> PastSupply:
    fields: dict[str, Any] = {
        "supply_id": UUID(int=number),
        "fulfilment_id": UUID(int=100 + number),
        "prescription_id": UUID(int=200 + number),
        "prescriber": doctor,
        "day": DAY - timedelta(days=ago),
        "lines": lines or (line(),),
    }
    return PastSupply(**{**fields, **more})


def subject(*before: PastSupply, **more: Any) -> Subject:
    return replace(Subject(supply=supply(1, 0), visit="general", before=before), **more)


MALE = {"kind": "sex", "allowed": "male"}
ADULT = {"kind": "age", "from_years": 18}
REFLUX = {"kind": "indication", "diagnoses": ["K21"]}


@pytest.mark.parametrize(
    ("check", "known", "hits"),
    [
        (MALE, {"sex": "male"}, ()),
        (MALE, {"sex": "female"}, (1,)),
        (MALE, {}, None),
        (ADULT, {"age_days": 18 * 366}, ()),
        (ADULT, {"age_days": 17 * 366}, (1,)),
        (ADULT, {}, None),
        ({"kind": "age", "under_years": 12}, {"age_days": 12 * 366}, (1,)),
        ({"kind": "age", "under_years": 12}, {"age_days": 0}, ()),
        (REFLUX, {"diagnoses": ("K21.0", "I10")}, ()),
        (REFLUX, {"diagnoses": ("I10",)}, (1,)),
        (REFLUX, {"diagnoses": ()}, (1,)),
        (REFLUX, {}, None),
        ({"kind": "visit", "allowed": ["dual_channel"]}, {}, (1,)),
        ({"kind": "visit", "allowed": ["general"]}, {}, ()),
        ({"kind": "trace_reuse"}, {}, ()),
        ({"kind": "trace_reuse"}, {"repeated_codes": True}, (1,)),
        ({"kind": "recalled_lot"}, {"lots": frozenset({(DRUG, "L1")}), "recalled": frozenset({(DRUG, "L1")})}, (1,)),
        ({"kind": "recalled_lot"}, {"lots": frozenset({(DRUG, "L2")}), "recalled": frozenset({(DRUG, "L1")})}, ()),
    ],
)
def test_rules_about_the_supply_itself(check: dict[str, Any], known: dict[str, Any], hits: Any) -> None:
    assert hit(rule(check), subject(**known)) == hits


@pytest.mark.parametrize(
    ("check", "before", "hits"),
    [
        # 30 days before and 7 now are 37
        ({"kind": "quantity", "days_max": 37, "window_days": 60}, [supply(2, 60, line(days=30))], ()),
        ({"kind": "quantity", "days_max": 36, "window_days": 60}, [supply(2, 60, line(days=30))], (1,)),
        ({"kind": "quantity", "days_max": 36, "window_days": 59}, [supply(2, 60, line(days=30))], ()),
        ({"kind": "quantity", "days_max": 36, "window_days": 60}, [supply(2, 60, line(name="别药", days=30))], ()),
        ({"kind": "quantity", "days_max": 7, "window_days": 60}, [supply(2, 1, line(days=None))], ()),
        ({"kind": "duplicate", "window_days": 3}, [supply(2, 3)], (1,)),
        ({"kind": "duplicate", "window_days": 3}, [supply(2, 4)], ()),
        ({"kind": "duplicate", "window_days": 3}, [supply(2, 1, prescription_id=UUID(int=201))], ()),
        # 7 days from 1 day ago last until in 6 days: more than a lead of 5
        ({"kind": "early", "lead_days": 5}, [supply(2, 1)], (1,)),
        ({"kind": "early", "lead_days": 6}, [supply(2, 1)], ()),
        ({"kind": "early", "lead_days": 5}, [supply(2, 2)], ()),
        ({"kind": "early", "lead_days": 5}, [supply(2, 1, fulfilment_id=UUID(int=101))], ()),
        ({"kind": "early", "lead_days": 5}, [supply(2, 1, line(days=None))], ()),
        ({"kind": "frequency", "times_max": 2, "window_days": 30}, [supply(2, 1), supply(3, 30)], (1,)),
        ({"kind": "frequency", "times_max": 2, "window_days": 30}, [supply(2, 1), supply(3, 31)], ()),
        ({"kind": "doctor_shopping", "prescribers_max": 1, "window_days": 9}, [supply(2, 9, doctor="D2")], (1,)),
        ({"kind": "doctor_shopping", "prescribers_max": 1, "window_days": 9}, [supply(2, 9), supply(3, 1)], ()),
        ({"kind": "doctor_shopping", "prescribers_max": 1, "window_days": 8}, [supply(2, 9, doctor="D2")], ()),
        ({"kind": "doctor_shopping", "prescribers_max": 1, "window_days": 9}, [supply(2, 9, doctor=None)], ()),
        ({"kind": "split", "prescriptions_max": 2, "window_days": 0}, [supply(2, 0), supply(3, 0)], (1,)),
        ({"kind": "split", "prescriptions_max": 2, "window_days": 0}, [supply(2, 0), supply(3, 1)], ()),
        ({"kind": "split", "prescriptions_max": 2, "window_days": 0}, [supply(2, 0), supply(3, 0, doctor="D2")], ()),
    ],
)
def test_rules_about_what_was_supplied_before(check: dict[str, Any], before: list[PastSupply], hits: Any) -> None:
    assert hit(rule(check), subject(*before)) == hits


@pytest.mark.parametrize("kind", ["doctor_shopping", "split"])
def test_without_a_known_prescriber_nobody_can_tell(kind: str) -> None:
    most = {"prescribers_max": 0} if kind == "doctor_shopping" else {"prescriptions_max": 0}
    own = replace(subject(), supply=supply(1, 0, doctor=None))
    assert hit(rule({"kind": kind, "window_days": 1, **most}), own) is None


def test_without_known_days_a_quantity_cannot_be_told() -> None:
    own = replace(subject(), supply=supply(1, 0, line(days=None)))
    assert hit(rule({"kind": "quantity", "days_max": 1, "window_days": 1}), own) is None


def test_two_lines_of_one_drug_count_together_and_each_line_is_named_once() -> None:
    own = replace(subject(), supply=supply(1, 0, line(1), line(2)))
    assert hit(rule({"kind": "quantity", "days_max": 13, "window_days": 0}), own) == (1, 2)
    assert hit(rule({"kind": "quantity", "days_max": 14, "window_days": 0}), own) == ()


@pytest.mark.parametrize(
    ("drugs", "hits"),
    [
        ({"atc": ["G04CB"]}, (1,)),
        ({"atc": ["C08"]}, (2,)),
        ({"names": ["氨氯"]}, (2,)),
        ({"names": ["地平"], "atc": ["G"]}, (1, 2)),
    ],
)
def test_a_rule_looks_at_its_drugs_only(drugs: dict[str, Any], hits: tuple[int, ...]) -> None:
    own = supply(1, 0, line(1), line(2, "苯磺酸氨氯地平", product=OTHER))
    assert hit(rule(MALE, drugs=drugs), subject(supply=own, sex="female")) == hits


def test_without_a_drug_of_the_rule_nothing_has_to_be_known() -> None:
    assert hit(rule(MALE, drugs={"names": ["别药"]}), subject()) == ()


def test_an_exception_lets_it_pass() -> None:
    excepted = {"diagnoses": ["C61"], "visits": ["chronic_disease"]}
    woman = subject(sex="female", diagnoses=("I10",))
    assert hit(rule(MALE, excepted=excepted), woman) == (1,)
    assert hit(rule(MALE, excepted=excepted), replace(woman, diagnoses=("C61.x00",))) == ()
    assert hit(rule(MALE, excepted=excepted), replace(woman, visit="chronic_disease")) == ()


def test_the_years_of_an_age_are_full_ones() -> None:
    assert [years_of(days) for days in (0, 364, 366, 18 * 365, 6575)] == [0, 0, 1, 17, 18]


def test_findings_come_in_the_order_of_the_rules_of_their_stage() -> None:
    rules = (
        rule(MALE, id="A1", grade="violation"),
        rule(ADULT, id="A2"),
        rule({"kind": "trace_reuse"}, id="A3", grade="hint"),
        rule(MALE, id="A4", stages=["after"]),
    )
    rule_set = RuleSet(version="v", rules=rules)
    found = audit(rule_set, subject(sex="female", repeated_codes=True), "before")
    assert [(each.rule, each.grade, each.lines) for each in found.findings] == [
        ("A1", "violation", (1,)),
        ("A3", "hint", (1,)),
    ]
    assert found.unchecked == ("A2",)
    assert gravest(found.findings) == "violation"
    assert found.findings[0].name == "audit/A1@v"
    assert "A4" in {
        each.rule for each in audit(RuleSet(version="v", rules=rules), subject(sex="female"), "after").findings
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"check": {"kind": "colour"}},
        {"check": {"kind": "sex", "allowed": "any"}},
        {"check": {"kind": "early"}},
        {"check": {"kind": "early", "lead_days": -1}},
        {"check": {"kind": "early", "lead_days": 5, "more": 1}},
        {"grade": "grave"},
        {"stages": []},
        {"source": ""},
        {"id": "lower"},
        {"drugs": {"atc": ["g04"]}},
    ],
)
def test_a_rule_that_says_something_else_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**{"check": MALE, **wrong})


def test_a_rule_stands_once_in_a_set() -> None:
    with pytest.raises(ValidationError, match="twice: R-1"):
        RuleSet(version="v", rules=(rule(MALE), rule(ADULT)))


def test_every_kind_has_its_check_and_the_shipped_sets_name_their_sources() -> None:
    assert SHIPPED.names == {"cn", "demo-eu"}
    kinds = {each.check.kind for each in SHIPPED.on(DAY, "cn").rules}
    assert CHECKS.keys() - kinds == {"visit"}
    assert all(each.source and each.says for name in SHIPPED.names for each in SHIPPED.on(DAY, name).rules)


def test_what_was_taken_out_or_came_later_is_not_before() -> None:
    first, second, third = (supply(number, 5) for number in (2, 3, 4))
    state = HISTORY.fold([SupplyCounted(patient_ref=UUID(int=1), supply=each) for each in (first, second, third)])
    assert count(state, UUID(int=1), first) == []
    state = HISTORY.fold(take_out(state, UUID(int=1), first.supply_id), state)
    assert take_out(state, UUID(int=1), first.supply_id) == []
    assert take_out(state, UUID(int=1), UUID(int=9)) == []
    assert state.before(third.supply_id) == (second,)
    assert state.before(UUID(int=9)) == (second, third)
    assert HistoryState().before(UUID(int=9)) == ()


def test_of_a_prescription_the_last_revision_counts_and_days_are_rounded_up() -> None:
    def told(revision: int) -> PrescriptionKnown:
        return PrescriptionKnown(
            prescription_id=UUID(int=1),
            patient_ref=UUID(int=2),
            revision=revision,
            prescriber="D1",
            institution="H1",
            sex="male",
            age_days=9000,
            diagnoses=("I10",),
            lines=(
                KnownLine(line=1, generic_name="x", quantity=14, days=7),
                KnownLine(line=2, generic_name="y", quantity=14, days=None),
            ),
        )

    state = PrescriptionState(told(2))
    assert know(state, told(2)) == know(state, told(1)) == []
    assert know(state, told(3)) == [told(3)]
    assert [state.days(1, 14), state.days(1, 7), state.days(1, 1)] == [7, 4, 1]
    assert [state.days(2, 7), state.days(3, 7), PrescriptionState().days(1, 7)] == [None, None, None]
