"""Messages of outside partners: no token, but a signature over the very bytes (Standard Webhooks: HMAC-SHA256).

    @router.post("/webhooks/couriers/{sender}", responses=webhook_problems(...))
    async def reported(message: Annotated[Webhook, Depends(signed_webhook("courier"))]) -> Response:
        return await message.run(take_report(...))

The sender's name is in the path, its secret is derived from the installation's master key (`webhook_secret`), so none
is stored. The message id is the idempotency key: a repeat gets the first answer, another body under it is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from standardwebhooks import Webhook as Signing
from standardwebhooks import WebhookVerificationError
from starlette.requests import Request

from services.seedwork.api.commands import CommandRunner, runner_of
from services.seedwork.api.context import context_of
from services.seedwork.api.problems import problems
from services.seedwork.failures import Refused
from services.seedwork.strict_json import NotStrictJson, parse_strict
from services.seedwork.usecase import Actor
from services.seedwork.webhook_secrets import webhook_secret

MESSAGE_ID_CHARACTERS_MAX = 128
ERRORS_MAX = 20
Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True)
class Webhook:
    """A message whose signature is good."""

    message_id: str
    sender: str
    body: Any
    run: CommandRunner

    def read(self, form: type[Form]) -> Form:
        """The body in its form; fields that are wrong are named, never their values."""
        try:
            return form.model_validate(self.body)
        except ValidationError as error:
            fields = [".".join(map(str, each["loc"])) for each in error.errors()[:ERRORS_MAX]]
            raise Refused("webhook.body", fields=fields) from None


def webhook_problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The problems of a signed route, with those that every one has."""
    every = ("webhook.signature", "webhook.body", "request.malformed", "request.too_large", "request.timeout")
    return problems(
        *every, "request.media_type", "idempotency.reused", "conflict.persistent", "outcome.unknown", *codes
    )


def signed_webhook(role: str) -> Callable[[Request], Awaitable[Webhook]]:
    """Verifies who sent it: the path's `sender`, in this role, no more than five minutes ago."""

    async def received(request: Request) -> Webhook:
        context = context_of(request)
        sender = str(request.path_params["sender"])
        headers = {name: context.headers.get(name.encode(), b"").decode("latin-1") for name in _HEADERS}
        message_id = headers["webhook-id"]
        body = await request.body()
        try:
            if not 0 < len(message_id) <= MESSAGE_ID_CHARACTERS_MAX:
                raise Refused("webhook.signature")
            Signing(webhook_secret(context.kit.settings, role, sender)).verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError):  # it does not expect every malformed header
            raise Refused("webhook.signature") from None
        try:
            value = parse_strict(body)
        except NotStrictJson as error:
            raise Refused("request.malformed", reason=str(error)) from None
        context.actor = Actor(subject=f"{role}:{sender}", role=role, organisation=sender)
        return Webhook(message_id, sender, value, runner_of(context, message_id))

    received.signed = role  # type: ignore[attr-defined]  # read by the OpenAPI document
    return received


_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
