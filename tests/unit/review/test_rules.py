"""Single rules over a small set: what golden prescriptions do not come to."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.review.domain.knowledge import files
from services.review.domain.knowledge.files import Unreadable
from services.review.domain.policy import CN, POLICIES
from services.review.domain.screening import Subject, screen
from services.review.domain.values import Diagnosis, Finding, Line, Medicine, PatientFacts, Prescriber, Severity
from tests.support.knowledge import SMALL, drug, entry, knowledge_set

DAY = date(2026, 3, 2)
RIGHTS = Prescriber(registered=True, in_force=True, at_site=True, rights=("ordinary",))


def line(number: int, name: str, **more: Any) -> Line:
    written = {
        "line": number,
        "product": f"X{number:022}",
        "drug_key": f"{name}|片剂|0.1g",
        "quantity": 7,
        "base_unit": "片",
        "dose": "100",
        "dose_unit": "mg",
        "frequency_per_day": 1,
        "route": "口服",
        "days": 5,
        "drug_class": "ordinary",
    }
    return Line.model_validate(written | more)


def subject(*lines: Line, taken: tuple[Medicine, ...] = (), **facts: Any) -> Subject:
    return Subject(
        on=DAY,
        emergency=False,
        herbal=False,
        validity_days=1,
        facts=PatientFacts(**{"age_days": 15_000, "sex": "male", "allergies": (), **facts}),
        lines=lines,
        diagnoses=(Diagnosis(code="I10", name="高血压"),),
        prescriber=RIGHTS,
        current_medicines=taken,
    )


def medicine(name: str, days: int = 30) -> Medicine:
    return Medicine(generic_name=name, atc=None, drug_key=f"{name}|片剂|5mg", until=DAY + timedelta(days=days))


def found(about: Subject, **sections: Any) -> list[Finding]:
    return list(screen(about, knowledge_set(**sections).on(DAY), CN.on(DAY)))


def rules(about: Subject, **sections: Any) -> list[str]:
    return [finding.rule for finding in found(about, **sections)]


def test_another_jurisdiction_has_its_own_figures() -> None:
    about = subject(*(line(number, name, days=14) for number, name in enumerate(("缬沙坦", "布洛芬"), start=1)))
    knowledge = knowledge_set().on(DAY)

    assert {each.rule for each in screen(about, knowledge, CN.on(DAY))} == {"N3.6.longer_supply"}
    assert screen(about, knowledge, POLICIES.of("demo-eu").on(DAY)) == ()


def test_a_prescriber_nobody_has_told_review_of_yet_is_looked_at_by_a_person() -> None:
    (finding,) = found(replace(subject(line(1, "缬沙坦")), prescriber=None))

    assert (finding.rule, finding.severity) == ("L1.prescriber_registered", Severity.CAUTION)


def test_a_medicine_that_ends_in_days_is_renewed_and_not_doubled() -> None:
    for days, expected in ((-1, []), (5, []), (6, ["A5.duplicate_ingredient"])):
        assert rules(subject(line(1, "缬沙坦"), taken=(medicine("缬沙坦", days),))) == expected


def test_what_is_only_taken_is_not_this_prescriptions_matter() -> None:
    group = entry("pain", name="pain", members=[{"group": "nsaids"}, {"drug": "warfarin"}], severity="serious")
    about = subject(line(1, "缬沙坦"), taken=(medicine("华法林钠"), medicine("布洛芬")))

    assert rules(about, duplicate_groups=[group]) == []


def test_a_class_entry_is_told_once_for_all_that_is_taken_of_the_class() -> None:
    drugs = [*SMALL["drugs"], drug("naproxen", "萘普生", atc="M01AE02")]
    about = subject(line(1, "华法林钠"), taken=(medicine("布洛芬"), medicine("萘普生")))

    (finding,) = found(about, drugs=drugs)
    assert (finding.lines, finding.entries) == ((1,), ("interactions/warfarin-nsaids",))
    assert "布洛芬" not in finding.evidence, "what the patient takes is not told"


def test_an_antibacterial_of_the_national_levels_counts_whatever_its_code() -> None:
    drugs = [drug("metronidazole", "甲硝唑", atc="P01AB01", antibacterial_level="unrestricted")]
    about = subject(line(1, "甲硝唑", days=7)), subject(line(1, "甲硝唑", days=8, per_days=1))

    without = {"groups": [], "doses": [], "interactions": []}
    assert rules(about[0], drugs=drugs, **without) == []
    assert "N3.6.antibacterial_supply" in rules(about[1], drugs=drugs, **without)


def dose(**limits: Any) -> dict[str, Any]:
    return entry("limit", drug="warfarin", route="oral", unit="mg", severity="serious", **limits)


@pytest.mark.parametrize(
    ("written", "limits", "expected"),
    [
        ({"dose": "5"}, {"single_max": "5"}, []),
        ({"dose": "5.01"}, {"single_max": "5"}, ["A3.single_dose"]),
        ({"dose": "5", "frequency_per_day": 2}, {"daily_max": "9"}, ["A3.daily_dose"]),
        ({"dose": "5", "frequency_per_day": 1, "per_days": 2}, {"daily_max": "3"}, []),
        ({"dose": "1"}, {"daily_min": "2"}, ["A3.low_dose"]),
        ({"dose": "1", "as_needed": True}, {"daily_min": "2"}, []),
        ({"dose": "2", "dose_unit": "片", "strength": "5mg"}, {"single_max": "9"}, ["A3.single_dose"]),
        ({"dose": "2", "dose_unit": "支", "strength": "2ml:5mg"}, {"single_max": "9"}, ["A3.single_dose"]),
        ({"dose": "some", "dose_unit": "支", "strength": "2ml:5mg"}, {"single_max": "9"}, []),
        ({"dose": "some", "dose_unit": "片", "strength": "5mg"}, {"single_max": "9"}, []),
        ({"dose": "2", "dose_unit": "ml", "strength": "0ml:5mg"}, {"single_max": "1"}, []),
        ({"dose": "2", "dose_unit": "吸", "strength": "5mg"}, {"single_max": "1"}, []),
        ({"route": "静脉注射"}, {"single_max": "1"}, ["A4.route"]),
        ({"route": "随便"}, {"single_max": "1"}, []),
        ({"frequency_per_day": 1, "per_days": 7, "days": 28, "dose": "1"}, {"weekly_max": 1}, []),
        ({"frequency_per_day": 1, "days": 2, "dose": "1"}, {"weekly_max": 1}, ["A3.frequency"]),
    ],
)
def test_what_is_written_is_compared_with_what_the_entry_limits(
    written: dict[str, Any], limits: dict[str, Any], expected: list[str]
) -> None:
    about = replace(subject(line(1, "华法林钠", **written)), long_supply_reason="慢性病")

    assert [rule for rule in rules(about, doses=[dose(**limits)]) if not rule.startswith("N3.6")] == expected


def test_a_least_amount_by_weight_leaves_no_other_least_amount() -> None:
    doses = [
        entry("child", drug="ibuprofen", route="oral", unit="mg", per_kg=True, single_min="5", age_days_max=4382),
        entry("all", drug="ibuprofen", route="oral", unit="mg", single_min="200"),
    ]

    assert rules(subject(line(1, "布洛芬"), age_days=3000, weight_grams=20_000), doses=doses) == []
    assert rules(subject(line(1, "布洛芬"), age_days=3000), doses=doses) == ["A3.low_dose"]


@pytest.mark.parametrize(
    ("into", "mixed"),
    [
        ({}, []),
        ({2: 1}, [(1, 2)]),
        ({1: 2, 2: 1}, [(1, 2)]),
        ({1: 9, 2: 9}, [(1, 2)]),
        ({1: 3, 2: 3}, [(1, 2)]),
        ({1: 3}, []),
    ],
)
def test_what_ends_in_one_infusion_is_mixed(into: dict[int, int], mixed: list[tuple[int, int]]) -> None:
    pair = entry("a", a={"drug": "ceftriaxone"}, b={"drug": "warfarin"}, severity="blocking", why="x")
    names = {1: "头孢曲松钠", 2: "华法林钠", 3: "缬沙坦"}
    lines = [line(number, name, route="iv", mixed_with=into.get(number)) for number, name in names.items()]

    told = [each for each in found(subject(*lines), incompatibilities=[pair]) if each.rule == "A6.incompatible_mix"]

    assert [each.lines for each in told] == mixed


def test_pregnancy_is_asked_for_only_where_an_entry_blocks() -> None:
    about = {"selector": {"drug": "valsartan"}, "why": "x"}
    woman = subject(line(1, "缬沙坦"), sex="female", age_days=10_000)

    assert rules(woman, pregnancy=[entry("a", **about, severity="caution")]) == []
    assert rules(woman, pregnancy=[entry("a", **about, severity="blocking")]) == ["A7.pregnancy_unknown"]


def test_an_entry_about_the_drug_is_an_exception_from_its_class() -> None:
    entries = [
        entry("class", selector={"atc": "C09"}, severity="blocking", why="x"),
        entry("drug", selector={"drug": "valsartan"}, severity="caution", why="x"),
    ]
    (finding,) = found(subject(line(1, "缬沙坦"), sex="female", pregnant=True), pregnancy=entries)

    assert (finding.severity, finding.entries) == (Severity.CAUTION, ("pregnancy/drug",))


def test_what_is_stated_itself_does_not_also_cross() -> None:
    groups = [
        entry(
            "a",
            names=["甲类"],
            members=[{"drug": "warfarin"}],
            cross=[{"group": "b", "severity": "serious", "why": "x"}],
        ),
        entry("b", names=["乙类"], members=[{"drug": "valsartan"}]),
    ]
    allergic = ("甲类", "乙类")

    assert rules(subject(line(1, "缬沙坦"), allergies=allergic), allergy_groups=groups) == ["A7.allergy"]
    assert rules(subject(line(1, "缬沙坦"), allergies=("甲类",)), allergy_groups=groups) == ["A7.allergy_cross"]


def test_a_shipped_set_with_a_fault_stops_the_start(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "knowledge"
    (place / "nothing").mkdir(parents=True)
    monkeypatch.setattr(files, "files", lambda _package: tmp_path)
    assert list(files._shipped()) == [], "what has no header is no set"
    (place / "broken").mkdir()
    (place / "broken" / "set.json").write_text("{}")

    with pytest.raises(ValueError, match="broken"):
        list(files._shipped())
    (place / "broken" / "set.json").write_text("[]")
    with pytest.raises(Unreadable):
        list(files._shipped())


@pytest.mark.parametrize(("jurisdiction", "blocked"), [("cn", True), ("demo-eu", False)])
def test_levels_of_antibacterials_count_where_rights_go_by_them(jurisdiction: str, blocked: bool) -> None:
    meropenem = drug("meropenem", "美罗培南", atc="J01DH02", antibacterial_level="special")
    knowledge = knowledge_set(drugs=[meropenem], groups=[], doses=[], interactions=[])
    policy = POLICIES.of(jurisdiction).on(DAY)

    told = screen(subject(line(1, "美罗培南")), knowledge.on(DAY), policy)

    assert ("L3.antibacterial_level" in [finding.rule for finding in told]) is blocked
