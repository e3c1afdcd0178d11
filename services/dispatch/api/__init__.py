"""The HTTP api of dispatch: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.dispatch.api import (
    deliveries,
    fulfilments,
    holds,
    imports,
    irregularities,
    orders,
    places,
    stock,
    supplies,
)
from services.dispatch.application.registers import KINDS
from services.seedwork.api import register_routes

router = APIRouter()
parts = (fulfilments, holds, supplies, deliveries, irregularities, stock, orders, imports, places)
for part in (*(each.router for each in parts), register_routes(KINDS)):
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them

__all__ = ["router"]
