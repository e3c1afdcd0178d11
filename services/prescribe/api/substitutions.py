"""The prescriber's word on a substitute."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.prescribe.api.prescriptions import AGAIN, SIGNATURE, Jws
from services.prescribe.application.substitutions import confirm_substitution
from services.seedwork.api import Run, allowed, problems
from services.seedwork.usecase import Actor

router = APIRouter()


@router.post(
    "/prescriptions/{prescription_id}/substitutions",
    status_code=201,
    responses=problems(
        *SIGNATURE,
        *AGAIN,
        "prescription.wrong_state",
        "prescription.ended",
        "proposal.unknown",
        "proposal.answered",
        "proposal.over",
        "proposal.protocol_over",
        "proposal.other_substitute",
        "proposal.not_confirmable",
    ),
)
async def confirm(
    prescription_id: UUID, _actor: Annotated[Actor, Depends(allowed("prescription.issue"))], run: Run, jws: Jws
) -> Response:
    """Allow a proposed substitute on its line: a compact JWS over a ConfirmSubstitution, kept as received."""
    return await run(confirm_substitution(jws, prescription_id))
