"""Dose limits: the one section whose entries depend on who takes the drug."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, model_validator

from services.review.domain.knowledge.forms import Amount, ChildPugh, Entry, IcdPrefix, Id, Route, Weight
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
