"""The words domain code is written in: events, aggregates, refusals. Pure: no clock, no store, no network.

An aggregate is a state, a function `evolve(state, event) -> state` and the decide functions of its commands,
`decide(state, command, now, ids) -> list of events | Refusal`. Evolve never validates and never reads a clock, because
a rule tightened today must not make yesterday's history unloadable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

S = TypeVar("S")
T = TypeVar("T")

NAMESPACE = UUID("6d9f8b0e-5c1c-5a53-9a57-0c3b2f6f7a11")
"""Root of every derived identifier: a derived id is `uuid5(NAMESPACE, "<kind>:<natural key>")`."""


def derived_id(kind: str, *natural_key: object) -> UUID:
    """The same natural key gives the same id in every service: stock items, trace codes, register entries."""
    return uuid5(NAMESPACE, ":".join([kind, *map(str, natural_key)]))


class Immutable(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonalClass(StrEnum):
    """What kind of personal data a field holds; each class has its own key per patient (`docs/privacy.md`)."""

    IDENTITY = "identity"
    CONTACT = "contact"
    CLINICAL = "clinical"
    FINANCIAL = "financial"


@dataclass(frozen=True)
class Personal:
    """Marks a field as personal data: `name: Annotated[str | None, Personal(PersonalClass.IDENTITY)]`.

    The field is sealed under the patient's key wherever it is stored or sent; the event must have a `patient_ref`.
    It reads as `None` once the patient is forgotten, or where the reader has no right to its class.
    """

    data_class: PersonalClass


class Command(Immutable):
    """An intent in the imperative (`IssuePrescription`). It can be refused."""


class DomainEvent(Immutable):
    """A fact in the past tense (`PrescriptionIssued`), private to its service and kept for ever.

    `TOPIC` is the stored name and never changes. A changed shape raises `class_version` and brings a static
    `upcast_v1_v2(state: dict) -> None` that turns the stored form of version 1 into version 2. Where the older form
    had other personal fields (a name, a class), `personal_before` says which: a value is sealed under its name.
    """

    TOPIC: ClassVar[str]
    class_version: ClassVar[int] = 1
    personal_before: ClassVar[Mapping[int, Mapping[str, PersonalClass]]] = {}


CLASS_VERSION = "class_version"
"""Under what name the version of a stored event stands beside it, where it is above 1."""


def upcast(event: type[DomainEvent], fields: dict[str, Any], version: int) -> dict[str, Any]:
    """The stored form of an event as its class has it now; changed in place."""
    while version < event.class_version:
        getattr(event, f"upcast_v{version}_v{version + 1}")(fields)
        version += 1
    return fields


@dataclass(frozen=True)
class Refusal:
    """A command that breaks a rule: the rule's code in the error catalogue and the facts that show it."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Outcome = list[DomainEvent] | Refusal
"""What a decide function returns. An empty list is an answered no-op."""


class Ids(Protocol):
    """Source of new identifiers; the random port, so that a simulation can repeat itself."""

    def new(self) -> UUID: ...


def one(_state: Any) -> int:
    """A state of ordinary size."""
    return 1


def never_due(_state: Any) -> Mapping[str, datetime]:
    """An aggregate without deadlines."""
    return {}


@dataclass(frozen=True)
class Aggregate(Generic[S]):
    """One kind of aggregate: its name (also its event family), its events, its empty state and how it evolves.

    `next_due(state)` names the deadlines that run: kind -> moment. `cached` keeps folded states in the process;
    a load then reads only what is new, so the state is never stale. `weight(state)`: as how many ordinary states it
    counts there; only of aggregates whose states become large.
    """

    name: str
    events: tuple[type[DomainEvent], ...]
    initial: S
    evolve: Callable[[S, Any], S]
    next_due: Callable[[S], Mapping[str, datetime]] = never_due
    cached: bool = False
    weight: Callable[[S], int] = one

    def ref(self, stream_id: UUID) -> StreamRef[S]:
        return StreamRef(self, stream_id)

    def fold(self, events: Iterable[DomainEvent], state: S | None = None) -> S:
        return reduce(self.evolve, events, self.initial if state is None else state)


@dataclass(frozen=True)
class StreamRef(Generic[S]):
    """Names one stream: an aggregate of a kind."""

    aggregate: Aggregate[S]
    stream_id: UUID


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """An aggregate as it was read: version 0 means that nothing has happened to it yet."""

    ref: StreamRef[S]
    version: int
    state: S

    @property
    def stream_id(self) -> UUID:
        return self.ref.stream_id

    @property
    def exists(self) -> bool:
        return self.version > 0

    def after(self, events: Iterable[DomainEvent]) -> S:
        """The state once these events have happened."""
        return self.ref.aggregate.fold(events, self.state)
