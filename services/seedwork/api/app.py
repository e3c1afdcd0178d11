"""Builds the api of one service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from contracts.rates import Rates
from services.seedwork.api import health
from services.seedwork.api.boundary import Boundary
from services.seedwork.api.context import JSON, Kit, context_of
from services.seedwork.api.direct import answer_directly
from services.seedwork.api.openapi import document
from services.seedwork.api.problems import problem_response
from services.seedwork.composition import Service
from services.seedwork.failures import ExecutionFailure, Refused
from services.seedwork.identity import Verifier, verifier
from services.seedwork.ports import ApiRuntime
from services.seedwork.settings import Settings

ERRORS_MAX = 50
ERROR_PLACE_CHARACTERS_MAX = 200
_CODES = {400: "request.malformed", 404: "request.not_found", 405: "request.method", 413: "request.too_large"}


def create_app(
    service: Service,
    runtime: ApiRuntime,
    *,
    settings: Settings,
    routers: Iterable[APIRouter] = (),
    tokens: Verifier | None = None,
    new_request_id: Callable[[], UUID] = uuid4,
    aside: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    rates: Rates | None = None,
) -> FastAPI:
    """The ASGI application: starts the runtime when it starts, stops it when it stops. Wrong or missing keys stop the
    process here, not the first request."""
    known = tokens or verifier(settings)
    kit = Kit(service.name, settings, runtime, known, new_request_id, aside, rates, service.represented)
    settings.secret_key("cursor")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await runtime.start()
        try:
            yield
        finally:
            await runtime.stop()

    app = FastAPI(
        title=f"rxflow {service.name}",
        openapi_url="/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={
            Refused: _refused,
            ExecutionFailure: _not_executed,
            RequestValidationError: _invalid,
            HTTPException: _http,
        },
    )
    for router in (*routers, health.router):
        # Copied, not included: an included router is matched three times per request.
        app.router.routes.extend(router.routes)
    for route in app.router.routes:
        if isinstance(route, APIRoute):
            answer_directly(route)
    app.add_middleware(Boundary, kit=kit)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


async def _refused(request: Request, error: Any) -> Response:
    return problem_response(error.refusal.code, context_of(request).correlation_id, facts=error.refusal.facts)


async def _not_executed(request: Request, error: Any) -> Response:
    return problem_response(error.code, context_of(request).correlation_id)


async def _invalid(request: Request, error: Any) -> Response:
    """What was wrong with which field; never its value, which may be personal."""
    context = context_of(request)
    found = error.errors()
    if context.media_type not in {b"", JSON} and any(each["loc"] == ("body",) for each in found):
        return problem_response("request.media_type", context.correlation_id, facts={"expected": JSON.decode()})
    errors = [
        {
            "at": ".".join(map(str, each["loc"]))[:ERROR_PLACE_CHARACTERS_MAX],
            "code": each["type"],
            "message": each["msg"],
        }
        for each in found[:ERRORS_MAX]
    ]
    return problem_response("request.invalid", context.correlation_id, errors=errors)


async def _http(request: Request, error: Any) -> Response:
    code = _CODES.get(error.status_code, "internal.error")
    return problem_response(code, context_of(request).correlation_id, headers=error.headers)
