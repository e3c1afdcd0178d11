"""The label of a parcel, for who packs it and who carries it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.dispatch.adapters.label import render
from services.dispatch.api.deliveries import may_see
from services.dispatch.application.labels import label_of
from services.dispatch.domain.delivery.state import DELIVERIES
from services.seedwork.api import Aside, Read, Refused, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/deliveries/{delivery_id}")


@router.get(
    "/label",
    responses={
        **problems("delivery.unknown", "delivery.not_yours", "delivery.no_label"),
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def label(
    delivery_id: UUID, actor: Annotated[Actor, Depends(allowed("delivery.label"))], read: Read, aside: Aside
) -> Response:
    """As PDF: name, masked telephone, address, parcel number, handling. Never a drug name."""
    (loaded,) = await read.load(DELIVERIES.ref(delivery_id))
    created = loaded.state.created
    if created is None:
        raise Refused("delivery.unknown", delivery_id=str(delivery_id))
    if not may_see(created, actor):
        raise Refused("delivery.not_yours", delivery_id=str(delivery_id))
    found = label_of(loaded.state)
    if found is None:
        raise Refused("delivery.no_label", status=loaded.state.status)
    content = await aside(render, found, str(delivery_id))
    headers = {"Content-Disposition": f'inline; filename="parcel-{found.parcel_no}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)
