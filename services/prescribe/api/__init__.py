"""The HTTP api of prescribe: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.prescribe.api import documents, nominations, patients, prescriptions, stops
from services.prescribe.application.registers import KINDS
from services.seedwork.api import register_routes

router = APIRouter()
PARTS = (
    patients.router,
    prescriptions.router,
    nominations.router,
    documents.router,
    stops.router,
    register_routes(KINDS),
)
for part in PARTS:
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them
