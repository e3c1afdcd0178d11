"""The entries about herbal pieces (饮片), also as parts of patent medicines. Amounts are decimals, in grams a day."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from services.review.domain.knowledge.forms import Amount, Entry, HerbNote, IcdPrefix, Id, Selector, Text, Weight
from services.review.domain.values import Severity


class Herb(Entry):
    """A herbal piece (饮片): doses in grams a day, the note its decoction needs, its use in pregnancy."""

    names: tuple[Text, ...] = Field(min_length=1)
    toxic: bool = False
    dose_max_g: Amount | None = None
    dose_min_g: Amount | None = None
    notes_required: HerbNote | None = None
    pregnancy: Literal["forbidden", "caution"] | None = None
    controlled: Literal["toxic", "narcotic"] | None = None
    """The class it is prescribed as by law, whatever is written on the line."""
    never_alone: bool = False


class HerbPair(Entry):
    """Two herbs that tradition keeps apart: eighteen antagonisms (十八反), nineteen fears (十九畏)."""

    a: Id
    b: Id
    kind: Literal["eighteen", "nineteen"]
    severity: Weight = Severity.SERIOUS


class HerbDrug(Entry):
    """Herbal pieces that are not taken with a medicine without thought (中西药相互作用), each by itself."""

    herbs: tuple[Id, ...] = Field(min_length=1)
    medicine: Selector
    severity: Weight
    effect: Text
    mechanism: Text | None = None
    advice: Text | None = None


class HerbContraindication(Entry):
    """Who must not have a piece: one kind of condition. Ages in days: below, not with, the first."""

    herbs: tuple[Id, ...] = Field(min_length=1)
    icd10: tuple[IcdPrefix, ...] | None = Field(default=None, min_length=1)
    age_days_below: int | None = Field(default=None, gt=0)
    organ: Literal["kidneys", "liver"] | None = Field(default=None, description="impaired, in whatever degree")
    lactating: Literal[True] | None = None
    severity: Weight
    why: Text

    @model_validator(mode="after")
    def one_kind(self) -> HerbContraindication:
        kinds = ("icd10", "age_days_below", "organ", "lactating")
        if sum(getattr(self, name) is not None for name in kinds) != 1:
            raise ValueError(f"exactly one of {', '.join(kinds)}")
        return self


class HerbPattern(Entry):
    """Patterns of Chinese medicine (证型) a piece is not for, by the words they are written with."""

    herbs: tuple[Id, ...] = Field(min_length=1)
    patterns: tuple[Text, ...] = Field(min_length=1)
    severity: Weight
    why: Text


class HerbGroup(Entry):
    """Pieces of one poison, or one drastic effect: not in a decoction and in a patent medicine at once."""

    name: Text
    herbs: tuple[Id, ...] = Field(min_length=1)
    severity: Weight


class PatentPattern(Entry):
    """Patterns of Chinese medicine (证型) a label keeps a patent medicine from, by the words they are written with."""

    selector: Selector
    patterns: tuple[Text, ...] = Field(min_length=1)
    severity: Weight
    why: Text
