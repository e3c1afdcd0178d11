"""The entries of a knowledge base, section by section. Each names its source; amounts are decimals, days are inclusive.

A reference set is no clinical advice: an entry says what its document says, and a pharmacist judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.review.domain.knowledge.forms import (
    Amount,
    Atc,
    ChildPugh,
    HerbNote,
    IcdPrefix,
    Id,
    Route,
    Selector,
    Solvent,
    Text,
    Weight,
)
from services.review.domain.knowledge.words import known_unit
from services.review.domain.values import Severity
from services.seedwork.model import Immutable


class Entry(Immutable):
    """What every entry says of itself. `valid_from`, `valid_until` narrow the days of the set it belongs to."""

    id: Id
    source: str
    section: Text
    valid_from: date | None = None
    valid_until: date | None = None
    note: Annotated[str, Field(max_length=2000)] | None = None

    def in_force(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """Every selector the entry holds, for the check that what it names is there."""
        found: list[Selector] = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            for each in value if isinstance(value, tuple) else (value,):
                found += each if isinstance(each, tuple) else (each,)
        return tuple(each for each in found if isinstance(each, Selector))


AMOUNTS = ("single_max", "daily_max", "single_min", "daily_min")
COUNTS = ("frequency_max", "weekly_max", "days_max")
Limit = tuple[str, bool]
"""A limit of a dose by its name, and whether it counts by body weight: each is looked for on its own."""


class DailyDose(Immutable):
    """Defined daily dose of the WHO ATC/DDD index."""

    amount: Amount
    unit: str
    route: str


class Drug(Entry):
    """A drug by its international name without salt, and how labels write it."""

    names: tuple[Text, ...] = Field(min_length=1)
    atc: tuple[Atc, ...] = ()
    routes: tuple[Route, ...] = ()
    ingredients: tuple[Id, ...] = ()
    ddd: DailyDose | None = None
    antibacterial_level: Literal["unrestricted", "restricted", "special"] | None = None
    skin_test: bool | None = None
    essential: bool | None = None


class Group(Entry):
    """Drugs that other sections name together."""

    name: Text
    members: tuple[Selector, ...] = Field(min_length=1)


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


class Indication(Entry):
    """Diagnoses that a label covers."""

    selector: Selector
    icd10: tuple[IcdPrefix, ...] = Field(min_length=1)
    tcm: tuple[Text, ...] = ()


class SkinTest(Entry):
    """Drugs given only after a skin test."""

    selector: Selector
    advice: Text


class SolventRule(Entry):
    """What a drug may be dissolved in, how concentrated (mg per ml), how slowly (minutes)."""

    selector: Selector
    allowed: tuple[Solvent, ...] = ()
    forbidden: tuple[Solvent, ...] = ()
    concentration_max: Amount | None = None
    drip_minutes_min: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def says_something(self) -> SolventRule:
        if not (self.allowed or self.forbidden or self.concentration_max or self.drip_minutes_min):
            raise ValueError("says nothing")
        if set(self.allowed) & set(self.forbidden):
            raise ValueError("a solvent is both allowed and forbidden")
        return self


class Interaction(Entry):
    """Two drugs that are not taken together without thought."""

    a: Selector
    b: Selector
    severity: Weight
    effect: Text
    mechanism: Text | None = None
    advice: Text | None = None


class Contraindication(Entry):
    """Who must not have a drug: one kind of condition. Ages in days: below, not with, the first; from the second on."""

    selector: Selector
    icd10: tuple[IcdPrefix, ...] | None = Field(default=None, min_length=1)
    age_days_below: int | None = Field(default=None, gt=0)
    age_days_from: int | None = Field(default=None, gt=0)
    sex: Literal["female", "male"] | None = None
    crcl_below: Decimal | None = Field(default=None, gt=0)
    child_pugh: tuple[ChildPugh, ...] | None = Field(default=None, min_length=1)
    severity: Weight
    why: Text

    @model_validator(mode="after")
    def one_kind(self) -> Contraindication:
        kinds = ("icd10", "age_days_below", "age_days_from", "sex", "crcl_below", "child_pugh")
        if sum(getattr(self, name) is not None for name in kinds) != 1:
            raise ValueError(f"exactly one of {', '.join(kinds)}")
        return self


class Pregnancy(Entry):
    """Use in pregnancy; weeks inclusive, none: any."""

    selector: Selector
    weeks_from: int | None = Field(default=None, ge=0, le=45)
    weeks_to: int | None = Field(default=None, ge=0, le=45)
    severity: Weight
    why: Text


class Lactation(Entry):
    """Use while breast-feeding."""

    selector: Selector
    severity: Weight
    why: Text


class Cross(Immutable):
    """Another group that somebody allergic to this one may not bear either."""

    group: Id
    severity: Weight
    why: Text


class AllergyGroup(Entry):
    """An allergy, how it is written, and the drugs it is to."""

    names: tuple[Text, ...] = Field(min_length=1)
    members: tuple[Selector, ...] = Field(min_length=1)
    cross: tuple[Cross, ...] = ()


class DuplicateGroup(Entry):
    """Drugs of one effect: at most `together_max` at once, but for the pairs that are usual together."""

    name: Text
    members: tuple[Selector, ...] = Field(min_length=1)
    together_max: int = Field(default=1, ge=1)
    severity: Weight
    usual: tuple[tuple[Selector, Selector], ...] = Field(default=(), alias="except")


class Incompatibility(Entry):
    """Two drugs that must not meet in one infusion."""

    a: Selector
    b: Selector
    severity: Weight
    why: Text


class Herb(Entry):
    """A herbal piece (饮片): doses in grams a day, the note its decoction needs, its use in pregnancy."""

    names: tuple[Text, ...] = Field(min_length=1)
    toxic: bool = False
    dose_max_g: Amount | None = None
    dose_min_g: Amount | None = None
    notes_required: HerbNote | None = None
    pregnancy: Literal["forbidden", "caution"] | None = None


class HerbPair(Entry):
    """Two herbs that tradition keeps apart: eighteen antagonisms (十八反), nineteen fears (十九畏)."""

    a: Id
    b: Id
    kind: Literal["eighteen", "nineteen"]
    severity: Weight = Severity.SERIOUS


class Source(Immutable):
    """A document that entries rest on."""

    title: Text
    publisher: Text
    year: int = Field(ge=1, le=2100)


class Header(Immutable):
    """What a set says of itself. It is in force from `valid_from` on, until another one is."""

    name: Text
    version: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]{0,39}$")]
    valid_from: date
    notice: Text
    sources: dict[Annotated[str, Field(max_length=80)], Source]


SECTIONS: Mapping[str, type[Entry]] = {
    "drugs": Drug,
    "groups": Group,
    "doses": Dose,
    "indications": Indication,
    "skin_tests": SkinTest,
    "solvents": SolventRule,
    "interactions": Interaction,
    "contraindications": Contraindication,
    "pregnancy": Pregnancy,
    "lactation": Lactation,
    "allergy_groups": AllergyGroup,
    "duplicate_groups": DuplicateGroup,
    "incompatibilities": Incompatibility,
    "herbs": Herb,
    "herb_pairs": HerbPair,
}
"""Section, which is also the name of its file -> the form of its entries."""
