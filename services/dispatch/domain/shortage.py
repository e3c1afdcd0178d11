"""What dispatch knows of confirmed shortages: one stream per case, as shortage monitoring told it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, derived_id


class ShortageKnown(DomainEvent):
    """A drug is short in a region node (code of the node: a prefix of its counties' codes; empty: the nation)."""

    TOPIC: ClassVar[str] = "dispatch.shortage_known.shortage_known"

    case_id: UUID
    drug_key: str
    region: str
    grade: str


class ShortageOver(DomainEvent):
    """The case ended."""

    TOPIC: ClassVar[str] = "dispatch.shortage_known.shortage_over"

    case_id: UUID


@dataclass(frozen=True)
class ShortageState:
    """One case; `grade` is None when there is nothing to consider."""

    grade: str | None = None


def evolve(state: ShortageState, event: DomainEvent) -> ShortageState:
    return replace(state, grade=event.grade if isinstance(event, ShortageKnown) else None)


SHORTAGES: Aggregate[ShortageState] = Aggregate(
    name="shortage_known", events=(ShortageKnown, ShortageOver), initial=ShortageState(), evolve=evolve
)


def shortage_id(case_id: UUID) -> UUID:
    return derived_id("shortage_known", case_id)
