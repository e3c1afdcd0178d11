"""How goods move between the places of a pharmacy's books, as one table: rendered into the docs, asked by evolve.

A quantity is outside, on the shelf, or set apart (quarantine). A reservation moves nothing: it is a hold's claim on the
shelf. So the books of a lot are what came in less what went out, place by place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.dispatch.domain.stock import events as e
from services.seedwork.model import DomainEvent


class Place(StrEnum):
    """Where a quantity of a lot is."""

    OUTSIDE = "outside"
    SHELF = "shelf"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class MovementKind:
    """One row: what moves goods from where to where; `back_dated`: it may be said to have happened before today."""

    name: str
    event: type[DomainEvent]
    origin: Place
    destination: Place
    who: str
    back_dated: bool = False


KINDS: tuple[MovementKind, ...] = (
    MovementKind("received", e.StockReceived, Place.OUTSIDE, Place.SHELF, "pharmacist, administrator", back_dated=True),
    MovementKind("dispensed", e.StockDispensed, Place.SHELF, Place.OUTSIDE, "checker, with a supply"),
    MovementKind("returned", e.StockReturned, Place.OUTSIDE, Place.SHELF, "with an undone supply"),
    MovementKind("returned apart", e.StockReturned, Place.OUTSIDE, Place.QUARANTINE, "with an undone supply"),
    MovementKind("adjusted up", e.StockAdjusted, Place.OUTSIDE, Place.SHELF, "pharmacist, by reason", back_dated=True),
    MovementKind(
        "adjusted down", e.StockAdjusted, Place.SHELF, Place.OUTSIDE, "pharmacist, by reason", back_dated=True
    ),
    MovementKind(
        "counted up", e.StockCounted, Place.OUTSIDE, Place.SHELF, "pharmacist, or packs seen", back_dated=True
    ),
    MovementKind("counted down", e.StockCounted, Place.SHELF, Place.OUTSIDE, "pharmacist", back_dated=True),
    MovementKind("expired", e.LotExpired, Place.SHELF, Place.QUARANTINE, "clock: the lot's last day"),
    MovementKind("recalled", e.LotWithdrawn, Place.SHELF, Place.QUARANTINE, "recall"),
    MovementKind("quarantined", e.StockQuarantined, Place.SHELF, Place.QUARANTINE, "pharmacist, by reason"),
    MovementKind("released", e.QuarantineReleased, Place.QUARANTINE, Place.SHELF, "quality manager, reason"),
    MovementKind("destroyed", e.QuarantineDestroyed, Place.QUARANTINE, Place.OUTSIDE, "quality manager, reason"),
)
MOVEMENTS = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True)
class Movement:
    """A quantity of one lot from one place to another."""

    kind: MovementKind
    pick: e.Pick

    def change(self, place: Place) -> int:
        """What it adds to a place; negative: what it takes."""
        return self.pick.quantity * ((self.kind.destination is place) - (self.kind.origin is place))


def movements(event: DomainEvent) -> tuple[Movement, ...]:
    """What an event moves; none where it moves nothing."""
    match event:
        case e.StockDispensed(picks=picks):
            return tuple(_moved("dispensed", pick) for pick in picks)
        case e.StockReturned(picks=picks, quarantined=apart):
            return tuple(_moved("returned apart" if apart else "returned", pick) for pick in picks)
        case e.StockCounted(before=before, after=after):
            return _corrected("counted", event, after - before)
        case e.StockAdjusted(change=change):
            return _corrected("adjusted", event, change)
        case e.StockReceived():
            return _of("received", event)
        case e.LotExpired():
            return _of("expired", event)
        case e.LotWithdrawn():
            return _of("recalled", event)
        case e.StockQuarantined():
            return _of("quarantined", event)
        case e.QuarantineReleased():
            return _of("released", event)
        case e.QuarantineDestroyed():
            return _of("destroyed", event)
    return ()


def _moved(name: str, pick: e.Pick) -> Movement:
    return Movement(MOVEMENTS[name], pick)


def _of(name: str, event: e.LotEvent) -> tuple[Movement, ...]:
    if not event.quantity:
        return ()
    return (_moved(name, e.Pick(lot=event.lot, expiry=event.expiry, quantity=event.quantity)),)


def _corrected(name: str, event: e.StockCounted | e.StockAdjusted, change: int) -> tuple[Movement, ...]:
    if not change:
        return ()
    pick = e.Pick(lot=event.lot, expiry=event.expiry, quantity=abs(change))
    return (_moved(f"{name} {'up' if change > 0 else 'down'}", pick),)
