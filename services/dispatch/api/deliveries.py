"""Deliveries on their way: packed and handed over by the pharmacy, carried and delivered by the courier."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from services.dispatch.api.common import OUT_OF_FORCE, OWN_DELIVERY, PickupKey, organisation
from services.dispatch.application import deliveries, parcel_ends
from services.dispatch.application.parcel_ends import Deliver
from services.dispatch.application.views import delivery_view
from services.dispatch.domain.delivery.commands import (
    SHA256,
    CancelDelivery,
    FailAttempt,
    PackDelivery,
    Recall,
    ScheduleRetry,
)
from services.dispatch.domain.delivery.events import DeliveryCreated
from services.dispatch.domain.delivery.state import DELIVERIES
from services.dispatch.domain.delivery.values import FailureReason
from services.dispatch.domain.values import LINES_MAX
from services.seedwork.api import Body, Read, Refused, Run, allowed, answer, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/deliveries/{delivery_id}")
Arranger = Annotated[Actor, Depends(allowed("delivery.arrange"))]
Carrier = Annotated[Actor, Depends(allowed("delivery.carry"))]


class PackBody(Body):
    """The seal that closes the parcel, the sales slip inside; the logger that travels with what must stay cold."""

    seal_no: str = Field(min_length=1, max_length=64)
    logger_id: str | None = Field(default=None, min_length=1, max_length=64)


class ProofBody(Body):
    """SHA-256 of the proof: the courier's signature or picture."""

    proof_sha256: str = Field(pattern=SHA256)


class HandOverBody(ProofBody):
    """The courier's proof, the seal as the courier reads it, and when the parcel should arrive."""

    seal_no: str | None = Field(default=None, min_length=1, max_length=64)
    eta: AwareDatetime | None = None


Note = Annotated[str, Field(min_length=1, max_length=200)]


class FailureBody(Body):
    """Why nobody took it. The note is sealed and told to nobody."""

    reason: FailureReason
    note: Note | None = None


class RetryBody(Body):
    """When the courier comes again."""

    next_at: AwareDatetime


class RecallBody(Body):
    """Why the parcel is called back."""

    reason: Literal["pharmacy_wish", "lot_recalled"] = "pharmacy_wish"


class CallOffBody(Body):
    """Why it is called off. The note is sealed and told to nobody."""

    reason: Literal["patient_wish", "courier_absent", "mistake", "other"]
    note: Note | None = None


class DeliverBody(ProofBody):
    """Proof of delivery, with the code the patient shows; lines that the patient did not accept go back."""

    photo_sha256: str | None = Field(default=None, pattern=SHA256)
    code: str | None = Field(default=None, max_length=64)
    collector_kind: Literal["patient", "agent"] = "patient"
    identity_checked: bool = False
    seal_intact: bool = True
    attended: bool = True
    rejected_lines: tuple[Annotated[int, Field(ge=1, le=LINES_MAX)], ...] = Field(default=(), max_length=LINES_MAX)


@router.get("", responses=problems("delivery.unknown", "delivery.not_yours"))
async def delivery(
    delivery_id: UUID, actor: Annotated[Actor, Depends(allowed("delivery.read"))], read: Read
) -> Response:
    """Where the parcel is, and its label. Never a drug name."""
    (loaded,) = await read.load(DELIVERIES.ref(delivery_id))
    if loaded.state.created is None:
        raise Refused("delivery.unknown", delivery_id=str(delivery_id))
    if not may_see(loaded.state.created, actor):
        raise Refused("delivery.not_yours", delivery_id=str(delivery_id))
    return answer(delivery_view(loaded.state, with_contact=True), version=loaded.version)


def may_see(created: DeliveryCreated, actor: Actor) -> bool:
    """Its patient, its courier, its pharmacy."""
    match actor.role:
        case "patient":
            return actor.patient_ref == created.patient_ref
        case "courier":
            return organisation(actor) == created.courier
        case _:
            return organisation(actor) == created.pharmacy


