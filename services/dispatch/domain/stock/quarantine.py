"""Packs set apart: by a pharmacist, by a recall, and what the quality manager (质量负责人) decides about them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.stock import events as e
from services.dispatch.domain.stock.state import Lot, StockState
from services.dispatch.domain.values import LOT_LENGTH_MAX, QUANTITY_MAX
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, DomainEvent, Outcome, Refusal


class QuarantineStock(Command):
    """Packs of one lot are set apart."""

    lot: str = Field(max_length=LOT_LENGTH_MAX)
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    reason: e.QuarantineReason
    decided_by: str


class DecideQuarantine(Command):
    """What becomes of packs that were set apart."""

    lot: str = Field(max_length=LOT_LENGTH_MAX)
    quantity: int = Field(gt=0, le=QUANTITY_MAX)
    reason: str = Field(min_length=1, max_length=200)
    decided_by: str


def quarantine(state: StockState, command: QuarantineStock, now: datetime) -> Outcome:
    """From the shelf to quarantine; a hold that counted on them is not asked."""
    lot = state.lots.get(command.lot)
    if lot is None:
        return Refusal("stock.lot_unknown", {"lot": command.lot})
    if command.quantity > lot.on_hand:
        return Refusal("stock.below_zero", {"lot": command.lot, "on_hand": lot.on_hand})
    return [e.StockQuarantined(expiry=lot.expiry, occurred_at=now, **dict(command))]


def set_spoilt_apart(state: StockState, lot: str, quantity: int, by: str, now: datetime) -> Outcome:
    """What there is of packs that were spoilt on the way and put on the shelf all the same."""
    there = min(quantity, state.lots[lot].on_hand) if lot in state.lots else 0
    if not there:
        return []
    return quarantine(state, QuarantineStock(lot=lot, quantity=there, reason="temperature", decided_by=by), now)


def release(state: StockState, command: DecideQuarantine, now: datetime) -> Outcome:
    """Back to the shelf: never what is recalled or has expired."""
    lot = _apart(state, command)
    if isinstance(lot, Refusal):
        return lot
    if lot.recalled:
        return Refusal("stock.lot_recalled", {"lot": command.lot})
    if lot.expiry < civil_day(now):
        return Refusal("stock.lot_expired", {"lot": command.lot, "expiry": lot.expiry.isoformat()})
    whose = {"pharmacy": state.pharmacy, "drug_key": state.drug_key}
    return [e.QuarantineReleased(expiry=lot.expiry, occurred_at=now, **whose, **dict(command))]


def destroy(state: StockState, command: DecideQuarantine, now: datetime) -> Outcome:
    """Out of the books for good."""
    lot = _apart(state, command)
    if isinstance(lot, Refusal):
        return lot
    return [e.QuarantineDestroyed(expiry=lot.expiry, occurred_at=now, **dict(command))]


def _apart(state: StockState, command: DecideQuarantine) -> Lot | Refusal:
    lot = state.lots.get(command.lot)
    if lot is None:
        return Refusal("stock.lot_unknown", {"lot": command.lot})
    if command.quantity > lot.quarantined:
        return Refusal("stock.not_in_quarantine", {"lot": command.lot, "quarantined": lot.quarantined})
    return lot


def withdraw(state: StockState, recall_id: UUID, lots: tuple[str, ...], now: datetime) -> list[DomainEvent]:
    """The lots of a recall as far as they are known here: what is on the shelf is set apart, once."""
    known = ((name, state.lots[name]) for name in lots if name in state.lots)
    shelf = {"recall_id": recall_id, "pharmacy": state.pharmacy, "product": state.product, "occurred_at": now}
    return [
        e.LotWithdrawn(lot=name, expiry=lot.expiry, quantity=lot.on_hand, **shelf)
        for name, lot in known
        if not lot.recalled or lot.on_hand
    ]
