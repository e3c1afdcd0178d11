"""The HTTP api of prescribe: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.prescribe.api import (
    documents,
    feedback,
    nominations,
    patients,
    prescriptions,
    representatives,
    stop_use,
    stops,
    substitutions,
)
from services.prescribe.application.registers import KINDS
from services.seedwork.api import register_routes

router = APIRouter()
_OWN = (
    patients,
    representatives,
    prescriptions,
    feedback,
    nominations,
    documents,
    stops,
    stop_use,
    substitutions,
)
for part in (*(each.router for each in _OWN), register_routes(KINDS)):
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them
