"""The HTTP api of insurance: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.insurance.api import (
    asked_days,
    audits,
    batches,
    books,
    claims,
    imports,
    payment_tasks,
    people,
    previews,
    receipts,
    reconciliations,
    webhooks,
)
from services.insurance.application.registers import KINDS
from services.seedwork.api import register_routes

router = APIRouter()
PARTS = (
    claims.router,
    receipts.router,
    audits.router,
    previews.router,
    people.router,
    imports.router,
    books.router,
    reconciliations.router,
    asked_days.router,
    batches.router,
    payment_tasks.router,
    webhooks.router,
)
for part in PARTS:
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them
router.routes.extend(register_routes(KINDS, read_right="insurance_register.read").routes)

__all__ = ["router"]
