"""What people book on a shelf: goods received, corrections with a reason, counts. Each may be said a while afterwards:
both times are kept, and no day since then may end below nothing."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.stock import events as e
from services.dispatch.domain.stock.reasons import ADJUSTMENT_REASONS, allows
from services.dispatch.domain.stock.state import Lot, StockState
from services.dispatch.domain.values import LOT_LENGTH_MAX, QUANTITY_MAX
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, Immutable, Outcome, Refusal

COUNTED_LOTS_MAX = 200


class ReceiveStock(Command):
    """Goods received by a pharmacy. Quantity in base units, price in fen per pack."""

    pharmacy: str
    product: str
    drug_key: str
    region: str
    pack_size: int = Field(gt=0)
    lot: str = Field(default=e.UNNAMED_LOT, max_length=LOT_LENGTH_MAX)
    expiry: date = e.NO_EXPIRY
    quantity: int = Field(gt=0)
    unit_price: int = Field(ge=0)
    occurred_at: datetime | None = None
    warn_on: date | None = None
    order_id: UUID | None = None


class AdjustStock(Command):
    """A correction of the books, with a reason of the table."""

    lot: str
    change: int
    reason: str = Field(min_length=1)
    adjusted_by: str
    note: str | None = Field(default=None, max_length=200)
    occurred_at: datetime | None = None


class CountedLot(Immutable):
    """What was found of one lot."""

    lot: str = Field(default=e.UNNAMED_LOT, max_length=LOT_LENGTH_MAX)
    expiry: date = e.NO_EXPIRY
    quantity: int = Field(ge=0, le=QUANTITY_MAX)


class CountStock(Command):
    """What is on the shelf. `complete`: lots that are not named are not there."""

    lots: tuple[CountedLot, ...] = Field(max_length=COUNTED_LOTS_MAX)
    complete: bool = False
    counted_by: str
    source: Literal["counted", "reported"] = "counted"
    occurred_at: datetime | None = None


def dated(occurred_at: datetime | None, now: datetime, back_dating_days: int) -> datetime | Refusal:
    """When it happened: now, or what was said, when that is neither ahead nor longer ago than may be."""
    if occurred_at is None:
        return now
    if occurred_at > now:
        return Refusal("stock.ahead_of_time", {"now": now.isoformat()})
    earliest = civil_day(now) - timedelta(days=back_dating_days)
    if civil_day(occurred_at) < earliest:
        return Refusal("stock.too_long_ago", {"earliest": earliest.isoformat()})
    return occurred_at


def receive(state: StockState, command: ReceiveStock, today: date) -> Outcome:
    """Book goods in. An expired or recalled lot never enters the shelf."""
    if command.expiry < today:
        return Refusal("stock.lot_expired", {"lot": command.lot, "expiry": command.expiry.isoformat()})
    known = state.lots.get(command.lot)
    if known and known.expiry != command.expiry:
        return Refusal("stock.lot_differs", {"lot": command.lot, "expiry": known.expiry.isoformat()})
    if known and known.recalled:
        return Refusal("stock.lot_recalled", {"lot": command.lot})
    return [e.StockReceived(**dict(command))]


def adjust(state: StockState, command: AdjustStock) -> Outcome:
    """Correct the books of one lot, with a reason that may change them this way; no day ends below nothing."""
    if not allows(command.reason, command.change):
        facts = {"reason": command.reason, "reasons": sorted(ADJUSTMENT_REASONS)}
        return Refusal("stock.adjustment_reason", facts)
    lot = state.lots.get(command.lot)
    if lot is None:
        return Refusal("stock.lot_unknown", {"lot": command.lot})
    least = _least(lot, command.occurred_at)
    if least + command.change < 0:
        return Refusal("stock.below_zero", {"lot": command.lot, "on_hand": least})
    whose = {"pharmacy": state.pharmacy, "drug_key": state.drug_key}
    return [e.StockAdjusted(expiry=lot.expiry, recalled=lot.recalled, **whose, **dict(command))]


def count(state: StockState, command: CountStock, recalled: AbstractSet[str] = frozenset()) -> Outcome:
    """Book what a count found: per lot the difference to what the books say of the end of that day. `recalled`: lots
    of the product that are, whether or not the recall has come to this shelf."""
    events: list[e.StockCounted] = []
    named = {row.lot for row in command.lots}
    if len(named) < len(command.lots):
        return Refusal("stock.lot_twice", {"lots": sorted(named)})
    rest = [] if not command.complete else [(name, lot) for name, lot in state.lots.items() if name not in named]
    gone = [CountedLot(lot=name, expiry=lot.expiry, quantity=0) for name, lot in rest if lot.on_hand]
    for row in (*command.lots, *gone):
        found = _counted(state, row, command)
        if isinstance(found, Refusal):
            return found
        events.append(found.model_copy(update={"recalled": True}) if row.lot in recalled else found)
    return list(events)


def _counted(state: StockState, row: CountedLot, command: CountStock) -> e.StockCounted | Refusal:
    known = state.lots.get(row.lot)
    if known and known.expiry != row.expiry:
        return Refusal("stock.lot_differs", {"lot": row.lot, "expiry": known.expiry.isoformat()})
    lot = known or Lot(row.expiry, 0)
    before = lot.closing(civil_day(command.occurred_at)) if command.occurred_at else lot.on_hand
    if row.quantity - before + _least(lot, command.occurred_at) < 0:
        return Refusal("stock.below_zero", {"lot": row.lot, "on_hand": lot.on_hand})
    return e.StockCounted(
        lot=row.lot,
        expiry=row.expiry,
        before=before,
        after=row.quantity,
        source=command.source,
        occurred_at=command.occurred_at,
        counted_by=command.counted_by,
        pharmacy=state.pharmacy,
        drug_key=state.drug_key,
        recalled=lot.recalled,
    )


def _least(lot: Lot, occurred_at: datetime | None) -> int:
    return lot.least_since(civil_day(occurred_at)) if occurred_at else lot.on_hand
