"""What a service is made of: the one object its api and its worker are built from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from contracts.envelope import Envelope, IntegrationEvent
from services.seedwork.model import Aggregate, DomainEvent, PersonalClass
from services.seedwork.projection import Projection
from services.seedwork.usecase import UseCase


@dataclass(frozen=True)
class Happened:
    """One new domain event on its way to the public: the states around it, so that a translation can tell the whole."""

    event: DomainEvent
    before: Any
    after: Any
    stream_id: UUID


Translation = Callable[[Happened], Iterable[IntegrationEvent]]
Reaction = Callable[[Any, Envelope], UseCase]
"""`reaction(event, envelope) -> UseCase`: a repeated event must be an answered no-op even without the inbox."""
TimerCommand = Callable[[UUID], UseCase]


@dataclass(frozen=True)
class Service:
    """The composition of one service.

    - `translate`: domain event class -> the integration events that tell it; classes not listed stay private.
    - `react`: integration event class -> use case; taken families' other events are acknowledged.
    - `timers`: (aggregate name, deadline kind) -> use case that decides again with the store's time.
    - `rights`: classes of personal data this service may read (`docs/privacy.md`).
    """

    name: str
    port: int
    aggregates: tuple[Aggregate[Any], ...]
    translate: Mapping[type[DomainEvent], Translation] = field(default_factory=dict)
    react: Mapping[type[IntegrationEvent], Reaction] = field(default_factory=dict)
    timers: Mapping[tuple[str, str], TimerCommand] = field(default_factory=dict)
    projections: tuple[Projection, ...] = ()
    rights: frozenset[PersonalClass] = frozenset()
    jurisdictions: frozenset[str] | None = None
    """Those it has policies for; None: it has no limits that a jurisdiction sets."""
    metadata: sa.MetaData | None = None
    """All projection tables of the service, for its migrations."""
