"""The patient's route: which pharmacy they want to be served by."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.prescribe.application.use_cases import nominate_pharmacy
from services.prescribe.domain.commands import CODE_LENGTH_MAX, PHARMACY_CODE, NominatePharmacy
from services.seedwork.api import Body, Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter()


class NominationBody(Body):
    """The pharmacy's code; null: none after all."""

    pharmacy: str | None = Field(pattern=PHARMACY_CODE, max_length=CODE_LENGTH_MAX, examples=["P33010200001"])


@router.post(
    "/prescriptions/{prescription_id}/nominations",
    responses=problems(
        "prescription.unknown", "prescription.not_yours", "prescription.wrong_state", "prescription.ended"
    ),
)
async def nominate(
    prescription_id: UUID,
    body: NominationBody,
    _actor: Annotated[Actor, Depends(allowed("pharmacy.nominate"))],
    run: Run,
) -> Response:
    """Choose the pharmacy, until the prescription is released; afterwards dispatch is asked."""
    return await run(nominate_pharmacy(NominatePharmacy(prescription_id=prescription_id, pharmacy=body.pharmacy)))
