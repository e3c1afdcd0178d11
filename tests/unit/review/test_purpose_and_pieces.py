"""What a medicine is for, what takes another's effect away, and whom a herbal piece is not for: over small sets."""

from dataclasses import replace
from typing import Any

import pytest

from services.review.domain.knowledge.reading import read_set
from services.review.domain.policy import POLICIES
from services.review.domain.screening import Subject, screen
from services.review.domain.values import Diagnosis, Finding, Line, Severity, TcmDiagnosis
from tests.support.knowledge import document, drug, entry, knowledge_set
from tests.unit.review.test_rules import DAY, found, line, medicine, rules, subject

SIMVASTATIN = drug("simvastatin", "辛伐他汀", atc="C10AA01")
PITAVASTATIN = drug("pitavastatin", "匹伐他汀钙", atc="C10AA08")
AMOXICILLIN = drug("amoxicillin", "阿莫西林", atc="J01CA04")
DRUGS = [SIMVASTATIN, PITAVASTATIN, AMOXICILLIN]
VIRAL = [entry("viral", selector={"atc": "J01"}, icd10=["J00", "B34"], severity="serious", why="x")]


def with_diagnoses(about: Subject, *codes: str) -> Subject:
    return replace(about, diagnoses=tuple(Diagnosis(code=code, name="x") for code in codes))


def of(rule: str, about: Subject, **sections: Any) -> list[Finding]:
    known = {"drugs": DRUGS, "groups": [], "doses": [], "interactions": [], **sections}
    return [finding for finding in found(about, **known) if finding.rule == rule]


@pytest.mark.parametrize(
    ("today", "standing", "hit"),
    [
        (("J00.x00",), (), True),
        (("J00.x00", "B34.900"), (), True),
        (("J00.x00", "J20.900"), (), False),
        (("J00.x00",), ("J44.900",), False),
        ((), ("J00.x00",), False),
    ],
)
def test_no_indication_at_all_is_one_in_everything_that_is_diagnosed(
    today: tuple[str, ...], standing: tuple[str, ...], hit: bool
) -> None:
    about = with_diagnoses(subject(line(1, "阿莫西林"), conditions=standing), *today)

    assert bool(of("A1.no_indication", about, no_indications=VIRAL)) is hit


def test_where_the_indications_are_known_a_standing_disease_is_none_by_silence() -> None:
    known = {
        "no_indications": VIRAL,
        "indications": [entry("amoxicillin", selector={"drug": "amoxicillin"}, icd10=["J03"])],
    }
    beside_hypertension = with_diagnoses(subject(line(1, "阿莫西林"), conditions=("I10",)), "J00")
    in_tonsillitis = with_diagnoses(subject(line(1, "阿莫西林"), conditions=("J03.900",)), "J00")

    (finding,) = of("A1.no_indication", beside_hypertension, **known)
    assert (finding.result_code, finding.severity, finding.confirmable) == ("3-1", Severity.SERIOUS, True)
    assert not of("A1.indication", beside_hypertension, **known), "said once"
    assert not of("A1.no_indication", in_tonsillitis, **known)


def test_outside_the_label_is_told_only_where_no_indication_fits() -> None:
    known = {
        "indications": [entry("simvastatin", selector={"drug": "simvastatin"}, icd10=["E78"])],
        "off_label": [entry("kidneys", selector={"drug": "simvastatin"}, icd10=["N04"], why="x")],
    }
    in_nephrosis = with_diagnoses(subject(line(1, "辛伐他汀")), "N04.900")

    (finding,) = of("A1.off_label", in_nephrosis, **known)
    assert (finding.result_code, finding.entries, finding.confirmable) == ("3-3", ("off_label/kidneys",), True)
    assert not of("A1.indication", in_nephrosis, **known)
    assert not of("A1.off_label", with_diagnoses(in_nephrosis, "N04.900", "E78.500"), **known)
    assert of("A1.indication", with_diagnoses(in_nephrosis, "R51.x00"), **known)


def essential(**listed: bool) -> list[dict[str, Any]]:
    return [entry(name, drug=name, listed=is_listed) for name, is_listed in listed.items()]


def test_an_essential_medicine_of_the_subgroup_is_named_and_nobody_is_blocked() -> None:
    about = subject(line(1, "匹伐他汀钙"))
    listed = essential(pitavastatin=False, simvastatin=True)

    (finding,) = of("A1.essential_first", about, essential_medicines=listed)

    assert (finding.result_code, finding.severity) == ("2-4", Severity.INFO)
    assert "simvastatin" in finding.evidence
    assert finding.entries == ("essential_medicines/pitavastatin", "essential_medicines/simvastatin")


@pytest.mark.parametrize(
    "listed",
    [
        essential(simvastatin=True),
        essential(pitavastatin=True, simvastatin=True),
        essential(pitavastatin=False, simvastatin=False),
        essential(pitavastatin=False, amoxicillin=True),
    ],
    ids=["nobody has looked", "it is one itself", "none is", "of another subgroup"],
)
def test_nothing_is_told_of_essential_medicines_where(listed: list[dict[str, Any]]) -> None:
    assert not of("A1.essential_first", subject(line(1, "匹伐他汀钙")), essential_medicines=listed)
    assert not of("A1.essential_first", subject(line(1, "无人知晓")), essential_medicines=listed)


