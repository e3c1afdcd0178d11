"""What a recall does to holds and supplies of a fulfilment. What is in the patient's hands stays; they are told."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.holds import put_back
from services.dispatch.domain.fulfilment.state import FulfilmentState, Supply
from services.dispatch.domain.fulfilment.supplies import in_pharmacy, undone
from services.dispatch.domain.fulfilment.transitions import HOLD
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.stock.state import StockState
from services.dispatch.domain.values import FreedLine
from services.seedwork.model import DomainEvent


def unmet(shelf: StockState, today: date) -> UUID | None:
    """The newest hold, where the good packs of a shelf no longer suffice for all of its reservations."""
    if sum(shelf.reserved.values()) <= shelf.good(today):
        return None
    return list(shelf.reserved)[-1]


def revoke(state: FulfilmentState, hold_id: UUID) -> list[DomainEvent]:
    """A hold that nothing was dispensed under ends; its packs go back, recalled ones into quarantine."""
    hold = state.holds.get(hold_id)
    if hold is None or not HOLD.allows(hold.status, "recall"):
        return []
    bucket = state.freed_to(hold)
    freed = tuple(FreedLine(line=row.line, quantity=row.quantity, bucket=bucket) for row in hold.lines)
    ended = e.HoldEnded(hold_id=hold_id, how="revoked", reason="recall", freed=freed)
    return [*put_back(state, hold_id), ended]


def undo(state: FulfilmentState, supply: Supply, lot: str, now: datetime, policy: Policy) -> list[DomainEvent]:
    """A supply that is still in the pharmacy is undone: what comes back is placed as ever; recalled packs are set
    apart."""
    if supply not in in_pharmacy(state):
        return []
    others = {row.lot for row in supply.lines} - {lot}
    apart = {"disposition": "mixed" if others else "quarantined"}
    return [undone(state, supply, "recalled", now, policy).model_copy(update=apart)]
