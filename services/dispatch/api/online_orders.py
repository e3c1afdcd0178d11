"""Online orders: the risk notice, and the patient's confirmation by real name."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.application.online_orders import confirm_online_order
from services.dispatch.domain.fulfilment.online_order import ConfirmOnlineOrder
from services.dispatch.domain.policy import POLICIES
from services.seedwork.api import Body, Read, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Actor

router = APIRouter()
MayOrder = Annotated[Actor, Depends(allowed("online_order.confirm"))]


class OnlineOrderBody(Body):
    """Who the patient is by their identity document, and the version of the notice that they have read."""

    name: str = Field(min_length=1, max_length=100)
    identity_no: str = Field(min_length=15, max_length=18)
    notice: str = Field(min_length=1, max_length=40)


@router.get("/online-notice")
async def online_notice(_actor: MayOrder, read: Read) -> Response:
    """What a patient is shown before a prescription medicine is sent to them, as it stands today; `version` null: no
    confirmation is wanted here."""
    notice = POLICIES.on(civil_day(await read.now()), read.jurisdiction).online_notice
    return answer(notice.model_dump() if notice else {"version": None, "text": None})


@router.post(
    "/fulfilments/{fulfilment_id}/online-orders",
    responses=problems(
        "fulfilment.unknown",
        "fulfilment.not_yours",
        "fulfilment.wrong_state",
        "online_order.other_notice",
        "online_order.name_differs",
        "collector.identity_invalid",
    ),
)
async def confirm(fulfilment_id: UUID, body: OnlineOrderBody, actor: MayOrder, run: Run) -> Response:
    """Confirm that it may be sent: by real name (实名), having read the risk notice (风险警示). A hold for delivery
    waits for it."""
    command = ConfirmOnlineOrder(patient_ref=actor.patient_ref, **dict(body))
    return await run(confirm_online_order(fulfilment_id, command))
