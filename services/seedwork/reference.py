"""Reference data: entries that one service owns, publishes and the others copy and obey at once.

An entry is one stream in the owner's store and one in each copy, under the same derived id; so a use case names it by
kind and code and always sees what this store knows now. The content is what `contracts.registers` describes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel

from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id

ENTRY_IDS_KEPT_MAX = 20_000
Form = TypeVar("Form", bound=BaseModel)


class EntryRecorded(DomainEvent):
    """An entry was admitted, changed, suspended or ended: its whole content from now on."""

    TOPIC: ClassVar[str] = "reference.entry_recorded"

    kind: str
    code: str
    content: dict[str, Any]
    valid_from: date
    valid_until: date | None = None
    suspended: bool = False


class Validity(Immutable):
    """From when until when (inclusive; None: open) an entry holds."""

    valid_from: date
    valid_until: date | None
    suspended: bool

    def covers(self, day: date) -> bool:
        return not self.suspended and self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True)
class EntryState:
    """What the register says about one code; an entry never recorded has no content and is in force on no day."""

    kind: str = ""
    code: str = ""
    content: dict[str, Any] | None = None
    validity: Validity | None = None
    _read: dict[type, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def read(self, form: type[Form]) -> Form | None:
        """The content as `contracts.registers` describes it, validated once; None where nothing was recorded."""
        if self.content is None:
            return None
        if form not in self._read:
            self._read[form] = form.model_validate(self.content)
        found: Form = self._read[form]
        return found

    def in_force(self, day: date) -> bool:
        return self.validity is not None and self.validity.covers(day)


def evolve_entry(state: EntryState, event: EntryRecorded) -> EntryState:
    validity = Validity(valid_from=event.valid_from, valid_until=event.valid_until, suspended=event.suspended)
    return replace(state, kind=event.kind, code=event.code, content=event.content, validity=validity)


def register(name: str) -> Aggregate[EntryState]:
    """The aggregate of a register: `name` is the owner's public family, or `reference` for a copy."""
    return Aggregate(name=name, events=(EntryRecorded,), initial=EntryState(), evolve=evolve_entry, cached=True)


def entry(aggregate: Aggregate[EntryState], kind: str, code: str) -> StreamRef[EntryState]:
    """The stream of one entry."""
    return aggregate.ref(_entry_id(kind, code))


@lru_cache(maxsize=ENTRY_IDS_KEPT_MAX)
def _entry_id(kind: str, code: str) -> UUID:
    """Asked for several times in every command."""
    return derived_id("register", kind, code)
