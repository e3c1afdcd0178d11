"""What a source says of a dose without a figure: one thing for the same people, and never against a limit."""

from typing import Any

import pytest

from services.review.domain.knowledge.reading import KnowledgeSet, read_set
from tests.support.knowledge import document, entry


def advice(name: str, **fields: Any) -> dict[str, Any]:
    return entry(name, **{"drug": "ibuprofen", "concern": "renal", "says": "no_adjustment", **fields})


def told(*rows: dict[str, Any], **sections: Any) -> list[tuple[str, str, str]]:
    read = read_set(document(dose_advice=list(rows), **sections))
    return [] if isinstance(read, KnowledgeSet) else [(each.section, each.entry, each.what) for each in read]


CARE = {"says": "with_care", "why": "x"}


@pytest.mark.parametrize(
    "fields",
    [
        {"concern": "hepatic", "crcl_max": "30"},
        {"child_pugh": ["C"]},
        {"concern": "weight", "crcl_min": "30"},
        {"says": "fixed"},
        {"says": "with_care", "crcl_max": "30"},
        {**CARE},
        {**CARE, "crcl_min": "10"},
        {**CARE, "concern": "hepatic"},
        {"crcl_min": "30", "crcl_max": "30"},
        {"says": "whatever"},
        {"concern": "mood"},
    ],
)
def test_what_fits_nobody_or_says_half_is_refused(fields: dict[str, Any]) -> None:
    assert {(section, name) for section, name, _what in told(advice("a", **fields))} == {("dose_advice", "a")}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"concern": "weight", "says": "fixed"},
        {"concern": "weight", **CARE},
        {"concern": "age", "says": "silent"},
        {**CARE, "crcl_max": "30"},
        {**CARE, "concern": "hepatic", "child_pugh": ["C"]},
        {"crcl_min": "10", "crcl_max": "30"},
    ],
)
def test_what_says_for_whom_and_why_is_taken(fields: dict[str, Any]) -> None:
    assert told(advice("a", **fields)) == []


@pytest.mark.parametrize(
    ("one", "other", "twice"),
    [
        ({}, {}, True),
        ({}, {"route": "rectal"}, True),
        ({"route": "rectal"}, {}, True),
        ({"route": "oral"}, {"route": "rectal"}, False),
        ({}, {"drug": "warfarin"}, False),
        ({}, {"concern": "hepatic"}, False),
        ({"crcl_min": "30"}, {"crcl_max": "30"}, False),
        ({"crcl_min": "20"}, {"crcl_max": "30"}, True),
        ({"valid_until": "2026-06-30"}, {"valid_from": "2026-07-01"}, False),
    ],
)
def test_two_words_for_the_same_people_are_refused(one: dict[str, Any], other: dict[str, Any], twice: bool) -> None:
    assert told(advice("a", **one), advice("b", **other)) == ([("dose_advice", "b", "said twice")] if twice else [])


@pytest.mark.parametrize(
    ("one", "other", "twice"), [("AB", "C", False), ("AB", "BC", True), ("", "C", True), ("C", "", True)]
)
def test_classes_of_the_liver_are_told_apart(one: str, other: str, twice: bool) -> None:
    rows = [advice(name, concern="hepatic", child_pugh=list(cls)) for name, cls in (("a", one), ("b", other))]

    assert bool(told(*rows)) is twice


@pytest.mark.parametrize(
    ("said", "limit", "against"),
    [
        ({}, {"crcl_max": "30"}, True),
        ({"crcl_min": "30"}, {"crcl_max": "30"}, False),
        ({}, {"route": "rectal", "crcl_max": "30"}, True),
        ({"route": "oral"}, {"route": "rectal", "crcl_max": "30"}, False),
        ({}, {"child_pugh": ["C"]}, False),
        ({"concern": "hepatic"}, {"child_pugh": ["C"]}, True),
        ({"concern": "hepatic", "child_pugh": ["A"]}, {"child_pugh": ["C"]}, False),
        ({}, {}, False),
        ({**CARE, "crcl_max": "50"}, {"crcl_max": "30"}, False),
        ({"drug": "warfarin"}, {"crcl_max": "30"}, False),
    ],
)
def test_nothing_changes_and_a_limit_cannot_both_hold(
    said: dict[str, Any], limit: dict[str, Any], against: bool
) -> None:
    dose = entry("limit", **{"drug": "ibuprofen", "route": "oral", "unit": "mg", "daily_max": "1", **limit})
    expected = [("dose_advice", "a", "a limit all the same")] if against else []

    assert told(advice("a", **said), doses=[dose]) == expected


def test_what_it_names_is_there() -> None:
    assert told(advice("a", drug="gold")) == [("dose_advice", "a", "unknown drug")]
    pair = entry("p", herbs=["gancao"], medicine={"drug": "gold"}, severity="serious", effect="x")
    assert told(herb_drug=[pair]) == [("herb_drug", "p", "unknown drug"), ("herb_drug", "p", "unknown herb")]
