"""The OpenAPI document: what FastAPI knows of the routes, and what the kit adds to each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from contracts.errors import CATALOGUE
from contracts.roles import SCOPES_OF
from services.seedwork.api.commands import command
from services.seedwork.api.dependencies import MIN_LOG_INDEX, MIN_LOG_POSITION, compact_jws, reader
from services.seedwork.api.health import JWKS, LIVE, READY
from services.seedwork.api.pages import paging
from services.seedwork.api.problems import SCHEMA, add_problem
from services.seedwork.api.signed_paths import WEBHOOKS

EVERYWHERE = ("identity.missing", "identity.invalid", "rate.exceeded", "overload.shed", "internal.error")
WITH_RIGHT = ("identity.forbidden",)
REPRESENTED = ("representation.not_in_force", "representation.out_of_scope")
WITH_INPUT = ("request.invalid",)
WITH_BODY = ("request.malformed", "request.too_large", "request.media_type", "request.timeout")
COMMAND = (
    "idempotency.missing",
    "idempotency.reused",
    "patient.forgotten",
    "request.precondition_failed",
    "conflict.persistent",
    "outcome.unknown",
    "store.restored",
)
PAGED = ("request.cursor",)
_OPEN = {LIVE, READY, JWKS}
_COMMAND_HEADERS: list[dict[str, Any]] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "New per intent, the same in a repeat",
        "schema": {"type": "string", "minLength": 8, "maxLength": 128},
        "example": "7d0b0f52-5f0e-4c8e-9d6b-2f6f4f3a1b10",
    },
    {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag that was read: refused when the record has moved on",
        "schema": {"type": "string"},
        "example": '"3"',
    },
]
_COMMAND_ANSWERED: dict[str, Any] = {
    "X-Log-Position": {
        "description": "Of the last event it recorded: to be sent to lists as X-Min-Log-Position",
        "schema": {"type": "integer"},
    },
    "Idempotent-Replay": {"description": "true: it is the first answer again", "schema": {"type": "string"}},
}
_LIST_HEADERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "description": f"{what}: a list waits for it, at most 500 ms",
        "schema": {"type": "integer", "minimum": 0},
    }
    for name, what in (
        (MIN_LOG_INDEX, "The X-Log-Index of an earlier list"),
        (MIN_LOG_POSITION, "The X-Log-Position of a command"),
    )
]
_LIST_ANSWERED: dict[str, Any] = {
    "X-Log-Index": {
        "description": "Up to where the rows show the service's log; absent where no list was read",
        "schema": {"type": "integer"},
    },
    "X-Age-Seconds": {
        "description": "Everything committed longer ago than this is in the rows",
        "schema": {"type": "number"},
    },
}
_JOSE_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/jose": {
            "schema": {"type": "string", "description": "Compact JWS, ES256 or SM2, payload JSON"},
            "example": "eyJhbGciOiJFUzI1NiIsImtpZCI6ImQtMSJ9.eyJwcmVzY3JpcHRpb25faWQiOiLigKYifQ.c2lnbmF0dXJl",
        }
    },
}


def document(app: FastAPI) -> dict[str, Any]:
    """Made at the first request and kept."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version="1", routes=app.routes)
        for route in app.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in route.methods or ():
                    _describe(schema["paths"][route.path_format][method.lower()], route)
        components = schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for replaced in ("HTTPValidationError", "ValidationError"):
            schemas.pop(replaced, None)
        schemas["Problem"] = SCHEMA
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        app.openapi_schema = schema
    return app.openapi_schema


def _describe(operation: dict[str, Any], route: APIRoute) -> None:
    """One operation: its token, the headers of a command, the signed body, the problems that every such route has."""
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):  # FastAPI's own form, which is never answered here
        del responses["422"]
    if route.path in _OPEN:
        return
    if route.path.startswith(WEBHOOKS):  # signed, and its problems are its own
        for code in ("overload.shed", "internal.error"):
            add_problem(responses, CATALOGUE[code], str(CATALOGUE[code].status))
        return
    operation["security"] = [{"bearer": []}]
    calls = list(_calls(route.dependant))
    codes = list(EVERYWHERE)
    rights = [call.right for call in calls if hasattr(call, "right")]
    if rights:
        operation["x-right"] = rights[0]
        codes += WITH_RIGHT
        codes += REPRESENTED if rights[0] in SCOPES_OF else ()
    if command in calls:
        operation["parameters"] = [*operation.get("parameters", []), *_COMMAND_HEADERS]
        codes += COMMAND
        _answered(responses, _COMMAND_ANSWERED)
    if reader in calls:
        _answered(responses, _LIST_ANSWERED)
        operation["parameters"] = [*operation.get("parameters", []), *_LIST_HEADERS]
    if compact_jws in calls:
        operation["requestBody"] = _JOSE_BODY
        codes += ("signature.malformed",)
    if paging in calls:
        codes += PAGED
    if "requestBody" in operation:
        codes += WITH_BODY
    if "parameters" in operation or route.body_field is not None:
        codes += WITH_INPUT
    for code in codes:
        add_problem(responses, CATALOGUE[code], str(CATALOGUE[code].status))


def _answered(responses: dict[str, Any], headers: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status.startswith("2"):
            response.setdefault("headers", {}).update(headers)


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for dependency in dependant.dependencies:
        if dependency.call is not None:
            yield dependency.call
        yield from _calls(dependency)
