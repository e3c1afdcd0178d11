"""The grading table, row by row (china.md 4.3)."""

from typing import Any

import pytest

from services.shortage.domain.grading import Grade, GradeInputs, graded, owner_of
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.regions import Level
from services.shortage.domain.values import DrugClass

RULES = POLICIES.of("cn").versions[-1].grades


@pytest.mark.parametrize(
    ("inputs", "grade", "owner"),
    [
        ({"pharmacies": 1}, "IV", "county"),
        ({}, "IV", "county"),
        ({"pharmacies": 3, "in_one_county": 3}, "III", "city"),
        ({"county_share": 0.2}, "III", "city"),
        ({"county_share": 0.19}, "IV", "county"),
        ({"county_share": None}, "IV", "county"),
        ({"pharmacies": 1, "drug_class": "A"}, "III", "city"),
        ({"cities": 2}, "II", "province"),
        ({"sole_supplier_stopped": True}, "II", "province"),
        ({"city_share": 0.2, "drug_class": "A"}, "II", "province"),
        ({"city_share": 0.9}, "IV", "county"),
        ({"provinces": 3, "cities": 3}, "I", "nation"),
        ({"provinces": 3, "cities": 3, "restoration_known": True}, "II", "province"),
        ({"cities": 2, "drug_class": "A", "nationally_listed": True}, "I", "nation"),
        ({"cities": 2, "nationally_listed": True}, "II", "province"),
        ({"provinces": 3, "cities": 3, "drug_class": "A", "nationally_listed": True}, "I", "nation"),
        ({"cities": 2, "drug_class": "C"}, "III", "city"),
        ({"pharmacies": 1, "drug_class": "C"}, "IV", "county"),
    ],
    ids=str,
)
def test_grade_and_owner(inputs: dict[str, Any], grade: str, owner: str) -> None:
    assert graded(GradeInputs(**inputs), RULES) == (Grade(grade), Level(owner))


def test_a_grade_without_a_row_of_its_own_belongs_to_the_owner_of_the_next_milder_one() -> None:
    without_two = [rule for rule in RULES if rule.grade is not Grade.II]

    assert owner_of(Grade.II, without_two) is Level.CITY
    assert owner_of(Grade.IV, [rule for rule in RULES if rule.grade is Grade.I]) is Level.NATION


def test_classes_of_a_drug_are_letters_of_the_guideline() -> None:
    assert [each.value for each in DrugClass] == ["A", "B", "C"]
