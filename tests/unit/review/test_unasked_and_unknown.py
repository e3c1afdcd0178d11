"""What was not asked, not understood or not known; herbs against medicines; advice of labels without a figure."""

from typing import Any

import pytest

from services.review.domain.values import Severity
from tests.support.knowledge import SMALL, drug, entry
from tests.unit.review.test_rules import found, line, medicine, rules, subject

HERBS = [entry("gancao", names=["甘草"]), entry("fuling", names=["茯苓"])]
PAIR = entry("pair", herbs=["gancao"], medicine={"drug": "warfarin"}, severity="serious", effect="x")
PIECE = {"form": "饮片", "product": "T000000001"}


def test_allergies_are_asked_for_where_a_medicine_is_written() -> None:
    assert rules(subject(line(1, "缬沙坦"), allergies=None)) == ["A7.allergy_unknown"]
    assert rules(subject(line(1, "缬沙坦"), allergies=())) == []
    assert "A7.allergy_unknown" not in rules(subject(line(1, "甘草", **PIECE), allergies=None), herbs=HERBS)


@pytest.mark.parametrize(
    ("allergies", "severity"),
    [
        (("对花粉过敏",), Severity.INFO),
        (("无",), Severity.INFO),
        (("花粉", "某药"), Severity.CAUTION),
        (("某药",), Severity.CAUTION),
        (("华法林钠",), None),
    ],
)
def test_what_compares_with_nothing_is_a_question_if_it_may_be_a_medicine(
    allergies: tuple[str, ...], severity: Severity | None
) -> None:
    findings = found(subject(line(1, "缬沙坦"), allergies=allergies))

    assert [(each.rule, each.severity) for each in findings] == ([("A7.allergy_unread", severity)] if severity else [])
    assert not any("某药" in each.evidence for each in findings), "what the patient said is not told"


def test_what_nobody_knows_is_looked_at_by_a_person() -> None:
    told = found(
        subject(line(1, "缬沙坦"), line(2, "神秘丸"), line(3, "山草", **PIECE), line(4, "甘草", **PIECE)), herbs=HERBS
    )
    assert [(each.lines, each.severity) for each in told if each.rule == "A9.not_screened"] == [
        ((2,), Severity.CAUTION),
        ((3,), Severity.CAUTION),
    ]


def test_what_is_taken_and_nobody_knows_is_counted_and_not_named() -> None:
    taken = (medicine("神秘丸"), medicine("甘草"), medicine("布洛芬"))
    (finding,) = found(subject(line(1, "缬沙坦"), taken=taken, other_medicines=("止痛片",)), herbs=HERBS)

    assert (finding.rule, finding.lines) == ("A9.not_screened", ())
    assert "2 of what is taken" in finding.evidence
    assert "止痛片" not in finding.evidence


def test_a_class_alone_is_not_what_the_medicine_is() -> None:
    drugs = [*SMALL["drugs"], drug("naproxen", "萘普生", atc="M01AE01")]
    known_by_code = subject(line(1, "芬必得", atc="M01AE01", frequency_per_day=1))

    assert "A9.not_screened" not in rules(known_by_code, drugs=SMALL["drugs"])
    assert "A9.not_screened" in rules(known_by_code, drugs=drugs)


@pytest.mark.parametrize(
    ("lines", "taken", "expected"),
    [
        ((line(1, "甘草", **PIECE), line(2, "华法林钠")), (), [(1, 2)]),
        ((line(1, "甘草", **PIECE),), ("华法林钠",), [(1,)]),
        ((line(1, "华法林钠"),), ("甘草",), [(1,)]),
        ((line(1, "缬沙坦"),), ("甘草", "华法林钠"), []),
        ((line(1, "茯苓", **PIECE),), ("华法林钠",), []),
        ((line(1, "甘草", **PIECE),), ("缬沙坦",), []),
        ((line(1, "甘草", **PIECE), line(2, "炙草", **PIECE), line(3, "华法林钠")), (), [(1, 3)]),
    ],
)
def test_a_herb_against_a_medicine_whoever_comes_first(
    lines: tuple[Any, ...], taken: tuple[str, ...], expected: list[tuple[int, ...]]
) -> None:
    about = subject(*lines, taken=tuple(map(medicine, taken)))
    told = [each for each in found(about, herbs=HERBS, herb_drug=[PAIR]) if each.rule == "A5.herb_drug"]

    assert [each.lines for each in told] == expected
    assert all(each.severity is Severity.SERIOUS and each.result_code == "2-8" for each in told)


