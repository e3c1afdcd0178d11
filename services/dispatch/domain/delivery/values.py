"""Values of a delivery: why, what is in the parcel, what a logger measured, what an inspection found."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.seedwork.model import Immutable, Personal, PersonalClass

FailureReason = Literal[
    "nobody_there", "not_reachable", "address_not_found", "refused_at_the_door", "parcel_damaged", "other"
]
CallOffReason = Literal["patient_wish", "courier_absent", "mistake", "supply_undone", "other"]
ReturnReason = Literal[
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
Storage = Literal["ambient", "refrigerated", "frozen"]
Verdict = Literal["restocked", "quarantined", "destroyed"]
Kind = Literal["hot", "cold"]
Note = Annotated[str | None, Personal(PersonalClass.CONTACT)]
"""What somebody wrote beside a code. It tells of a person at a door, so it is sealed, and told to nobody."""


class ContactAddress(Immutable):
    """Where the parcel goes. Name, telephone and address are all the courier learns."""

    name: str = Field(min_length=1, max_length=100)
    phone: str = Field(pattern=r"^\+?[0-9]{7,15}$")
    address: str = Field(min_length=1, max_length=400)


class Pack(Immutable):
    """One pack of the parcel, or what is in it of a line without codes: the unit of inspection."""

    number: int
    line: int
    product: str
    lot: str
    expiry: date
    quantity: int = Field(gt=0)
    trace_code: str | None = None


class Reading(Immutable):
    """What a logger measured: hundredths of a degree Celsius."""

    at: datetime
    celsius_hundredths: int = Field(ge=-20_000, le=20_000)

    @classmethod
    def of(cls, at: datetime, celsius: float) -> Reading:
        """As loggers write it, rounded half up by the digits that are written."""
        hundredths = (Decimal(str(celsius)) * 100).to_integral_value(rounding=ROUND_HALF_UP)
        return cls(at=at, celsius_hundredths=int(hundredths))


class Breach(Immutable):
    """A run, or a sum of runs, outside the threshold that was in force."""

    rule: str
    kind: Kind
    way: Literal["consecutive", "cumulative"]
    limit_hundredths: int
    minutes: int
    started_at: datetime
    ended_at: datetime
    """Of the last reading outside, as far as the logger was read."""
    worst_hundredths: int
    freezing: bool = False


class InspectedPack(Immutable):
    """What is decided about one pack; `missing` was not in the parcel."""

    pack: int
    verdict: Literal["restocked", "quarantined", "destroyed", "missing"]
    reason: str | None = None
