"""What endpoints ask for: the actor with a right, a reader, a secret key, a signed body."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable

from starlette.requests import Request

from contracts.roles import RIGHTS
from services.seedwork.api.context import context_of
from services.seedwork.failures import Refused
from services.seedwork.ports import Reader
from services.seedwork.strict_json import NotStrictJson, parse_strict
from services.seedwork.usecase import Actor

JOSE = b"application/jose"


def allowed(right: str) -> Callable[[Request], Awaitable[Actor]]:
    """Only for roles with this right, by the one table of roles; whose records they see is decided with the record."""
    roles = RIGHTS[right]

    async def actor(request: Request) -> Actor:
        bearer = context_of(request).bearer
        if bearer.role not in roles:
            raise Refused("identity.forbidden", right=right, role=bearer.role)
        return bearer

    actor.right = right  # type: ignore[attr-defined]  # read by the OpenAPI document
    return actor


async def reader(request: Request) -> Reader:
    """Aggregates as they are now, and rows of the projections."""
    return context_of(request).kit.runtime


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
        parse_strict(payload)
    except NotStrictJson as error:
        raise Refused("request.malformed", reason=f"payload: {error}") from None
    return compact
