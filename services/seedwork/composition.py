"""What a service is made of: the one object its api and its worker are built from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from contracts.envelope import Envelope, IntegrationEvent
from services.seedwork.model import Aggregate, DomainEvent, PersonalClass, StreamRef
from services.seedwork.projection import Projection
from services.seedwork.usecase import UseCase
from services.seedwork.webhooks.feed import WebhookFeed


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
Together = Callable[[Sequence[tuple[Any, Envelope]]], UseCase]
"""`together([(event, envelope), …]) -> UseCase`: one use case over all events of its type in a batch whose turn it is;
also without the inbox the same events again must be an answered no-op."""
TimerCommand = Callable[[UUID], UseCase]


@dataclass(frozen=True)
class Cadence:
    """A beat each `every`; it has to come out within `limit`."""

    every: timedelta
    limit: timedelta


@dataclass(frozen=True)
class Heartbeat:
    """What a service's watchdog does. `steps`: what is done at a beat, in this order; `seen`: a use case whose answer
    says `seen`, once what must follow has followed."""

    cadence: Callable[[str, datetime], Cadence]
    steps: Callable[[datetime, str], Sequence[UseCase]]
    seen: Callable[[datetime], UseCase]


@dataclass(frozen=True)
class Retained:
    """Rows of a read model that have served their time once `over` holds of them; a rebuild brings them back, and the
    next batches remove them again.

    `over` knows two parameters, `day` (ISO) and `moment` (microseconds): both lie `kept(jurisdiction, now)` back.
    """

    table: sa.Table
    over: sa.ColumnElement[bool]
    kept: Callable[[str, datetime], timedelta]


@dataclass(frozen=True)
class Service:
    """The composition of one service.

    - `translate`: domain event class -> the integration events that tell it; classes not listed stay private.
    - `react`: integration event class -> use case; taken families' other events are acknowledged.
    - `together`: integration event class -> how a consumer's batch of it is taken at once; others are taken one by one.
    - `timers`: (aggregate name, deadline kind) -> use case that decides again with the store's time.
    - `rights`: classes of personal data this service may read (`docs/privacy.md`).
    """

    name: str
    port: int
    aggregates: tuple[Aggregate[Any], ...]
    translate: Mapping[type[DomainEvent], Translation] = field(default_factory=dict)
    react: Mapping[type[IntegrationEvent], Reaction] = field(default_factory=dict)
    together: Mapping[type[IntegrationEvent], Together] = field(default_factory=dict)
    timers: Mapping[tuple[str, str], TimerCommand] = field(default_factory=dict)
    projections: tuple[Projection, ...] = ()
    rights: frozenset[PersonalClass] = frozenset()
    retained: tuple[Retained, ...] = ()
    """What is removed of its read models, and when."""
    heartbeat: Heartbeat | None = None
    """What its watchdog does, where it has one."""
    jurisdictions: frozenset[str] | None = None
    """Those it has policies for; None: it has no limits that a jurisdiction sets."""
    webhooks: WebhookFeed | None = None
    """What it tells subscribers who ask to be called."""
    represented: Callable[[UUID], StreamRef[Any]] | None = None
    """Where it knows who may act for a patient, by their reference: a stream whose state has `representations`. None:
    nothing here is done for patients by representatives."""
    metadata: sa.MetaData | None = None
    """All projection tables of the service, for its migrations."""
