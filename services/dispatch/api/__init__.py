"""The HTTP api of dispatch: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.dispatch.api import (
    courier_webhooks,
    deliveries,
    epcis,
    fills,
    fulfilments,
    holds,
    imports,
    irregularities,
    labels,
    nominations,
    online_orders,
    opened_packs,
    orders,
    owing,
    pharmacy_feed,
    places,
    recalls,
    returns,
    stock,
    substitutions,
    supplies,
    trace_codes,
    transfers,
)
from services.dispatch.application.registers import KINDS
from services.seedwork.api import register_routes

router = APIRouter()
parts = (
    fulfilments,
    nominations,
    online_orders,
    pharmacy_feed,
    holds,
    supplies,
    fills,
    deliveries,
    returns,
    labels,
    epcis,
    courier_webhooks,
    irregularities,
    stock,
    orders,
    imports,
    recalls,
    places,
    trace_codes,
    opened_packs,
    substitutions,
    owing,
    transfers,
)
for part in (*(each.router for each in parts), register_routes(KINDS)):
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them

__all__ = ["router"]
