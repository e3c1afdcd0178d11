"""Transfers between pharmacies while a drug is short: what is proposed, and each side's steps."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.dispatch.application import transfers
from services.dispatch.domain.transfer import AnswerTransfer, transfer_ref
from services.seedwork.api import Body, Paging, Read, Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter()

MayDecide = Annotated[Actor, Depends(allowed("transfer.decide"))]
FIRST = 2**63 - 1
OWN_TRANSFER = ("transfer.unknown", "transfer.wrong_state")


class AnswerBody(Body):
    """Yes, or no and why."""

    accept: bool
    reason: Annotated[str | None, Field(min_length=1, max_length=200)] = None


@router.get("/transfers")
async def proposed(actor: Annotated[Actor, Depends(allowed("transfer.read"))], read: Read, page: Paging) -> Response:
    """Transfers proposed to the own pharmacy, as giver or taker, and where each stands; the newest first."""
    before = page.after[0] if page.after else FIRST
    rows = await read.find("transfers_of", pharmacy=organisation(actor), before=before, limit=page.fetch)
    loaded = await read.load(*(transfer_ref(row["transfer_id"]) for row in rows))
    shown = {each.stream_id: transfers.transfer_view(each.state) for each in loaded}
    return page.answer(rows, key=lambda row: [row["position"]], item=lambda row: shown[row["transfer_id"]])


@router.post(
    "/transfers/{transfer_id}/answers", responses=problems(*OWN_TRANSFER, "transfer.too_late", "transfer.no_reason")
)
async def answer_transfer(transfer_id: UUID, body: AnswerBody, actor: MayDecide, run: Run) -> Response:
    """Say yes or no. Agreed when both have said yes; a no ends it."""
    command = AnswerTransfer(pharmacy=organisation(actor), accept=body.accept, by=actor.subject, reason=body.reason)
    return await run(transfers.answer_transfer(transfer_id, command))


@router.post(
    "/transfers/{transfer_id}/send",
    responses=problems(*OWN_TRANSFER, "transfer.other_side", "transfer.not_free", "stock.below_zero"),
)
async def send(transfer_id: UUID, actor: MayDecide, run: Run) -> Response:
    """The giver books the packs out, those that expire first."""
    return await run(transfers.send_transfer(transfer_id, organisation(actor), actor.subject))


@router.post(
    "/transfers/{transfer_id}/receive",
    responses=problems(
        *OWN_TRANSFER,
        "transfer.other_side",
        "pharmacy.not_admitted",
        "stock.lot_differs",
    ),
)
async def receive(transfer_id: UUID, actor: MayDecide, run: Run) -> Response:
    """The taker books in what was sent, lot by lot."""
    return await run(transfers.receive_transfer(transfer_id, organisation(actor), actor.subject))
