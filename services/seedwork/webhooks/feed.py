"""What a service has to tell by webhook: one of its cursor feeds, and how a row of it is told to a subscriber."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.seedwork.model import Loaded, StreamRef
from services.seedwork.usecase import Actor

Row = Mapping[str, Any]
PING = "webhook.ping"
"""The kind of a message that only shows whether messages arrive."""


@dataclass(frozen=True)
class Subscription:
    """Who is told what: the party whose feed it is, the kinds of news, and what else it was narrowed to."""

    owner: str
    kinds: frozenset[str]
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """A row as a subscriber is told it: the same content as in the cursor feed."""

    kind: str
    occurred_at: datetime
    data: Mapping[str, Any]


def nothing_more(_row: Row) -> StreamRef[Any] | None:
    """A row that says everything by itself."""
    return None


@dataclass(frozen=True)
class WebhookFeed:
    """The feed of a service.

    - `path`: where its endpoints are managed.
    - `kinds`: what may happen -> what it means; rendered into the docs.
    - `owner`: the party an actor acts for, None: for none.
    - `query`: a named query of the projection `projection` with `after` and `limit`, in the order of the log;
      `parameters` gives its others. `place` names its column with the log index, `stream` the one by whose value
      messages are kept in order.
    - `wants`: the aggregate that must be looked at to tell a row, `tell`: what is told of it, None: nothing.
    """

    right: str
    path: str
    kinds: Mapping[str, str]
    owner: Callable[[Actor], str | None]
    projection: str
    query: str
    parameters: Callable[[Subscription], Mapping[str, Any]]
    place: str
    stream: str
    tell: Callable[[Row, Loaded[Any] | None, Subscription], Told | None]
    wants: Callable[[Row], StreamRef[Any] | None] = nothing_more

    def stream_of(self, row: Row) -> UUID:
        stream: UUID = row[self.stream]
        return stream
