"""The outermost layer: nothing reaches an endpoint that is too much, unknown, too large or no JSON, and nothing leaves
that is not meant for outside.

Order: correlation, health, load shedding, token, rate, body. The token comes before the body, so that only callers
known to the issuer can make the service read and parse, and each of them only as often as the table of rates says.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from services.seedwork.api.context import JSON, Kit, RequestContext
from services.seedwork.api.dependencies import JOSE
from services.seedwork.api.health import JWKS, LIVE, READY
from services.seedwork.api.problems import problem_response
from services.seedwork.api.rates import Buckets
from services.seedwork.failures import Refused
from services.seedwork.identity import TokenRefused
from services.seedwork.logs import logger
from services.seedwork.model import Refusal
from services.seedwork.strict_json import NotStrictJson, parse_strict
from services.seedwork.usecase import Actor

BODY_SECONDS_MAX = 15
LARGE_BODY_BYTES = 32 * 1024
"""Parsing more than this takes over a millisecond and leaves the loop by a thread."""
SLOW_SECONDS = 1.0
"""What was answered well and in time is in the event log already; a line for each costs a tenth of a request."""
_LOG = logger("api")
_HEADERS: list[tuple[bytes, bytes]] = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]


class _Disconnected(Exception):  # noqa: N818
    """The client went away before its request was complete."""


class Boundary:
    """ASGI middleware of one service's api."""

    def __init__(self, app: ASGIApp, kit: Kit) -> None:
        self._app = app
        self._kit = kit
        self._in_flight = 0
        self._health = {LIVE, READY}
        self._open = {JWKS} if kit.settings.development else set()
        self._verbose = kit.settings.log_level == "debug"
        self._buckets = Buckets(kit.rates, _loop_time, factor=kit.settings.rate_factor) if kit.rates else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = RequestContext.of(self._kit, scope)
        outward = _Outward(send, context)
        with bound_contextvars(correlation_id=context.correlation_id):
            if context.path in self._health:
                await self._guarded(scope, receive, outward, context)
                return
            if self._in_flight >= self._kit.settings.in_flight_max:
                await problem_response("overload.shed", context.correlation_id)(scope, receive, outward)
                return
            started = time.perf_counter()
            self._in_flight += 1
            try:
                await self._guarded(scope, receive, outward, context)
            finally:
                self._in_flight -= 1
                seconds = time.perf_counter() - started
                if self._verbose or context.status >= 400 or seconds > SLOW_SECONDS:
                    _log_request(scope, context, seconds)

    async def _guarded(self, scope: Scope, receive: Receive, outward: _Outward, context: RequestContext) -> None:
        """Whatever goes wrong inside is logged with its correlation id; outside it is one sentence."""
        try:
            if context.path not in self._health:
                receive = await self._admit(scope, receive, context)
            await self._app(scope, receive, outward)
        except Refused as refused:
            refusal = refused.refusal
            headers = _headers_of(refusal)
            response = problem_response(refusal.code, context.correlation_id, facts=refusal.facts, headers=headers)
            await response(scope, receive, outward)
        except _Disconnected:
            return
        except Exception:
            _LOG.exception("request failed", route=_route(scope), method=context.method)
            if outward.started:
                raise
            await problem_response("internal.error", context.correlation_id)(scope, receive, outward)

    async def _admit(self, scope: Scope, receive: Receive, context: RequestContext) -> Receive:
        if context.path not in self._open:
            context.actor = self._bearer(context)
            self._not_too_often(context.actor, context)
        if "\0" in context.path or b"%00" in scope["query_string"]:
            raise Refused("request.malformed", reason="holds a NUL character")
        headers = context.headers
        if (
            context.method in {"GET", "HEAD"}
            and b"content-length" not in headers
            and b"transfer-encoding" not in headers
        ):
            return receive
        body = await _whole_body(receive, headers.get(b"content-length"), self._kit.settings.body_bytes_max)
        context.body_sha256 = hashlib.sha256(body).digest()
        if body:
            context.has_body = True
            context.parsed_body = await _parsed(body, context.media_type, self._kit.aside)
        return _Replayed(body, receive)

    def _not_too_often(self, actor: Actor, context: RequestContext) -> None:
        if self._buckets is None:
            return
        wait = self._buckets.wait(actor, context.method, context.path)
        if wait:
            raise Refused("rate.exceeded", retry_after_seconds=math.ceil(wait))

    def _bearer(self, context: RequestContext) -> Actor:
        scheme, _, token = context.headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise Refused("identity.missing")
        try:
            return self._kit.verifier.actor(token.strip().decode("latin-1"))
        except TokenRefused as refused:
            _LOG.info("token refused", reason=str(refused))
            raise Refused("identity.invalid") from None


def _loop_time() -> float:
    """Of the event loop, so that it goes as the loop's time goes."""
    return asyncio.get_running_loop().time()


def _headers_of(refusal: Refusal) -> dict[str, str] | None:
    if refusal.code == "rate.exceeded":
        return {"Retry-After": str(refusal.facts["retry_after_seconds"])}
    return {"Connection": "close"} if refusal.code in {"request.too_large", "request.timeout"} else None


class _Outward:
    """`send`, with the headers every answer has."""

    __slots__ = ("_context", "_send", "started")

    def __init__(self, send: Send, context: RequestContext) -> None:
        self._send = send
        self._context = context
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._context.status = message["status"]
            correlation = (b"x-correlation-id", self._context.correlation_id.encode())
            shown = self._context.shown
            age = (
                ()
                if shown is None
                else (
                    (b"x-log-index", b"%d" % shown.log_index),
                    (b"x-age-seconds", b"%.3f" % shown.age_seconds),
                )
            )
            message["headers"] = [*message.get("headers", ()), *_HEADERS, *age, correlation]
        await self._send(message)


class _Replayed:
    """`receive` for a body that has been read: once more the whole body, then what the server says (a disconnect)."""

    __slots__ = ("_body", "_receive")

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _whole_body(receive: Receive, content_length: bytes | None, bytes_max: int) -> bytes:
    """Counted while it streams: a length that is announced may be wrong, and a chunked body announces none."""
    if content_length is not None and content_length.isdigit() and int(content_length) > bytes_max:
        raise Refused("request.too_large", bytes_max=bytes_max)
    chunks: list[bytes] = []
    received = 0
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Disconnected
                chunk = message.get("body", b"")
                received += len(chunk)
                if received > bytes_max:
                    raise Refused("request.too_large", bytes_max=bytes_max)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise Refused("request.timeout") from None


async def _parsed(body: bytes, media_type: bytes, aside: Callable[..., Awaitable[Any]]) -> Any:
    """The JSON value; a signed body is nobody's to read before its signature is checked."""
    if media_type == JOSE:
        return None
    if media_type != JSON:
        raise Refused("request.media_type")
    try:
        if len(body) > LARGE_BODY_BYTES:
            return await aside(parse_strict, body)
        return parse_strict(body)
    except NotStrictJson as error:
        raise Refused("request.malformed", reason=str(error)) from None


def _route(scope: Scope) -> str:
    """The route's template: a path that is filled in may hold a token."""
    path: Any = getattr(scope.get("route"), "path", "")
    return str(path)


def _log_request(scope: Scope, context: RequestContext, seconds: float) -> None:
    _LOG.info(
        "request",
        method=context.method,
        route=_route(scope),
        status=context.status,
        role=context.actor.role if context.actor else None,
        duration_ms=round(seconds * 1000, 2),
    )
