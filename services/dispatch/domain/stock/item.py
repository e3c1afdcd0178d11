"""StockItem: one product in one pharmacy, by lot. Never negative; a pack in the hand beats a wrong number in the books.

Reservations are by hold and without a lot; the lot is fixed when packs are scanned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.stock.events import (
    DemandUnfilled,
    Pick,
    ReservationFreed,
    StockAdjusted,
    StockCounted,
    StockDispensed,
    StockReceived,
    StockReserved,
    StockReturned,
    UnfilledReason,
)
from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, derived_id
from services.seedwork.transitions import Transition, Transitions

TRANSITIONS = Transitions(
    (
        Transition("-", "ReceiveStock", "product and pharmacy registered", "kept", "-"),
        Transition("kept", "ReceiveStock", "lot not known with another expiry", "kept", "-"),
        Transition(
            "kept",
            "HoldQuantity",
            "free quantity of good lots suffices, or packs are seen",
            "kept",
            "line_unfilled when refused",
        ),
        Transition("kept", "hold ended", "", "kept", "line_unfilled when out of stock"),
        Transition("kept", "PrepareSupply", "lot lasts long enough; first expired first, or a reason", "kept", "-"),
        Transition("kept", "DispenseSupply", "missing quantity is booked as a count", "kept", "-"),
        Transition("kept", "supply undone", "", "kept", "-"),
        Transition("kept", "AdjustStock", "reason; not below zero", "kept", "-"),
    )
)


@dataclass(frozen=True)
class Lot:
    """What is on the shelf of one lot."""

    expiry: date
    on_hand: int


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

    @property
    def on_hand(self) -> int:
        return sum(lot.on_hand for lot in self.lots.values())

    def available(self, today: date) -> int:
        """What nobody has reserved, of lots that are still good."""
        good = sum(lot.on_hand for lot in self.lots.values() if lot.expiry >= today)
        return max(0, good - sum(self.reserved.values()))

    def first_good(self, today: date) -> date | None:
        """The expiry of the lot to be used first."""
        return min((lot.expiry for lot in self.lots.values() if lot.on_hand and lot.expiry >= today), default=None)


def evolve(state: StockState, event: DomainEvent) -> StockState:
    match event:
        case StockReceived():
            facts = event.model_dump(exclude={"lot", "expiry", "quantity"})
            return replace(_put(state, event.lot, event.expiry, event.quantity), **facts)
        case StockReserved(hold_id=hold_id, quantity=quantity):
            return _reserve(state, hold_id, quantity)
        case ReservationFreed(hold_id=hold_id, quantity=quantity):
            return _reserve(state, hold_id, -quantity)
        case StockCounted(lot=lot, expiry=expiry, before=before, after=after):
            return _put(state, lot, expiry, after - before)
        case StockDispensed(hold_id=hold_id, picks=picks):
            for pick in picks:
                state = _reserve(_put(state, pick.lot, pick.expiry, -pick.quantity), hold_id, -pick.quantity)
            return state
        case StockReturned(picks=picks):
            for pick in picks:
                state = _put(state, pick.lot, pick.expiry, pick.quantity)
            return state
        case StockAdjusted(lot=lot, expiry=expiry, change=change):
            return _put(state, lot, expiry, change)
    return state


def _put(state: StockState, lot: str, expiry: date, change: int) -> StockState:
    known = state.lots.get(lot, Lot(expiry, 0))
    return replace(state, lots={**state.lots, lot: replace(known, on_hand=known.on_hand + change)})


def _reserve(state: StockState, hold_id: UUID, change: int) -> StockState:
    quantity = state.reserved.get(hold_id, 0) + change
    rest = {other: amount for other, amount in state.reserved.items() if other != hold_id}
    return replace(state, reserved=rest | ({hold_id: quantity} if quantity > 0 else {}))


class ReceiveStock(Command):
    """Goods received by a pharmacy. Quantity in base units, price in fen per pack."""

    pharmacy: str
    product: str
    drug_key: str
    region: str
    pack_size: int = Field(gt=0)
    lot: str = Field(min_length=1)
    expiry: date
    quantity: int = Field(gt=0)
    unit_price: int = Field(ge=0)


class AdjustStock(Command):
    """A correction of the books."""

    lot: str
    change: int
    reason: str = Field(min_length=1)
    adjusted_by: str


def receive(state: StockState, command: ReceiveStock, today: date) -> Outcome:
    """Book goods in. An expired lot never enters the shelf."""
    if command.expiry < today:
        return Refusal("stock.lot_expired", {"lot": command.lot, "expiry": command.expiry.isoformat()})
    known = state.lots.get(command.lot)
    if known and known.expiry != command.expiry:
        return Refusal("stock.lot_differs", {"lot": command.lot, "expiry": known.expiry.isoformat()})
    return [StockReceived(**dict(command))]


def adjust(state: StockState, command: AdjustStock) -> Outcome:
    """Correct the books of one lot; they never say less than nothing."""
    lot = state.lots.get(command.lot)
    if lot is None:
        return Refusal("stock.lot_unknown", {"lot": command.lot})
    if lot.on_hand + command.change < 0:
        return Refusal("stock.below_zero", {"lot": command.lot, "on_hand": lot.on_hand})
    return [StockAdjusted(expiry=lot.expiry, **dict(command))]


def reserve(state: StockState, hold_id: UUID, quantity: int, today: date, *, packs_seen: bool) -> Outcome:
    """Keep a quantity for a hold. `packs_seen`: the pharmacist has the packs before them, whatever the books say."""
    if not packs_seen and quantity > state.available(today):
        return Refusal("stock.not_enough", {"product": state.product, "available": state.available(today)})
    return [StockReserved(hold_id=hold_id, quantity=quantity)]


def free(state: StockState, hold_id: UUID, quantity: int) -> list[DomainEvent]:
    """Give up a reservation, or a part of it."""
    kept = min(quantity, state.reserved.get(hold_id, 0))
    return [ReservationFreed(hold_id=hold_id, quantity=kept)] if kept else []


def check_picks(
    state: StockState,
    picks: tuple[Pick, ...],
    today: date,
    reason: str | None,
    lasts_until: date | None = None,
    from_opened: tuple[Pick, ...] = (),
) -> Outcome:
    """Lots that may be used: good until `lasts_until`, and the first to expire first unless there is a reason. What is
    taken from packs that are open already comes before any lot. Nothing happens."""
    earliest = lasts_until or today
    for pick in (*picks, *from_opened):
        known = state.lots.get(pick.lot)
        if known and known.expiry != pick.expiry:
            return Refusal("stock.lot_differs", {"lot": pick.lot, "expiry": known.expiry.isoformat()})
        if pick.expiry < today:
            return Refusal("stock.lot_expired", {"lot": pick.lot, "expiry": pick.expiry.isoformat()})
        if pick.expiry < earliest:
            facts = {"lot": pick.lot, "expiry": pick.expiry.isoformat(), "lasts_until": earliest.isoformat()}
            return Refusal("stock.lot_expires_soon", facts)
    if not picks:
        return []
    picked = {lot: quantity for lot, (_expiry, quantity) in _per_lot((*picks, *from_opened)).items()}
    left = replace(state, lots={lot: _left(row, picked.get(lot, 0)) for lot, row in state.lots.items()})
    first = left.first_good(earliest)
    latest = max(pick.expiry for pick in picks)
    if first and first < latest and not reason:
        return Refusal("supply.not_first_expired", {"first_expiry": first.isoformat()})
    return []


def _left(lot: Lot, picked: int) -> Lot:
    return replace(lot, on_hand=max(0, lot.on_hand - picked))


def dispense(state: StockState, hold_id: UUID, supply_id: UUID, picks: tuple[Pick, ...]) -> list[DomainEvent]:
    """Take the checked packs off the shelf. What the books did not have is booked as a count first: the packs are
    there, so the books were wrong."""
    events: list[DomainEvent] = []
    for lot, (expiry, quantity) in _per_lot(picks).items():
        on_hand = state.lots[lot].on_hand if lot in state.lots else 0
        if quantity > on_hand:
            counted = StockCounted(lot=lot, expiry=expiry, before=on_hand, after=quantity, source="scanned_pack")
            events.append(counted)
    return [*events, StockDispensed(hold_id=hold_id, supply_id=supply_id, picks=picks)]


def _per_lot(picks: tuple[Pick, ...]) -> dict[str, tuple[date, int]]:
    total: dict[str, tuple[date, int]] = {}
    for pick in picks:
        total[pick.lot] = (pick.expiry, total.get(pick.lot, (pick.expiry, 0))[1] + pick.quantity)
    return total


def give_back(_state: StockState, supply_id: UUID, picks: tuple[Pick, ...]) -> list[DomainEvent]:
    """Packs of an undone supply, never out of the pharmacy, return to their lots."""
    return [StockReturned(supply_id=supply_id, picks=picks)]


def unfilled(
    state: StockState,
    *,
    pharmacy: str,
    product: str,
    drug_key: str,
    region: str,
    quantity: int,
    reason: UnfilledReason,
    demand_key: str,
) -> list[DomainEvent]:
    """Say that a demand was not met, and what the books had: stock on hand beside it is a contradiction."""
    return [
        DemandUnfilled(
            pharmacy=pharmacy,
            product=product,
            drug_key=drug_key,
            region=region,
            quantity=quantity,
            reason=reason,
            demand_key=demand_key,
            on_hand_known=bool(state.product),
            on_hand=state.on_hand,
        )
    ]


STOCK_ITEMS: Aggregate[StockState] = Aggregate(
    name="stock",
    events=(
        StockReceived,
        StockReserved,
        ReservationFreed,
        StockCounted,
        StockDispensed,
        StockReturned,
        StockAdjusted,
        DemandUnfilled,
    ),
    initial=StockState(),
    evolve=evolve,
    cached=True,
)


def stock_item_id(pharmacy: str, product: str) -> UUID:
    return derived_id("stock_item", pharmacy, product)
