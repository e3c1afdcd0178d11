"""What entries are written in: ids, codes, routes, amounts, severities, selectors; and what each says of itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from services.review.domain.values import Severity
from services.seedwork.model import Immutable

Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-{1,2}[a-z0-9]+)*$", max_length=80)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
IcdPrefix = Annotated[str, Field(pattern=r"^[A-Z]\d{1,2}", max_length=20, description="start of an ICD-10 code")]
Atc = Annotated[str, Field(pattern=r"^[A-Z]\d{2}([A-Z]([A-Z](\d{2})?)?)?$")]
ChildPugh = Literal["A", "B", "C"]
Route = Literal[
    "oral",
    "iv",
    "im",
    "sc",
    "inhaled",
    "nasal",
    "ophthalmic",
    "otic",
    "topical",
    "transdermal",
    "rectal",
    "vaginal",
    "sublingual",
    "intradermal",
]
Solvent = Literal[
    "0.9% sodium chloride", "5% glucose", "10% glucose", "glucose-saline", "ringer", "water for injection"
]
HerbNote = Literal["先煎", "后下", "包煎", "另煎", "烊化", "冲服"]
Amount = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=12)]


def _severity(word: Any) -> Any:
    if not isinstance(word, str) or word.upper() not in Severity.__members__:
        raise ValueError("one of info, caution, serious, blocking")
    return Severity[word.upper()]


Weight = Annotated[
    Severity, BeforeValidator(_severity), PlainSerializer(lambda severity: severity.word, return_type=str)
]


class Selector(Immutable):
    """Which drugs an entry is about: one drug, an ATC class, or a named group."""

    drug: Id | None = None
    atc: Atc | None = None
    group: Id | None = None

    @model_validator(mode="after")
    def exactly_one(self) -> Selector:
        if sum(value is not None for value in (self.drug, self.atc, self.group)) != 1:
            raise ValueError("exactly one of drug, atc, group")
        return self

    @property
    def key(self) -> str:
        """Its place in the index: `drug:ID`, `atc:PREFIX` or `group:ID`."""
        if self.drug:
            return f"drug:{self.drug}"
        return f"atc:{self.atc}" if self.atc else f"group:{self.group}"

    @property
    def precision(self) -> int:
        """The narrower a selector, the more it says: a drug before a class, a class before a wider one."""
        if self.drug:
            return 9
        return len(self.atc) if self.atc else 2


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
