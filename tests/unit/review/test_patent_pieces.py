"""Patent medicines by the pieces that are in them, over small sets."""

from dataclasses import replace
from typing import Any

import pytest

from services.review.domain.knowledge.reading import read_set
from services.review.domain.screening import Subject
from services.review.domain.values import Finding, Line, Medicine, Severity, TcmDiagnosis
from tests.support.knowledge import document, drug, entry
from tests.unit.review.test_purpose_and_pieces import decoction, of, piece
from tests.unit.review.test_rules import DAY, line, medicine, subject

HERBS = [
    entry("fuzi", names=["附子"], toxic=True),
    entry("chuanwu", names=["制川乌"], toxic=True),
    entry("banxia", names=["半夏"]),
    entry("danggui", names=["当归"]),
    entry("gone", names=["旧药"], valid_until="2026-01-01"),
]
PILLS = drug("pills", "附子丸", atc="V90AA01") | {"atc": [], "pieces": ["fuzi", "gone"]}
COUGH = drug("cough", "半夏露", atc="V90AA02") | {"atc": [], "pieces": ["banxia"]}
BOTH = drug("both", "附夏丸", atc="V90AA03") | {"atc": [], "pieces": ["fuzi", "banxia"]}
PLAIN = drug("plain", "当归丸", atc="V90AA04") | {"atc": [], "pieces": ["danggui"]}
KNOWN: dict[str, Any] = {
    "drugs": [PILLS, COUGH, BOTH, PLAIN],
    "herbs": HERBS,
    "herb_pairs": [
        entry("fuzi--banxia", a="fuzi", b="banxia", kind="eighteen"),
        entry("gone--banxia", a="gone", b="banxia", kind="eighteen", severity="blocking"),
    ],
    "herb_groups": [entry("aconitine", name="aconitine", herbs=["fuzi", "chuanwu"], severity="serious")],
    "patent_patterns": [
        entry("pills", selector={"drug": "pills"}, patterns=["阴虚"], severity="caution", why="x"),
    ],
}


def told(rule: str, about: Subject) -> list[Finding]:
    return of(rule, about, **KNOWN)


def takes(about: Subject, *names: str, days: int = 60) -> Subject:
    return replace(about, current_medicines=tuple(medicine(name, days=days) for name in names))


def patents(*names: str, **facts: Any) -> Subject:
    return subject(*(line(number, name, dose_unit="丸") for number, name in enumerate(names, 1)), **facts)


@pytest.mark.parametrize(
    ("about", "lines"),
    [
        (takes(decoction(piece(1, "当归"), piece(2, "半夏")), "附子丸"), [(2,)]),
        (takes(decoction(piece(1, "半夏")), "附子"), [(1,)]),
        (takes(decoction(piece(1, "半夏")), "附子", days=1), []),
        (takes(decoction(piece(1, "半夏")), "附子丸", days=1), [(1,)]),
        (takes(decoction(piece(1, "半夏")), "当归丸", "无人知晓"), []),
        (patents("附子丸", "半夏露"), [(1, 2)]),
        (takes(patents("附子丸"), "半夏露"), [(1,)]),
        (patents("附夏丸"), []),
        (decoction(piece(1, "附子"), piece(2, "半夏")), []),
        (takes(patents("当归丸"), "附子丸", "半夏露"), []),
    ],
)
def test_pieces_that_are_kept_apart_are_told_across_what_the_patient_has(
    about: Subject, lines: list[tuple[int, ...]]
) -> None:
    findings = told("A5.pieces_apart", about)

    assert [finding.lines for finding in findings] == lines
    assert {(finding.severity, finding.result_code, finding.confirmable) for finding in findings} <= {
        (Severity.SERIOUS, "2-8", True)
    }
    assert {entry_id for finding in findings for entry_id in finding.entries} <= {"herb_pairs/fuzi--banxia"}


