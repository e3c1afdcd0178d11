"""The audit's rules as data: what a rule looks at, on which drugs, how grave a hit is, and where the rule comes from.

A rule advises (提示), holds a claim until a person has decided (可疑) or blocks it (明确违规). The kinds are code;
their figures, drugs and grades are rows of a set. A set ships for each jurisdiction; one that is loaded as a register
entry goes before the shipped one while it is in force.

Source of the form: 国家医保局 两库 2023, each rule with 定义, 逻辑, 规则说明 and 例外.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.insurance.domain.policy import COMPLAINTS_MAX
from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, Jurisdictions, read_policies

Grade = Literal["hint", "suspicious", "violation"]
GRADES: tuple[tuple[Grade, str], ...] = (
    ("hint", "提示: told, nothing waits"),
    ("suspicious", "可疑: a person of the insurer decides before the claim goes on"),
    ("violation", "明确违规: blocked before settlement; after it a person decides"),
)
GRADE_RANK: dict[str, int] = {grade: rank for rank, (grade, _) in enumerate(GRADES)}
Stage = Literal["before", "after"]
"""Before the insurer is asked, and when the claim is settled."""
About = Literal["prescribing", "dispensing", "patient"]
"""Whose doing a hit is about; the prescriber hears of what is about prescribing."""
Days = Annotated[int, Field(ge=0, le=366)]
Count = Annotated[int, Field(ge=0, le=1000)]
Word = Annotated[str, Field(min_length=1, max_length=100)]
RULES_MAX = 60


class Drugs(Immutable):
    """Which drugs a rule looks at: by words in the generic name, or by the ATC part of the national code, which follows
    its first letter (`XC08CA...`). Neither: all of them."""

    names: tuple[Word, ...] = Field(default=(), max_length=100)
    atc: tuple[Annotated[str, Field(pattern=r"^[A-Z][0-9A-Z]{0,4}$")], ...] = Field(default=(), max_length=100)

    def include(self, product: str, generic_name: str) -> bool:
        if not self.names and not self.atc:
            return True
        named = any(name in generic_name for name in self.names)
        return named or any(product[1:].startswith(group) for group in self.atc)


class Except(Immutable):
    """When a rule does not hold (例外): one of these diagnoses (beginnings of ICD-10 codes), or such a visit."""

    diagnoses: tuple[Word, ...] = Field(default=(), max_length=100)
    visits: tuple[Word, ...] = Field(default=(), max_length=20)


class Sex(Immutable):
    """限性别用药: paid for patients of one sex."""

    kind: Literal["sex"]
    allowed: Literal["female", "male"]


class Age(Immutable):
    """限年龄, 限儿童: paid from an age on, or under one; in full years."""

    kind: Literal["age"]
    from_years: Annotated[int, Field(ge=0, le=150)] = 0
    under_years: Annotated[int, Field(ge=1, le=200)] = 200


class Indication(Immutable):
    """限适应症: paid with one of these diagnoses, by the beginnings of their ICD-10 codes."""

    kind: Literal["indication"]
    diagnoses: tuple[Word, ...] = Field(min_length=1, max_length=200)


class VisitOnly(Immutable):
    """限就医方式: paid within these visits only, by the prescription's insurance intent."""

    kind: Literal["visit"]
    allowed: tuple[Word, ...] = Field(min_length=1, max_length=20)


class Quantity(Immutable):
    """超量开药, 限支付疗程: days of supply of one generic name within so many days, this supply among them."""

    kind: Literal["quantity"]
    days_max: Days
    window_days: Days


class Duplicate(Immutable):
    """重复开药: the same generic name under another prescription within so many days."""

    kind: Literal["duplicate"]
    window_days: Days


class TooEarly(Immutable):
    """Supplied again while what was supplied before lasts for more than the lead."""

    kind: Literal["early"]
    lead_days: Days


class Frequency(Immutable):
    """超频次购药: supplies within so many days up to today, this one among them."""

    kind: Literal["frequency"]
    times_max: Count
    window_days: Days


class DoctorShopping(Immutable):
    """Prescribers of these drugs within so many days up to today, this one among them."""

    kind: Literal["doctor_shopping"]
    prescribers_max: Count
    window_days: Days


class Split(Immutable):
    """分解处方: prescriptions of one prescriber for one generic name within so many days, this one among them."""

    kind: Literal["split"]
    prescriptions_max: Count
    window_days: Days


class TraceReuse(Immutable):
    """A trace code (追溯码) of the supply was met a second time: dispatch tells it, whenever it is found."""

    kind: Literal["trace_reuse"]


class RecalledLot(Immutable):
    """The supply holds a lot that is recalled."""

    kind: Literal["recalled_lot"]


Check = Annotated[
    Sex
    | Age
    | Indication
    | VisitOnly
    | Quantity
    | Duplicate
    | TooEarly
    | Frequency
    | DoctorShopping
    | Split
    | TraceReuse
    | RecalledLot,
    Field(discriminator="kind"),
]


class AuditRule(Immutable):
    """One rule: `says` tells a person what is wrong, `source` why it is a rule."""

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]{1,29}$")]
    check: Check
    grade: Grade
    about: About
    says: Annotated[str, Field(min_length=1, max_length=300)]
    source: Annotated[str, Field(min_length=1, max_length=300)]
    drugs: Drugs = Drugs()
    excepted: Except = Except()
    stages: tuple[Stage, ...] = Field(default=("before", "after"), min_length=1, max_length=2)


class RuleSet(Immutable):
    """A version of the rules. `appeal_days`: so long a decision against a claim may be appealed."""

    version: Annotated[str, Field(min_length=1, max_length=40)]
    rules: Annotated[tuple[AuditRule, ...], Field(max_length=RULES_MAX)]
    appeal_days: Annotated[int, Field(ge=0, le=366)] = 15

    @model_validator(mode="after")
    def each_rule_stands_once(self) -> RuleSet:
        ids = [rule.id for rule in self.rules]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"twice: {', '.join(twice[:COMPLAINTS_MAX])}")
        return self


class ShippedRules(DatedPolicy, RuleSet):
    """A set that ships, from its day on."""


SHIPPED: Jurisdictions[ShippedRules] = read_policies("services.insurance.domain.audit", ShippedRules)
