"""What is known about the request at hand, from its first byte on."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection

from contracts.rates import Rates
from services.seedwork.api.mandates import Mandate
from services.seedwork.identity import Verifier
from services.seedwork.model import StreamRef
from services.seedwork.ports import ApiRuntime, Freshness
from services.seedwork.settings import Settings
from services.seedwork.usecase import Actor

SCOPE_KEY = "rxflow.request"
JSON = b"application/json"
_CORRELATION = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context; a later version may append fields, which this version does not pass on."""


@dataclass(frozen=True)
class Kit:
    """What the requests of one service's api share."""

    service: str
    settings: Settings
    runtime: ApiRuntime
    verifier: Verifier
    new_request_id: Callable[[], uuid.UUID] = uuid.uuid4
    """The random port's, as the names of requests go into what they cause."""
    aside: Callable[..., Awaitable[Any]] = asyncio.to_thread
    """The threads' port: what takes long leaves the loop by it."""
    rates: Rates | None = None
    """How often each actor may ask; None: as often as they like."""
    represented: Callable[[uuid.UUID], StreamRef[Any]] | None = None
    """Where the service knows who may act for a patient."""


@dataclass(slots=True)
class RequestContext:
    """One request. `request_id` is this attempt's own (the causation of what it causes); `correlation_id` is the
    client's, and the same over everything that follows from one intent."""

    kit: Kit
    method: str
    path: str
    headers: Mapping[bytes, bytes]
    request_id: str
    correlation_id: str
    traceparent: str | None
    actor: Actor | None = None
    body_sha256: bytes = b""
    has_body: bool = False
    parsed_body: Any = None
    """The value of a JSON body, as the boundary has let it in."""
    status: int = 0
    mandate: Mandate | None = None
    """By what a representative asks; None: the bearer acts for themself."""
    shown: Freshness | None = None
    """Of the rows that are answered; of several lists the oldest."""

    @classmethod
    def of(cls, kit: Kit, scope: MutableMapping[str, Any]) -> RequestContext:
        headers = dict(scope["headers"])
        request_id = str(kit.new_request_id())
        correlation = headers.get(b"x-correlation-id", b"")
        trace = headers.get(b"traceparent", b"")
        context = cls(
            kit=kit,
            method=scope["method"],
            path=scope["path"].removeprefix(scope.get("root_path", "")),
            headers=headers,
            request_id=request_id,
            correlation_id=correlation.decode() if _CORRELATION.fullmatch(correlation) else request_id,
            traceparent=trace.decode() if _TRACEPARENT.fullmatch(trace) else None,
        )
        scope[SCOPE_KEY] = context
        return context

    def shows(self, rows: Freshness) -> None:
        """Notes how new the rows of one more list are."""
        before = self.shown or rows
        log_index, age = min(before.log_index, rows.log_index), max(before.age_seconds, rows.age_seconds)
        self.shown = Freshness(log_index, age)

    @property
    def bearer(self) -> Actor:
        """The one whose token was verified; every request past the boundary has one."""
        if self.actor is None:
            raise LookupError("an open route has no actor")
        return self.actor

    @property
    def media_type(self) -> bytes:
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


def context_of(request: HTTPConnection) -> RequestContext:
    context: RequestContext = request.scope[SCOPE_KEY]
    return context
