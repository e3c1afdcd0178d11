"""Doses: limits that depend on who takes the drug, and what a source says where it gives no limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from services.review.domain.knowledge.forms import Amount, ChildPugh, Entry, IcdPrefix, Id, Route, Text, Weight
from services.review.domain.knowledge.words import known_unit
from services.review.domain.values import Severity

AMOUNTS = ("single_max", "daily_max", "single_min", "daily_min")
COUNTS = ("frequency_max", "weekly_max", "days_max")
Limit = tuple[str, bool]
"""A limit of a dose by its name, and whether it counts by body weight: each is looked for on its own."""


class Dose(Entry):
    """Limits of one drug by one route; for each limit the narrowest entry that has it and fits the patient holds.

    Ages in days, both inclusive; weights in grams and clearances in ml/min from the least up to, not with, the
    greatest. `per_kg`: amounts per kg of body weight.
    """

    drug: Id
    route: Route
    unit: str
    age_days_min: int | None = Field(default=None, ge=0)
    age_days_max: int | None = Field(default=None, ge=0)
    weight_grams_min: int | None = Field(default=None, ge=0)
    weight_grams_max: int | None = Field(default=None, ge=0)
    crcl_min: Decimal | None = Field(default=None, ge=0)
    crcl_max: Decimal | None = Field(default=None, ge=0)
    child_pugh: tuple[ChildPugh, ...] = ()
    indication: tuple[IcdPrefix, ...] = ()
    single_max: Amount | None = None
    daily_max: Amount | None = None
    single_min: Amount | None = None
    daily_min: Amount | None = None
    frequency_max: int | None = Field(default=None, gt=0)
    weekly_max: int | None = Field(default=None, gt=0, description="doses in seven days")
    days_max: int | None = Field(default=None, gt=0)
    per_kg: bool = False
    severity: Weight = Severity.CAUTION
    strength_basis: str | None = None

    @model_validator(mode="after")
    def limits_something(self) -> Dose:
        if not self.limits():
            raise ValueError("no limit at all")
        if not known_unit(self.unit):
            raise ValueError(f"unknown unit {self.unit}")
        for low, high in (
            ("age_days_min", "age_days_max"),
            ("weight_grams_min", "weight_grams_max"),
            ("crcl_min", "crcl_max"),
            ("single_min", "single_max"),
            ("daily_min", "daily_max"),
        ):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least > most:
                raise ValueError(f"{low} above {high}: fits nobody")
        return self

    def limits(self) -> tuple[Limit, ...]:
        amounts = tuple((name, self.per_kg) for name in AMOUNTS if getattr(self, name) is not None)
        return amounts + tuple((name, False) for name in COUNTS if getattr(self, name) is not None)

    @property
    def renal(self) -> bool:
        return self.crcl_min is not None or self.crcl_max is not None

    @property
    def hepatic(self) -> bool:
        return bool(self.child_pugh)


class DoseAdvice(Entry):
    """What a source says of the dose for some people where it names no figure: so that "it says that nothing changes"
    is told from "nobody has looked". What it forbids stands among the contraindications, a figure among the doses.

    `no_adjustment`: the usual dose holds; `fixed` (weight only): it doses by fixed amounts, whatever the weight;
    `silent`: it has no word about it; `with_care`: start low, go slowly, watch; `no_recommendation`: it cannot say.
    Ranges as in a dose; none: every degree. No route: by whichever. `severity`: of what a pharmacist should know.
    """

    drug: Id
    route: Route | None = None
    concern: Literal["age", "weight", "renal", "hepatic"]
    says: Literal["no_adjustment", "fixed", "silent", "with_care", "no_recommendation"]
    crcl_min: Decimal | None = Field(default=None, ge=0)
    crcl_max: Decimal | None = Field(default=None, gt=0)
    child_pugh: tuple[ChildPugh, ...] = ()
    why: Text | None = None
    severity: Weight = Severity.CAUTION

    @model_validator(mode="after")
    def fits_its_concern(self) -> DoseAdvice:
        ranges = {"renal": self.crcl_min is not None or self.crcl_max is not None, "hepatic": bool(self.child_pugh)}
        if any(there and self.concern != concern for concern, there in ranges.items()):
            raise ValueError("a range of something else than the concern")
        if self.says == "fixed" and self.concern != "weight":
            raise ValueError("fixed amounts are about the weight")
        if self.advises and not self.why:
            raise ValueError("advice says why")
        if self.advises and self.concern in ranges and self.crcl_max is None and not self.child_pugh:
            raise ValueError("advice says for whom: crcl_max or child_pugh")
        if self.crcl_min is not None and self.crcl_max is not None and self.crcl_min >= self.crcl_max:
            raise ValueError("crcl_min not below crcl_max: fits nobody")
        return self

    @property
    def advises(self) -> bool:
        """Whether a pharmacist should know of it."""
        return self.says in {"with_care", "no_recommendation"}

    def by(self, route: Route | None) -> bool:
        """Whether it speaks of this way of giving."""
        return self.route is None or self.route == route