def test_what_takes_anothers_effect_away_is_told_once_and_not_of_what_is_only_taken() -> None:
    pair = [entry("pair", a={"atc": "C10A"}, b={"drug": "amoxicillin"}, severity="caution", why="x")]
    both = subject(line(1, "辛伐他汀"), line(2, "阿莫西林"))
    one_taken = subject(line(1, "阿莫西林"), taken=(medicine("辛伐他汀"), medicine("匹伐他汀钙")))
    both_taken = subject(line(1, "氯沙坦"), taken=(medicine("辛伐他汀"), medicine("阿莫西林")))

    (together,) = of("A5.combination", both, combinations=pair)
    assert (together.result_code, together.lines, together.confirmable) == ("2-6", (1, 2), True)
    (besides,) = of("A5.combination", one_taken, combinations=pair)
    assert (besides.lines, "taken already" in besides.evidence) == ((1,), True)
    assert not of("A5.combination", both_taken, combinations=pair)
    assert not of("A5.combination", both)


HERBS = [
    entry("huanglian", names=["黄连"]),
    entry("gancao", names=["甘草"]),
    entry("shengbanxia", names=["生半夏"], controlled="toxic"),
    entry("yingsuqiao", names=["罂粟壳"], controlled="narcotic", never_alone=True),
]


def piece(number: int, name: str, **more: Any) -> Line:
    return line(number, name, **{"product": f"T{number:09}", "form": "饮片", "dose": "6", "dose_unit": "g", **more})


def decoction(*pieces: Line, syndrome: str | None = "脾胃虚寒证", **facts: Any) -> Subject:
    about = subject(*pieces, **facts)
    return replace(about, herbal=True, tcm_diagnoses=(TcmDiagnosis(code="X", name="胃脘痛病", syndrome=syndrome),))


def pieces_told(rule: str, about: Subject, **sections: Any) -> list[Finding]:
    return of(rule, about, herbs=HERBS, **sections)


@pytest.mark.parametrize(("syndrome", "hit"), [("脾胃虚寒证", True), ("湿热中阻证", False), (None, False)])
def test_a_piece_against_the_pattern_that_is_written(syndrome: str | None, hit: bool) -> None:
    patterns = [entry("cold", herbs=["huanglian"], patterns=["脾胃虚寒"], severity="caution", why="x")]
    about = decoction(piece(1, "黄连"), piece(2, "甘草"), syndrome=syndrome)

    lines = [finding.lines for finding in pieces_told("T1.pattern", about, herb_patterns=patterns)]

    assert lines == ([(1,)] if hit else [])


def test_a_controlled_piece_is_written_as_what_it_is() -> None:
    as_ordinary = decoction(piece(1, "生半夏"), piece(2, "甘草"))
    as_toxic = decoction(piece(1, "生半夏", drug_class="toxic"), piece(2, "甘草"))

    (finding,) = pieces_told("T3.controlled_class", as_ordinary)
    assert (finding.lines, finding.severity, finding.result_code) == ((1,), Severity.BLOCKING, "1-13")
    assert not pieces_told("T3.controlled_class", as_toxic)


def test_poppy_husk_is_one_piece_among_others() -> None:
    husk = piece(1, "罂粟壳", drug_class="narcotic")

    assert [finding.lines for finding in pieces_told("T3.never_alone", decoction(husk))] == [(1,)]
    assert not pieces_told("T3.never_alone", decoction(husk, piece(2, "甘草")))
    assert not pieces_told("T3.never_alone", decoction(husk, piece(2, "无人知晓")))
    assert not pieces_told("T3.never_alone", decoction(piece(1, "无人知晓")))
    assert not pieces_told("T3.never_alone", decoction(piece(1, "甘草")))


def against(**kind: Any) -> list[dict[str, Any]]:
    return [entry("against", herbs=["huanglian"], severity="serious", why="x", **kind)]


@pytest.mark.parametrize(
    ("rule", "kind", "facts", "others"),
    [
        ("T4.herb_condition", {"icd10": ["H40"]}, {"conditions": ("H40.900",)}, {"conditions": ("I10",)}),
        ("T4.herb_condition", {"organ": "kidneys"}, {"renal_impairment": True}, {"hepatic_impairment": True}),
        (
            "T4.herb_condition",
            {"organ": "kidneys"},
            {"creatinine_clearance_ml_min": 59},
            {"creatinine_clearance_ml_min": 60},
        ),
        ("T4.herb_condition", {"organ": "liver"}, {"hepatic_impairment": True}, {"renal_impairment": True}),
        ("T4.herb_condition", {"organ": "liver"}, {"child_pugh": "A"}, {}),
        ("T4.herb_age", {"age_days_below": 4383}, {"age_days": 4382}, {"age_days": 4383}),
        ("T4.herb_lactation", {"lactating": True}, {"lactating": True}, {"lactating": None}),
    ],
)
def test_whom_a_piece_is_not_for(
    rule: str, kind: dict[str, Any], facts: dict[str, Any], others: dict[str, Any]
) -> None:
    lines = (piece(1, "甘草"), piece(2, "黄连"))

    (finding,) = pieces_told(rule, decoction(*lines, **facts), herb_contraindications=against(**kind))

    assert (finding.lines, finding.severity, finding.result_code) == ((2,), Severity.SERIOUS, "2-2")
    assert finding.entries == ("herb_contraindications/against",)
    assert not pieces_told(rule, decoction(*lines, **others), herb_contraindications=against(**kind))


