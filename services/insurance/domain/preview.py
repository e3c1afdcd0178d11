"""What a prescription would cost its patient, before anything is signed: a hint by the tables, nothing of it is kept.

Assumed is what cannot be known yet: every pack is scanned, and without a pharmacy that it has the agreement that is
needed. A price that nobody names is the payment standard of the catalogue (医保支付标准), and said to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import Field

from services.insurance.domain.accumulator import AccumulatorState
from services.insurance.domain.adjudication import Adjudication, ClaimLine, adjudicate, self_pay
from services.insurance.domain.catalogue import Listing
from services.insurance.domain.delivery_fee import DeliveryFee, fee_of_place
from services.insurance.domain.entitlement import (
    DesignationInForce,
    Entitlement,
    SelfPayReason,
    entitlement,
)
from services.insurance.domain.member import MemberState
from services.insurance.domain.policy import InsurancePolicy
from services.seedwork.model import Immutable
from services.seedwork.reference import EntryState

PriceFrom = Literal["named", "payment_standard"]

ALONE: Mapping[SelfPayReason, str] = {
    "not_designated": "share.not_designated",
    "not_a_member": "share.not_a_member",
    "insurer_not_in_force": "share.insurer_not_in_force",
    "no_filing": "share.no_filing",
    "no_policy": "share.no_policy",
}
"""Why the patient would pay all of it -> the code of the catalogue. Who wants to pay alone has no problem."""


class WantedLine(Immutable):
    """A line as it would be prescribed: base units, base units per pack, fen per pack where the price is known."""

    line: int = Field(ge=1)
    product: str
    quantity: int = Field(gt=0)
    pack_size: int = Field(gt=0)
    unit_price: int | None = Field(default=None, ge=0)


class Wanted(Immutable):
    """What is asked about: the lines, how they are to be paid, and where they would be dispensed."""

    insurance_intent: str
    designations: tuple[DesignationInForce, ...] = ()
    self_pay_only: bool = False
    region: str | None = None
    lines: tuple[WantedLine, ...]


@dataclass(frozen=True)
class Concern:
    """A code of the catalogue, and the line it is about; None: all of them."""

    code: str
    line: int | None = None


@dataclass(frozen=True)
class Preview:
    """The amounts of the lines whose price is known, where each price is from, and what stands in the way of more."""

    insurer: str | None
    amounts: Adjudication
    prices: Mapping[int, PriceFrom]
    concerns: tuple[Concern, ...]
    lines: tuple[ClaimLine, ...] = ()
    """Those that have a price."""
    delivery_fee: DeliveryFee | None = None
    """Beside the amounts, where it is to be brought and that costs something."""

    @property
    def complete(self) -> bool:
        """Whether every line has a price."""
        return not any(concern.code == "share.price_unknown" for concern in self.concerns)


def preview(
    wanted: Wanted,
    listings: Mapping[str, Listing],
    *,
    member: MemberState,
    accumulator: AccumulatorState,
    insurer: EntryState,
    policy: InsurancePolicy,
    day: date,
    tariffs: Sequence[EntryState] | None = None,
) -> Preview:
    """Who would pay what today. The same arithmetic as a claim's, from where the member stands now.

    `tariffs`: those of the place it would be brought out of, nearest first; None: it is not brought.
    """
    entitled = entitlement(wanted, member=member, accumulator=accumulator, insurer=insurer, policy=policy, day=day)
    priced = {row.line: _priced(row, listings.get(row.product)) for row in wanted.lines}
    lines = tuple(found[0] for found in priced.values() if found)
    prices = {line: found[1] for line, found in priced.items() if found}
    concerns = tuple(_concerns(wanted, listings, entitled, prices))
    fee = fee_of_place(tariffs or (), sum(line.amount for line in lines), day)
    if isinstance(entitled, Entitlement):
        amounts = adjudicate(lines, listings, entitled.policy, entitled.standing)
        return Preview(entitled.insurer, amounts, prices, concerns, lines, fee)
    return Preview(None, self_pay(lines, entitled), prices, concerns, lines, fee)


def _priced(row: WantedLine, listed: Listing | None) -> tuple[ClaimLine, PriceFrom] | None:
    standard = listed.entry.payment_standard if listed else None
    price = standard if row.unit_price is None else row.unit_price
    if price is None:
        return None
    line = ClaimLine(
        line=row.line,
        product=row.product,
        generic_name=listed.entry.name if listed else row.product,
        quantity=row.quantity,
        unit_price=price,
        amount=amount_of(row.quantity, row.pack_size, price),
        traced=True,
    )
    return line, "payment_standard" if row.unit_price is None else "named"


def amount_of(quantity: int, pack_size: int, unit_price: int) -> int:
    """Fen for a quantity out of packs: half up, once, as a pharmacy books it."""
    return (2 * quantity * unit_price + pack_size) // (2 * pack_size)


def _concerns(
    wanted: Wanted,
    listings: Mapping[str, Listing],
    entitled: Entitlement | SelfPayReason,
    prices: Mapping[int, PriceFrom],
) -> Iterator[Concern]:
    if not isinstance(entitled, Entitlement) and entitled in ALONE:
        yield Concern(ALONE[entitled])
    for row in wanted.lines:
        listed = listings.get(row.product)
        if row.line not in prices:
            yield Concern("share.price_unknown", row.line)
        if not isinstance(entitled, Entitlement):
            continue
        if listed is None:
            yield Concern("share.not_listed", row.line)
        elif listed.entry.drug_list_class == "丙":
            yield Concern("share.class_c", row.line)
        elif row.unit_price and listed.entry.payment_standard and row.unit_price > listed.entry.payment_standard:
            yield Concern("share.above_standard", row.line)
