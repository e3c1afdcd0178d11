"""Trace codes (药品追溯码): asked about at settlement, and checked when a pack comes back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import TRACE_CODE, organisation
from services.dispatch.application.trace_codes import ReturnPack, return_pack, trace_code_view
from services.dispatch.domain.codes.reading import SCANNED_LENGTH_MAX, read_code
from services.dispatch.domain.trace_code import TRACE_CODES, trace_code_id
from services.seedwork.api import Body, Read, Refused, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.model import Refusal
from services.seedwork.usecase import Actor

router = APIRouter(prefix="/trace-codes")


class ReturnedPackBody(Body):
    """The code on the pack, as scanned."""

    trace_code: str = Field(min_length=1, max_length=SCANNED_LENGTH_MAX)


@router.get("", responses=problems(*TRACE_CODE))
async def check(
    _actor: Annotated[Actor, Depends(allowed("trace_code.check"))],
    read: Read,
    code: Annotated[str, Query(min_length=1, max_length=SCANNED_LENGTH_MAX, description="as scanned or normal")],
    supply_id: Annotated[UUID | None, Query(description="the supply whose claim is to be settled")] = None,
) -> Response:
    """What the registry over all pharmacies knows of a code (一码一销). Names no patient."""
    found = read_code(code, civil_day(await read.now()))
    if isinstance(found, Refusal):
        raise Refused(found.code, **found.facts)
    (loaded,) = await read.load(TRACE_CODES.ref(trace_code_id(found.normal)))
    return answer(trace_code_view(found, loaded.state, supply_id), version=loaded.version)


@router.post(
    "/returns",
    responses=problems(
        *TRACE_CODE, "pharmacy.not_admitted", "trace_code.unknown", "trace_code.not_sold", "trace_code.repeated"
    ),
)
async def returned(
    body: ReturnedPackBody, actor: Annotated[Actor, Depends(allowed("trace_code.return"))], run: Run
) -> Response:
    """A pack is back: of which of the caller's supplies is it? Sold by another pharmacy it is refused, and told."""
    command = ReturnPack(pharmacy=organisation(actor), scanned=body.trace_code)
    response: Response = await run(return_pack(command))
    return response
