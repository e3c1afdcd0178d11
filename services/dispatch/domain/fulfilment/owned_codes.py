"""What a fulfilment keeps of trace codes that other regional stores own. Where there is one store, nothing."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from services.dispatch.domain.owner_words import CodeOfStore, OwnedPack
from services.seedwork.model import DomainEvent


class CodesOwnedElsewhere(DomainEvent):
    """Of the codes scanned for a supply, those that other stores own. As the stores were then: who owns a code may
    change with their list."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.codes_owned_elsewhere"

    supply_id: UUID
    codes: tuple[CodeOfStore, ...]


class CodesUndecided(DomainEvent):
    """Owners could not be reached: the supply is dispensed all the same, and its claim waits for their word."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.codes_undecided"

    supply_id: UUID
    packs: tuple[OwnedPack, ...]


class CodesDecided(DomainEvent):
    """All owners have spoken. `repeated`: codes that were sold elsewhere first, or stand for another product there."""

    TOPIC: ClassVar[str] = "dispatch.fulfilment.codes_decided"

    supply_id: UUID
    pharmacy: str
    repeated: tuple[str, ...]


OWNED_CODES: tuple[type[DomainEvent], ...] = (CodesOwnedElsewhere, CodesUndecided, CodesDecided)
