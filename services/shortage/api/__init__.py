"""The HTTP api of shortage: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.shortage.api import cases, imports, publications, reporters, reports, responses, webhooks

router = APIRouter()
for part in (cases, reporters, reports, imports, responses, publications, webhooks):
    router.routes.extend(part.router.routes)  # `include_router` wraps routes: the OpenAPI document would miss them

__all__ = ["router"]
