"""The insurance drug catalogue (医保药品目录): class, payment standard, first-self-pay ratio, restriction of a product.

Catalogue and limits are those of the place of care (就医地目录).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.insurance.domain.money import BASIS_POINTS
from services.insurance.domain.periods import succession, within
from services.insurance.domain.places import NATION, places
from services.seedwork.model import Immutable
from services.seedwork.reference import EntryState

DrugListClass = Literal["甲", "乙", "丙"]


class Terms(Immutable):
    """How one product is paid for at one place.

    `payment_standard` (医保支付标准) is in fen per pack; what the price exceeds it by is the patient's. The
    first-self-pay ratio (先行自付) is in basis points: 0 for 甲; a 丙 product is paid by the patient alone.
    `restriction` (限制使用): the use that is paid for; where it is not met the patient pays.
    """

    drug_list_class: DrugListClass
    payment_standard: Annotated[int, Field(gt=0)] | None = None
    first_self_pay_bp: Annotated[int, Field(ge=0, le=BASIS_POINTS)] = 0
    restriction: Annotated[str, Field(min_length=1, max_length=500)] | None = None

    @model_validator(mode="after")
    def only_class_b_has_a_first_self_pay(self) -> Terms:
        if self.first_self_pay_bp and self.drug_list_class != "乙":
            raise ValueError("only a 乙 product has a first-self-pay ratio")
        return self


class LocalTerms(Terms):
    """What a province or city says otherwise, from one day on; `000000` is the whole country."""

    region: Annotated[str, Field(pattern=r"^\d{6}$")]
    valid_from: date
    valid_until: date | None = None


class CatalogueEntry(Terms):
    """One product. Where `local` has terms for the place of care and the day, those of the nearest place hold."""

    name: str
    local: tuple[LocalTerms, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def local_terms_follow_one_another(self) -> CatalogueEntry:
        complaints = [
            f"{region}: {complaint}"
            for region in sorted({terms.region for terms in self.local})
            if (complaint := succession([terms for terms in self.local if terms.region == region]))
        ]
        if complaints:
            raise ValueError("; ".join(complaints))
        return self

    def at(self, region: str, day: date) -> tuple[CatalogueEntry, str]:
        """The terms that hold at a place of care on a day, and what their rule is called after."""
        for place in places(region):
            for terms in self.local:
                if terms.region == place and within(terms, day):
                    local = terms.model_dump(include=set(Terms.model_fields))
                    return CatalogueEntry(name=self.name, **local), f"/{place}@{terms.valid_from.isoformat()}"
        return self, ""


@dataclass(frozen=True)
class Listing:
    """The terms in force and the name of their version, which every amount derived from them carries."""

    entry: CatalogueEntry
    rule: str


def listing(state: EntryState, day: date, region: str = NATION) -> Listing | None:
    """The catalogue's word on a product at a place of care on a day; None: not listed (目录外)."""
    listed = state.read(CatalogueEntry) if state.in_force(day) else None
    if listed is None or state.validity is None:
        return None
    terms, place = listed.at(region, day)
    return Listing(terms, f"catalogue/{state.code}@{state.validity.valid_from.isoformat()}{place}")
