"""Grades of a shortage: the worst row of the table that the inputs reach, moved by the class of the drug.

Monotone: inputs that are worse in any respect never give a milder grade. What is unknown reaches no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from pydantic import Field

from services.seedwork.model import Immutable
from services.shortage.domain.regions import Level
from services.shortage.domain.values import DrugClass, Evidence


class Grade(StrEnum):
    """Severity of a confirmed shortage, from IV (one institution) to I (national)."""

    IV = "IV"
    III = "III"
    II = "II"
    I = "I"  # noqa: E741 - the grade's official name

    @property
    def severity(self) -> int:
        """0 for IV to 3 for I."""
        return SEVERITY.index(self)


SEVERITY = (Grade.IV, Grade.III, Grade.II, Grade.I)


class GradeRule(Immutable):
    """One row of the grading table: the grade holds where everything it names is reached."""

    grade: Grade
    owner_level: Level
    pharmacies: int = 0
    in_one_county: int = 0
    cities: int = 0
    provinces: int = 0
    county_share: float = Field(default=0, ge=0, le=1, description="of the reporters of one county")
    city_share: float = Field(default=0, ge=0, le=1, description="of the reporters of one city")
    drug_class: DrugClass | None = Field(default=None, description="holds for this class of drug only")
    sole_supplier_stopped: bool = False
    restoration_unknown: bool = Field(default=False, description="nobody says when it will be there again")


class GradeInputs(Immutable):
    """What a grade follows from: places whose supply is short or severely short."""

    pharmacies: int = 0
    in_one_county: int = 0
    cities: int = 0
    provinces: int = 0
    county_share: float | None = None
    """None: how many report there is unknown."""
    city_share: float | None = None
    drug_class: DrugClass = DrugClass.B
    nationally_listed: bool = False
    sole_supplier_stopped: bool = False
    restoration_known: bool = False


COUNTS = ("pharmacies", "in_one_county", "cities", "provinces")
SHARES = ("county_share", "city_share")


def inputs_of(counted: Sequence[Evidence], **known: object) -> GradeInputs:
    """Out of what was counted, each figure at its widest, and whatever else is known."""
    counts = {name: max((getattr(each, name) for each in counted), default=0) for name in COUNTS}
    shares = {name: [share for each in counted if (share := getattr(each, name)) is not None] for name in SHARES}
    return GradeInputs.model_validate(
        {**counts, **{name: max(told) if told else None for name, told in shares.items()}, **known}
    )


def graded(inputs: GradeInputs, rules: Sequence[GradeRule]) -> tuple[Grade, Level]:
    """The grade and who owns it. One step worse for what cannot be replaced and is on a national list, one step milder
    for what can be replaced wholly."""
    row = next((rule for rule in rules if _reached(rule, inputs)), rules[-1])
    severity = row.grade.severity
    if inputs.drug_class is DrugClass.A and inputs.nationally_listed:
        severity = min(severity + 1, len(SEVERITY) - 1)
    elif inputs.drug_class is DrugClass.C:
        severity = max(severity - 1, 0)
    grade = SEVERITY[severity]
    return grade, owner_of(grade, rules)


def owner_of(grade: Grade, rules: Sequence[GradeRule]) -> Level:
    """Who owns a case of this grade; where the table has no row for it, the owner of the nearest milder one."""
    owners = [rule.owner_level for rule in rules if rule.grade.severity <= grade.severity]
    return owners[0] if owners else rules[-1].owner_level


def _reached(rule: GradeRule, inputs: GradeInputs) -> bool:
    if any(getattr(inputs, name) < getattr(rule, name) for name in COUNTS):
        return False
    for name in SHARES:
        wanted, share = getattr(rule, name), getattr(inputs, name)
        if wanted and (share is None or share < wanted):
            return False
    if rule.drug_class is not None and rule.drug_class is not inputs.drug_class:
        return False
    if rule.sole_supplier_stopped and not inputs.sole_supplier_stopped:
        return False
    return not (rule.restoration_unknown and inputs.restoration_known)
