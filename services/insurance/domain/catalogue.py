"""The insurance drug catalogue (医保药品目录): class, payment standard and first-self-pay ratio of a product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.insurance.domain.money import BASIS_POINTS
from services.seedwork.model import Immutable
from services.seedwork.reference import EntryState

DrugListClass = Literal["甲", "乙", "丙"]


class CatalogueEntry(Immutable):
    """How one product is paid for.

    `payment_standard` (医保支付标准) is in fen per pack; what the price exceeds it by is the patient's. The
    first-self-pay ratio (先行自付) is in basis points: 0 for 甲; a 丙 product is paid by the patient alone.
    """

    name: str
    drug_list_class: DrugListClass
    payment_standard: Annotated[int, Field(gt=0)] | None = None
    first_self_pay_bp: Annotated[int, Field(ge=0, le=BASIS_POINTS)] = 0

    @model_validator(mode="after")
    def only_class_b_has_a_first_self_pay(self) -> CatalogueEntry:
        if self.first_self_pay_bp and self.drug_list_class != "乙":
            raise ValueError("only a 乙 product has a first-self-pay ratio")
        return self


@dataclass(frozen=True)
class Listing:
    """An entry in force and the name of its version, which every amount derived from it carries."""

    entry: CatalogueEntry
    rule: str


def listing(state: EntryState, day: date) -> Listing | None:
    """The catalogue's word on a product on a day; None: not listed (目录外)."""
    listed = state.read(CatalogueEntry) if state.in_force(day) else None
    if listed is None or state.validity is None:
        return None
    rule = f"catalogue/{state.code}@{state.validity.valid_from.isoformat()}"
    return Listing(listed, rule)
