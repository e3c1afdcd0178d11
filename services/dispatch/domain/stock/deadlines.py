"""What the clock does to a shelf: a level is told, expired packs are set apart, an expiry is warned of."""

from __future__ import annotations

from datetime import date, datetime

from services.dispatch.domain.stock import events as e
from services.dispatch.domain.stock.state import PUBLISHED_EVERY, StockState
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent


def publish(state: StockState, now: datetime) -> list[DomainEvent]:
    """The level for the others, where it is another than they know; never twice within a second."""
    level = state.level
    if not state.product or level == state.published or now < state.published_at + PUBLISHED_EVERY:
        return []
    day, dispensed = state.dispensed
    return [
        e.StockLevelPublished(
            pharmacy=state.pharmacy,
            product=state.product,
            drug_key=state.drug_key,
            region=state.region,
            on_hand=level.on_hand,
            reserved=level.reserved,
            quarantined=level.quarantined,
            dispensed_in_day=dispensed if day == civil_day(now) else 0,
            source=state.source,
            occurred_at=now,
            pack_size=state.pack_size or None,
        )
    ]


def expire(state: StockState, now: datetime) -> list[DomainEvent]:
    """Packs of lots whose last day is over leave the shelf for quarantine (药品管理法 第98条)."""
    today = civil_day(now)
    return [
        e.LotExpired(
            lot=name,
            expiry=lot.expiry,
            quantity=lot.on_hand,
            occurred_at=now,
            pharmacy=state.pharmacy,
            product=state.product,
        )
        for name, lot in state.lots.items()
        if lot.on_hand and lot.expiry < today
    ]


def warn(state: StockState, now: datetime) -> list[DomainEvent]:
    """Lots that expire soon, each once."""
    today = civil_day(now)
    return [
        e.ExpiryWarned(
            pharmacy=state.pharmacy, product=state.product, lot=name, expiry=lot.expiry, quantity=lot.on_hand
        )
        for name, lot in state.lots.items()
        if lot.on_hand and _due(lot.warn_on, today)
    ]


def _due(day: date | None, today: date) -> bool:
    return day is not None and day <= today
