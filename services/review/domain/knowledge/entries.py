"""The entries of a knowledge base, section by section. Each names its source; amounts are decimals, days are inclusive.

A reference set is no clinical advice: an entry says what its document says, and a pharmacist judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.review.domain.knowledge.dose import Dose, DoseAdvice
from services.review.domain.knowledge.forms import (
    Amount,
    Atc,
    ChildPugh,
    Entry,
    IcdPrefix,
    Id,
    Route,
    Selector,
    Solvent,
    Text,
    Weight,
)
from services.review.domain.knowledge.herb_entries import (
    Herb,
    HerbContraindication,
    HerbDrug,
    HerbGroup,
    HerbPair,
    HerbPattern,
    PatentPattern,
)
from services.seedwork.model import Immutable


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
    pieces: tuple[Id, ...] = ()
    """Herbal pieces that are in a patent medicine for sure; not its whole recipe."""


class Group(Entry):
    """Drugs that other sections name together."""

    name: Text
    members: tuple[Selector, ...] = Field(min_length=1)


class Indication(Entry):
    """Diagnoses that a label covers."""

    selector: Selector
    icd10: tuple[IcdPrefix, ...] = Field(min_length=1)
    tcm: tuple[Text, ...] = ()


class NoIndication(Entry):
    """Diagnoses for which a source says that a medicine has no indication at all: not an unfitting one, none."""

    selector: Selector
    icd10: tuple[IcdPrefix, ...] = Field(min_length=1)
    severity: Weight
    why: Text


class OffLabel(Entry):
    """A use outside the label that a guideline supports: lawful with a reason and the patient's consent (医师法 29)."""

    selector: Selector
    icd10: tuple[IcdPrefix, ...] = Field(min_length=1)
    why: Text


class EssentialMedicine(Entry):
    """Whether a drug is on the list of essential medicines. What has no entry nobody has looked up."""

    drug: Id
    listed: bool


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


class Combination(Entry):
    """Two medicines of which one takes away what the other is given for: no harm of its own, no sense either."""

    a: Selector
    b: Selector
    severity: Weight
    why: Text


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
    "dose_advice": DoseAdvice,
    "indications": Indication,
    "no_indications": NoIndication,
    "off_label": OffLabel,
    "essential_medicines": EssentialMedicine,
    "skin_tests": SkinTest,
    "solvents": SolventRule,
    "interactions": Interaction,
    "combinations": Combination,
    "contraindications": Contraindication,
    "pregnancy": Pregnancy,
    "lactation": Lactation,
    "allergy_groups": AllergyGroup,
    "duplicate_groups": DuplicateGroup,
    "incompatibilities": Incompatibility,
    "herbs": Herb,
    "herb_pairs": HerbPair,
    "herb_drug": HerbDrug,
    "herb_contraindications": HerbContraindication,
    "herb_patterns": HerbPattern,
    "herb_groups": HerbGroup,
    "patent_patterns": PatentPattern,
}
"""Section, which is also the name of its file -> the form of its entries."""
