"""A supply's way for GS1's world: EPCIS 2.0."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.dispatch.application.epcis import document
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.seedwork.api import Read, Refused, allowed, answer, problems
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/fulfilments/{fulfilment_id}")
MOVEMENTS_MAX = 200


@router.get("/supplies/{supply_id}/epcis", responses=problems("supply.unknown", "supply.not_yours"))
async def epcis(
    fulfilment_id: UUID,
    supply_id: UUID,
    actor: Annotated[Actor, Depends(allowed("supply.movements"))],
    read: Read,
) -> Response:
    """The goods' way as an EPCIS 2.0 document (JSON-LD). No patient and no prescription is in it."""
    (loaded,) = await read.load(FULFILMENTS.ref(fulfilment_id))
    supply = loaded.state.supplies.get(supply_id)
    if supply is None or supply.status in {"prepared", "unprepared"}:
        raise Refused("supply.unknown", supply_id=str(supply_id))
    if actor.role != "regulator" and organisation(actor) != supply.pharmacy:
        raise Refused("supply.not_yours", supply_id=str(supply_id))
    rows = await read.find(
        "goods_movements_of", supply_id=supply_id, delivery_id=supply.delivery_id or supply_id, limit=MOVEMENTS_MAX
    )
    timed = [{**row, "at": from_micros(row["recorded_at"])} for row in rows]
    return answer(document(supply, timed, await read.now()))
