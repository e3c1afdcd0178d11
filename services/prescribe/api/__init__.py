"""The HTTP api of prescribe: thin; every rule is in the application and the domain."""

from fastapi import APIRouter

from services.prescribe.api import documents, feedback, nominations, patients, prescriptions, stops, substitutions
from services.prescribe.application.registers import KINDS
from services.seedwork.api import register_routes

router = APIRouter()
own = (part.router for part in (patients, prescriptions, feedback, nominations, documents, stops, substitutions))
for part in (*own, register_routes(KINDS)):
    router.routes.extend(part.routes)  # `include_router` wraps routes, and the OpenAPI document would miss them
