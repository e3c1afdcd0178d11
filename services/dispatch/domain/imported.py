"""A row that was imported: its key and a digest of its content, so that the same file again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from services.seedwork.model import Aggregate, DomainEvent, StreamRef, derived_id


class RowImported(DomainEvent):
    """The row is booked; another content under its key is refused from now on."""

    TOPIC: ClassVar[str] = "dispatch.import.row_imported"

    kind: str
    pharmacy: str
    key: str
    content_sha256: str


@dataclass(frozen=True)
class ImportedState:
    """The digest of what was booked under a key; None: nothing."""

    content_sha256: str | None = None


def evolve(_state: ImportedState, event: RowImported) -> ImportedState:
    return ImportedState(event.content_sha256)


IMPORTED: Aggregate[ImportedState] = Aggregate(
    name="import", events=(RowImported,), initial=ImportedState(), evolve=evolve
)


def imported_row(pharmacy: str, kind: str, key: str) -> StreamRef[ImportedState]:
    return IMPORTED.ref(_row_id(pharmacy, kind, key))


def _row_id(pharmacy: str, kind: str, key: str) -> UUID:
    return derived_id("imported_row", pharmacy, kind, key)
