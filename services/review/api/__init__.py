"""The HTTP api of review: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.review.api import cases, knowledge

router = APIRouter()
for part in (cases.router, knowledge.router):
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them
