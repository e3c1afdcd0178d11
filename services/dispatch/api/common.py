"""What the routes share: the keys of secrets, and the caller's pharmacy."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from services.dispatch.adapters.trace_code_owners import owners_of
from services.dispatch.domain.owner_words import TraceCodeOwner
from services.seedwork.api import secret_key
from services.seedwork.api.context import context_of
from services.seedwork.usecase import Actor

HoldKey = Annotated[bytes, Depends(secret_key("hold"))]
TokenKey = Annotated[bytes, Depends(secret_key("token"))]
PickupKey = Annotated[bytes, Depends(secret_key("pickup"))]
DemandKey = Annotated[bytes, Depends(secret_key("demand"))]

OWN_HOLD = ("hold.unknown", "hold.not_yours", "hold.wrong_state", "hold.expired", "hold.wrong_secret")
OWN_SUPPLY = ("supply.unknown", "supply.not_yours", "supply.wrong_state")
OUT_OF_FORCE = ("pharmacy.not_admitted", "courier.not_admitted", "courier.not_qualified")
TRACE_CODE = ("trace_code.malformed", "trace_code.wrong_check_digit", "trace_code.no_serial")
OWN_DELIVERY = ("delivery.unknown", "delivery.not_yours", "delivery.wrong_state")


async def trace_code_owners(request: Request) -> TraceCodeOwner:
    """The way to the other regional stores, by this service's settings."""
    return owners_of(context_of(request).kit.settings)


Owners = Annotated[TraceCodeOwner, Depends(trace_code_owners)]


def organisation(actor: Actor) -> str:
    """The caller's pharmacy or courier company."""
    return actor.organisation or ""