@pytest.mark.parametrize(
    ("about", "lines"),
    [
        (takes(decoction(piece(1, "当归"), piece(2, "附子")), "附子丸"), [(2,)]),
        (takes(decoction(piece(1, "制川乌")), "附子丸"), [(1,)]),
        (takes(decoction(piece(1, "制川乌")), "附子丸", days=1), []),
        (takes(decoction(piece(1, "当归")), "附子丸"), []),
        (takes(decoction(piece(1, "附子")), "附子"), []),
        (takes(patents("附子丸"), "附子"), [(1,)]),
        (patents("附子丸", "附夏丸"), []),
    ],
)
def test_one_poison_from_a_decoction_and_from_a_patent_medicine(about: Subject, lines: list[tuple[int, ...]]) -> None:
    findings = told("A5.duplicate_piece", about)

    assert [finding.lines for finding in findings] == lines
    assert {(finding.severity, finding.result_code, finding.entries) for finding in findings} <= {
        (Severity.SERIOUS, "2-7", ("herb_groups/aconitine",))
    }


@pytest.mark.parametrize(("syndrome", "hit"), [("阴虚火旺证", True), ("脾肾阳虚证", False), (None, False)])
def test_a_patent_medicine_against_the_pattern_that_is_written(syndrome: str | None, hit: bool) -> None:
    about = replace(patents("当归丸", "附子丸"), tcm_diagnoses=(TcmDiagnosis(code="X", name="病", syndrome=syndrome),))

    assert [finding.lines for finding in told("A1.pattern", about)] == ([(2,)] if hit else [])


def test_an_allergy_to_a_piece_is_one_to_the_patent_medicine_that_holds_it() -> None:
    about = patents("附子丸", "当归丸", allergies=("对当归过敏",))

    (finding,) = told("T4.herb_allergy", about)

    assert (finding.lines, finding.severity) == ((2,), Severity.BLOCKING)


def test_a_label_has_one_limit_for_tablets_and_one_for_sachets() -> None:
    doses = [
        entry("pills", drug="pills", route="oral", unit="丸", daily_max="9", severity="caution"),
        entry("sachets", drug="pills", route="oral", unit="袋", daily_max="2", severity="caution"),
    ]

    def over(unit: str, dose: str) -> list[tuple[str, ...]]:
        written: Line = line(1, "附子丸", dose=dose, dose_unit=unit, frequency_per_day=3)
        findings = of("A3.daily_dose", subject(written), **(KNOWN | {"doses": doses}))
        return [finding.entries for finding in findings]

    assert over("丸", "3") == []
    assert over("丸", "4") == [("doses/pills",)]
    assert over("袋", "1") == [("doses/sachets",)]
    assert over("ml", "100") == []


@pytest.mark.parametrize(
    ("section", "rows", "what"),
    [
        ("drugs", [drug("new", "药", atc="V90AA09") | {"pieces": ["nobody"]}], "unknown herb"),
        ("herb_groups", [entry("new", name="x", herbs=["nobody"], severity="serious")], "unknown herb"),
        (
            "patent_patterns",
            [entry("new", selector={"drug": "nobody"}, patterns=["寒"], severity="caution", why="x")],
            "unknown drug",
        ),
    ],
)
def test_pieces_and_medicines_that_are_not_there_are_told(section: str, rows: list[dict[str, Any]], what: str) -> None:
    known: dict[str, Any] = {"groups": [], "doses": [], "interactions": [], "herbs": HERBS, section: rows}

    read = read_set(document(**known))

    assert isinstance(read, list)
    assert [(fault.section, fault.entry, fault.what) for fault in read] == [(section, "new", what)]


def test_a_medicine_is_one_of_the_list_until_its_last_day() -> None:
    ended = replace(
        decoction(piece(1, "半夏")),
        current_medicines=(Medicine(drug_key="x", generic_name="附子丸", atc=None, until=DAY),),
    )

    assert [finding.lines for finding in told("A5.pieces_apart", ended)] == [(1,)]
