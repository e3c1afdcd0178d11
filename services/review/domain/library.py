"""The library: which sets of knowledge this installation has, and which of them holds on a day.

Two kinds of stream. *Shelf*: one, its events say from when on a set holds; small, read with every screening. *Volume*:
one per version, the set's content in parts. Both are written in one decision, so a set is there whole or not at all.
The sets a release brings (`knowledge.files`) are always there; a loaded one that is in force goes before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar

from services.review.domain.knowledge.reading import KnowledgeSet
from services.seedwork.calendar import civil_day
from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id

PART_CHARACTERS_MAX = 65_536
"""At most 256 KiB of UTF-8."""


class KnowledgeActivated(DomainEvent):
    """A set holds from its own first day on, or from the day it was loaded, whichever is later."""

    TOPIC: ClassVar[str] = "review.knowledge.activated"

    version: str
    name: str
    digest: str
    valid_from: date
    in_force_from: date
    loaded_by: str
    loaded_at: datetime


class KnowledgePartKept(DomainEvent):
    """A part of a set's canonical text; the parts in order are the whole."""

    TOPIC: ClassVar[str] = "review.knowledge.part_kept"

    number: int
    text: str


@dataclass(frozen=True)
class ShelfState:
    """Every set that was loaded, in the order of loading."""

    loaded: tuple[KnowledgeActivated, ...] = ()

    def version(self, name: str) -> KnowledgeActivated | None:
        return next((each for each in self.loaded if each.version == name), None)

    def in_force(self, day: date) -> KnowledgeActivated | None:
        """The loaded set that holds on a day: the latest to begin, the last loaded of those of one day."""
        begun = [each for each in self.loaded if each.in_force_from <= day]
        return max(reversed(begun), key=lambda each: each.valid_from, default=None)


@dataclass(frozen=True)
class VolumeState:
    """The text of one set."""

    parts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(self.parts)


SHELF: Aggregate[ShelfState] = Aggregate(
    name="knowledge_shelf",
    events=(KnowledgeActivated,),
    initial=ShelfState(),
    evolve=lambda state, event: replace(state, loaded=(*state.loaded, event)),
    cached=True,
)
VOLUME: Aggregate[VolumeState] = Aggregate(
    name="knowledge_volume",
    events=(KnowledgePartKept,),
    initial=VolumeState(),
    evolve=lambda state, event: replace(state, parts=(*state.parts, event.text)),
)


def shelf_ref() -> StreamRef[ShelfState]:
    return SHELF.ref(derived_id("knowledge_shelf"))


def volume_ref(version: str) -> StreamRef[VolumeState]:
    return VOLUME.ref(derived_id("knowledge_volume", version))


def activated(read: KnowledgeSet, now: datetime, loaded_by: str) -> KnowledgeActivated:
    header = read.header
    return KnowledgeActivated(
        version=header.version,
        name=header.name,
        digest=read.digest,
        valid_from=header.valid_from,
        in_force_from=max(header.valid_from, civil_day(now)),
        loaded_by=loaded_by,
        loaded_at=now,
    )


def parts(text: str) -> Iterator[KnowledgePartKept]:
    for number, start in enumerate(range(0, len(text), PART_CHARACTERS_MAX), start=1):
        yield KnowledgePartKept(number=number, text=text[start : start + PART_CHARACTERS_MAX])
