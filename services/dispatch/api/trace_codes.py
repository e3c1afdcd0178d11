"""Trace codes (药品追溯码): asked about at settlement, and checked when a pack comes back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import TRACE_CODE, Owners, organisation
from services.dispatch.application.owners import answer_question
from services.dispatch.application.trace_codes import ReturnPack, return_pack, trace_code_view
from services.dispatch.domain.codes.reading import SCANNED_LENGTH_MAX, read_code
from services.dispatch.domain.owner_words import Question
from services.dispatch.domain.trace_code import TRACE_CODES, trace_code_id
from services.seedwork.api import Body, Keep, Read, Refused, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.model import Refusal
from services.seedwork.usecase import Actor

router = APIRouter()


class ReturnedPackBody(Body):
    """The code on the pack, as scanned."""

    trace_code: str = Field(min_length=1, max_length=SCANNED_LENGTH_MAX)


@router.get("/trace-codes", responses=problems(*TRACE_CODE))
async def check(
    _actor: Annotated[Actor, Depends(allowed("trace_code.check"))],
    read: Read,
    owners: Owners,
    code: Annotated[str, Query(min_length=1, max_length=SCANNED_LENGTH_MAX, description="as scanned or normal")],
    supply_id: Annotated[UUID | None, Query(description="the supply whose claim is to be settled")] = None,
) -> Response:
    """What the registry over all pharmacies of this store knows of a code (一码一销). Names no patient. `owner`: of
    several regional stores, the one that decides about its sale, and knows of it in all regions.
    """
    found = read_code(code, civil_day(await read.now()))
    if isinstance(found, Refusal):
        raise Refused(found.code, **found.facts)
    (loaded,) = await read.load(TRACE_CODES.ref(trace_code_id(found.normal)))
    owner = {"owner": owners.stores.owner(found.normal)} if owners.stores.names else {}
    return answer({**trace_code_view(found, loaded.state, supply_id), **owner}, version=loaded.version)


@router.post(
    "/trace-codes/returns",
    responses=problems(
        *TRACE_CODE,
        "pharmacy.not_admitted",
        "trace_code.unknown",
        "trace_code.not_sold",
        "trace_code.repeated",
        "trace_code.owner_away",
    ),
)
async def returned(
    body: ReturnedPackBody, actor: Annotated[Actor, Depends(allowed("trace_code.return"))], run: Run, owners: Owners
) -> Response:
    """A pack is back: of which of the caller's supplies is it? Sold by another pharmacy it is refused, and told; of one
    that nobody in this region sold, the regional store that owns its code is asked."""
    command = ReturnPack(pharmacy=organisation(actor), scanned=body.trace_code)
    response: Response = await run(return_pack(command, owners))
    return response


@router.put("/internal/trace-codes", include_in_schema=False, responses=problems("trace_code.not_owner", *TRACE_CODE))
async def asked(
    body: Question, _peer: Annotated[Actor, Depends(allowed("internal.trace_code"))], keep: Keep, owners: Owners
) -> Response:
    """Another regional store asks the owner of codes: to reserve, release or spend them for a supply of its own, or
    whether one that came back is sold. The same by code and supply has its effect once, so it needs no Idempotency-Key.
    """
    said = await keep(answer_question(body, owners.stores))
    return answer(said["words"])
