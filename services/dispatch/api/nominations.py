"""The patient's choice of a pharmacy after the release, and what a pharmacy finds by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.dispatch.api.common import organisation
from services.dispatch.application.nominations import nominate_pharmacy
from services.dispatch.application.registers import pharmacy_ref
from services.dispatch.application.views import nominated_view
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.nomination import NominatePharmacy
from services.dispatch.domain.values import CODE_LENGTH_MAX
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, problems
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Actor

router = APIRouter()
SHOWN_MAX = 50
"""Of one page: each is read from its record, so that nobody sees what was taken from them a moment ago."""


class NominationBody(Body):
    """The pharmacy's code; null: none after all."""

    pharmacy: str | None = Field(min_length=1, max_length=CODE_LENGTH_MAX, examples=["P33010200001"])


@router.post(
    "/fulfilments/{fulfilment_id}/nominations",
    responses=problems("fulfilment.unknown", "fulfilment.not_yours", "fulfilment.wrong_state", "pharmacy.not_admitted"),
)
async def nominate(
    fulfilment_id: UUID,
    body: NominationBody,
    _actor: Annotated[Actor, Depends(allowed("pharmacy.nominate"))],
    run: Run,
) -> Response:
    """Choose the pharmacy that may hold without the code: for this instalment, others not over yet, and later ones.

    A pharmacy that holds already goes on with what it holds; `holds` names what still runs.
    """
    return await run(nominate_pharmacy(fulfilment_id, NominatePharmacy(pharmacy=body.pharmacy)))


@router.get("/nominations", responses=problems("pharmacy.not_admitted"))
async def nominations(
    actor: Annotated[Actor, Depends(allowed("fulfilment.hold"))], read: Read, page: Paging
) -> Response:
    """What patients want this pharmacy to supply, the oldest choice first, at most 50 a page: what is free of it, and
    nothing of the patient. To read the prescription, hold it. `withdrawn`: no more, or over, since the list was made.
    """
    pharmacy = organisation(actor)
    (entry,) = await read.load(pharmacy_ref(pharmacy))
    if not entry.state.in_force(civil_day(await read.now())):
        raise Refused("pharmacy.not_admitted", pharmacy=pharmacy)
    page.limit = min(page.limit, SHOWN_MAX)
    after = page.after[0] if page.after else 0
    rows = await read.find("nominated_of", pharmacy=pharmacy, after=after, limit=page.fetch)
    loaded = await read.load(*(FULFILMENTS.ref(row["fulfilment_id"]) for row in rows))
    states = {one.stream_id: one.state for one in loaded}

    def shown(row: Mapping[str, Any]) -> dict[str, Any]:
        state = states[row["fulfilment_id"]]
        if state.nominated_pharmacy == pharmacy and state.status == "open":
            return {**nominated_view(state), "withdrawn": False}
        return {"fulfilment_id": str(state.fulfilment_id), "withdrawn": True}

    return page.answer(rows, key=lambda row: [row["arrival"]], item=shown)
