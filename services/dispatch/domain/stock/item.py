"""StockItem: one product in one pharmacy, by lot. Never negative; a pack in the hand beats a wrong number in the books.

Reservations are by hold and without a lot; the lot is fixed when packs are scanned. What a fill does to the shelf is
here; what people book is in `booking` and `quarantine`, what the clock does in `deadlines`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from services.dispatch.domain.stock.booking import AdjustStock, ReceiveStock, adjust, receive
from services.dispatch.domain.stock.events import (
    EVENTS,
    DemandUnfilled,
    Pick,
    ReservationFreed,
    StockCounted,
    StockDispensed,
    StockReserved,
    StockReturned,
    UnfilledReason,
)
from services.dispatch.domain.stock.state import Lot, StockState, evolve, next_due
from services.seedwork.calendar import civil_day
from services.seedwork.model import Aggregate, DomainEvent, Outcome, Refusal, derived_id
from services.seedwork.transitions import Transition, Transitions

__all__ = [
    "STOCK_ITEMS",
    "TRANSITIONS",
    "AdjustStock",
    "Lot",
    "ReceiveStock",
    "StockState",
    "adjust",
    "check_picks",
    "dispense",
    "evolve",
    "free",
    "give_back",
    "offered",
    "receive",
    "reserve",
    "stock_item_id",
    "unfilled",
]

TRANSITIONS = Transitions(
    (
        Transition("-", "ReceiveStock", "product and pharmacy registered; not expired", "kept", "stock_changed"),
        Transition("kept", "ReceiveStock", "lot not known with another expiry, not recalled", "kept", "stock_changed"),
        Transition(
            "kept",
            "HoldQuantity",
            "free quantity of good lots suffices, or packs are seen",
            "kept",
            "stock_changed; line_unfilled when refused",
        ),
        Transition("kept", "hold ended", "", "kept", "stock_changed; line_unfilled when out of stock"),
        Transition(
            "kept",
            "PrepareSupply",
            "lot lasts, is not recalled; first expired first, or a reason",
            "kept",
            "-",
        ),
        Transition("kept", "DispenseSupply", "missing quantity is booked as a count", "kept", "stock_changed"),
        Transition("kept", "supply undone", "expired and recalled packs are set apart", "kept", "stock_changed"),
        Transition(
            "kept",
            "AdjustStock",
            "coded reason; no day since then ends below zero; within the back-dating limit",
            "kept",
            "stock_changed",
        ),
        Transition(
            "kept",
            "CountStock",
            "as of a day within the back-dating limit; no day since then ends below zero; recalled packs are set apart",
            "kept",
            "stock_changed",
        ),
        Transition("kept", "QuarantineStock", "on the shelf; coded reason", "kept", "stock_changed"),
        Transition(
            "kept",
            "ReleaseQuarantine",
            "quality manager, reason; neither expired nor recalled",
            "kept",
            "stock_changed",
        ),
        Transition("kept", "DestroyQuarantine", "quality manager, reason", "kept", "stock_changed"),
        Transition("kept", "recall", "lot known here", "kept", "stock_changed"),
        Transition("kept", "clock: expiry", "a lot's last day is over", "kept", "stock_changed"),
        Transition("kept", "clock: expiry_warning", "packs of a lot that expires soon are on the shelf", "kept", "-"),
        Transition(
            "kept", "clock: level", "differs from the level told last, a second ago at least", "kept", "stock_changed"
        ),
    )
)


def reserve(state: StockState, hold_id: UUID, quantity: int, today: date, *, packs_seen: bool) -> Outcome:
    """Keep a quantity for a hold. `packs_seen`: the pharmacist has the packs before them, whatever the books say."""
    if not packs_seen and quantity > state.available(today):
        return Refusal("stock.not_enough", {"product": state.product, "available": state.available(today)})
    return [StockReserved(hold_id=hold_id, quantity=quantity)]


def free(state: StockState, hold_id: UUID, quantity: int) -> list[DomainEvent]:
    """Give up a reservation, or a part of it."""
    kept = min(quantity, state.reserved.get(hold_id, 0))
    return [ReservationFreed(hold_id=hold_id, quantity=kept)] if kept else []


def offered(state: StockState, quantity: int, today: date) -> tuple[Pick, ...]:
    """The lots to take a quantity from, first expired first (先进先出, 近期先出); less when there is less."""
    picks: list[Pick] = []
    for name, lot in state.first_expired_first(today):
        taken = min(quantity, lot.on_hand)
        if taken:
            picks.append(Pick(lot=name, expiry=lot.expiry, quantity=taken))
            quantity -= taken
    return tuple(picks)


def earmarked(state: StockState, today: date) -> Mapping[str, int]:
    """What of each lot is as good as reserved: reservations name no lot, but they are filled first expired first."""
    return {pick.lot: pick.quantity for pick in offered(state, state.level.reserved, today)}


def check_picks(
    state: StockState,
    picks: tuple[Pick, ...],
    today: date,
    reason: str | None,
    lasts_until: date | None = None,
    from_opened: tuple[Pick, ...] = (),
) -> Outcome:
    """Lots that may be used: good until `lasts_until`, not recalled, and the first to expire first unless there is a
    reason. What is taken from packs that are open already comes before any lot. Nothing happens."""
    earliest = lasts_until or today
    for pick in (*picks, *from_opened):
        known = state.lots.get(pick.lot)
        if known and known.expiry != pick.expiry:
            return Refusal("stock.lot_differs", {"lot": pick.lot, "expiry": known.expiry.isoformat()})
        if known and known.recalled:
            return Refusal("stock.lot_recalled", {"lot": pick.lot})
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


def dispense(
    state: StockState, hold_id: UUID, supply_id: UUID, picks: tuple[Pick, ...], now: datetime | None = None
) -> list[DomainEvent]:
    """Take the checked packs off the shelf. What the books did not have is booked as a count first: the packs are
    there, so the books were wrong."""
    events: list[DomainEvent] = []
    for lot, (expiry, quantity) in _per_lot(picks).items():
        on_hand = state.lots[lot].on_hand if lot in state.lots else 0
        if quantity > on_hand:
            counted = StockCounted(
                lot=lot, expiry=expiry, before=on_hand, after=quantity, source="mirror", occurred_at=now
            )
            events.append(counted)
    return [*events, StockDispensed(hold_id=hold_id, supply_id=supply_id, picks=picks, occurred_at=now)]


def _per_lot(picks: tuple[Pick, ...]) -> dict[str, tuple[date, int]]:
    total: dict[str, tuple[date, int]] = {}
    for pick in picks:
        total[pick.lot] = (pick.expiry, total.get(pick.lot, (pick.expiry, 0))[1] + pick.quantity)
    return total


def give_back(
    state: StockState,
    supply_id: UUID,
    picks: tuple[Pick, ...],
    now: datetime | None = None,
    *,
    apart: bool = False,
    fulfilment_id: UUID | None = None,
) -> list[DomainEvent]:
    """Packs of an undone supply return to their lots. What is recalled or has expired meanwhile is set apart, and all
    of it where `apart` says so (an inspection's word)."""
    good = [pick for pick in picks if not apart and _fit(state, pick, now)]
    rest = [pick for pick in picks if apart or not _fit(state, pick, now)]
    whose = {"pharmacy": state.pharmacy, "drug_key": state.drug_key, "fulfilment_id": fulfilment_id}
    back = StockReturned(supply_id=supply_id, picks=tuple(good), occurred_at=now, **whose)
    set_apart = StockReturned(supply_id=supply_id, picks=tuple(rest), occurred_at=now, quarantined=True, **whose)
    return [event for event in (back, set_apart) if event.picks]


def _fit(state: StockState, pick: Pick, now: datetime | None) -> bool:
    lot = state.lots.get(pick.lot)
    if lot is not None and lot.recalled:
        return False
    return now is None or pick.expiry >= civil_day(now)


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
    name="stock", events=EVENTS, initial=StockState(), evolve=evolve, next_due=next_due, cached=True
)


def stock_item_id(pharmacy: str, product: str) -> UUID:
    return derived_id("stock_item", pharmacy, product)