def test_an_allergy_to_a_piece_is_compared_with_the_pieces() -> None:
    known = {"herbs": HERBS, "drugs": DRUGS, "groups": [], "doses": [], "interactions": []}
    in_it = decoction(piece(1, "甘草"), piece(2, "黄连"), allergies=("对黄连过敏",))
    not_in_it = decoction(piece(1, "甘草"), allergies=("黄连",))

    (finding,) = pieces_told("T4.herb_allergy", in_it)
    assert (finding.lines, finding.severity, finding.confirmable) == ((2,), Severity.BLOCKING, False)
    assert not {"T4.herb_allergy", "A7.allergy_unread"} & set(rules(not_in_it, **known))
    assert "A7.allergy_unread" in rules(decoction(piece(1, "甘草"), allergies=("无人知晓",)), **known)


@pytest.mark.parametrize(
    ("section", "fields", "what"),
    [
        ("herb_contraindications", {"herbs": ["huanglian"], "severity": "serious", "why": "x"}, "entry"),
        (
            "herb_contraindications",
            {"herbs": ["huanglian"], "icd10": ["H40"], "lactating": True, "severity": "serious", "why": "x"},
            "entry",
        ),
        (
            "herb_contraindications",
            {"herbs": ["nobody"], "lactating": True, "severity": "serious", "why": "x"},
            "unknown herb",
        ),
        ("herb_patterns", {"herbs": ["nobody"], "patterns": ["寒"], "severity": "caution", "why": "x"}, "unknown herb"),
        ("essential_medicines", {"drug": "nobody", "listed": True}, "unknown drug"),
        (
            "combinations",
            {"a": {"drug": "nobody"}, "b": {"atc": "J01"}, "severity": "caution", "why": "x"},
            "unknown drug",
        ),
    ],
)
def test_an_entry_that_says_two_things_or_names_what_is_not_there_is_refused(
    section: str, fields: dict[str, Any], what: str
) -> None:
    read = read_set(document(herbs=HERBS, **{section: [entry("new", **fields)]}))

    assert isinstance(read, list)
    assert [(fault.section, fault.entry, fault.what) for fault in read] == [(section, "new", what)]


@pytest.mark.parametrize(
    ("jurisdiction", "told"), [("cn", {"N3.2.herbs_apart": (2, 3), "T1.tcm_diagnosis": ()}), ("demo-eu", {})]
)
def test_what_stands_beside_pieces_and_whether_a_pattern_is_written_is_the_jurisdictions(
    jurisdiction: str, told: dict[str, tuple[int, ...]]
) -> None:
    """As an issue has it, or what is issued lawfully could never be released."""
    pill = line(2, "理中丸", product=f"Z{2:022}", form="丸剂")
    injection = line(3, "黄芪注射液", product=f"Z{3:022}", form="注射剂")
    about = decoction(piece(1, "甘草"), pill, injection, syndrome=None)
    knowledge = knowledge_set(herbs=HERBS).on(DAY)

    seen = screen(about, knowledge, POLICIES.of(jurisdiction).on(DAY))

    formal = [finding for finding in seen if finding.rule in {"N3.2.herbs_apart", "T1.tcm_diagnosis"}]
    assert {finding.rule: finding.lines for finding in formal} == told


@pytest.mark.parametrize("jurisdiction", ["cn", "demo-eu"])
def test_western_medicines_stand_beside_no_pieces_anywhere(jurisdiction: str) -> None:
    about = decoction(piece(1, "甘草"), line(2, "缬沙坦"))
    seen = screen(about, knowledge_set(herbs=HERBS).on(DAY), POLICIES.of(jurisdiction).on(DAY))

    assert [finding.lines for finding in seen if finding.rule == "N3.2.herbs_apart"] == [(2,)]


@pytest.mark.parametrize(
    ("dose", "times", "per_days", "hit"),
    [("3", 1, 1, False), ("3", 2, 1, True), ("3", 3, 7, False), ("4", 3, 7, True), ("4", 1, 2, True)],
)
def test_a_toxic_piece_is_measured_by_the_day_on_which_it_is_taken(
    dose: str, times: int, per_days: int, hit: bool
) -> None:
    aconite = entry("zhichuanwu", names=["制川乌"], dose_max_g="3", toxic=True)
    about = decoction(piece(1, "制川乌", dose=dose, frequency_per_day=times, per_days=per_days), piece(2, "甘草"))

    told = of("T3.toxic_herb_dose", about, herbs=[*HERBS, aconite])

    assert [finding.severity for finding in told] == ([Severity.BLOCKING] if hit else [])
