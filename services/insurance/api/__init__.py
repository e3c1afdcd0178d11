"""The HTTP api of insurance: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.insurance.api import books, claims, people, previews
from services.insurance.application.registers import KINDS
from services.seedwork.api import register_routes

router = APIRouter()
for part in (claims.router, previews.router, people.router, books.router):
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them
router.routes.extend(register_routes(KINDS, read_right="insurance_register.read").routes)

__all__ = ["router"]
