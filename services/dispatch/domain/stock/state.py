"""The books of one product in one pharmacy, by lot, and how they come out of its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from services.dispatch.domain.stock import events as e
from services.dispatch.domain.stock.movements import Place, movements
from services.seedwork.calendar import ZONE, civil_day
from services.seedwork.model import DomainEvent

KEPT_DAYS = 62
"""Days whose movements a lot remembers: the longest that anything may be back-dated."""
PUBLISHED_EVERY = timedelta(seconds=1)
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
_BOOKS: Mapping[str, e.Source] = {"reported": "mirror", "counted": "own"}
"""Whose books a count makes them; packs that were scanned leave that as it was."""


@dataclass(frozen=True)
class Lot:
    """What there is of one lot, in base units. Nothing of a recalled one is given out, wherever it stands."""

    expiry: date
    on_hand: int
    quarantined: int = 0
    recalled: bool = False
    warn_on: date | None = None
    """The day of the warning that it expires soon; None once it was given, or where none is wanted."""
    days: Mapping[date, int] = field(default_factory=dict)
    """What the shelf gained or lost, by the day it happened on."""

    def good(self, today: date) -> bool:
        return not self.recalled and self.expiry >= today

    def closing(self, day: date) -> int:
        """What was on the shelf at the end of a day, as the books know it now."""
        return self.on_hand - sum(change for later, change in self.days.items() if later > day)

    def least_since(self, day: date) -> int:
        """The lowest end of a day from that one on: what can be taken out of it without a day below nothing.

        Within one day what came in counts before what went out.
        """
        return min(self.closing(each) for each in (day, *(later for later in self.days if later > day)))


@dataclass(frozen=True)
class Level:
    """What the others are told of an item."""

    on_hand: int
    reserved: int
    quarantined: int


@dataclass(frozen=True)
class StockState:
    """One product in one pharmacy."""

    pharmacy: str = ""
    product: str = ""
    drug_key: str = ""
    region: str = ""
    pack_size: int = 0
    unit_price: int | None = None
    lots: Mapping[str, Lot] = field(default_factory=dict)
    reserved: Mapping[UUID, int] = field(default_factory=dict)
    """By hold, the oldest first."""
    published: Level | None = None
    published_at: datetime = AT_ONCE
    dispensed: tuple[date, int] = (date.min, 0)
    """The last day on which something was dispensed, and how much."""
    source: e.Source = "own"

    @property
    def on_hand(self) -> int:
        """On the shelf, expired and recalled packs that nobody has set apart yet among them."""
        return sum(lot.on_hand for lot in self.lots.values())

    @property
    def level(self) -> Level:
        apart = sum(lot.quarantined for lot in self.lots.values())
        return Level(self.on_hand, sum(self.reserved.values()), apart)

    def good(self, today: date) -> int:
        """On the shelf and fit to be given out."""
        return sum(lot.on_hand for lot in self.lots.values() if lot.good(today))

    def available(self, today: date) -> int:
        """What nobody has reserved, of lots that are still good."""
        return max(0, self.good(today) - sum(self.reserved.values()))

    def first_expired_first(self, today: date) -> list[tuple[str, Lot]]:
        """Good lots with packs on the shelf, in the order in which they are used."""
        good = [(name, lot) for name, lot in self.lots.items() if lot.on_hand and lot.good(today)]
        return sorted(good, key=lambda row: (row[1].expiry, row[0]))

    def first_good(self, today: date) -> date | None:
        """The expiry of the lot to be used first."""
        return next((lot.expiry for _, lot in self.first_expired_first(today)), None)


def evolve(state: StockState, event: DomainEvent) -> StockState:
    match event:
        case e.StockReserved(hold_id=hold_id, quantity=quantity):
            return _reserve(state, hold_id, quantity)
        case e.ReservationFreed(hold_id=hold_id, quantity=quantity):
            return _reserve(state, hold_id, -quantity)
        case e.StockLevelPublished() as told:
            level = Level(told.on_hand, told.reserved, told.quarantined)
            return replace(state, published=level, published_at=told.occurred_at)
        case e.ExpiryWarned(lot=lot):
            return _amend(state, lot, warn_on=None)
        case e.DemandUnfilled():
            return state
    state = _moved(state, event)
    match event:
        case e.StockReceived() as received:
            facts = received.model_dump(
                include={"pharmacy", "product", "drug_key", "region", "pack_size", "unit_price"}
            )
            return replace(_warned(state, received), **facts)
        case e.StockDispensed(hold_id=hold_id, picks=picks):
            quantity = sum(pick.quantity for pick in picks)
            return _dispensed(_reserve(state, hold_id, -quantity), event, quantity)
        case e.StockCounted(lot=lot, expiry=expiry, source=source):
            return replace(_known(state, lot, expiry), source=_BOOKS.get(source, state.source))
        case e.LotWithdrawn(lot=lot, expiry=expiry):
            return _amend(_known(state, lot, expiry), lot, recalled=True, warn_on=None)
    return state


def _moved(state: StockState, event: Any) -> StockState:
    """The lots after an event, by the table of movements."""
    for movement in movements(event):
        pick = movement.pick
        lot = state.lots.get(pick.lot, Lot(pick.expiry, 0))
        shelf, apart = movement.change(Place.SHELF), movement.change(Place.QUARANTINE)
        days = _days(lot.days, event.occurred_at, shelf)
        kept = replace(lot, on_hand=lot.on_hand + shelf, quarantined=lot.quarantined + apart, days=days)
        state = replace(state, lots={**state.lots, pick.lot: kept})
    return state


def _days(days: Mapping[date, int], at: datetime | None, change: int) -> Mapping[date, int]:
    if at is None or not change:
        return days
    day = civil_day(at)
    oldest = max((day, *days)) - timedelta(days=KEPT_DAYS)
    return {each: sum_ for each, sum_ in ({**days, day: days.get(day, 0) + change}).items() if each >= oldest}


def _known(state: StockState, lot: str, expiry: date) -> StockState:
    return state if lot in state.lots else replace(state, lots={**state.lots, lot: Lot(expiry, 0)})


def _amend(state: StockState, lot: str, **changes: Any) -> StockState:
    return replace(state, lots={**state.lots, lot: replace(state.lots[lot], **changes)})


def _warned(state: StockState, received: e.StockReceived) -> StockState:
    if received.warn_on is None or state.lots[received.lot].warn_on is not None:
        return state
    return _amend(state, received.lot, warn_on=received.warn_on)


def _dispensed(state: StockState, event: e.StockDispensed, quantity: int) -> StockState:
    if event.occurred_at is None:
        return state
    day, so_far = civil_day(event.occurred_at), state.dispensed
    return replace(state, dispensed=(day, quantity + (so_far[1] if so_far[0] == day else 0)))


def _reserve(state: StockState, hold_id: UUID, change: int) -> StockState:
    """A hold keeps its place in the order for as long as it has something."""
    quantity = state.reserved.get(hold_id, 0) + change
    reserved = {**state.reserved, hold_id: quantity}
    return replace(state, reserved={hold: amount for hold, amount in reserved.items() if amount > 0})


def next_due(state: StockState) -> Mapping[str, datetime]:
    """The deadlines that run: a level to be told, a lot whose last day is over, a lot that expires soon."""
    due: dict[str, datetime] = {}
    if state.product and state.level != state.published:
        due["level"] = state.published_at + PUBLISHED_EVERY
    shelf = [lot for lot in state.lots.values() if lot.on_hand]
    last = min((lot.expiry for lot in shelf), default=e.NO_EXPIRY)
    if last < e.NO_EXPIRY:
        due["expiry"] = _morning(last + timedelta(days=1))
    warnings = [lot.warn_on for lot in shelf if lot.warn_on]
    if warnings:
        due["expiry_warning"] = _morning(min(warnings))
    return due


def _morning(day: date) -> datetime:
    """When a day begins in China."""
    return datetime.combine(day, time(0), ZONE)
