"""Recalled lots of a product, as dispatch told: what a claim that comes later is looked at against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class LotRecallKnown(DomainEvent):
    """These lots are recalled."""

    TOPIC: ClassVar[str] = "insurance.recalled_lots.known"

    recall_id: UUID
    product: str
    lots: tuple[str, ...]
    recall_class: str
    recalled_at: datetime


@dataclass(frozen=True)
class RecalledLotsState:
    """By recall."""

    recalls: frozenset[LotRecallKnown] = frozenset()


def evolve(state: RecalledLotsState, event: LotRecallKnown) -> RecalledLotsState:
    return RecalledLotsState(state.recalls | {event})


RECALLED_LOTS: Aggregate[RecalledLotsState] = Aggregate(
    name="recalled_lots", events=(LotRecallKnown,), initial=RecalledLotsState(), evolve=evolve
)


def recalled_lots_ref(product: str) -> StreamRef[RecalledLotsState]:
    return RECALLED_LOTS.ref(derived_id("insurance_recalled_lots", product))
