"""The HTTP api of dispatch: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.dispatch.api import deliveries, fulfilments, holds, irregularities, orders, places, stock, supplies
from services.dispatch.application.registers import KINDS
from services.seedwork.api import register_routes

router = APIRouter()
own = (part.router for part in (fulfilments, holds, supplies, deliveries, irregularities, stock, orders, places))
for part in (*own, register_routes(KINDS)):
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them

__all__ = ["router"]
