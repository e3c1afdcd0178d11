"""The routes of the api itself: health, the development issuer's public keys, the OpenAPI document."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from services.seedwork.api.answers import answer
from services.seedwork.api.context import context_of
from services.seedwork.api.dependencies import development_only
from services.seedwork.api.problems import RETRY_AFTER_SECONDS
from services.seedwork.identity import issuer_jwks

LIVE = "/health/live"
READY = "/health/ready"
JWKS = "/.well-known/jwks.json"

router = APIRouter(tags=["the api itself"])


@router.get(LIVE)
async def live() -> Response:
    """The process answers."""
    return answer({"live": True})


@router.get(READY, responses={503: {"description": "Not ready; `checks` says why"}})
async def ready(request: Request) -> Response:
    """Whether the service can do its work now, check by check."""
    checks = [
        {"name": name, "ok": ok, "detail": detail} for name, ok, detail in context_of(request).kit.runtime.readiness()
    ]
    if all(check["ok"] for check in checks):
        return answer({"ready": True, "checks": checks})
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return answer({"ready": False, "checks": checks}, status=503, headers=retry)


@router.get(JWKS, dependencies=[Depends(development_only)])
async def jwks(request: Request) -> Response:
    """Public keys of the development issuer."""
    return answer(issuer_jwks(context_of(request).kit.settings))
