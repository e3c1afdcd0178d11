"""What a pharmacy's shelves held on one day, as dispatch told it: facts, kept with their reporter.

Stock and dispensed quantities are what transfers are planned from and what the effect of a response is counted from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Literal

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class StockLevelReported(DomainEvent):
    """The level of a product, in base units, and what was dispensed of it on that day until then."""

    TOPIC: ClassVar[str] = "shortage.shelf.level_reported"

    pharmacy: str
    region: str
    product: str
    drug_key: str
    on_hand: int
    reserved: int
    quarantined: int
    dispensed_in_day: int
    occurred_at: datetime
    source: Literal["own", "mirror"]
    pack_size: int | None = None


@dataclass(frozen=True)
class ShelvesState:
    """The latest level of each product that was told that day."""

    latest: Mapping[str, StockLevelReported] = field(default_factory=dict)


def evolve(state: ShelvesState, event: StockLevelReported) -> ShelvesState:
    return ShelvesState({**state.latest, event.product: event})


SHELVES: Aggregate[ShelvesState] = Aggregate(
    name="shelf", events=(StockLevelReported,), initial=ShelvesState(), evolve=evolve
)


def shelves_ref(reporter: str, day: date) -> StreamRef[ShelvesState]:
    """One stream per reporter and day: no reporter can become a hot spot."""
    return SHELVES.ref(derived_id("shelf", reporter, day))


def report_level(state: ShelvesState, told: StockLevelReported) -> list[DomainEvent]:
    """The same again, or what is older than what is known, is nothing new."""
    known = state.latest.get(told.product)
    return [] if known is not None and known.occurred_at >= told.occurred_at else [told]
