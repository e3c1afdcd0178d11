"""What a service's rim (api, worker) is handed by the kernel. Endpoints and handlers are written against these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from services.seedwork.model import Loaded, Refusal, StreamRef
from services.seedwork.usecase import Actor, Answer, UseCase


@dataclass(frozen=True)
class Idempotency:
    """What makes a request the same request: who, which route (`POST /prescriptions/<id>/cancellations`), the client's
    key; and the digest of its body, by which a key that is used for something else is told apart."""

    subject: str
    route: str
    key: str
    body_sha256: bytes


@dataclass(frozen=True)
class Outcome:
    """How a use case ended for the caller: an answer, or a refusal. `replayed`: it is the first answer again."""

    status: int = 200
    body: Mapping[str, Any] = field(default_factory=dict)
    replayed: bool = False
    refusal: Refusal | None = None
    position: int | None = None
    """Of the last event it recorded; None where it recorded none."""


class Check(NamedTuple):
    """One condition of being ready, e.g. `("sealed", False, "oldest unsealed event is 9 s old")`."""

    name: str
    ok: bool
    detail: str


class Freshness(NamedTuple):
    """How new the rows of a list are: its projection has come to `log_index`, and whatever was committed longer than
    `age_seconds` ago is in them."""

    log_index: int
    age_seconds: float


class Reader(Protocol):
    """Reads for a query: aggregates as they are now, and rows of the projections' registered queries."""

    @property
    def jurisdiction(self) -> str: ...

    async def load(self, *refs: StreamRef[Any]) -> tuple[Loaded[Any], ...]: ...

    async def find(self, query: str, **parameters: Any) -> Sequence[Mapping[str, Any]]: ...

    async def now(self) -> datetime: ...


class Runner(Protocol):
    """Runs a use case outside a request: a timer's or a reaction's."""

    def __call__(self, use_case: UseCase) -> Answer: ...


class ApiRuntime(Reader, Protocol):
    """The store side of one service's api process.

    `execute` raises the failures of `services.seedwork.failures`; a broken rule is an `Outcome` with a refusal.
    """

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def execute(
        self,
        use_case: UseCase,
        *,
        actor: Actor,
        idempotency: Idempotency | None,
        correlation_id: str,
        causation_id: str,
        traceparent: str | None,
    ) -> Outcome: ...

    async def caught_up(self, query: str, *, log_index: int, position: int | None, within_seconds: float) -> Freshness:
        """Waits, at most so long, until the rows of a query show the log up to an index and the event at a position."""

    def readiness(self) -> Sequence[Check]: ...