@router.post("/pack", responses=problems(*OWN_DELIVERY, "delivery.logger_missing"))
async def pack(delivery_id: UUID, body: PackBody, actor: Arranger, run: Run) -> Response:
    """Seal the parcel."""
    command = PackDelivery(pharmacy=organisation(actor), packed_by=actor.subject, **body.model_dump())
    return await run(deliveries.pack(delivery_id, command))


@router.post(
    "/hand-over",
    responses=problems(
        *OWN_DELIVERY,
        "supply.not_cleared",
        "stock.lot_recalled",
        "delivery.seal_differs",
        "delivery.excursion_open",
        *OUT_OF_FORCE,
    ),
)
async def hand_over(delivery_id: UUID, body: HandOverBody, actor: Arranger, run: Run) -> Response:
    """The courier takes the sealed parcel, once the supply is cleared."""
    said: dict[str, str | datetime | None] = {"seal_no": body.seal_no, "eta": body.eta}
    return await run(deliveries.hand_over(delivery_id, organisation(actor), body.proof_sha256, **said))


@router.post("/in-transit", responses=problems(*OWN_DELIVERY, "delivery.attempts_used_up", "delivery.excursion_open"))
async def in_transit(delivery_id: UUID, actor: Carrier, run: Run) -> Response:
    """On the way."""
    return await run(deliveries.in_transit(delivery_id, organisation(actor)))


@router.post("/arrive", responses=problems(*OWN_DELIVERY))
async def arrive(delivery_id: UUID, actor: Carrier, run: Run) -> Response:
    """At the door."""
    return await run(deliveries.arrive(delivery_id, organisation(actor)))


@router.post(
    "/deliver",
    responses=problems(
        *OWN_DELIVERY,
        "supply.wrong_state",
        "delivery.not_in_parcel",
        "delivery.nothing_accepted",
    ),
)
async def deliver(delivery_id: UUID, body: DeliverBody, actor: Carrier, run: Run, pickup_key: PickupKey) -> Response:
    """In the patient's hands, all or some lines. A fact: recorded as an exception when a guard fails."""
    command = Deliver(courier=organisation(actor), **body.model_dump())
    return await run(parcel_ends.deliver(delivery_id, command, pickup_key))


@router.post("/refuse", responses=problems(*OWN_DELIVERY))
async def refuse(delivery_id: UUID, actor: Carrier, run: Run) -> Response:
    """Refused at the door as a whole: it goes back."""
    return await run(deliveries.refuse_at_door(delivery_id, organisation(actor)))


@router.post("/fail-attempt", responses=problems(*OWN_DELIVERY))
async def fail_attempt(delivery_id: UUID, body: FailureBody, actor: Carrier, run: Run) -> Response:
    """Nobody took it. After the last attempt allowed it goes back."""
    command = FailAttempt(courier=organisation(actor), reason=body.reason, note=body.note)
    return await run(deliveries.fail_attempt(delivery_id, command))


@router.post(
    "/schedule-retry",
    responses=problems(
        *OWN_DELIVERY,
        "delivery.attempts_used_up",
        "delivery.excursion_open",
        "delivery.retry_time",
        "delivery.logger_out_of_range",
    ),
)
async def schedule_retry(delivery_id: UUID, body: RetryBody, actor: Carrier, run: Run) -> Response:
    """The next attempt is agreed with the patient."""
    command = ScheduleRetry(courier=organisation(actor), next_at=body.next_at)
    return await run(deliveries.schedule_retry(delivery_id, command))


@router.post("/recall", responses=problems(*OWN_DELIVERY))
async def recall(delivery_id: UUID, body: RecallBody, actor: Arranger, run: Run) -> Response:
    """Call the parcel back. What is proved to be delivered all the same stays delivered."""
    return await run(deliveries.recall(delivery_id, Recall(pharmacy=organisation(actor), reason=body.reason)))


@router.post("/cancel", responses=problems(*OWN_DELIVERY))
async def cancel(delivery_id: UUID, body: CallOffBody, actor: Arranger, run: Run) -> Response:
    """Call it off before the courier has it; the supply waits at the counter."""
    command = CancelDelivery(pharmacy=organisation(actor), reason=body.reason, note=body.note)
    return await run(deliveries.cancel(delivery_id, command))