def test_of_two_pairs_the_narrower_one_is_told_and_a_class_once() -> None:
    wider = entry("wider", herbs=["gancao", "fuling"], medicine={"group": "bleeding"}, severity="blocking", effect="x")
    about = subject(line(1, "甘草", **PIECE), taken=(medicine("华法林钠"), medicine("布洛芬"), medicine("缬沙坦")))
    sections = {"herbs": HERBS, "herb_drug": [PAIR, wider]}

    entries = [each.entries for each in found(about, **sections) if each.rule == "A5.herb_drug"]
    assert sorted(entries) == [("herb_drug/pair",), ("herb_drug/wider",)]
    twice = subject(line(1, "茯苓", **PIECE), taken=(medicine("华法林钠"), medicine("布洛芬")))
    assert len([each for each in found(twice, **sections) if each.rule == "A5.herb_drug"]) == 1


def advice(name: str, **fields: Any) -> dict[str, Any]:
    return entry(name, **{"drug": "valsartan", "concern": "renal", "says": "with_care", "why": "x", **fields})


@pytest.mark.parametrize(
    ("fields", "facts", "rule"),
    [
        ({"crcl_max": "30"}, {"creatinine_clearance_ml_min": 29}, "A3.renal_advice"),
        ({"crcl_max": "30"}, {"creatinine_clearance_ml_min": 30}, None),
        ({"crcl_min": "10", "crcl_max": "30"}, {"creatinine_clearance_ml_min": 9}, None),
        ({"crcl_max": "30"}, {}, None),
        ({"says": "no_adjustment"}, {"creatinine_clearance_ml_min": 29}, None),
        ({"crcl_max": "30", "route": "iv"}, {"creatinine_clearance_ml_min": 29}, None),
        ({"concern": "hepatic", "child_pugh": ["C"]}, {"child_pugh": "C"}, "A3.hepatic_advice"),
        ({"concern": "hepatic", "child_pugh": ["C"]}, {"child_pugh": "B"}, None),
        ({"concern": "hepatic", "child_pugh": ["C"]}, {"creatinine_clearance_ml_min": 5}, None),
    ],
)
def test_advice_is_told_of_those_it_is_about(fields: dict[str, Any], facts: dict[str, Any], rule: str | None) -> None:
    told = found(subject(line(1, "缬沙坦"), **facts), dose_advice=[advice("a", **fields)])

    assert [(each.rule, each.severity) for each in told] == ([(rule, Severity.CAUTION)] if rule else [])


def test_a_source_may_weigh_its_own_advice() -> None:
    told = found(
        subject(line(1, "缬沙坦"), creatinine_clearance_ml_min=20),
        dose_advice=[advice("a", crcl_max="30", severity="info", says="no_recommendation")],
    )
    assert [(each.rule, each.severity) for each in told] == [("A3.renal_advice", Severity.INFO)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"hepatic_impairment": True}, ["A3.hepatic_unknown"]),
        ({"hepatic_impairment": True, "child_pugh": "A"}, []),
        ({"hepatic_impairment": False}, []),
        ({}, []),
    ],
)
def test_a_sick_liver_of_unknown_degree(facts: dict[str, Any], expected: list[str]) -> None:
    limit = entry("l", drug="valsartan", route="oral", unit="mg", daily_max="9000", child_pugh=["C"])
    against = entry("c", selector={"drug": "valsartan"}, child_pugh=["C"], severity="blocking", why="x")

    assert rules(subject(line(1, "缬沙坦"), **facts), doses=[limit]) == expected
    assert rules(subject(line(1, "缬沙坦"), **facts), contraindications=[against]) == expected
    elsewhere = {"doses": [limit | {"route": "iv"}], "contraindications": []}
    assert rules(subject(line(1, "缬沙坦"), **facts), **elsewhere) == []
