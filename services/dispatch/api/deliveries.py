"""Deliveries: packed and handed over by the pharmacy, carried and delivered by the courier."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import OUT_OF_FORCE, OWN_DELIVERY, PickupKey, organisation
from services.dispatch.application import deliveries
from services.dispatch.application.deliveries import SHA256, Deliver
from services.dispatch.application.views import delivery_view
from services.dispatch.domain.delivery import (
    DELIVERIES,
    CancelDelivery,
    DeliveryCreated,
    FailAttempt,
    FailureReason,
    PackDelivery,
)
from services.seedwork.api import Body, Read, Refused, Run, allowed, answer, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/deliveries/{delivery_id}")
Arranger = Annotated[Actor, Depends(allowed("delivery.arrange"))]
Carrier = Annotated[Actor, Depends(allowed("delivery.carry"))]


class PackBody(Body):
    """The seal that closes the parcel."""

    seal_no: str = Field(min_length=1, max_length=64)


class ProofBody(Body):
    """SHA-256 of the proof: the courier's signature or picture."""

    proof_sha256: str = Field(pattern=SHA256)


Note = Annotated[str, Field(min_length=1, max_length=200)]


class FailureBody(Body):
    """Why nobody took it. The note is sealed and told to nobody."""

    reason: FailureReason
    note: Note | None = None


class CallOffBody(Body):
    """Why it is called off. The note is sealed and told to nobody."""

    reason: Literal["patient_wish", "courier_absent", "mistake", "other"]
    note: Note | None = None


class DeliverBody(ProofBody):
    """Proof of delivery, with the code the patient shows."""

    code: str | None = Field(default=None, max_length=64)
    collector_kind: Literal["patient", "agent"] = "patient"
    identity_checked: bool = False


@router.get("", responses=problems("delivery.unknown", "delivery.not_yours"))
async def delivery(
    delivery_id: UUID, actor: Annotated[Actor, Depends(allowed("delivery.read"))], read: Read
) -> Response:
    """Where the parcel is, and its label. Never a drug name."""
    (loaded,) = await read.load(DELIVERIES.ref(delivery_id))
    if loaded.state.created is None:
        raise Refused("delivery.unknown", delivery_id=str(delivery_id))
    if not _may_see(loaded.state.created, actor):
        raise Refused("delivery.not_yours", delivery_id=str(delivery_id))
    return answer(delivery_view(loaded.state, with_contact=True), version=loaded.version)


def _may_see(created: DeliveryCreated, actor: Actor) -> bool:
    match actor.role:
        case "patient":
            return actor.patient_ref == created.patient_ref
        case "courier":
            return organisation(actor) == created.courier
        case _:
            return organisation(actor) == created.pharmacy


@router.post("/pack", responses=problems(*OWN_DELIVERY))
async def pack(delivery_id: UUID, body: PackBody, actor: Arranger, run: Run) -> Response:
    """Seal the parcel."""
    command = PackDelivery(pharmacy=organisation(actor), packed_by=actor.subject, seal_no=body.seal_no)
    return await run(deliveries.pack(delivery_id, command))


@router.post("/hand-over", responses=problems(*OWN_DELIVERY, "supply.not_cleared", *OUT_OF_FORCE))
async def hand_over(delivery_id: UUID, body: ProofBody, actor: Arranger, run: Run) -> Response:
    """The courier takes the sealed parcel, once the supply is cleared."""
    return await run(deliveries.hand_over(delivery_id, organisation(actor), body.proof_sha256))


@router.post("/in-transit", responses=problems(*OWN_DELIVERY, "delivery.attempts_used_up"))
async def in_transit(delivery_id: UUID, actor: Carrier, run: Run) -> Response:
    """On the way."""
    return await run(deliveries.in_transit(delivery_id, organisation(actor)))


@router.post("/arrive", responses=problems(*OWN_DELIVERY))
async def arrive(delivery_id: UUID, actor: Carrier, run: Run) -> Response:
    """At the door."""
    return await run(deliveries.arrive(delivery_id, organisation(actor)))


@router.post("/deliver", responses=problems(*OWN_DELIVERY))
async def deliver(delivery_id: UUID, body: DeliverBody, actor: Carrier, run: Run, pickup_key: PickupKey) -> Response:
    """In the patient's hands. A fact: recorded as an exception when a guard fails."""
    command = Deliver(courier=organisation(actor), **body.model_dump())
    return await run(deliveries.deliver(delivery_id, command, pickup_key))


@router.post("/fail-attempt", responses=problems(*OWN_DELIVERY))
async def fail_attempt(delivery_id: UUID, body: FailureBody, actor: Carrier, run: Run) -> Response:
    """Nobody took it."""
    command = FailAttempt(courier=organisation(actor), reason=body.reason, note=body.note)
    return await run(deliveries.fail_attempt(delivery_id, command))


@router.post("/cancel", responses=problems(*OWN_DELIVERY))
async def cancel(delivery_id: UUID, body: CallOffBody, actor: Arranger, run: Run) -> Response:
    """Call it off before the courier has it; the supply waits at the counter."""
    command = CancelDelivery(pharmacy=organisation(actor), reason=body.reason, note=body.note)
    return await run(deliveries.cancel(delivery_id, command))
