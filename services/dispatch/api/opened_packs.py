"""Opened packs (拆零) of the caller's pharmacy."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import Owners, organisation
from services.dispatch.application.opened_packs import discard_opened_pack, opened_view
from services.dispatch.domain.opened_packs import OPENED_PACKS, DiscardOpenedPack, opened_packs_id
from services.dispatch.domain.values import CODE_LENGTH_MAX
from services.seedwork.api import Body, Read, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/stock/opened-packs")


class DiscardBody(Body):
    """Which opened pack is thrown away, and why. `key` as the list says it."""

    product: str = Field(max_length=CODE_LENGTH_MAX)
    key: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=200)


@router.get("")
async def opened(
    actor: Annotated[Actor, Depends(allowed("stock.read"))],
    read: Read,
    product: Annotated[str, Query(min_length=1, max_length=CODE_LENGTH_MAX)],
) -> Response:
    """What is left of the product's opened packs, and until when parts of them may be given out."""
    (loaded,) = await read.load(OPENED_PACKS.ref(opened_packs_id(organisation(actor), product)))
    return answer({"items": opened_view(loaded.state, civil_day(await read.now()))})


@router.post(
    "/discards",
    responses=problems("stock.no_opened_pack", "stock.lot_unknown", "stock.below_zero", "trace_code.not_free"),
)
async def throw_away(
    body: DiscardBody, actor: Annotated[Actor, Depends(allowed("stock.adjust"))], owners: Owners, run: Run
) -> Response:
    """Throw away what is left of an opened pack; the books are corrected with it, and whoever owns its code is told."""
    command = DiscardOpenedPack(key=body.key, reason=body.reason, discarded_by=actor.subject)
    response: Response = await run(discard_opened_pack(organisation(actor), body.product, command, owners.stores))
    return response
