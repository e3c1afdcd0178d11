"""A set is taken whole, or every row that is wrong is told."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from services.review.domain.knowledge.checks import Fault
from services.review.domain.knowledge.reading import KnowledgeSet, read_set
from services.review.domain.values import Severity
from tests.support.knowledge import SMALL, document, drug, entry, knowledge_set

DAY = date(2026, 3, 2)


def skin_test(name: str, **fields: Any) -> dict[str, Any]:
    return entry(name, **{"selector": {"drug": "warfarin"}, "advice": "x", **fields})


def faults(**sections: Any) -> list[Fault]:
    read = read_set(document(**sections))
    assert isinstance(read, list)
    return read


def told(**sections: Any) -> list[tuple[str, str, str]]:
    return [(fault.section, fault.entry, fault.what) for fault in faults(**sections)]


def test_a_good_set_is_read_with_its_version_and_its_entries() -> None:
    read = knowledge_set()

    assert read.header.version == "small-1"
    assert read.counts()["drugs"] == 6
    found = read.entry("interactions", "warfarin-nsaids")
    assert found is not None
    assert found.model_dump(mode="json")["severity"] == "serious"
    assert read.entry("interactions", "other") is None
    assert read.entry("nonsense", "other") is None


def test_the_order_of_entries_is_not_content() -> None:
    turned = {**SMALL, "drugs": random.Random(1).sample(SMALL["drugs"], len(SMALL["drugs"]))}

    assert knowledge_set(**turned).digest == knowledge_set().digest


def test_another_amount_is_another_content() -> None:
    doses = [{**SMALL["doses"][0], "daily_max": "1200"}, SMALL["doses"][1]]

    assert knowledge_set(doses=doses).digest != knowledge_set().digest


def test_every_faulty_row_is_told_with_its_file_its_entry_and_why() -> None:
    found = faults(
        drugs=[*SMALL["drugs"], {"id": "nameless"}, "no object"],
        interactions=[entry("x", a={"drug": "warfarin"}, b={"drug": "nobody"}, severity="deadly", effect="?")],
        skin_tests="no list",
    )

    rows = [(fault.section, fault.entry) for fault in found]
    assert rows.count(("drugs", "nameless")) >= 2, "each missing field of the row"
    assert ("drugs", "entry 8") in rows
    assert ("skin_tests", "") in rows
    (severity,) = [fault for fault in found if fault.section == "interactions"]
    assert (severity.entry, severity.what) == ("x", "severity")
    assert "caution" in severity.why


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"version": None}, ("set", "", "version")),
        ({"surprises": []}, ("set", "surprises", "unknown section")),
        ({"drugs": [*SMALL["drugs"], SMALL["drugs"][0]]}, ("drugs", "amlodipine", "duplicate id")),
        (
            {"drugs": [*SMALL["drugs"], drug("felodipine", "华法林钠", atc="C08CA02")]},
            ("drugs", "felodipine", "ambiguous name"),
        ),
        (
            {"drugs": [*SMALL["drugs"], drug("mix", atc="C09DB02", ingredients=["gold"])]},
            ("drugs", "mix", "unknown drug"),
        ),
        (
            {"skin_tests": [skin_test("a", source="GOSSIP")]},
            ("skin_tests", "a", "unknown source"),
        ),
        (
            {"skin_tests": [entry("a", selector={"group": "nobody"}, advice="x")]},
            ("skin_tests", "a", "unknown group"),
        ),
        (
            {
                "duplicate_groups": [
                    entry(
                        "a",
                        name="a",
                        members=[{"atc": "C08"}],
                        severity="serious",
                        **{"except": [[{"drug": "gold"}, {"drug": "amlodipine"}]]},
                    )
                ]
            },
            ("duplicate_groups", "a", "unknown drug"),
        ),
        (
            {"skin_tests": [entry("a", selector={"atc": "J01", "drug": "warfarin"}, advice="x")]},
            ("skin_tests", "a", "selector"),
        ),
        ({"skin_tests": [entry("a", selector={"atc": None}, advice="x")]}, ("skin_tests", "a", "selector")),
        ({"herb_pairs": [entry("a", a="wutou", b="banxia", kind="eighteen")]}, ("herb_pairs", "a", "unknown herb")),
        (
            {
                "allergy_groups": [
                    entry(
                        "a",
                        names=["a"],
                        members=[{"atc": "J01"}],
                        cross=[{"group": "b", "severity": "caution", "why": "x"}],
                    )
                ]
            },
            ("allergy_groups", "a", "unknown allergy group"),
        ),
        (
            {
                "skin_tests": [
                    entry("a", selector={"atc": "J01"}, advice="x", valid_from="2026-02-01", valid_until="2026-01-01")
                ]
            },
            ("skin_tests", "a", "valid_until"),
        ),
        (
            {"groups": [entry("nsaids", name="a", members=[{"group": "nsaids"}])], "interactions": []},
            ("groups", "nsaids", "circle"),
        ),
        ({"solvents": [entry("a", selector={"atc": "J01"})]}, ("solvents", "a", "entry")),
        (
            {"solvents": [entry("a", selector={"atc": "J01"}, allowed=["ringer"], forbidden=["ringer"])]},
            ("solvents", "a", "entry"),
        ),
        (
            {"contraindications": [entry("a", selector={"atc": "J01"}, severity="blocking", why="x")]},
            ("contraindications", "a", "entry"),
        ),
    ],
)
def test_what_is_wrong_is_named(sections: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert expected in told(**sections)


def dose(name: str, **fields: Any) -> dict[str, Any]:
    return entry(name, **{"drug": "ibuprofen", "route": "oral", "unit": "mg", "daily_max": "1", **fields})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({"age_days_min": 0, "age_days_max": 100}, {"age_days_min": 100, "age_days_max": 200}),
        ({"crcl_min": "10", "crcl_max": "30"}, {"crcl_min": "20", "crcl_max": "50"}),
        ({"child_pugh": ["A", "B"]}, {"child_pugh": ["B", "C"]}),
        ({"indication": ["M05"]}, {"indication": ["M05.3"]}),
        ({"unit": "g"}, {"unit": "mg"}),
        ({"valid_until": "2026-06-30"}, {"valid_from": "2026-06-30"}),
    ],
)
def test_two_limits_for_the_same_people_are_refused(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert ("doses", "b", "overlapping limits") in told(doses=[dose("a", **one), dose("b", **other)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"age_days_max": 99}, {"age_days_min": 100}),
        ({}, {"age_days_min": 23725}),  # the narrower one holds for the old
        ({}, {"crcl_max": "30"}),
        ({"crcl_min": "30"}, {"crcl_max": "30"}),
        ({"weight_grams_max": 20000}, {"weight_grams_min": 20000}),
        ({"child_pugh": ["A"]}, {"child_pugh": ["B"]}),
        ({"indication": ["M05"]}, {"indication": ["K25"]}),
        ({}, {"indication": ["M05"]}),
        ({}, {"route": "iv"}),
        ({"unit": "ml"}, {"unit": "mg"}),
        ({"valid_until": "2026-06-30"}, {"valid_from": "2026-07-01"}),
    ],
)
def test_limits_for_different_people_or_a_narrower_one_stand_side_by_side(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert isinstance(read_set(document(doses=[dose("a", **one), dose("b", **other)])), KnowledgeSet)


@pytest.mark.parametrize(
    "fields",
    [
        {"daily_max": None},
        {"unit": "spoons"},
        {"age_days_min": 10, "age_days_max": 9},
        {"daily_max": "NaN"},
        {"daily_max": "-1"},
    ],
)
def test_a_limit_that_limits_nothing_or_nobody_is_refused(fields: dict[str, Any]) -> None:
    assert [fault.section for fault in faults(doses=[dose("a", **fields)])] == ["doses"]


def test_an_entry_holds_on_its_days_only() -> None:
    spring = skin_test("a", valid_from="2026-03-01", valid_until="2026-03-31")
    read = knowledge_set(skin_tests=[spring, skin_test("z", valid_until="9999-12-31")])

    def known(day: date) -> int:
        knowledge = read.on(day)
        return len(knowledge.skin_tests(knowledge.substance("华法林钠")))

    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)]
    assert [known(day) for day in days] == [1, 2, 2, 1]
    assert read.on(date(2026, 3, 5)) is read.on(date(2026, 3, 6)), "days alike share one index"


def test_a_set_keeps_the_indexes_of_few_days() -> None:
    new_year = date(2026, 1, 1)
    tests = [skin_test(f"t-{n}", valid_from=(new_year + timedelta(days=n)).isoformat()) for n in range(100)]
    read = knowledge_set(skin_tests=tests)

    for number in range(1, 200):
        read.on(new_year + timedelta(days=number))

    assert len(read._days) <= 64


def test_severities_are_words_in_files_and_weights_in_rules() -> None:
    read = knowledge_set()
    found = read.entries["interactions"][0]

    assert found.severity is Severity.SERIOUS
    assert type(found).model_validate(found.model_dump(exclude_none=True)) == found


def test_a_set_that_knows_no_drug_is_no_set() -> None:
    """It would go before the shipped one, and everything that is prescribed would pass as clean."""
    header = {name: SMALL[name] for name in ("name", "version", "valid_from", "notice", "sources")}

    for empty in (header, {**header, "drugs": [], "herbs": []}):
        read = read_set(empty)

        assert isinstance(read, list)
        assert [(fault.section, fault.what) for fault in read] == [("drugs", "no entries")]
