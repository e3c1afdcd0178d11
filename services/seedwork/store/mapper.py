"""Domain events to stored bytes and back: the `eventsourcing` library's mapper, for pydantic events.

The stored state is JSON: `{"event": {...}, "meta": {...}}`. Meta holds who caused it, how many public events it told
and the tail of the stream's public chain, and `class_version` where it is above 1. On load an old event is upcast
before it is validated.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.persistence import Mapper, StoredEvent
from pydantic import BaseModel

from services.seedwork.model import CLASS_VERSION, DomainEvent, PersonalClass, upcast
from services.seedwork.store.batch import EventRow
from services.seedwork.store.sealing import KeyName, Keys, Place, personal_fields, seal, unseal

NO_KEYS: Keys = {}
RandomBytes = Callable[[int], bytes]
"""The random port, as far as nonces go."""
GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Meta:
    """What is stored beside an event: its cause, and where the stream's public chain stands after it."""

    actor: str
    correlation_id: str
    causation_id: str
    traceparent: str | None
    public: int
    public_seq: int
    public_hash: str

    def as_json(self) -> dict[str, Any]:
        return {
            "actor": self.actor,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "traceparent": self.traceparent,
            "public": self.public,
            "public_seq": self.public_seq,
            "public_hash": self.public_hash,
        }


NO_META = Meta("", "", "", None, 0, 0, "")


@dataclass(frozen=True, slots=True)
class Fact:
    """One event in its place."""

    originator_id: UUID
    originator_version: int
    event: DomainEvent
    meta: Meta = NO_META


class PydanticMapper(Mapper[UUID]):
    """Maps facts; `keys` seals and opens personal fields and comes from the executor, which fetched them."""

    def __init__(self, events: Iterable[type[DomainEvent]], random_bytes: RandomBytes = os.urandom) -> None:
        super().__init__(transcoder=None)
        self.random_bytes = random_bytes
        self._classes: dict[str, type[DomainEvent]] = {}
        for cls in events:
            if self._classes.setdefault(cls.TOPIC, cls) is not cls:
                raise ValueError(f"two events share the topic {cls.TOPIC}")

    def to_stored_event(self, domain_event: Fact, keys: Keys = NO_KEYS) -> StoredEvent:
        fact, event = domain_event, domain_event.event
        fields = dumped(event, Place(fact.originator_id, fact.originator_version, event.TOPIC), keys, self.random_bytes)
        meta = fact.meta.as_json()
        if event.class_version > 1:  # a class variable is not serialised; without it the event would be upcast again
            meta[CLASS_VERSION] = event.class_version
        state = orjson.dumps({"event": fields, "meta": meta})
        return StoredEvent(fact.originator_id, fact.originator_version, event.TOPIC, state)

    def to_domain_event(self, stored_event: StoredEvent, keys: Keys = NO_KEYS) -> Fact:
        return self.parsed(stored_event).opened(keys)

    def parsed(self, stored_event: StoredEvent) -> SealedFact:
        """The event as it is stored, read once: it says which keys it wants and is opened with them."""
        cls = self._classes[stored_event.topic]
        stored = orjson.loads(stored_event.state)
        place = Place(stored_event.originator_id, stored_event.originator_version, stored_event.topic)
        return SealedFact(cls, place, stored["event"], stored["meta"])


@dataclass(frozen=True, slots=True)
class SealedFact:
    """A stored event whose personal fields are still sealed."""

    cls: type[DomainEvent]
    place: Place
    fields: dict[str, Any]
    meta: dict[str, Any]

    def keys_wanted(self) -> set[KeyName]:
        """The data keys it takes to read it whole."""
        personal = self._personal()
        if not personal:
            return set()
        patient_ref = UUID(self.fields["patient_ref"])
        return {(patient_ref, kind) for name, kind in personal.items() if self.fields.get(name) is not None}

    def opened(self, keys: Keys) -> Fact:
        """Once: the fields are changed in place."""
        cls, fields, personal = self.cls, self.fields, self._personal()
        version = self.meta.pop(CLASS_VERSION, 1)
        if personal:
            unseal(fields, personal, UUID(fields["patient_ref"]), self.place, keys)
        fields = upcast(cls, fields, version)
        return Fact(self.place.stream, self.place.sequence, cls.model_validate(fields), Meta(**self.meta))

    def _personal(self) -> Mapping[str, PersonalClass]:
        """The personal fields as they were called when it was stored."""
        return self.cls.personal_before.get(self.meta.get(CLASS_VERSION, 1), personal_fields(self.cls))


def dumped(model: BaseModel, place: Place, keys: Keys, random_bytes: RandomBytes) -> dict[str, Any]:
    """A model as JSON-able values with its personal fields sealed."""
    fields: dict[str, Any] = model.__pydantic_serializer__.to_python(model, mode="json")
    personal: Mapping[str, PersonalClass] = personal_fields(type(model))
    if personal:
        seal(fields, personal, model.patient_ref, place, keys, random_bytes)  # type: ignore[attr-defined]
    return fields


def event_hash(prev: bytes, row: EventRow | Any) -> bytes:
    """The link of a stream's chain: `sha256(prev | stream | version | topic | recorded_at | state as stored)`."""
    return chained(prev, stored(row), row.recorded_at)


def chained(prev: bytes, event: StoredEvent, recorded_at: int) -> bytes:
    """The same for an event that is no row yet."""
    head = f"|{event.originator_id}|{event.originator_version}|{event.topic}|{recorded_at}|".encode()
    return hashlib.sha256(prev + head + event.state).digest()


def stored(row: EventRow) -> StoredEvent:
    """A row as the library's mapper takes it."""
    return StoredEvent(row.stream_id, row.version, row.topic, row.state)
