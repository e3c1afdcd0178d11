"""What endpoints ask for: the actor with a right, a reader, a secret key, a signed body."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request

from contracts.roles import RIGHTS, SCOPES_OF, Role
from services.seedwork.api.context import RequestContext, context_of
from services.seedwork.api.mandates import Mandate
from services.seedwork.failures import Refused
from services.seedwork.identity import checkpoint_key
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.ports import Reader
from services.seedwork.signing import sign_compact
from services.seedwork.strict_json import NotStrictJson, parse_strict
from services.seedwork.usecase import Actor, UseCase

JOSE = b"application/jose"
INSTALLATION = "checkpoint"
"""Name of the key that signs in the name of the installation, as in its checkpoints."""
CAUGHT_UP_SECONDS_MAX = 0.5
MIN_LOG_INDEX, MIN_LOG_POSITION = "X-Min-Log-Index", "X-Min-Log-Position"
_PLACE = re.compile(rb"\d{1,18}")


def allowed(right: str) -> Callable[[Request], Awaitable[Actor]]:
    """Only for roles with this right, by the one table of roles; whose records they see is decided with the record.

    A representative acts in the patient's role from here on, where their scope covers this right today.
    """
    roles = RIGHTS[right]

    async def actor(request: Request) -> Actor:
        context = context_of(request)
        bearer = context.bearer
        if bearer.role not in roles:
            raise Refused("identity.forbidden", right=right, role=bearer.role)
        if bearer.role == Role.REPRESENTATIVE:
            bearer = context.actor = await _for_patient(context, bearer, right)
        return bearer

    actor.right = right  # type: ignore[attr-defined]  # read by the OpenAPI document
    return actor


async def _for_patient(context: RequestContext, bearer: Actor, right: str) -> Actor:
    """The bearer in the role of the patient whom their token names. Raises Refused where they do not represent them."""
    if context.kit.represented is None or bearer.patient_ref is None:
        raise Refused("representation.not_in_force")
    patient = context.kit.represented(bearer.patient_ref)
    context.mandate = Mandate(patient, bearer.subject, SCOPES_OF[right])
    (loaded,) = await context.kit.runtime.load(patient)
    refused = context.mandate.refusal(loaded.state, await context.kit.runtime.now())
    if refused:
        raise Refused(refused.code, **refused.facts)
    return replace(bearer, role=Role.PATIENT.value, representing=True)


class RequestReader:
    """Aggregates as they are now, and rows of the projections once they show what the request asks for, or as they are
    when it has waited long enough; how new they are goes with the answer."""

    __slots__ = ("_context", "_log_index", "_patient_until", "_position")

    def __init__(self, context: RequestContext, log_index: int, position: int | None) -> None:
        self._context = context
        self._log_index = log_index
        self._position = position
        self._patient_until = _loop_time() + CAUGHT_UP_SECONDS_MAX

    @property
    def jurisdiction(self) -> str:
        """Whose policies hold here."""
        return self._context.kit.settings.jurisdiction

    async def load(self, *refs: StreamRef[Any]) -> tuple[Loaded[Any], ...]:
        return await self._context.kit.runtime.load(*refs)

    async def find(self, query: str, **parameters: Any) -> Sequence[Mapping[str, Any]]:
        runtime = self._context.kit.runtime
        left = max(self._patient_until - _loop_time(), 0.0)
        shown = await runtime.caught_up(query, log_index=self._log_index, position=self._position, within_seconds=left)
        self._context.shows(shown)  # seen before the rows are: they are at least as new
        return await runtime.find(query, **parameters)

    async def now(self) -> datetime:
        return await self._context.kit.runtime.now()


def _loop_time() -> float:
    """Of the event loop, so that it stands still where the loop's time is not the machine's."""
    return asyncio.get_running_loop().time()


async def reader(request: Request) -> Reader:
    """Reads for a query. A list shows what the request's headers ask for, or answers with its age after 500 ms."""
    context = context_of(request)
    return RequestReader(context, _place(context, MIN_LOG_INDEX) or 0, _place(context, MIN_LOG_POSITION))


def _place(context: RequestContext, header: str) -> int | None:
    """By hand: what FastAPI reads of headers takes its general machinery, which costs each route a fifth."""
    sent = context.headers.get(header.lower().encode())
    if sent is None:
        return None
    if not _PLACE.fullmatch(sent):
        where = {"type": "int_parsing", "loc": ("header", header), "msg": "Not a place in the log"}
        raise RequestValidationError([where])
    return int(sent)


async def keeper(request: Request) -> Callable[[UseCase], Awaitable[Mapping[str, Any]]]:
    """Keeps what a query has made and will answer again, or what is the same done twice: nothing that a caller could
    tell from its not being kept, so it needs no Idempotency-Key. Answers what was decided; a refusal is raised."""
    context = context_of(request)

    async def keep(use_case: UseCase) -> Mapping[str, Any]:
        outcome = await context.kit.runtime.execute(
            use_case,
            actor=context.bearer,
            idempotency=None,
            correlation_id=context.correlation_id,
            causation_id=context.request_id,
            traceparent=context.traceparent,
        )
        if outcome.refusal is not None:
            raise Refused(outcome.refusal.code, **outcome.refusal.facts)
        return outcome.body

    return keep


async def aside(request: Request) -> Callable[..., Awaitable[Any]]:
    """Runs what takes long beside the loop: in a thread, or where there must be none in place."""
    return context_of(request).kit.aside


async def signer(request: Request) -> Callable[[bytes], str]:
    """Signs in the installation's name, with the key of its checkpoints: compact JWS over these bytes."""
    settings = context_of(request).kit.settings
    return lambda payload: sign_compact(payload, checkpoint_key(settings), INSTALLATION)


def secret_key(name: str) -> Callable[[Request], Awaitable[bytes]]:
    """The installation's HMAC key for one purpose."""

    async def key(request: Request) -> bytes:
        return context_of(request).kit.settings.secret_key(name)

    return key


async def development_only(request: Request) -> None:
    """For routes that exist only in development mode."""
    if not context_of(request).kit.settings.development:
        raise Refused("development.only")


async def compact_jws(request: Request) -> str:
    """The body of a signed command, exactly as received: `application/jose`, payload JSON. Form only; whether the
    signature is good is decided in the use case, by the signer's register entry."""
    if context_of(request).media_type != JOSE:
        raise Refused("request.media_type", expected=JOSE.decode())
    body = await request.body()
    segments = body.split(b".")
    try:
        payload = base64.b64decode(segments[1] + b"=" * (-len(segments[1]) % 4), b"-_", validate=True)
        compact = body.decode("ascii")
    except (IndexError, binascii.Error, UnicodeDecodeError):
        raise Refused("signature.malformed", reason="form") from None
    try:
        parse_strict(payload, names_once=True)
    except NotStrictJson as error:
        raise Refused("request.malformed", reason=f"payload: {error}") from None
    return compact
