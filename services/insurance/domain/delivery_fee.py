"""The delivery fee: what bringing a supply costs its patient, apart from the share of the claim.

It belongs to the supply, so it is asked for once, whatever becomes of the claims for it, and given back by how the
carriage ended. A region's tariff is data of the register `delivery_tariff`; without one for a place nothing is asked.
The pharmacy has arranged the courier (药品网络销售监督管理办法 第十四条) and earns the fee; what it owes its courier,
or has to claim from one, is between the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field

from services.seedwork.model import Immutable
from services.seedwork.reference import EntryState

TARIFF_KIND = "delivery_tariff"

Fen = Annotated[int, Field(ge=0)]
Road = Literal[
    "lost",
    "attempts_used_up",
    "no_retry",
    "refused_at_the_door",
    "rejected_in_part",
    "cancelled",
    "lot_recalled",
    "excursion_rejected",
    "damaged",
    "unannounced",
    "pharmacy_wish",
]
"""Why a parcel that had left the pharmacy never reached the patient, as dispatch tells it."""
ROADS = frozenset(get_args(Road))
FeeEnd = Literal["delivered", "collected", "not_sent", "taken_back", Road]
FeeBearer = Literal["patient", "pharmacy", "courier", "nobody"]
"""Who is left with the fee: only the patient pays it; whoever else bears it, the patient has it back."""


class FeeEndRow(NamedTuple):
    """How a carriage ended, who bears its fee, and why."""

    end: FeeEnd
    bearer: FeeBearer
    source: str


FEE_ENDS: tuple[FeeEndRow, ...] = (
    FeeEndRow("delivered", "patient", "carried as agreed, all of it or a part (民法典 第八百零九条)"),
    FeeEndRow("collected", "nobody", "fetched at the counter: nothing was carried (民法典 第八百零九条)"),
    FeeEndRow("not_sent", "nobody", "undone before a courier had it: nothing was carried (民法典 第八百零九条)"),
    FeeEndRow(
        "taken_back", "pharmacy", "quality, recall or a wrong item (消费者权益保护法 第二十四条: 运输等必要费用)"
    ),
    FeeEndRow("lost", "courier", "lost while carried (民法典 第八百三十二条, 第八百三十五条; 快递暂行条例 第二十七条)"),
    FeeEndRow("damaged", "courier", "damaged while carried (民法典 第八百三十二条; 快递暂行条例 第二十七条)"),
    FeeEndRow("excursion_rejected", "courier", "spoilt on the way: too warm or too cold (民法典 第八百三十二条)"),
    FeeEndRow("no_retry", "courier", "ours: the courier did not try again in time"),
    FeeEndRow("unannounced", "courier", "ours: it came back and nobody had said why"),
    FeeEndRow("attempts_used_up", "patient", "carried, and nobody there to take it (民法典 第八百三十条)"),
    FeeEndRow("refused_at_the_door", "patient", "carried, and refused without a fault of it (民法典 第八百三十七条)"),
    FeeEndRow("rejected_in_part", "patient", "carried; the patient took none of the rest (民法典 第八百三十七条)"),
    FeeEndRow("cancelled", "pharmacy", "ours: the prescriber called it back; the patient could not help it"),
    FeeEndRow("lot_recalled", "pharmacy", "a recalled lot is not the patient's matter (消费者权益保护法 第二十四条)"),
    FeeEndRow("pharmacy_wish", "pharmacy", "ours: the pharmacy called it back"),
)
"""The design leaves the fee to policy; these stand where a jurisdiction's own `fee_bearers` say nothing else."""
BEARER: Mapping[FeeEnd, FeeBearer] = {row.end: row.bearer for row in FEE_ENDS}


class DeliveryTariff(Immutable):
    """What bringing a supply costs out of the pharmacies of a place, in fen.

    `free_from`: where the goods come to as much, nothing is asked; None: always asked.
    """

    fee: Annotated[int, Field(ge=0, le=100_000)]
    free_from: Fen | None = None
    source: Annotated[str, Field(min_length=1, max_length=200)]

    def asks(self, goods: int) -> int:
        """Fen for a supply whose goods come to so much."""
        return 0 if self.free_from is not None and goods >= self.free_from else self.fee


class DeliveryFee(Immutable):
    """A fee that is asked for, in fen, and the tariff it follows from."""

    amount: Annotated[int, Field(gt=0)]
    rule: str


def fee_of_place(tariffs: Sequence[EntryState], goods: int, day: date) -> DeliveryFee | None:
    """By the tariffs of a place and those around it, nearest first; the first in force counts, its zero too."""
    for found in tariffs:
        tariff = found.read(DeliveryTariff) if found.in_force(day) else None
        if tariff is not None and found.validity is not None:
            amount = tariff.asks(goods)
            rule = f"{TARIFF_KIND}/{found.code}/{found.validity.valid_from.isoformat()}"
            return DeliveryFee(amount=amount, rule=rule) if amount else None
    return None


def bearer_of(end: FeeEnd, overruled: Mapping[FeeEnd, FeeBearer]) -> FeeBearer:
    """Who bears a fee whose carriage ended so; `overruled` is the jurisdiction's own word."""
    return overruled.get(end, BEARER[end])
