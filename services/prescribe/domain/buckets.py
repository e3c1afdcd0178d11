"""Arithmetic of the buckets. After every event a line's buckets sum to what was prescribed:

`prescribed = remaining + held + dispensed + in_hands + replaceable + cancelled + lapsed`

Once released, dispatch alone decides where quantities are and tells the whole picture with each of its facts;
prescribe takes it over when it balances.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from services.prescribe.domain.values import OPEN_BUCKETS, LineBuckets, LineQuantity
from services.seedwork.model import Refusal

Buckets = Mapping[int, LineBuckets]
"""By line number."""
ProgressCause = Literal[
    "quantity_held",
    "hold_ended",
    "supply_dispensed",
    "supply_received",
    "supply_undone",
    "supply_taken_back",
    "fulfilment_closed",
]
"""What dispatch tells of quantities; a fulfilment closes once more when what was to be replaced has lapsed."""
Feedback = Literal["partly_dispensed", "out_of_stock", "rejected", "undone", "taken_back", "not_replaced"]
"""What the prescriber hears of it."""
Told = tuple[LineBuckets, ...]


def prescribed(lines: Iterable[LineQuantity]) -> dict[int, LineBuckets]:
    """Everything remains."""
    return {each.line: LineBuckets(line=each.line, remaining=each.quantity) for each in lines}


def by_line(told: Told) -> dict[int, LineBuckets]:
    return {each.line: each for each in told}


def cancelled(buckets: Buckets) -> Told:
    """What remained is cancelled."""
    return tuple(
        line.model_copy(update={"remaining": 0, "cancelled": line.cancelled + line.remaining})
        for line in buckets.values()
    )


def lapsed(told: Iterable[LineBuckets]) -> Told:
    """What remained has lapsed: nobody may hold it any more."""
    return tuple(line.model_copy(update={"remaining": 0, "lapsed": line.lapsed + line.remaining}) for line in told)


def newly_lapsed(known: Buckets, told: Told) -> int:
    """Base units that have lapsed beyond what was known to, over all lines."""
    return sum(max(0, line.lapsed - known[line.line].lapsed) for line in told if line.line in known)


def unbalanced(buckets: Buckets, told: Told) -> Refusal | None:
    """Whether what is told accounts for every line once, and for exactly what was prescribed."""
    expected = {number: line.total for number, line in buckets.items()}
    given = {line.line: line.total for line in told}
    if len(told) == len(given) and given == expected:
        return None
    facts = {"prescribed": sorted(expected.items()), "told": sorted(given.items())}
    return Refusal("prescription.buckets_unbalanced", facts)


def running(buckets: Buckets) -> int:
    """What pharmacies, couriers or replacements are at work on."""
    return sum(line.of(bucket) for line in buckets.values() for bucket in OPEN_BUCKETS if bucket != "remaining")
